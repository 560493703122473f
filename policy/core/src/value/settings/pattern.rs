//! Patterns of names of namespaces: `*` stands for any text, also for none.

use crate::value::text::cut;

/// The longest name of a namespace, in bytes.
const LONGEST: usize = 63;

/// A pattern that some name of a namespace matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Parses a pattern like `dev-*`.
    ///
    /// # Errors
    /// A sentence about the text, where it matches no name that a namespace can have.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'*');
        let least = text.bytes().filter(|byte| *byte != b'*').count();
        let fits = !text.is_empty() && least <= LONGEST && !text.starts_with('-') && !text.ends_with('-');
        if fits && text.bytes().all(is_known) { Ok(Self(text.into())) } else { Err(refused(text)) }
    }

    /// Whether the whole of `name` matches. A `*` takes as little as it can, and only the last one is given more where what
    /// follows does not fit: the steps are at most the product of both lengths.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut name) = (self.0.as_bytes(), name.as_bytes());
        // What follows the last `*`, and from where on it is tried.
        let mut last: Option<(&[u8], &[u8])> = None;
        loop {
            match (pattern.split_first(), name.split_first()) {
                (None, None) => return true,
                (Some((b'*', rest)), _) => (last, pattern) = (Some((rest, name)), rest),
                (Some((expected, after)), Some((byte, rest))) if expected == byte => (pattern, name) = (after, rest),
                _ => {
                    let Some((after, tried)) = last else { return false };
                    let Some((_, rest)) = tried.split_first() else { return false };
                    (last, pattern, name) = (Some((after, rest)), after, rest);
                }
            }
        }
    }
}

fn refused(text: &str) -> String {
    format!("`{}` matches no namespace; use lower-case letters, digits and inner `-`, and `*` for any text", cut(text))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_name_itself("shop", "shop", true)]
    #[case::longer("shop", "shops", false)]
    #[case::shorter("shop", "sho", false)]
    #[case::any("*", "shop", true)]
    #[case::any_twice("**", "shop", true)]
    #[case::any_of_nothing("*", "", true)]
    #[case::prefix("dev-*", "dev-alice", true)]
    #[case::prefix_and_nothing("dev*", "dev", true)]
    #[case::prefix_elsewhere("dev-*", "my-dev-alice", false)]
    #[case::suffix("*-dev", "shop-dev", true)]
    #[case::suffix_elsewhere("*-dev", "shop-dev-1", false)]
    #[case::within("a*c", "abbc", true)]
    #[case::three("a*b*c", "axxbxxc", true)]
    #[case::three_and_nothing("a*b*c", "abc", true)]
    #[case::three_in_another_order("a*b*c", "acb", false)]
    #[case::three_and_more_than_once("a*b*c", "abcbc", true)]
    #[case::the_end_is_not_used_twice("ab*b", "ab", false)]
    #[case::the_end_comes_after_the_middle("*b*b", "b", false)]
    #[case::the_middle_is_found_first("*ab*a", "aba", true)]
    #[case::doubled("a**c", "abc", true)]
    #[case::case_matters("shop", "Shop", false)]
    fn matching(#[case] pattern: &str, #[case] name: &str, #[case] expected: bool) {
        assert_eq!(Pattern::parse(pattern).unwrap().matches(name), expected);
    }

    #[rstest]
    #[case::empty("")]
    #[case::upper_case("Dev-*")]
    #[case::dot("dev.*")]
    #[case::space("dev *")]
    #[case::other_letter("d\u{e9}v*")]
    #[case::question_mark("dev-?")]
    #[case::hyphen_first("-dev*")]
    #[case::hyphen_last("*-")]
    fn refuses(#[case] text: &str) {
        let expected = format!(
            "`{text}` matches no namespace; use lower-case letters, digits and inner `-`, and `*` for any text"
        );
        assert_eq!(Pattern::parse(text), Err(expected));
    }

    #[test]
    fn refuses_what_is_longer_than_any_name() {
        assert!(Pattern::parse(&"a".repeat(63)).is_ok());
        assert!(Pattern::parse(&format!("*{}*", "a".repeat(63))).is_ok());
        assert!(Pattern::parse(&"a".repeat(64)).is_err());
        assert!(Pattern::parse(&format!("{}*", "a".repeat(64))).is_err());
    }

    /// By trying every split of the name.
    fn matches_slowly(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|from| matches_slowly(rest, &name[from..])),
            Some((byte, rest)) => name.first() == Some(byte) && matches_slowly(rest, &name[1..]),
        }
    }

    /// Every text of these letters up to that length, the empty one included.
    fn texts(letters: &str, longest: usize) -> Vec<String> {
        let longer = |texts: &[String]| -> Vec<String> {
            texts.iter().flat_map(|text| letters.chars().map(move |letter| format!("{text}{letter}"))).collect()
        };
        let mut of_length = vec![String::new()];
        let mut all = of_length.clone();
        for _ in 0..longest {
            of_length = longer(&of_length);
            all.extend_from_slice(&of_length);
        }
        all
    }

    #[test]
    fn every_short_pattern_matches_what_trying_every_split_matches() {
        let names = texts("ab", 6);
        for text in texts("ab*", 5).iter().filter(|text| !text.is_empty()) {
            let pattern = Pattern::parse(text).unwrap();
            for name in &names {
                let expected = matches_slowly(text.as_bytes(), name.as_bytes());
                assert_eq!(pattern.matches(name), expected, "`{text}` on `{name}`");
            }
        }
    }
}
