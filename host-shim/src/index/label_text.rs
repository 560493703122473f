//! The labels of an HPA in one piece of text: a tenth of what a map of them takes.

use std::fmt::Write;

use hpa_override_core::Labels;

/// A line `key=value` for each label, in order of the keys. No label that an API server admits contains `=` or a line end.
#[derive(Debug, PartialEq, Eq)]
pub struct LabelText(Box<str>);

impl LabelText {
    /// Of these labels.
    pub fn new(labels: &Labels) -> Self {
        let mut text = String::with_capacity(labels.iter().map(|(key, value)| key.len() + value.len() + 2).sum());
        for (key, value) in labels {
            // Writing to text does not fail.
            let _ = writeln!(text, "{key}={value}");
        }
        Self(text.into())
    }

    /// Each label and its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split_terminator('\n').filter_map(|line| line.split_once('='))
    }

    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}
