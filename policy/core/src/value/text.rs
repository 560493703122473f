//! Text for people: user input as a sentence can hold it, and warnings as the API server transports them.

use hpa_override_crd::Instant;
use serde_json::Value;

/// Characters of user input that a sentence shows.
const LONGEST_INPUT: usize = 80;
/// Bytes of all warnings of one response: beyond that the API server drops some.
const MOST_WARNING_BYTES: usize = 4096;
/// Bytes of one warning where all together are more than that: what the API server shows of it.
const LONGEST_WARNING: usize = 256;

/// User input for a sentence: on one line, at most 80 characters, `...` where more was given.
#[must_use]
pub fn cut(given: &str) -> String {
    let (shown, more) = match given.char_indices().nth(LONGEST_INPUT) {
        None => (given, ""),
        Some((end, _)) => (given.get(..end).unwrap_or_default(), "..."),
    };
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    shown.chars().map(plain).chain(more.chars()).collect()
}

/// A value as it was given, cut, in backticks.
#[must_use]
pub fn quoted(value: &Value) -> String {
    let given = value.as_str().map_or_else(|| value.to_string(), Into::into);
    format!("`{}`", cut(&given))
}

/// The end of a window for a sentence: the instant, or `it is deleted`.
#[must_use]
pub fn until_text(until: Option<Instant>) -> String {
    until.map_or_else(|| "it is deleted".into(), |until| until.to_string())
}

/// Warnings as an admission response carries them: ASCII (any other character becomes `?`), one line each, and at most 4096
/// bytes in all. Where they are more, each is cut to 256 bytes; where that is not enough, the last line says how many are
/// left out.
#[must_use]
pub fn warning_lines(warnings: impl IntoIterator<Item = String>) -> Vec<String> {
    let ascii = |c: char| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' };
    let mut lines: Vec<String> = warnings.into_iter().map(|warning| warning.chars().map(ascii).collect()).collect();
    let total = |lines: &[String]| lines.iter().map(String::len).sum::<usize>();
    if total(&lines) > MOST_WARNING_BYTES {
        for line in &mut lines {
            line.truncate(LONGEST_WARNING);
        }
    }
    if total(&lines) <= MOST_WARNING_BYTES {
        return lines;
    }
    let left_out = |count: usize| format!("hpa-override: warnings left out: {count}");
    let mut room = MOST_WARNING_BYTES - left_out(lines.len()).len();
    let fits = |line: &&String| {
        let left = room.checked_sub(line.len());
        room = left.unwrap_or(room);
        left.is_some()
    };
    let mut kept: Vec<String> = lines.iter().take_while(fits).cloned().collect();
    kept.push(left_out(lines.len() - kept.len()));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_ascii_lines() {
        assert_eq!(warning_lines(["caf\u{e9} 2\u{2013}5\nnext".into()]), ["caf? 2?5?next"]);
    }

    #[test]
    fn warnings_fit_into_4096_bytes() {
        let exactly = vec!["w".repeat(1024); 4];
        assert_eq!(warning_lines(exactly.clone()), exactly);
        assert_eq!(warning_lines(["w".repeat(5000)]), ["w".repeat(256)]);
        let cut = warning_lines(vec!["w".repeat(5000); 16]);
        assert_eq!(cut, vec!["w".repeat(256); 16]);
        let more = warning_lines(vec!["w".repeat(5000); 17]);
        assert_eq!(more[..15], vec!["w".repeat(256); 15]);
        assert_eq!(more[15..], ["hpa-override: warnings left out: 2"]);
    }

    #[test]
    fn input_is_cut_to_one_short_line() {
        assert_eq!(cut("a\nb"), "a b");
        assert_eq!(cut(&"x".repeat(81)), format!("{}...", "x".repeat(80)));
        assert_eq!(cut(&"x".repeat(80)), "x".repeat(80));
    }
}
