//! What the API server's audit log is told of a decision, so that the log alone tells the story of an override.
//!
//! Kubewarden hands the pairs on, the API server puts the name of the webhook before each key. A decision that changes
//! nothing says so: the log also shows that somebody looked.

use serde_json::{Map, Value};

use crate::{
    record::Record,
    report::{Finding, Report},
    window::in_words,
};

/// Keys and values, for the policy's `audit_annotations`.
///
/// `decision` is always there: `accepted`, `rejected`, `notJudged` of an override; `unchanged`, `merged`, `ended`,
/// `released`, `recordRemoved`, `recordKept`, `ownershipReturned` of a write to an HPA; `letThrough` where no answer could
/// be found and the write passed as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit(Map<String, Value>);

impl Audit {
    /// A decision in a word.
    #[must_use]
    pub fn of(decision: &str) -> Self {
        Self::default().with("decision", decision.into())
    }

    /// The same with one thing more.
    #[must_use]
    pub fn with(mut self, key: &str, value: String) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// An object of texts; null where nothing is told.
    #[must_use]
    pub fn into_annotations(self) -> Value {
        if self.0.is_empty() { Value::Null } else { self.0.into() }
    }

    /// `codes`: of errors and warnings, in the order of the report.
    pub(crate) fn with_codes(self, report: &Report) -> Self {
        let findings = || report.errors.iter().chain(&report.warnings);
        if findings().next().is_none() { self } else { self.with("codes", codes(findings())) }
    }

    /// What stands in the record: `desired` and `effective` bounds, `overrides` in force, highest precedence first, `until`
    /// when the highest is.
    pub(crate) fn with_record(self, record: &Record) -> Self {
        let audit = self.with("desired", record.desired.to_string()).with("effective", record.effective.to_string());
        let Some(top) = record.layers.first() else { return audit };
        let names: Vec<String> = record.layers.iter().map(|layer| layer.by.to_string()).collect();
        audit.with("overrides", names.join(" ")).with("until", in_words(top.until))
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
    use crate::{
        admit::admit_hpa,
        request::{MayPatch, Request},
        review::review_override,
        settings::Settings,
    };

    const NOW: &str = "2026-11-27T06:00:00Z";

    #[test]
    fn a_merge_tells_who_stands_and_what_the_owner_wants() {
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
        let told = json!({
            "decision": "merged", "desired": "2–8", "effective": "2–20", "overrides": "shop/black-friday shop/night",
            "until": "2026-11-27T18:00:00Z",
        });
        assert_eq!(admission.audit.into_annotations(), told);
    }

    #[test]
    fn a_refusal_tells_every_code() {
        let object = json!({"metadata": {"namespace": "kube-system"}, "spec": {"hpa": "web"}});
        let (request, settings) = (Request::default(), Settings::default());
        let review = review_override(&object, None, &request, &settings, NOW.parse().unwrap(), MayPatch::NotAsked);
        let told = json!({"decision": "rejected", "codes": "noBounds namespaceProtected endsByDefault"});
        assert_eq!(review.audit.into_annotations(), told);
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(Audit::default().into_annotations(), Value::Null);
    }
}
