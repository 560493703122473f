//! Which HPAs an override targets.

use hpa_override_core::{Field, Id, Labels, ParsedOverride, Selector};

use crate::hpa_view::HpaView;

/// What an override targets, for an index: by it a host finds the overrides of an HPA, and the HPAs of an override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The HPA of that name.
    Named {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The HPAs whose labels match.
    Selected {
        /// Their namespace.
        namespace: String,
        /// What their labels must be.
        selector: Selector,
    },
}

impl Target {
    /// What `ovr` targets; none where that cannot be read, or it names none or two: then it targets nothing.
    #[must_use]
    pub fn of(ovr: &ParsedOverride) -> Option<Self> {
        let namespace = ovr.target_namespace()?.to_owned();
        match (&ovr.hpa, &ovr.selector) {
            (Field::Is(name), Field::Absent) => Some(Self::Named { namespace, name: name.clone() }),
            (Field::Absent, Field::Is(selector)) => Some(Self::Selected { namespace, selector: selector.clone() }),
            _ => None,
        }
    }

    /// Whether an HPA of that name with those labels is a target.
    #[must_use]
    pub fn is(&self, hpa: &Id, labels: &Labels) -> bool {
        self.is_by(hpa, |key| labels.get(key).map(String::as_str))
    }

    /// As [`Self::is`], for labels that are kept in another form: `label` is the value of a key.
    #[must_use]
    pub fn is_by<'a>(&self, hpa: &Id, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        match self {
            Self::Named { namespace, name } => *namespace == hpa.namespace && *name == hpa.name,
            Self::Selected { namespace, selector } => *namespace == hpa.namespace && selector.matches_by(label),
        }
    }
}

/// Whether the HPA is a target of the override: by its name, or by its labels, in the target's namespace.
#[must_use]
pub fn targets(ovr: &ParsedOverride, hpa: &HpaView) -> bool {
    let selected = match (&ovr.hpa, &ovr.selector) {
        (Field::Is(named), Field::Absent) => *named == hpa.id().name,
        (Field::Absent, Field::Is(selector)) => selector.matches(hpa.labels()),
        _ => false,
    };
    selected && ovr.target_namespace() == Some(&hpa.id().namespace)
}

#[cfg(test)]
mod tests {
    use hpa_override_core::Instant;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case::by_name(json!({"hpa": "web"}), true)]
    #[case::another(json!({"hpa": "api"}), false)]
    #[case::in_its_namespace(json!({"hpa": "web", "namespace": "shop"}), true)]
    #[case::in_another(json!({"hpa": "web", "namespace": "bank"}), false)]
    #[case::by_label(json!({"selector": {"matchLabels": {"tier": "front"}}}), true)]
    #[case::by_another_label(json!({"selector": {"matchLabels": {"tier": "back"}}}), false)]
    #[case::by_label_in_another(json!({"selector": {"matchLabels": {"tier": "front"}}, "namespace": "bank"}), false)]
    #[case::by_both(json!({"hpa": "web", "selector": {"matchLabels": {"tier": "front"}}}), false)]
    #[case::by_nothing(json!({}), false)]
    #[case::unreadable(json!({"hpa": "Web!"}), false)]
    #[case::unreadable_namespace(json!({"hpa": "web", "namespace": 7}), false)]
    fn an_index_finds_what_is_targeted(#[case] spec: Value, #[case] expected: bool) {
        let object = json!({"metadata": {"namespace": "shop", "name": "a"}, "spec": spec});
        let ovr = ParsedOverride::parse(&object, Instant::MIN);
        let metadata = json!({"namespace": "shop", "name": "web", "labels": {"tier": "front"}});
        let hpa = HpaView::parse(&json!({ "metadata": metadata }));
        let indexed = Target::of(&ovr).is_some_and(|target| target.is(hpa.id(), hpa.labels()));
        assert_eq!((targets(&ovr, &hpa), indexed), (expected, expected));
    }
}
