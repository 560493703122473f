//! Which HPAs an override targets.

use hpa_override_core::{
    Field, ParsedOverride,
    hpa::raw::{labels_of, name_of},
};
use serde_json::Value;

/// Whether the HPA is a target of the override: by its name, or by its labels, in the target's namespace.
#[must_use]
pub fn targets(ovr: &ParsedOverride, hpa: &Value) -> bool {
    let (namespace, name) = name_of(hpa);
    let selected = match (&ovr.hpa, &ovr.selector) {
        (Field::Is(named), Field::Absent) => named == name,
        (Field::Absent, Field::Is(selector)) => selector.matches(&labels_of(hpa)),
        _ => false,
    };
    selected && ovr.target_namespace() == Some(namespace)
}

/// Whether a change of the HPA of that name can change the override's status: it is the target, or might be selected once
/// its labels change.
#[must_use]
pub fn concerns(ovr: &ParsedOverride, namespace: &str, name: &str) -> bool {
    let named = ovr.hpa.value().is_some_and(|hpa| hpa == name);
    (named || !ovr.selector.is_absent()) && ovr.target_namespace() == Some(namespace)
}
