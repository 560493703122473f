//! Label selectors: which HPAs an override targets, as Kubernetes evaluates a `LabelSelector`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{names::is_subdomain, text::cut};

/// The labels of an object.
pub type Labels = BTreeMap<String, String>;

/// Requirements on labels, all of which must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Parses `spec.selector`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(value: &Value) -> Result<Self, String> {
        let selector = value.as_object().ok_or("it is not an object with matchLabels or matchExpressions")?;
        let mut requirements = Vec::new();
        let none = Map::new();
        let labels = match selector.get("matchLabels") {
            None | Some(Value::Null) => &none,
            Some(labels) => labels.as_object().ok_or("matchLabels is not a map of labels to values")?,
        };
        // The API server removes a label without a value.
        for (key, value) in labels.iter().filter(|(_, value)| !value.is_null()) {
            let value = value.as_str().ok_or_else(|| format!("the value of label `{}` is not text", cut(key)))?;
            requirements.push(Requirement::new(key, Operator::In, vec![value.into()])?);
        }
        let expressions = match selector.get("matchExpressions") {
            None | Some(Value::Null) => &[][..],
            Some(list) => list.as_array().ok_or("matchExpressions is not a list")?,
        };
        for expression in expressions {
            requirements.push(Requirement::parse(expression)?);
        }
        Ok(Self(requirements))
    }

    /// Whether it has no requirement, and so would match every HPA.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels without which nothing matches, each with the values of which it must have one; no values: any. An index
    /// finds by one of them what the selector may match.
    pub fn required(&self) -> impl Iterator<Item = (&str, &[String])> {
        let is_required = |requirement: &&Requirement| matches!(requirement.operator, Operator::In | Operator::Exists);
        self.0.iter().filter(is_required).map(|requirement| (requirement.key.as_str(), requirement.values.as_slice()))
    }

    /// Whether the labels match. An empty selector matches nothing (it is refused as `selectorEmpty`).
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_by(|key| labels.get(key).map(String::as_str))
    }

    /// As [`Self::matches`], for labels that are kept in another form: `label` is the value of a key.
    pub fn matches_by<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        !self.is_empty() && self.0.iter().all(|requirement| requirement.holds(label(&requirement.key)))
    }
}

impl Requirement {
    fn new(key: &str, operator: Operator, values: Vec<String>) -> Result<Self, String> {
        if !is_label_key(key) {
            return Err(format!("`{}` is not the key of a label", cut(key)));
        }
        if let Some(odd) = values.iter().find(|value| !is_label_value(value)) {
            return Err(format!("`{}` is not a value of a label", cut(odd)));
        }
        Ok(Self { key: key.into(), operator, values })
    }

    fn parse(expression: &Value) -> Result<Self, String> {
        let text = |key: &str| expression.get(key).and_then(Value::as_str);
        let key = text("key").ok_or("a requirement has no key")?;
        let (operator, shown) = (text("operator").unwrap_or_default(), cut(key));
        let values = match expression.get("values") {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(list) => {
                list.as_array().and_then(|list| list.iter().map(|value| value.as_str().map(Into::into)).collect())
            }
        };
        let values: Vec<String> = values.ok_or_else(|| format!("the values for `{shown}` are not a list of texts"))?;
        let operator = match (operator, values.is_empty()) {
            ("In", false) => Operator::In,
            ("NotIn", false) => Operator::NotIn,
            ("Exists", true) => Operator::Exists,
            ("DoesNotExist", true) => Operator::DoesNotExist,
            ("In" | "NotIn", true) => return Err(format!("{operator} needs values to compare `{shown}` with")),
            ("Exists" | "DoesNotExist", false) => return Err(format!("{operator} of `{shown}` takes no values")),
            _ => {
                let operator = cut(operator);
                return Err(format!(
                    "`{operator}` is no operator for `{shown}`; use In, NotIn, Exists or DoesNotExist"
                ));
            }
        };
        Self::new(key, operator, values)
    }

    fn holds(&self, value: Option<&str>) -> bool {
        let listed = value.is_some_and(|value| self.values.iter().any(|listed| listed == value));
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// A qualified name: an optional DNS subdomain and `/`, then a name of at most 63 characters.
fn is_label_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_subdomain) && !name.is_empty() && is_label_value(name)
}

/// At most 63 letters, digits, `-`, `_` and `.`, the first and the last a letter or a digit; may be empty.
fn is_label_value(value: &str) -> bool {
    let outer = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && outer(bytes.first())
        && outer(bytes.last())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn labelled(value: &str) -> Labels {
        Labels::from([("tier".into(), value.into())])
    }

    #[rstest]
    #[case::label(json!({"matchLabels": {"tier": "front"}}), true)]
    #[case::other_value(json!({"matchLabels": {"tier": "back"}}), false)]
    #[case::all_must_hold(json!({"matchLabels": {"tier": "front", "team": "shop"}}), false)]
    #[case::listed(json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["back", "front"]}]}), true)]
    #[case::not_listed(json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}), false)]
    #[case::absent_is_not_listed(json!({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}), true)]
    #[case::absent_is_not_in(json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}]}), false)]
    #[case::exists(json!({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}), true)]
    #[case::does_not(json!({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}), false)]
    #[case::both_kinds(json!({"matchLabels": {"tier": "front"},
        "matchExpressions": [{"key": "example.com/x", "operator": "DoesNotExist", "values": []}]}), true)]
    #[case::empty_matches_nothing(json!({"matchLabels": {}, "matchExpressions": null}), false)]
    #[case::null_is_no_value(json!({"matchLabels": {"tier": "front", "team": null}}), true)]
    #[case::nothing_but_nulls(json!({"matchLabels": {"tier": null}}), false)]
    fn reads_as_kubernetes_does(#[case] selector: Value, #[case] expected: bool) {
        assert_eq!(Selector::parse(&selector).unwrap().matches(&labelled("front")), expected);
    }

    #[test]
    fn without_labels_only_absence_matches() {
        let absent = json!({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]});
        assert!(Selector::parse(&absent).unwrap().matches(&Labels::new()));
        assert!(!Selector::parse(&json!({"matchLabels": {"a": ""}})).unwrap().matches(&Labels::new()));
    }

    #[test]
    fn only_what_asks_for_a_label_requires_one() {
        let selector = json!({"matchLabels": {"tier": "front"}, "matchExpressions": [
            {"key": "team", "operator": "In", "values": ["a", "b"]}, {"key": "app", "operator": "Exists"},
            {"key": "x", "operator": "NotIn", "values": ["y"]}, {"key": "z", "operator": "DoesNotExist"}]});
        let selector = Selector::parse(&selector).unwrap();
        let required: Vec<_> = selector.required().collect();
        let team = ["a".to_owned(), "b".to_owned()];
        assert_eq!(required, [("tier", &["front".to_owned()][..]), ("team", &team), ("app", &[])]);
    }

    #[rstest]
    #[case::text(json!("tier=front"), "it is not an object with matchLabels or matchExpressions")]
    #[case::labels(json!({"matchLabels": ["tier"]}), "matchLabels is not a map of labels to values")]
    #[case::number(json!({"matchLabels": {"tier": 1}}), "the value of label `tier` is not text")]
    #[case::expressions(json!({"matchExpressions": {}}), "matchExpressions is not a list")]
    #[case::no_key(json!({"matchExpressions": [{"operator": "Exists"}]}), "a requirement has no key")]
    #[case::no_operator(json!({"matchExpressions": [{"key": "a"}]}),
        "`` is no operator for `a`; use In, NotIn, Exists or DoesNotExist")]
    #[case::operator(json!({"matchExpressions": [{"key": "a", "operator": "Equals", "values": ["b"]}]}),
        "`Equals` is no operator for `a`; use In, NotIn, Exists or DoesNotExist")]
    #[case::no_values(json!({"matchExpressions": [{"key": "a", "operator": "In"}]}), "In needs values to compare `a` with")]
    #[case::values(json!({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}),
        "Exists of `a` takes no values")]
    #[case::values_type(json!({"matchExpressions": [{"key": "a", "operator": "In", "values": [1]}]}),
        "the values for `a` are not a list of texts")]
    #[case::key(json!({"matchLabels": {"a b": "c"}}), "`a b` is not the key of a label")]
    #[case::empty_name(json!({"matchLabels": {"a/": "c"}}), "`a/` is not the key of a label")]
    #[case::prefix(json!({"matchLabels": {"A/b": "c"}}), "`A/b` is not the key of a label")]
    #[case::value(json!({"matchLabels": {"a": "-c"}}), "`-c` is not a value of a label")]
    fn refuses(#[case] selector: Value, #[case] sentence: &str) {
        assert_eq!(Selector::parse(&selector), Err(sentence.into()));
    }

    #[test]
    fn lengths_are_kubernetes_own() {
        let (longest, longer) = ("a".repeat(63), "a".repeat(64));
        assert!(is_label_value(&longest) && is_label_value("") && !is_label_value(&longer));
        assert!(is_label_key(&format!("example.com/{longest}")) && !is_label_key(&longer) && !is_label_key(""));
    }
}
