//! Counts what passed, door by door, and words what failed.

use std::{collections::BTreeMap, fmt};

/// What passed and what failed.
#[derive(Debug, Default)]
pub struct Tally {
    doors: BTreeMap<&'static str, [usize; 2]>,
    pub passed: usize,
    pub failed: usize,
}

impl Tally {
    /// Counts a case; what is to be said of it, where a door failed. Equal differences are told once.
    pub fn of_doors(&mut self, doors: Vec<(&'static str, Vec<String>)>) -> Option<String> {
        for (door, differences) in &doors {
            let [passed, failed] = self.doors.entry(door).or_default();
            *(if differences.is_empty() { passed } else { failed }) += 1;
        }
        let first = doors.first().map(|(_, differences)| differences.clone()).unwrap_or_default();
        if doors.iter().all(|(_, differences)| differences.is_empty()) {
            self.passed += 1;
            return None;
        }
        self.failed += 1;
        Some(if doors.len() > 1 && doors.iter().all(|(_, differences)| *differences == first) {
            prefixed("every door", first)
        } else {
            let told = doors.into_iter().filter(|(_, differences)| !differences.is_empty());
            told.map(|(door, differences)| prefixed(door, differences)).collect::<Vec<_>>().join("; ")
        })
    }

    /// Counts a case that cannot be read.
    pub fn unreadable(&mut self, error: &anyhow::Error) -> String {
        self.failed += 1;
        format!("{error:#}")
    }
}

fn prefixed(door: &str, differences: Vec<String>) -> String {
    differences.into_iter().map(|difference| format!("{door}: {difference}")).collect::<Vec<_>>().join("; ")
}

/// A line a door, and one for all.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (door, [passed, failed]) in &self.doors {
            writeln!(f, "{door}: {passed} passed, {failed} failed")?;
        }
        writeln!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}
