//! Reads a JSON object key by key. The keys that remain are those that this version does not know.

use std::str::FromStr;

use hpa_override_crd::{Amount, Mode};
use serde_json::{Map, Value};

/// An instant, a duration: text in a strict form.
#[must_use]
pub fn parsed<T: FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

/// An amount, as a number or as text.
#[must_use]
pub fn amount(value: &Value) -> Option<Amount> {
    match value.as_i64() {
        Some(number) => Amount::from_number(number).ok(),
        None => parsed(value),
    }
}

/// A mode, by its name.
#[must_use]
pub fn mode(value: &Value) -> Option<Mode> {
    match value.as_str()? {
        "Set" => Some(Mode::Set),
        "Raise" => Some(Mode::Raise),
        "Cap" => Some(Mode::Cap),
        _ => None,
    }
}

/// A whole number of 32 bits.
#[must_use]
pub fn int32(value: &Value) -> Option<i64> {
    value.as_i64().filter(|number| i32::try_from(*number).is_ok())
}

/// Whether a value is what an absent key means: then the key is not written.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An object that is being read.
pub struct Fields(Map<String, Value>);

impl Fields {
    /// The object; none where the value is not an object.
    #[must_use]
    pub fn new(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self(map)),
            _ => None,
        }
    }

    /// The value of a key; null counts as absent.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key).filter(|value| !value.is_null())
    }

    /// The text at a key; none where it is absent or something else.
    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// `Some(None)` where the key is absent, `None` where its value cannot be read.
    pub fn optional<T>(&mut self, key: &str, read: impl Fn(&Value) -> Option<T>) -> Option<Option<T>> {
        match self.take(key) {
            None => Some(None),
            Some(value) => read(&value).map(Some),
        }
    }

    /// Every item of a list; an absent list is empty, and one unreadable item makes the whole list unreadable.
    pub fn list<T>(&mut self, key: &str, read: impl Fn(Value) -> Option<T>) -> Option<Vec<T>> {
        match self.take(key) {
            None => Some(Vec::new()),
            Some(Value::Array(items)) => {
                let mut list: Vec<T> = items.into_iter().map(read).collect::<Option<_>>()?;
                list.shrink_to_fit();
                Some(list)
            }
            Some(_) => None,
        }
    }

    /// The keys that have not been read. A map that was emptied would keep its memory, and records are kept.
    #[must_use]
    pub fn rest(self) -> Map<String, Value> {
        if self.0.is_empty() { Map::new() } else { self.0 }
    }
}
