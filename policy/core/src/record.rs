//! The record: one annotation on the HPA that holds all that any binding needs while an override is active on it.
//!
//! ```text
//!   owner changes ──► desired ──┐
//!                               ├── composed ──► effective ──► spec.minReplicas, spec.maxReplicas
//!   active overrides ► layers ──┘                   └──► ours (to recognise an echo)
//! ```
//! It is written in the same request as the bounds, so the two cannot part. A record that cannot be read is never
//! overwritten. The changes of a record are in `advance`.

pub mod advance;
pub mod altered;
pub mod clamps;
pub mod compose;
pub mod gradual_return;
pub mod layer;
pub mod owner_change;
pub mod saved_owners;
pub mod written;

use hpa_override_crd::{Instant, RECORD_ANNOTATION};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    hpa::raw::annotation_value,
    value::{
        bounds::{Bound, Bounds},
        json_fields::{Fields, is_default},
    },
};

use self::{clamps::Clamps, gradual_return::GradualReturn, layer::Layer, saved_owners::SavedOwner, written::Written};

/// The version that this code reads and writes.
const VERSION: u8 = 1;
/// A longer text is not read: 64 KiB.
const LONGEST: usize = 64 * 1024;

/// The state of the overrides on one HPA.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Always 1.
    pub v: u8,
    /// How many writes have changed the record, from 1; 0 where it says nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub rev: u64,
    /// The instant for which it was evaluated; moves only together with something else.
    pub as_of: Instant,
    /// What the owner wants.
    pub desired: Bounds,
    /// What we wrote to the HPA.
    pub effective: Bounds,
    /// The values that we wrote, per bound.
    #[serde(skip_serializing_if = "Written::is_empty")]
    pub ours: Written,
    /// The active overrides, highest precedence first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// A gradual return under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradual_return: Option<GradualReturn>,
    /// The limits that shape the result.
    #[serde(skip_serializing_if = "Clamps::is_empty")]
    pub limits: Clamps,
    /// The field managers of the bounds before a take-over that is not returned yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<SavedOwner>,
    /// Keys that this version does not know, kept as they came.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The record on an HPA cannot be read: another version, an impossible pair, a layer that uses `current` and lacks it, not a
/// record at all, or over 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreadableRecord;

impl Record {
    /// The record of an HPA on which no override is active yet.
    #[must_use]
    pub fn new(desired: Bounds, as_of: Instant) -> Self {
        Self {
            v: VERSION,
            rev: 0,
            as_of,
            desired,
            effective: desired,
            ours: Written::default(),
            layers: Vec::new(),
            gradual_return: None,
            limits: Clamps::default(),
            owners: Vec::new(),
            unknown: Map::new(),
        }
    }

    /// Parses the text of the annotation.
    ///
    /// # Errors
    /// [`UnreadableRecord`], for everything that is not wholly a record of this version.
    pub fn parse(text: &str) -> Result<Self, UnreadableRecord> {
        if text.len() > LONGEST {
            return Err(UnreadableRecord);
        }
        serde_json::from_str(text).ok().and_then(Self::from_value).ok_or(UnreadableRecord)
    }

    fn from_value(value: Value) -> Option<Self> {
        let mut fields = Fields::new(value)?;
        (fields.take("v")?.as_u64()? == u64::from(VERSION)).then_some(())?;
        // Records that were written before the key had its name.
        let landing = fields.optional("landing", GradualReturn::parse);
        let gradual_return = match fields.optional("gradualReturn", GradualReturn::parse)? {
            None => landing?,
            given => given,
        };
        Some(Self {
            v: VERSION,
            rev: fields.optional("rev", Value::as_u64)?.unwrap_or_default(),
            as_of: fields.text("asOf")?.parse().ok()?,
            desired: pair(&fields.take("desired")?)?,
            effective: pair(&fields.take("effective")?)?,
            ours: fields.optional("ours", Written::parse)?.unwrap_or_default(),
            layers: fields.list("layers", Layer::parse)?,
            gradual_return: gradual_return.filter(|returning| !returning.from.is_empty()),
            limits: fields.optional("limits", Clamps::parse)?.unwrap_or_default(),
            owners: fields.list("owners", SavedOwner::parse)?,
            unknown: fields.rest(),
        })
    }

    /// The record of an HPA; none where it does not carry the annotation.
    #[must_use]
    pub fn from_hpa(hpa: &Value) -> Option<Result<Self, UnreadableRecord>> {
        record_annotation(hpa).map(|text| text.as_str().ok_or(UnreadableRecord).and_then(Self::parse))
    }

    /// Whether no override is active and no gradual return is under way: what is left is to remove the record.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.layers.is_empty() && self.gradual_return.is_none()
    }

    /// The canonical text: fixed key order, no spaces; equal meaning, equal bytes.
    #[must_use]
    pub fn to_text(&self) -> String {
        // A record holds only strings, numbers, lists and maps with string keys: nothing that JSON cannot express.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Counts the write in which this record follows `found`: one more revision where anything in it has changed.
    #[must_use]
    pub fn counted(mut self, found: &Self) -> Self {
        self.rev = found.rev;
        if self != *found {
            self.rev = found.rev.saturating_add(1);
        }
        self
    }
}

/// The annotation on an HPA, whatever it holds.
#[must_use]
pub fn record_annotation(hpa: &Value) -> Option<&Value> {
    annotation_value(hpa, RECORD_ANNOTATION)
}

/// Both numbers must be there: in a record there is nothing to default.
fn pair(value: &Value) -> Option<Bounds> {
    value.get(Bound::Min.field()).filter(|min| !min.is_null())?;
    Bounds::parse(value)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const FULL: &str = concat!(
        r#"{"v":1,"asOf":"2026-11-27T06:00:00Z","desired":{"minReplicas":2,"maxReplicas":5},"#,
        r#""effective":{"minReplicas":40,"maxReplicas":60},"ours":{"minReplicas":[40],"maxReplicas":[60]},"#,
        r#""layers":[{"by":"shop/black-friday","uid":"u1","generation":1,"priority":5,"mode":"Set","#,
        r#""minReplicas":40,"maxReplicas":"current+50%","current":40,"#,
        r#""until":"2026-11-27T23:00:00Z","hue":"red"}],"#,
        r#""owners":[{"manager":"argocd","operation":"Apply","apiVersion":"autoscaling/v2","#,
        r#""fields":["maxReplicas","minReplicas"]}],"later":{"b":1,"a":[2]}}"#
    );

    #[test]
    fn round_trips_unknown_keys_included() {
        let written = Record::parse(FULL).unwrap().to_text();
        assert_eq!(written, FULL.replace(r#"{"b":1,"a":[2]}"#, r#"{"a":[2],"b":1}"#));
        assert_eq!(Record::parse(&written).unwrap().to_text(), written);
    }

    fn minimal() -> Value {
        json!({"v": 1, "asOf": "2026-11-27T06:00:00Z", "desired": {"minReplicas": 2, "maxReplicas": 5},
               "effective": {"minReplicas": 2, "maxReplicas": 5}})
    }

    #[test]
    fn absent_parts_are_left_out() {
        let text = minimal().to_string();
        let record = Record::parse(&text).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&record.to_text()).unwrap(), minimal());
    }

    #[rstest]
    #[case::version("v", json!(2))]
    #[case::rev_text("rev", json!("1"))]
    #[case::rev_negative("rev", json!(-1))]
    #[case::version_text("v", json!("1"))]
    #[case::no_instant("asOf", json!(null))]
    #[case::lenient_instant("asOf", json!("2026-11-27T06Z"))]
    #[case::impossible_pair("desired", json!({"minReplicas": 6, "maxReplicas": 5}))]
    #[case::half_a_pair("effective", json!({"maxReplicas": 5}))]
    #[case::ours_no_list("ours", json!({"minReplicas": 5}))]
    #[case::layer_without_amounts("layers", json!([{"by": "a/b", "uid": "u", "mode": "Set"}]))]
    #[case::layer_mode("layers", json!([{"by": "a/b", "uid": "u", "mode": "Add", "minReplicas": 1}]))]
    #[case::layer_amount("layers", json!([{"by": "a/b", "uid": "u", "mode": "Set", "minReplicas": 0}]))]
    #[case::layer_name("layers", json!([{"by": "b", "uid": "u", "mode": "Set", "minReplicas": 1}]))]
    #[case::layer_lacks_current("layers", json!([{"by": "a/b", "uid": "u", "mode": "Set", "minReplicas": "current+1"}]))]
    #[case::layer_current("layers", json!([{"by": "a/b", "uid": "u", "mode": "Set", "minReplicas": "current", "current": -1}]))]
    #[case::layer_generation("layers", json!([{"by": "a/b", "uid": "u", "mode": "Set", "minReplicas": 1, "generation": "1"}]))]
    #[case::owners_no_list("owners", json!({}))]
    fn refuses(#[case] key: &str, #[case] value: Value) {
        let mut record = minimal();
        record[key] = value;
        assert_eq!(Record::parse(&record.to_string()), Err(UnreadableRecord));
    }

    #[test]
    fn what_runs_is_kept_only_where_an_amount_uses_it() {
        let mut record = minimal();
        record["layers"] =
            json!([{"by": "a/b", "uid": "u", "mode": "Set", "minReplicas": 3, "current": 7, "priority": 0}]);
        let text = Record::parse(&record.to_string()).unwrap().to_text();
        assert!(text.contains(r#""layers":[{"by":"a/b","uid":"u","mode":"Set","minReplicas":3}]"#), "{text}");
    }

    #[test]
    fn the_limit_is_64_kib() {
        let mut record = minimal();
        record["pad"] = "".into();
        let left = LONGEST - record.to_string().len();
        record["pad"] = "x".repeat(left).into();
        assert!(Record::parse(&record.to_string()).is_ok());
        record["pad"] = "x".repeat(left + 1).into();
        assert_eq!(Record::parse(&record.to_string()), Err(UnreadableRecord));
    }

    #[test]
    fn a_record_with_the_old_key_is_read_as_the_same() {
        let record = |key: &str| {
            let mut record = minimal();
            record[key] =
                json!({"by": "shop/a", "from": {"maxReplicas": 60}, "at": "2026-11-27T06:00:00Z", "over": "10m"});
            Record::parse(&record.to_string()).unwrap()
        };
        let old = record("landing");
        assert_eq!(old, record("gradualReturn"));
        assert!(old.to_text().contains("gradualReturn") && !old.to_text().contains("landing"));
    }

    #[test]
    fn of_both_keys_the_new_one_counts() {
        let mut both = minimal();
        let returning = |max: i32| json!({"by": "shop/a", "from": {"maxReplicas": max}, "at": "2026-11-27T06:00:00Z", "over": "10m"});
        (both["landing"], both["gradualReturn"]) = (returning(1), returning(2));
        let read = Record::parse(&both.to_string()).unwrap();
        assert_eq!(read.gradual_return.unwrap().from.get(Bound::Max), Some(2));
    }

    #[test]
    fn a_write_that_changes_anything_counts_once() {
        let found = Record { rev: 7, ..Record::parse(&minimal().to_string()).unwrap() };
        assert_eq!(found.clone().counted(&found).rev, 7);
        let owners =
            vec![SavedOwner::parse(json!({"manager": "a", "operation": "Apply", "apiVersion": "v2"})).unwrap()];
        assert_eq!(Record { owners, rev: 0, ..found.clone() }.counted(&found).rev, 8);
        assert!(found.to_text().starts_with(r#"{"v":1,"rev":7,"asOf":"#));
    }
}
