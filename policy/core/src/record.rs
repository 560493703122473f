//! The record: the one annotation that holds all that any door needs while an override acts on an HPA.
//!
//! ```text
//!   owner's writes ──► desired ──┐
//!                                ├── composed ──► effective ──► spec.minReplicas, spec.maxReplicas
//!   overrides in force ► layers ─┘                    └──► ours (to tell an echo from a word)
//! ```
//! It is written together with the bounds, so they cannot part. What cannot be read is never overwritten.

use hpa_override_crd::{Instant, RECORD_ANNOTATION};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    bounds::{Bound, Bounds, replicas},
    clamps::Clamps,
    fields::Fields,
    landing::Landing,
    layer::Layer,
    ownership::Owner,
};

/// The version that this code reads and writes.
const VERSION: u8 = 1;
/// A longer text is not read: 64 KiB.
const LONGEST: usize = 64 * 1024;
/// How many numbers `ours` keeps per bound.
const MOST_OURS: usize = 8;

/// What an HPA remembers of itself while overrides act on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Always 1.
    pub v: u8,
    /// The instant for which it was evaluated; moves only together with something else.
    pub as_of: Instant,
    /// What the owner wants.
    pub desired: Bounds,
    /// What stands on the HPA by us.
    pub effective: Bounds,
    /// The numbers that we have put there.
    #[serde(skip_serializing_if = "Ours::is_empty")]
    pub ours: Ours,
    /// Overrides in force, highest precedence first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// A gradual return under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landing: Option<Landing>,
    /// What clamps the result.
    #[serde(skip_serializing_if = "Clamps::is_empty")]
    pub limits: Clamps,
    /// Who owned the bounds before a take-over that is not given back yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// Keys that this version does not know, kept as they came.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Per bound the numbers that we have put on the HPA, newest first, at most 8.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ours {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    min_replicas: Vec<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    max_replicas: Vec<i32>,
}

impl Ours {
    fn is_empty(&self) -> bool {
        self.min_replicas.is_empty() && self.max_replicas.is_empty()
    }

    /// The numbers put for a bound.
    #[must_use]
    pub fn of(&self, bound: Bound) -> &[i32] {
        match bound {
            Bound::Min => &self.min_replicas,
            Bound::Max => &self.max_replicas,
        }
    }

    /// Notes that `number` is put while the owner wants `desired`. A number equal to `desired` is the owner's own and
    /// leaves; of more than 8 the oldest leaves, but not `echo`, which came back in this very write.
    pub(crate) fn put(&mut self, bound: Bound, number: i32, desired: i32, echo: Option<i32>) {
        let numbers = match bound {
            Bound::Min => &mut self.min_replicas,
            Bound::Max => &mut self.max_replicas,
        };
        numbers.retain(|known| *known != desired && *known != number);
        if number != desired {
            numbers.insert(0, number);
        }
        while numbers.len() > MOST_OURS {
            let oldest = numbers.iter().rposition(|known| Some(*known) != echo);
            numbers.remove(oldest.unwrap_or(MOST_OURS));
        }
    }

    fn read(value: &Value) -> Option<Self> {
        let mut fields = Fields::of(value.clone())?;
        let ours = Self {
            min_replicas: fields.list(Bound::Min.field(), |number| replicas(&number))?,
            max_replicas: fields.list(Bound::Max.field(), |number| replicas(&number))?,
        };
        Some(ours)
    }
}

/// The record on an HPA cannot be read: another version, an impossible pair, not a record at all, or over 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Record {
    /// A record of an HPA that nothing acts on yet.
    #[must_use]
    pub fn begin(desired: Bounds, as_of: Instant) -> Self {
        Self {
            v: VERSION,
            as_of,
            desired,
            effective: desired,
            ours: Ours::default(),
            layers: Vec::new(),
            landing: None,
            limits: Clamps::default(),
            owners: Vec::new(),
            unknown: Map::new(),
        }
    }

    /// Reads the annotation's text.
    ///
    /// # Errors
    /// [`Unreadable`], for everything that is not wholly a record of this version.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        if text.len() > LONGEST {
            return Err(Unreadable);
        }
        serde_json::from_str(text).ok().and_then(Self::read).ok_or(Unreadable)
    }

    fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
        (fields.take("v")?.as_u64()? == u64::from(VERSION)).then_some(())?;
        Some(Self {
            v: VERSION,
            as_of: fields.text("asOf")?.parse().ok()?,
            desired: pair(&fields.take("desired")?)?,
            effective: pair(&fields.take("effective")?)?,
            ours: fields.optional("ours", Ours::read)?.unwrap_or_default(),
            layers: fields.list("layers", Layer::read)?,
            landing: fields.optional("landing", Landing::read)?.filter(|landing| !landing.from.is_empty()),
            limits: fields.optional("limits", Clamps::read)?.unwrap_or_default(),
            owners: fields.list("owners", Owner::read)?,
            unknown: fields.rest(),
        })
    }

    /// The record of an HPA, where it carries the annotation.
    #[must_use]
    pub fn of_hpa(hpa: &Value) -> Option<Result<Self, Unreadable>> {
        text_of(hpa).map(|text| text.as_str().ok_or(Unreadable).and_then(Self::parse))
    }

    /// Whether nothing acts any more: what is left is to take it off.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.layers.is_empty() && self.landing.is_none()
    }

    /// The canonical text: fixed key order, no spaces; equal meaning, equal bytes.
    #[must_use]
    pub fn to_text(&self) -> String {
        // A record holds only strings, numbers, lists and maps with string keys: nothing that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Both numbers must be there: in a record there is nothing to default.
fn pair(value: &Value) -> Option<Bounds> {
    value.get(Bound::Min.field()).filter(|min| !min.is_null())?;
    Bounds::read(value)
}

/// The annotation as it stands on an HPA.
pub(crate) fn text_of(hpa: &Value) -> Option<&Value> {
    hpa.get("metadata")?.get("annotations")?.get(RECORD_ANNOTATION).filter(|text| !text.is_null())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const FULL: &str = concat!(
        r#"{"v":1,"asOf":"2026-11-27T06:00:00Z","desired":{"minReplicas":2,"maxReplicas":5},"#,
        r#""effective":{"minReplicas":40,"maxReplicas":60},"ours":{"minReplicas":[40],"maxReplicas":[60]},"#,
        r#""layers":[{"by":"shop/black-friday","uid":"u1","mode":"Set","minReplicas":40,"maxReplicas":60,"#,
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
    #[case::owners_no_list("owners", json!({}))]
    fn refuses(#[case] key: &str, #[case] value: Value) {
        let mut record = minimal();
        record[key] = value;
        assert_eq!(Record::parse(&record.to_string()), Err(Unreadable));
    }

    #[test]
    fn the_limit_is_64_kib() {
        let mut record = minimal();
        record["pad"] = "".into();
        let room = LONGEST - record.to_string().len();
        record["pad"] = "x".repeat(room).into();
        assert!(Record::parse(&record.to_string()).is_ok());
        record["pad"] = "x".repeat(room + 1).into();
        assert_eq!(Record::parse(&record.to_string()), Err(Unreadable));
    }

    #[test]
    fn ours_keeps_the_newest_and_the_echo() {
        let mut ours = Ours::default();
        for number in 10..=18 {
            ours.put(Bound::Min, number, 2, Some(10));
        }
        assert_eq!(ours.of(Bound::Min), [18, 17, 16, 15, 14, 13, 12, 10]);
        ours.put(Bound::Min, 14, 2, None);
        assert_eq!(ours.of(Bound::Min), [14, 18, 17, 16, 15, 13, 12, 10]);
        ours.put(Bound::Min, 14, 18, None);
        assert_eq!(ours.of(Bound::Min), [14, 17, 16, 15, 13, 12, 10]);
        ours.put(Bound::Min, 2, 2, None);
        assert_eq!(ours.of(Bound::Min), [14, 17, 16, 15, 13, 12, 10]);
    }
}
