//! A rule of `namespaces`: the limits of the namespaces that match it.

use serde_json::Value;

use super::{limits::Limits, pattern::Pattern};
use crate::value::text::cut;

/// The limits of the HPAs in the namespaces that match a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceRule {
    /// `match`: which namespaces.
    pub pattern: Pattern,
    /// The limits there: what the rule names, and for the rest what it inherits.
    pub limits: Limits,
}

impl NamespaceRule {
    /// The keys that a rule may have.
    pub const KEYS: [&str; 8] = [
        "match",
        "replicaCeiling",
        "maxFactor",
        "directions",
        "defaultDuration",
        "maxDuration",
        "maxPriority",
        "requireReason",
    ];
}

/// Reads `namespaces`. What a rule leaves out is inherited from `outer`, whose default end is as written: not yet shortened
/// to its `maxDuration`, since the rule may have another. Every mistake is added to `errors`, in a sentence that names its
/// path; the rules count where there is none.
pub(super) fn parse(value: &Value, outer: &Limits, errors: &mut Vec<String>) -> Vec<NamespaceRule> {
    let Some(items) = value.as_array() else {
        errors.push("namespaces: not a list of rules".into());
        return Vec::new();
    };
    items.iter().enumerate().filter_map(|(index, item)| rule(item, index, outer, errors)).collect()
}

fn rule(item: &Value, index: usize, outer: &Limits, errors: &mut Vec<String>) -> Option<NamespaceRule> {
    let mut check = |key: &str, result: Result<bool, String>| {
        if let Err(sentence) = result.and_then(|is_known| if is_known { Ok(()) } else { Err(UNKNOWN.into()) }) {
            errors.push(format!("namespaces[{index}]{}: {sentence}", cut(key)));
        }
    };
    let Some(map) = item.as_object() else {
        check("", Err("not a rule: it must be an object with `match`".into()));
        return None;
    };
    let mut limits = outer.clone();
    for (key, value) in map.iter().filter(|(key, _)| *key != "match") {
        check(&format!(".{key}"), limits.set(key, value));
    }
    let pattern = pattern(map.get("match")).map_err(|sentence| check(".match", Err(sentence)));
    let fit = limits.fit_default(map.contains_key("defaultDuration"));
    check(".defaultDuration", fit.map(|()| true));
    Some(NamespaceRule { pattern: pattern.ok()?, limits })
}

fn pattern(value: Option<&Value>) -> Result<Pattern, String> {
    let value = value.ok_or("it is missing; name the namespaces, for example `dev-*`")?;
    Pattern::parse(value.as_str().ok_or("not text")?)
}

const UNKNOWN: &str = "not a limit; a rule has `match`, replicaCeiling, maxFactor, directions, defaultDuration, maxDuration, \
                       maxPriority and requireReason";
