//! The typed form of arguments and answers, for bindings with types of their own: what such a record is as JSON.
//!
//! | | plain JSON | the typed form |
//! |---|---|---|
//! | keys | `mayPatch` | `may_patch` |
//! | instants, durations | text | seconds |
//! | objects, patches, settings | JSON | JSON as text |
//! | codes and answers of the cluster | `notAsked` | `NotAsked` |
//! | amounts of a layer | `40`, `"150%"`, `"current"` | `{"Literal": 40}`, `{"Percent": 150}`, `"Current"` |
//! | `priority` 0 of a layer | absent | 0 |
//! | phases of overrides | `{"shop/a": "Active"}` | `[{"by": "shop/a", "phase": "Active"}]` |
//! | `gradualReturn` and what a layer lacks | absent | null |

use hpa_override_core::{Amount, Duration, Instant};
use serde_json::{Map, Value, json};

use crate::{
    argument::{of_seconds, parsed},
    error::Error,
};

/// What a key holds.
enum Role {
    Instant,
    Duration,
    Text,
    Texts,
    Word,
    Layers,
    Phases,
    Plain,
}

impl Role {
    fn of(key: &str) -> Self {
        match key {
            "now" | "until" | "at" | "nextTransition" | "goesOnAt" => Self::Instant,
            "returnOver" => Self::Duration,
            "object" | "old" | "hpa" | "settings" | "patch" | "status" => Self::Text,
            "overrides" | "hpas" | "readings" => Self::Texts,
            "code" | "mayPatch" => Self::Word,
            "layers" => Self::Layers,
            "phases" => Self::Phases,
            _ => Self::Plain,
        }
    }
}

const AMOUNTS: [&str; 2] = ["minReplicas", "maxReplicas"];

/// The typed form of a plain argument or answer. What is not in the plain form stays as it is.
#[must_use]
pub fn to_typed(value: Value) -> Value {
    typed("", value)
}

fn typed(key: &str, value: Value) -> Value {
    match (Role::of(key), value) {
        (_, Value::Null) => Value::Null,
        (Role::Instant, Value::String(text)) => text.parse().map_or(text.into(), |at: Instant| at.as_unix().into()),
        (Role::Duration, Value::String(text)) => text.parse().map_or(text.into(), |d: Duration| d.as_secs().into()),
        (Role::Text, value) => value.to_string().into(),
        (Role::Texts, Value::Array(items)) => items.iter().map(Value::to_string).collect(),
        (Role::Word, Value::String(word)) => with_first(&word, char::to_ascii_uppercase).into(),
        (Role::Layers, Value::Array(layers)) => layers.into_iter().map(typed_layer).collect(),
        (Role::Phases, Value::Object(phases)) => {
            phases.into_iter().map(|(by, phase)| json!({ "by": by, "phase": phase })).collect()
        }
        (_, Value::Object(map)) => map.into_iter().map(|(key, value)| (snake(&key), typed(&key, value))).collect(),
        (_, Value::Array(items)) => items.into_iter().map(|item| typed("", item)).collect(),
        (_, plain) => plain,
    }
}

fn typed_layer(mut layer: Value) -> Value {
    for key in AMOUNTS {
        if let Some(amount) = layer.get_mut(key) {
            *amount = match serde_json::from_value(amount.take()) {
                Ok(Amount::Literal(number)) => json!({ "Literal": number }),
                Ok(Amount::Percent(number)) => json!({ "Percent": number }),
                Ok(Amount::More(number)) => json!({ "More": number }),
                Ok(Amount::Fewer(number)) => json!({ "Fewer": number }),
                Ok(Amount::Current) => json!("Current"),
                Ok(Amount::CurrentMore(number)) => json!({ "CurrentMore": number }),
                Ok(Amount::CurrentFewer(number)) => json!({ "CurrentFewer": number }),
                Ok(Amount::CurrentMorePercent(number)) => json!({ "CurrentMorePercent": number }),
                Ok(Amount::CurrentFewerPercent(number)) => json!({ "CurrentFewerPercent": number }),
                Err(_) => Value::Null,
            };
        }
    }
    if let Some(layer) = layer.as_object_mut() {
        layer.entry("priority").or_insert(0.into());
    }
    typed("", layer)
}

/// The plain argument or answer whose typed form this is.
///
/// # Errors
/// When a text that should be JSON is not, with its path.
pub fn from_typed(value: Value) -> Result<Value, Error> {
    untyped("", value)
}

/// How much text there is, in bytes.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(length).sum(),
        Value::Object(map) => map.values().map(length).sum(),
        _ => 0,
    }
}

fn untyped(key: &str, value: Value) -> Result<Value, Error> {
    Ok(match (Role::of(key), value) {
        (_, Value::Null) => Value::Null,
        (Role::Instant, Value::Number(seconds)) => of_seconds(&seconds).map_or(seconds.into(), |at| json!(at)),
        (Role::Duration, Value::Number(seconds)) => json!(format!("{seconds}s").parse::<Duration>().ok()),
        (Role::Text, Value::String(text)) => parsed(key, "it", &text)?,
        (Role::Texts, Value::Array(texts)) => {
            let read = |(at, text): (usize, &Value)| parsed(&format!("{key}[{at}]"), "it", text.as_str().unwrap_or(""));
            texts.iter().enumerate().map(read).collect::<Result<_, _>>()?
        }
        (Role::Word, Value::String(word)) => with_first(&word, char::to_ascii_lowercase).into(),
        (Role::Layers, Value::Array(layers)) => layers.into_iter().map(untyped_layer).collect::<Result<_, _>>()?,
        (Role::Phases, Value::Array(phases)) => phases.iter().filter_map(phase).collect(),
        (_, Value::Object(map)) => {
            let map: Map<_, _> = map.into_iter().map(|(key, value)| entry(&key, value)).collect::<Result<_, _>>()?;
            let absent = map.get("gradualReturn").is_some_and(Value::is_null);
            map.into_iter().filter(|(key, _)| !absent || key != "gradualReturn").collect()
        }
        (_, Value::Array(items)) => items.into_iter().map(|item| untyped("", item)).collect::<Result<_, _>>()?,
        (_, plain) => plain,
    })
}

fn entry(key: &str, value: Value) -> Result<(String, Value), Error> {
    let key = camel(key);
    let value = untyped(&key, value)?;
    Ok((key, value))
}

fn untyped_layer(layer: Value) -> Result<Value, Error> {
    let mut layer = untyped("", layer)?;
    for key in AMOUNTS {
        if let Some(amount) = layer.get_mut(key) {
            *amount = amount_of(amount).map_or(Value::Null, |amount| json!(amount));
        }
    }
    let layer = without_nulls(layer);
    Ok(match layer {
        Value::Object(map) => map.into_iter().filter(|(key, value)| key != "priority" || *value != 0).collect(),
        other => other,
    })
}

fn amount_of(amount: &Value) -> Option<Amount> {
    if amount == "Current" {
        return Some(Amount::Current);
    }
    let (kind, number) = amount.as_object()?.iter().next()?;
    let text = match kind.as_str() {
        "Percent" => format!("{number}%"),
        "More" => format!("desired+{number}"),
        "Fewer" => format!("desired-{number}"),
        "CurrentMore" => format!("current+{number}"),
        "CurrentFewer" => format!("current-{number}"),
        "CurrentMorePercent" => format!("current+{number}%"),
        "CurrentFewerPercent" => format!("current-{number}%"),
        _ => number.to_string(),
    };
    text.parse().ok()
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

fn phase(entry: &Value) -> Option<(String, Value)> {
    Some((entry.get("by")?.as_str()?.into(), entry.get("phase")?.clone()))
}

/// `mayPatch` as `may_patch`; a word that starts with a capital is no key, but a kind.
fn snake(key: &str) -> String {
    if key.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        return key.into();
    }
    let mut snake = String::new();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// `may_patch` as `mayPatch`.
fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let first: String = words.next().unwrap_or_default().into();
    words.fold(first, |camel, word| camel + &with_first(word, char::to_ascii_uppercase))
}

fn with_first(word: &str, change: fn(&char) -> char) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| change(&first)).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests;
