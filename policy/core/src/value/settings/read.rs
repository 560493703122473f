//! Values of settings as JSON holds them. An error says what the value is not; the caller names the key.

use hpa_override_crd::Duration;
use serde_json::Value;

use crate::value::{bounds::replicas, json_fields::int32, names::is_label, text::cut};

pub(super) fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "not true or false".into())
}

pub(super) fn duration(value: &Value) -> Result<Duration, String> {
    let text = value.as_str().ok_or("not a duration: it must be text")?;
    text.parse().map_err(|error| format!("`{}` is not a duration; {error}", cut(text)))
}

pub(super) fn positive(value: &Value) -> Result<i32, String> {
    let number = replicas(value).filter(|number| *number >= 1);
    number.ok_or_else(|| "not a whole number from 1 to 2147483647".into())
}

pub(super) fn priority(value: &Value) -> Result<i64, String> {
    int32(value).ok_or_else(|| "not a whole number of 32 bits".into())
}

pub(super) fn names(value: &Value) -> Result<Vec<String>, String> {
    let name = |item: &Value| item.as_str().filter(|name| is_label(name)).map(Into::into);
    let names = value.as_array().and_then(|items| items.iter().map(name).collect());
    names.ok_or_else(|| "not a list of names of namespaces".into())
}
