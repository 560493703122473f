//! One field of an object, as far as it can be read.

use serde_json::Value;

use super::text::quoted;

/// The value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field<T> {
    /// Not given, or null.
    Absent,
    /// Given, but not readable; what was given, for the message.
    Unreadable(String),
    /// Given and read.
    Is(T),
}

impl<T> Field<T> {
    /// Reads the field at `key`, by `read`, which gives none where the value is not readable.
    pub fn parse(holder: &Value, key: &str, read: impl Fn(&Value) -> Option<T>) -> Self {
        match holder.get(key) {
            None | Some(Value::Null) => Self::Absent,
            Some(value) => Self::parse_value(value, read),
        }
    }

    /// Reads a value that is given.
    pub fn parse_value(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Self {
        read(value).map_or_else(|| Self::Unreadable(quoted(value)), Self::Is)
    }

    /// The value, where it was read.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            _ => None,
        }
    }

    /// The value, `default` where the field is not given; none where it is not readable.
    pub fn value_or<'a>(&'a self, default: &'a T) -> Option<&'a T> {
        match self {
            Self::Absent => Some(default),
            Self::Is(value) => Some(value),
            Self::Unreadable(_) => None,
        }
    }

    /// Whether the field is not given.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}
