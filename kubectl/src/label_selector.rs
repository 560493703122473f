//! Label selectors as kubectl's `-l` takes them, turned into what an `AutoscalerOverride` holds.

use serde_json::{Map, Value, json};

/// Reads `tier=front,env in (prod,test),!canary`.
///
/// # Errors
/// Names the part that cannot be read.
pub fn parse(text: &str) -> Result<Value, String> {
    let (mut labels, mut expressions) = (Map::new(), Vec::new());
    for part in parts(text) {
        match requirement(part.trim()).ok_or_else(|| unreadable(&part))? {
            Requirement::Equals(key, value) if !labels.contains_key(key) => {
                labels.insert(key.into(), value.into());
            }
            Requirement::Equals(key, value) => expressions.push(expression(key, "In", &[value])),
            Requirement::Other(key, operator, values) => expressions.push(expression(key, operator, &values)),
        }
    }
    let mut selector = Map::new();
    if !labels.is_empty() {
        selector.insert("matchLabels".into(), labels.into());
    }
    if !expressions.is_empty() {
        selector.insert("matchExpressions".into(), expressions.into());
    }
    if selector.is_empty() { Err(unreadable(text)) } else { Ok(selector.into()) }
}

fn unreadable(part: &str) -> String {
    format!(
        "`{}` is no label selector: write tier=front, tier!=back, \"tier in (front,edge)\", tier or !tier",
        part.trim()
    )
}

enum Requirement<'a> {
    Equals(&'a str, &'a str),
    Other(&'a str, &'static str, Vec<&'a str>),
}

/// The text between the commas that are not in parentheses.
fn parts(text: &str) -> Vec<String> {
    let mut depth = 0_i32;
    let mut parts = vec![String::new()];
    for letter in text.chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        match parts.last_mut() {
            _ if letter == ',' && depth == 0 => parts.push(String::new()),
            Some(part) => part.push(letter),
            None => {}
        }
    }
    parts
}

fn requirement(part: &str) -> Option<Requirement<'_>> {
    let is_key =
        |key: &str| !key.is_empty() && !key.contains(|letter: char| letter.is_whitespace() || "()!=,".contains(letter));
    if let Some((key, values)) = part.strip_suffix(')').and_then(|part| part.split_once('(')) {
        let (key, operator) = key.trim().rsplit_once(char::is_whitespace)?;
        let operator = match operator {
            "in" => "In",
            "notin" => "NotIn",
            _ => return None,
        };
        let values = values.split(',').map(str::trim).collect();
        return Some(key.trim()).filter(|key| is_key(key)).map(|key| Requirement::Other(key, operator, values));
    }
    let compared = [("!=", "NotIn"), ("==", "In"), ("=", "In")];
    for (sign, operator) in compared {
        if let Some((key, value)) = part.split_once(sign) {
            let (key, value) = (key.trim(), value.trim());
            if !is_key(key) || value.contains(['=', '!', '(', ')']) {
                return None;
            }
            return Some(match operator {
                "In" => Requirement::Equals(key, value),
                _ => Requirement::Other(key, operator, vec![value]),
            });
        }
    }
    match part.strip_prefix('!') {
        Some(key) => {
            Some(key.trim()).filter(|key| is_key(key)).map(|key| Requirement::Other(key, "DoesNotExist", vec![]))
        }
        None => Some(part).filter(|key| is_key(key)).map(|key| Requirement::Other(key, "Exists", vec![])),
    }
}

fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
    if values.is_empty() {
        return json!({"key": key, "operator": operator});
    }
    json!({"key": key, "operator": operator, "values": values})
}

#[cfg(test)]
mod tests {
    use hpa_override_core::Selector;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::equal("tier=front", json!({"matchLabels": {"tier": "front"}}))]
    #[case::two("tier=front,env==prod", json!({"matchLabels": {"tier": "front", "env": "prod"}}))]
    #[case::the_same_key_twice("a=b,a=c", json!({"matchLabels": {"a": "b"},
        "matchExpressions": [{"key": "a", "operator": "In", "values": ["c"]}]}))]
    #[case::unequal("tier!=back", json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["back"]}]}))]
    #[case::one_of("tier in (front, edge)", json!({"matchExpressions":
        [{"key": "tier", "operator": "In", "values": ["front", "edge"]}]}))]
    #[case::none_of("tier notin (a),!canary,team", json!({"matchExpressions": [
        {"key": "tier", "operator": "NotIn", "values": ["a"]},
        {"key": "canary", "operator": "DoesNotExist"}, {"key": "team", "operator": "Exists"}]}))]
    fn what_kubectl_takes(#[case] text: &str, #[case] expected: Value) {
        let selector = parse(text).unwrap();
        assert_eq!(selector, expected);
        assert!(Selector::parse(&selector).is_ok());
    }

    #[rstest]
    #[case::nothing("")]
    #[case::a_gap("a=b,,c=d")]
    #[case::unknown_operator("a like (b)")]
    #[case::blanks("a b")]
    #[case::unclosed("a in (b")]
    fn what_it_does_not(#[case] text: &str) {
        assert!(parse(text).unwrap_err().ends_with("tier or !tier"), "{text}");
    }
}
