//! Makes a value smaller for as long as it still fails.

use serde_json::{Map, Value};

/// The smallest value found for which `fails` still holds, made by taking away one thing at a time.
pub fn shrunk(mut value: Value, fails: impl Fn(&Value) -> bool) -> Value {
    while let Some(smaller) = smaller(&value).into_iter().find(|smaller| fails(smaller)) {
        value = smaller;
    }
    value
}

/// Every value with one thing less.
fn smaller(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(map) => map.keys().flat_map(|key| smaller_at(map, key)).collect(),
        Value::Array(items) => (0..items.len()).flat_map(|index| smaller_at_index(items, index)).collect(),
        Value::String(text) if text.len() > 100 => {
            vec![text.chars().take(text.chars().count() / 2).collect::<String>().into()]
        }
        _ => Vec::new(),
    }
}

fn smaller_at(map: &Map<String, Value>, key: &str) -> Vec<Value> {
    let mut without = map.clone();
    let inner = without.remove(key).unwrap_or_default();
    let with = |inner| map.iter().map(|(k, v)| (k.clone(), if k == key { inner } else { v }.clone())).collect();
    [without.into()].into_iter().chain(smaller(&inner).iter().map(with)).collect()
}

fn smaller_at_index(items: &[Value], index: usize) -> Vec<Value> {
    let mut without = items.to_vec();
    let inner = without.remove(index);
    let with = |inner| items.iter().enumerate().map(|(at, v)| if at == index { inner } else { v }.clone()).collect();
    [without.into()].into_iter().chain(smaller(&inner).iter().map(with)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_needed_to_fail_is_left() {
        let argument = json!({"now": 1, "overrides": [{"a": 1}, {"b": [2, 3], "c": "x".repeat(1000)}]});
        let fails = |value: &Value| value.to_string().contains('3');
        assert_eq!(shrunk(argument, fails), json!({"overrides": [{"b": [3]}]}));
    }
}
