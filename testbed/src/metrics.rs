//! The counters of a server, read from its `/metrics` text.
//!
//! For the few facts that only a counter shows, such as match conditions that failed to evaluate. It adds counters up;
//! it refuses to interpret histograms.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

/// All samples of one scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Sample {
    fn carries(&self, (key, value): &(&str, &str)) -> bool {
        self.labels.get(*key).is_some_and(|is| is == value)
    }
}

impl Metrics {
    /// Reads the API server's metrics. The client needs the right to, as the admin has.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn read(client: &kube::Client) -> Result<Self> {
        let request = http::Request::get("/metrics").body(Vec::new()).context("failed to make a request")?;
        let text = client.request_text(request).await.context("failed to read the metrics of the API server")?;
        Ok(Self::parse(&text))
    }

    /// Reads the Prometheus text format; lines that are no samples are left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self { samples: text.lines().filter_map(sample).collect() }
    }

    /// The sum over all samples of that name that carry all these labels; 0 where there are none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted = |sample: &&Sample| sample.name == name && labels.iter().all(|label| sample.carries(label));
        // Not `sum()`, which is -0 for nothing.
        self.samples.iter().filter(wanted).fold(0.0, |sum, sample| sum + sample.value)
    }
}

/// `name{label="value",…} 1.5`, with or without labels and a time stamp.
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    (!name.starts_with('#')).then(|| Sample { name: name.to_owned(), labels, value })
}

/// The labels up to `}`, and what follows it.
fn labels(mut text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        text = text.trim_start_matches([',', ' ']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (key, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        labels.insert(key.to_owned(), value);
        text = rest;
    }
}

/// The text up to the closing quote, unescaped, and what follows the quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    const TEXT: &str = "# HELP requests how many\n# TYPE requests counter\n\
        requests{verb=\"GET\",code=\"200\"} 3\nrequests{verb=\"GET\",code=\"404\"} 2\n\
        requests{verb=\"a \\\"}\\\\ b\",code=\"200\"} 1e1 1700000000\nbare 4.5\n";

    #[test]
    fn counters_add_up_by_name_and_labels() {
        let metrics = Metrics::parse(TEXT);
        let sums = [
            metrics.sum("requests", &[]),
            metrics.sum("requests", &[("verb", "GET")]),
            metrics.sum("requests", &[("verb", "a \"}\\ b"), ("code", "200")]),
            metrics.sum("bare", &[]),
            metrics.sum("unknown", &[]),
        ];
        assert_eq!(format!("{sums:?}"), "[15.0, 5.0, 10.0, 4.5, 0.0]");
    }
}
