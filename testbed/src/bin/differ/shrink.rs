//! Makes an argument smaller for as long as the doors still differ.

use serde_json::Value;

/// The smallest argument found on which `differs` still holds. One thing less at a time.
pub fn shrunk(mut argument: Value, differs: impl Fn(&Value) -> bool) -> Value {
    while let Some(smaller) = smaller(&argument).into_iter().find(|smaller| differs(smaller)) {
        argument = smaller;
    }
    argument
}

/// Every value with one thing less.
fn smaller(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let mut without = map.clone();
                without.remove(key);
                all.push(without.into());
                all.extend(smaller(inner).into_iter().map(|inner| {
                    let mut with = map.clone();
                    with.insert(key.clone(), inner);
                    with.into()
                }));
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                let mut without = items.clone();
                without.remove(index);
                all.push(without.into());
                all.extend(smaller(inner).into_iter().map(|inner| {
                    items
                        .iter()
                        .enumerate()
                        .map(|(at, item)| if at == index { &inner } else { item })
                        .cloned()
                        .collect()
                }));
            }
        }
        Value::String(text) if text.len() > 100 => {
            all.push(text.chars().take(text.chars().count() / 2).collect::<String>().into());
        }
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_matters_is_left() {
        let argument = json!({"now": 1, "overrides": [{"a": 1}, {"b": [2, 3], "c": "x".repeat(1000)}]});
        let differs = |value: &Value| value.to_string().contains('3');
        assert_eq!(shrunk(argument, differs), json!({"overrides": [{"b": [3]}]}));
    }
}
