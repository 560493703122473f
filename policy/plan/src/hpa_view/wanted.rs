//! Reads JSON text into a value that has only what is wanted of it: the rest is skipped, and nothing is built for it: of an
//! HPA most of the text.

use std::fmt;

use hpa_override_core::{RECORD_ANNOTATION, RELEASE_ANNOTATION};
use serde::{
    Deserialize as _,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use self::Wanted::{Items, Keys, Whole};

/// What is wanted of a value. Where it has another shape than expected, all of it is.
#[derive(Debug)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// Of an object these keys.
    Keys(&'static [(&'static str, Self)]),
    /// Of each item of a list.
    Items(&'static Self),
}

/// What [`HpaView`](super::HpaView) reads of an HPA. Of the fields that somebody manages that is who owns the bounds.
pub(super) const HPA: Wanted = Keys(&[
    (
        "metadata",
        Keys(&[
            ("namespace", Whole),
            ("name", Whole),
            ("uid", Whole),
            ("resourceVersion", Whole),
            ("labels", Whole),
            ("annotations", Keys(&[(RECORD_ANNOTATION, Whole), (RELEASE_ANNOTATION, Whole)])),
            ("ownerReferences", Items(&Keys(&[("controller", Whole)]))),
            ("managedFields", Items(&ENTRY)),
        ]),
    ),
    ("spec", Keys(&[("minReplicas", Whole), ("maxReplicas", Whole), ("scaleTargetRef", Whole)])),
    ("status", Keys(&[("currentReplicas", Whole), ("desiredReplicas", Whole), ("conditions", Items(&CONDITION))])),
]);

const CONDITION: Wanted = Keys(&[("type", Whole), ("status", Whole), ("reason", Whole), ("message", Whole)]);

const ENTRY: Wanted = Keys(&[
    ("manager", Whole),
    ("operation", Whole),
    ("apiVersion", Whole),
    ("time", Whole),
    ("fieldsType", Whole),
    ("fieldsV1", Keys(&[("f:spec", Keys(&[("f:minReplicas", Whole), ("f:maxReplicas", Whole)]))])),
    ("subresource", Whole),
]);

/// Reads what is wanted of a text.
///
/// # Errors
/// When it is not JSON, or a wanted number is beyond what can be held.
pub(super) fn read(text: &str, wanted: &'static Wanted) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = wanted.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

impl<'de> DeserializeSeed<'de> for &'static Wanted {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            Whole => Value::deserialize(deserializer),
            Keys(_) | Items(_) => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for &'static Wanted {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let wanted = if let Items(wanted) = self { *wanted } else { &Whole };
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(wanted)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        let Keys(keys) = self else {
            while let Some((key, value)) = object.next_entry()? {
                kept.insert(key, value);
            }
            return Ok(kept.into());
        };
        while let Some(key) = object.next_key_seed(Key(keys))? {
            match key {
                Some((key, wanted)) => drop(kept.insert((*key).into(), object.next_value_seed(wanted)?)),
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(kept.into())
    }
}

/// A key of an object, found among those that are wanted.
struct Key(&'static [(&'static str, Wanted)]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<&'static (&'static str, Wanted)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<&'static (&'static str, Wanted)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|(wanted, _)| *wanted == key))
    }
}
