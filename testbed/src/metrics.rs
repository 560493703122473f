//! The counters of a server, read from its `/metrics` text. Histograms are not interpreted.

/// All samples of one scrape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics(String);

impl Metrics {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The sum over all samples of that name that carry all these labels; 0 where there are none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let samples = self.0.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
        let wanted = samples.filter(|(found, _)| {
            let is_whole_name = found.is_empty() || found.starts_with('{');
            is_whole_name && labels.iter().all(|(key, value)| found.contains(&format!("{key}=\"{value}\"")))
        });
        // Not `sum()`, which is -0 for nothing.
        wanted.filter_map(|(_, value)| value.parse::<f64>().ok()).fold(0.0, |sum, value| sum + value)
    }
}
