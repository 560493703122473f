//! A rule of `namespaces`: the limits of the namespaces that match it.

use serde_json::{Map, Value};

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

/// Reads `namespaces`. What a rule leaves out is inherited from `outer`, whose default end is as written: not yet shortened
/// to its `maxDuration`, since the rule may have another.
///
/// # Errors
/// Every mistake in every rule, in a sentence that names its path.
pub(super) fn parse(value: &Value, outer: &Limits) -> Result<Vec<NamespaceRule>, Vec<String>> {
    let Some(items) = value.as_array() else { return Err(vec!["namespaces: not a list of rules".into()]) };
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        match rule(item, outer) {
            Ok(rule) => rules.push(rule),
            Err(found) => errors.extend(found.iter().map(|error| format!("namespaces[{index}]{error}"))),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
}

/// Its errors begin with the rest of their path.
fn rule(item: &Value, outer: &Limits) -> Result<NamespaceRule, Vec<String>> {
    let Some(map) = item.as_object() else {
        return Err(vec![": not a rule: it must be an object with `match`".into()]);
    };
    let (mut limits, mut errors) = (outer.clone(), Vec::new());
    for (key, value) in map.iter().filter(|(key, _)| *key != MATCH) {
        let error = match limits.set(key, value) {
            Ok(true) => continue,
            Ok(false) => UNKNOWN.into(),
            Err(expected) => expected,
        };
        errors.push(format!(".{}: {error}", cut(key)));
    }
    let pattern = pattern(map).map_err(|error| errors.push(format!(".{MATCH}: {error}")));
    let fit = limits.fit_default(map.contains_key(DEFAULT));
    errors.extend(fit.err().map(|error| format!(".{DEFAULT}: {error}")));
    match pattern {
        Ok(pattern) if errors.is_empty() => Ok(NamespaceRule { pattern, limits }),
        _ => Err(errors),
    }
}

fn pattern(map: &Map<String, Value>) -> Result<Pattern, String> {
    match map.get(MATCH) {
        None => Err("it is missing; name the namespaces, for example `dev-*`".into()),
        Some(value) => Pattern::parse(value.as_str().ok_or("not text")?),
    }
}

const MATCH: &str = "match";
const DEFAULT: &str = "defaultDuration";
const UNKNOWN: &str = "not a limit; a rule has `match`, replicaCeiling, maxFactor, directions, defaultDuration, maxDuration, \
                       maxPriority and requireReason";
