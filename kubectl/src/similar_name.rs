//! "Did you mean": the name that was most likely meant.

/// The most that two names may differ, in edits as a share of the longer one.
const NEAR: f64 = 0.6;

/// What to say of a name that does not exist; `list` is the command that shows those that do.
pub fn suggestion(wanted: &str, names: &[&str], list: &str) -> String {
    match similar(wanted, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("`{list}` shows what there is"),
    }
}

/// The most similar of the names, where one is near enough. Of equally similar ones the first in order.
fn similar<'a>(wanted: &str, names: &[&'a str]) -> Option<&'a str> {
    let mut rated: Vec<(f64, &str)> =
        names.iter().map(|name| (strsim::normalized_damerau_levenshtein(wanted, name), *name)).collect();
    rated.retain(|(rate, name)| *rate >= NEAR || name.starts_with(wanted));
    rated.sort_by(|(rate, name), (other_rate, other)| other_rate.total_cmp(rate).then(name.cmp(other)));
    rated.first().map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::letters_swapped("wbe", Some("web"))]
    #[case::cut("checko", Some("checkout"))]
    #[case::nothing_near("database", None)]
    fn the_nearest_name(#[case] wanted: &str, #[case] expected: Option<&str>) {
        assert_eq!(similar(wanted, &["checkout", "web", "api"]), expected);
    }
}
