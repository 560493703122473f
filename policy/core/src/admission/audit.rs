//! Entries for the API server's audit log, so that the log alone shows the history of an override.
//!
//! Kubewarden passes the pairs on, the API server puts the name of the webhook before each key. A decision that changes
//! nothing is logged too.

use serde_json::{Map, Value};

use crate::{
    record::Record,
    value::{
        finding::{Finding, Report},
        text::until_text,
    },
};

/// Keys and values for the policy's `audit_annotations`.
///
/// `decision` is always there: `accepted`, `rejected`, `notChecked` of an override; `unchanged`, `merged`, `ended`,
/// `released`, `recordRemoved`, `recordKept`, `ownershipReturned` of a write to an HPA; `letThrough` where no answer could
/// be found and the write passed as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit(Map<String, Value>);

impl Audit {
    /// A decision in a word.
    #[must_use]
    pub fn new(decision: &str) -> Self {
        Self::default().with("decision", decision.into())
    }

    /// The same with one more entry.
    #[must_use]
    pub fn with(mut self, key: &str, value: String) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// An object of texts; null without entries.
    #[must_use]
    pub fn into_annotations(self) -> Value {
        if self.0.is_empty() { Value::Null } else { self.0.into() }
    }

    /// `codes`: of errors and warnings, in the order of the report.
    pub(super) fn with_codes(self, report: &Report) -> Self {
        let findings = || report.errors.iter().chain(&report.warnings);
        if findings().next().is_none() { self } else { self.with("codes", codes(findings())) }
    }

    /// What the record holds: `desired` and `effective` bounds, the active `overrides`, highest precedence first, and `until`
    /// when the first of them is active.
    pub(super) fn with_record(self, record: &Record) -> Self {
        let audit = self.with("desired", record.desired.to_string()).with("effective", record.effective.to_string());
        let Some(top) = record.layers.first() else { return audit };
        let names: Vec<String> = record.layers.iter().map(|layer| layer.by.to_string()).collect();
        audit.with("overrides", names.join(" ")).with("until", until_text(top.until))
    }
}

fn codes<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let names = findings.map(|finding| serde_json::to_value(finding.code).unwrap_or_default());
    names.filter_map(|name| name.as_str().map(Into::into)).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{MayPatch, Request, Settings, admit_hpa, review_override};

    const NOW: &str = "2026-11-27T06:00:00Z";

    #[test]
    fn a_merge_names_the_overrides_and_the_bounds() {
        let layer = |by: &str, until| json!({"by": by, "uid": by, "mode": "Set", "maxReplicas": 20, "until": until});
        let record = json!({
            "v": 1, "asOf": NOW, "desired": {"minReplicas": 2, "maxReplicas": 5},
            "effective": {"minReplicas": 2, "maxReplicas": 20}, "ours": {"maxReplicas": [20]},
            "layers": [layer("shop/black-friday", "2026-11-27T18:00:00Z"), layer("shop/night", "2026-11-28T06:00:00Z")],
        });
        let hpa = |max: i32| {
            json!({"metadata": {"annotations": {"hpa-override.dev/record": record.to_string()}},
                   "spec": {"minReplicas": 2, "maxReplicas": max}})
        };
        let (request, settings) = (Request::default(), Settings::default());
        let admission = admit_hpa(Some(&hpa(20)), &hpa(8), &request, &settings, NOW.parse().unwrap());
        let expected = json!({
            "decision": "merged", "desired": "2-8", "effective": "2-20", "overrides": "shop/black-friday shop/night",
            "until": "2026-11-27T18:00:00Z",
        });
        assert_eq!(admission.audit.into_annotations(), expected);
    }

    #[test]
    fn a_write_that_is_left_as_it_is_says_so() {
        let hpa = json!({"metadata": {}, "spec": {"minReplicas": 2, "maxReplicas": 5}});
        let (request, settings) = (Request::default(), Settings::default());
        let admission = admit_hpa(None, &hpa, &request, &settings, NOW.parse().unwrap());
        assert_eq!(admission.audit.into_annotations(), json!({"decision": "unchanged"}));
    }

    #[test]
    fn a_refusal_names_every_code() {
        let object = json!({"metadata": {"namespace": "kube-system"}, "spec": {"hpa": "web"}});
        let (request, settings) = (Request::default(), Settings::default());
        let review = review_override(&object, None, &request, &settings, NOW.parse().unwrap(), MayPatch::NotAsked);
        let expected = json!({"decision": "rejected", "codes": "noBounds namespaceProtected endsByDefault"});
        assert_eq!(review.audit.into_annotations(), expected);
    }

    #[test]
    fn without_entries_there_are_no_annotations() {
        assert_eq!(Audit::default().into_annotations(), Value::Null);
    }
}
