//! Counts what passed, binding by binding, and words what failed.

use std::{collections::BTreeMap, fmt};

/// What came of a case.
pub struct Outcome {
    /// Where native's answers are not what the case expects: then those of all bindings that answer alike are not either.
    pub unexpected: Vec<String>,
    /// Where the answers of a binding are not native's.
    pub by_binding: Vec<(&'static str, Vec<String>)>,
}

/// What passed and what failed.
#[derive(Debug, Default)]
pub struct Tally {
    bindings: BTreeMap<&'static str, [usize; 2]>,
    passed: usize,
    pub failed: usize,
}

impl Tally {
    /// Counts a case; what failed, where something did.
    pub fn count(&mut self, Outcome { unexpected, by_binding }: Outcome) -> Option<String> {
        let native = ("native", Vec::new());
        let mut failures: Vec<_> = unexpected.iter().map(|difference| format!("every binding: {difference}")).collect();
        for (binding, differences) in [native].into_iter().chain(by_binding) {
            let [passed, failed] = self.bindings.entry(binding).or_default();
            *(if unexpected.is_empty() && differences.is_empty() { passed } else { failed }) += 1;
            failures.extend(differences.iter().map(|difference| format!("{binding}: {difference}")));
        }
        *(if failures.is_empty() { &mut self.passed } else { &mut self.failed }) += 1;
        (!failures.is_empty()).then(|| failures.join("; "))
    }

    /// Counts a case that cannot be read; why.
    pub fn count_unreadable(&mut self, error: &anyhow::Error) -> String {
        self.failed += 1;
        format!("{error:#}")
    }
}

/// A line a binding, and one for all.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (binding, [passed, failed]) in &self.bindings {
            writeln!(f, "{binding}: {passed} passed, {failed} failed")?;
        }
        writeln!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}
