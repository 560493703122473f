//! What an override targets, with the places under which it is filed for that.

use std::hash::BuildHasher;

use hpa_override_core::{Id, Selector};

use hpa_override_plan::Target;

use super::{
    label_text::LabelText,
    place::{Place, Places},
};

/// A target and where its override is filed.
#[derive(Debug)]
pub struct FiledTarget {
    target: Target,
    places: Box<[Place]>,
}

impl FiledTarget {
    /// Chooses the requirement by which a selector is filed: the one for which `count` counts the fewest objects. The choice
    /// stays when the objects change; it decides how many overrides are compared with an HPA, not which are found.
    pub fn new<S: BuildHasher>(target: Target, all: &Places<S>, count: impl Fn(Place) -> usize) -> Self {
        let places = match &target {
            Target::Named { namespace, name } => vec![all.of_name(namespace, name)],
            Target::Selected { namespace, selector } => narrowest(namespace, selector, all, count),
        };
        Self { target, places: places.into() }
    }

    /// What the override targets.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Where the override is filed.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Where all HPAs that a selector matches are filed, now that `count` says how many are filed where; empty for a name.
    pub fn narrowest<S: BuildHasher>(&self, all: &Places<S>, count: impl Fn(Place) -> usize) -> Vec<Place> {
        match &self.target {
            Target::Named { .. } => Vec::new(),
            Target::Selected { namespace, selector } => narrowest(namespace, selector, all, count),
        }
    }

    /// The one HPA that is targeted by name.
    pub fn named(&self) -> Option<Id> {
        match &self.target {
            Target::Named { namespace, name } => Some(Id { namespace: namespace.clone(), name: name.clone() }),
            Target::Selected { .. } => None,
        }
    }

    /// Whether the target includes an HPA.
    pub fn includes(&self, hpa: &Id, labels: &LabelText) -> bool {
        self.target.is_by(hpa, |key| labels.get(key))
    }
}

/// The places of the requirement that the fewest fulfil; all of the namespace where no label is required, none where
/// nothing can match.
fn narrowest<S: BuildHasher>(
    namespace: &str,
    selector: &Selector,
    all: &Places<S>,
    count: impl Fn(Place) -> usize,
) -> Vec<Place> {
    if selector.is_empty() {
        return Vec::new();
    }
    let required = selector.required().map(|(key, values)| all.of_requirement(namespace, key, values));
    let narrowest = required.min_by_key(|places| places.iter().map(|place| count(*place)).sum::<usize>());
    narrowest.unwrap_or_else(|| vec![all.of_namespace(namespace)])
}
