//! Objects to ask about: valid ones, changed to the limits, with a fault or two, with a text that is changed a little, or
//! with something else in place of a field.

use std::{collections::BTreeMap, sync::LazyLock};

use hpa_override_conformance::Random;
use hpa_override_core::{GROUP, KIND, VERSION};
use serde_json::{Value, json};

static CHOICES: LazyLock<BTreeMap<String, Vec<Value>>> = LazyLock::new(|| {
    let read = serde_saphyr::from_str(include_str!("choices.yaml"));
    read.unwrap_or_else(|error| unreachable!("choices.yaml: {error}"))
});

/// An override with that spec.
pub fn object(spec: &Value) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"), "kind": KIND,
        "metadata": {"name": "campaign", "namespace": "default"}, "spec": spec,
    })
}

/// Any spec.
pub fn spec(random: &mut Random) -> Value {
    let mut spec = one("valid", random);
    for _ in 0..random.below(3) {
        change(&mut spec, &one("limits", random));
    }
    let faults = [0, 0, 0, 1, 1, 1, 1, 2, 2, 2];
    for _ in 0..random.one::<usize>(&faults) {
        fault(&mut spec, random);
    }
    spec
}

fn fault(spec: &mut Value, random: &mut Random) {
    match random.below(10) {
        0..6 => change(spec, &one("faults", random)),
        6..9 => alter(spec, random),
        _ => replace(spec, random),
    }
}

fn one(list: &str, random: &mut Random) -> Value {
    random.one(CHOICES.get(list).map(Vec::as_slice).unwrap_or_default())
}

/// Sets what the change names, where what is above it is there.
fn change(spec: &mut Value, change: &Value) {
    for (path, value) in change.as_object().into_iter().flatten() {
        let (above, key) = path.rsplit_once('.').unwrap_or(("", path));
        let above = if above.is_empty() { String::new() } else { format!("/{above}") };
        if let Some(Value::Object(holder)) = spec.pointer_mut(&above) {
            match value.get("$gone") {
                Some(_) => drop(holder.remove(key)),
                None => drop(holder.insert(key.into(), written_out(value))),
            }
        }
    }
}

/// The value with `$text`, `$list` and `$labels` written out.
fn written_out(value: &Value) -> Value {
    let times = |number: &Value| usize::try_from(number.as_u64().unwrap_or_default()).unwrap_or_default();
    if let Some([part, number]) = value.get("$text").and_then(Value::as_array).map(Vec::as_slice) {
        return part.as_str().unwrap_or_default().repeat(times(number)).trim_end_matches('-').into();
    }
    if let Some([item, number]) = value.get("$list").and_then(Value::as_array).map(Vec::as_slice) {
        return vec![item.clone(); times(number)].into();
    }
    if let Some(number) = value.get("$labels") {
        return (0..times(number))
            .map(|label| (format!("l{label}"), json!("a")))
            .collect::<serde_json::Map<_, _>>()
            .into();
    }
    match value {
        Value::Object(map) => map.iter().map(|(key, inner)| (key.clone(), written_out(inner))).collect(),
        Value::Array(items) => items.iter().map(written_out).collect(),
        other => other.clone(),
    }
}

/// Inserts letters into some text, or takes one away.
fn alter(spec: &mut Value, random: &mut Random) {
    let texts = places(spec, Value::is_string);
    let Some(Value::String(text)) = spec.pointer_mut(&random.one(&texts)) else { return };
    let mut letters: Vec<char> = text.chars().collect();
    let at = random.below(letters.len() + 1);
    let taken = random.below(3).min(letters.len() - at);
    let put = if taken > 0 && random.percent(40) { Value::Null } else { one("letters", random) };
    letters.splice(at..at + taken, put.as_str().unwrap_or_default().chars());
    *text = letters.into_iter().collect();
}

/// Puts something else in place of a field, now and then of the whole spec.
fn replace(spec: &mut Value, random: &mut Random) {
    let all = places(spec, |_| true);
    if let Some(place) = spec.pointer_mut(&random.one(&all)) {
        *place = one("junk", random);
    }
}

/// JSON pointers to the values that are of a kind.
fn places(value: &Value, is: fn(&Value) -> bool) -> Vec<String> {
    let mut found: Vec<String> = is(value).then(String::new).into_iter().collect();
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(key, inner)| (key.replace('~', "~0").replace('/', "~1"), inner)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(index, inner)| (index.to_string(), inner)).collect(),
        _ => Vec::new(),
    };
    for (key, inner) in inner {
        found.extend(places(inner, is).into_iter().map(|path| format!("/{key}{path}")));
    }
    found
}
