//! Who refused what.

use std::fmt;

use hpa_override_conformance::CoreOnly;
use hpa_override_core::{Finding, Instant, ParsedOverride, joined, rules::shape::shape_errors};
use hpa_override_testbed::Verdict;
use serde_json::Value;

use crate::objects;

/// The counts, and where API server and core disagree.
pub struct Tally {
    list: Vec<CoreOnly>,
    both_admit: usize,
    both_refuse: usize,
    schema_alone: usize,
    core_alone: usize,
    /// How often each reason of the list was found where only the core refused.
    found: Vec<usize>,
    /// What must not be, as text.
    pub disagreements: Vec<String>,
}

impl Tally {
    /// Nothing yet.
    pub fn new(list: Vec<CoreOnly>) -> Self {
        let found = vec![0; list.len()];
        let [both_admit, both_refuse, schema_alone, core_alone] = [0; 4];
        Self { list, both_admit, both_refuse, schema_alone, core_alone, found, disagreements: Vec::new() }
    }

    /// The examples of the list, as objects.
    pub fn examples(&self) -> Vec<Value> {
        self.list.iter().map(|row| objects::object(&row.example)).collect()
    }

    /// An example: refused by the core alone, for its reason alone.
    pub fn example(&mut self, row: usize, verdict: &Verdict) {
        let Some(row) = self.list.get(row) else { return };
        let errors = errors(&objects::object(&row.example));
        let right = !errors.is_empty() && errors.iter().all(|error| row.covers(error)) && *verdict == Verdict::Admitted;
        if !right {
            let text = format!(
                "the example for {}: {}: the schema: {verdict:?}, the core: {}",
                row.code,
                row.what,
                joined(&errors)
            );
            self.disagreements.push(text);
        }
    }

    /// Any object.
    pub fn object(&mut self, object: &Value, verdict: &Verdict) {
        let errors = errors(object);
        match (verdict, errors.is_empty()) {
            (Verdict::Admitted, true) => self.both_admit += 1,
            (Verdict::Refused(_), false) => self.both_refuse += 1,
            (Verdict::Refused(why), true) => {
                self.schema_alone += 1;
                self.disagreements.push(format!("the core admits {object}\nthe schema refuses it: {why}"));
            }
            (Verdict::Admitted, false) => {
                self.core_alone += 1;
                for error in &errors {
                    self.classify(error, object);
                }
            }
        }
    }

    fn classify(&mut self, error: &Finding, object: &Value) {
        let row = self.list.iter().position(|row| row.covers(error));
        match row.and_then(|row| self.found.get_mut(row)) {
            Some(count) => *count += 1,
            None => self.disagreements.push(format!("the schema admits {object}\nthe core refuses it: {error}")),
        }
    }
}

/// Nothing in the shape depends on the instant.
fn errors(object: &Value) -> Vec<Finding> {
    shape_errors(&ParsedOverride::parse(object, Instant::MIN))
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for disagreement in &self.disagreements {
            writeln!(f, "DISAGREE {disagreement}")?;
        }
        writeln!(f, "both admit: {}\nboth refuse: {}", self.both_admit, self.both_refuse)?;
        writeln!(f, "the schema refuses what the core admits: {}", self.schema_alone)?;
        writeln!(f, "only the core refuses: {}", self.core_alone)?;
        for (row, count) in self.list.iter().zip(&self.found) {
            writeln!(f, "  {count:5} {}: {}", row.code, row.what)?;
        }
        Ok(())
    }
}
