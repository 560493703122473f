//! The index against a model that looks at everything each time.

use std::{collections::BTreeMap, hash::BuildHasherDefault, hash::DefaultHasher};

use hpa_override_core::Selector;
use proptest::{collection::btree_map, collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::random_histories::config;

/// One event, or a fresh list.
#[derive(Clone, Debug)]
enum Step {
    PutHpa(Id, Labels),
    RemoveHpa(Id),
    PutOverride(Id, Option<Target>),
    RemoveOverride(Id),
    ListHpas(BTreeMap<Id, Labels>),
    ListOverrides(BTreeMap<Id, Option<Target>>),
}

/// What there is, and nothing prepared.
#[derive(Default)]
struct Model {
    hpas: BTreeMap<Id, Labels>,
    overrides: BTreeMap<Id, Target>,
}

impl Model {
    fn is_target(&self, ovr: &Id, hpa: &Id) -> bool {
        let (Some(target), Some(labels)) = (self.overrides.get(ovr), self.hpas.get(hpa)) else { return false };
        match target {
            Target::Named { namespace, name } => (namespace, name) == (&hpa.namespace, &hpa.name),
            Target::Selected { namespace, selector } => *namespace == hpa.namespace && selector.matches(labels),
        }
    }

    fn targets_of(&self, ovr: &Id) -> BTreeSet<Id> {
        self.hpas.keys().filter(|hpa| self.is_target(ovr, hpa)).cloned().collect()
    }

    fn overrides_of(&self, hpa: &Id) -> BTreeSet<Id> {
        self.overrides.keys().filter(|ovr| self.is_target(ovr, hpa)).cloned().collect()
    }
}

/// The last bits of a hash alone, so that most places share a number.
#[derive(Default)]
struct FewNumbers(DefaultHasher);

impl std::hash::Hasher for FewNumbers {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish() % 3
    }
}

/// The model and the indices that are compared with it.
#[derive(Default)]
struct Compared {
    model: Model,
    index: Index,
    sharing: Index<BuildHasherDefault<FewNumbers>>,
}

impl Compared {
    fn put_hpa(&mut self, hpa: &Id, labels: &Labels) {
        let before = self.model.overrides_of(hpa);
        self.model.hpas.insert(hpa.clone(), labels.clone());
        let concerned = before.union(&self.model.overrides_of(hpa)).cloned().collect();
        let key = Arc::new(hpa.clone());
        same(self.index.put_hpa(&key, labels), &concerned);
        same(self.sharing.put_hpa(&key, labels), &concerned);
    }

    fn remove_hpa(&mut self, hpa: &Id) {
        let concerned = self.model.overrides_of(hpa);
        self.model.hpas.remove(hpa);
        same(self.index.remove_hpa(hpa), &concerned);
        same(self.sharing.remove_hpa(hpa), &concerned);
    }

    fn put_override(&mut self, ovr: &Id, target: Option<&Target>) {
        let before = self.model.targets_of(ovr);
        match target {
            Some(target) => self.model.overrides.insert(ovr.clone(), target.clone()),
            None => self.model.overrides.remove(ovr),
        };
        let concerned = before.union(&self.model.targets_of(ovr)).cloned().collect();
        let key = Arc::new(ovr.clone());
        same(self.index.put_override(&key, target.cloned()), &concerned);
        same(self.sharing.put_override(&key, target.cloned()), &concerned);
    }

    fn remove_override(&mut self, ovr: &Id) {
        let concerned = self.model.targets_of(ovr);
        self.model.overrides.remove(ovr);
        same(self.index.remove_override(ovr), &concerned);
        same(self.sharing.remove_override(ovr), &concerned);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::PutHpa(hpa, labels) => self.put_hpa(hpa, labels),
            Step::RemoveHpa(hpa) => self.remove_hpa(hpa),
            Step::PutOverride(ovr, target) => self.put_override(ovr, target.as_ref()),
            Step::RemoveOverride(ovr) => self.remove_override(ovr),
            Step::ListHpas(listed) => {
                for (hpa, labels) in listed {
                    self.put_hpa(hpa, labels);
                }
                let gone: Vec<Id> = self.model.hpas.keys().filter(|hpa| !listed.contains_key(hpa)).cloned().collect();
                for hpa in &gone {
                    self.remove_hpa(hpa);
                }
            }
            Step::ListOverrides(listed) => {
                for (ovr, target) in listed {
                    self.put_override(ovr, target.as_ref());
                }
                let known = self.model.overrides.keys();
                let gone: Vec<Id> = known.filter(|ovr| !listed.contains_key(ovr)).cloned().collect();
                for ovr in &gone {
                    self.remove_override(ovr);
                }
            }
        }
    }

    fn compare(&self) {
        for id in all_ids() {
            let (targets, overrides) = (self.model.targets_of(&id), self.model.overrides_of(&id));
            same_in_order(&self.index.targets_of(&id), &targets);
            same_in_order(&self.sharing.targets_of(&id), &targets);
            same_in_order(&self.index.overrides_of(&id), &overrides);
            same_in_order(&self.sharing.overrides_of(&id), &overrides);
        }
    }
}

#[track_caller]
fn same(found: BTreeSet<Key>, expected: &BTreeSet<Id>) {
    same_in_order(&found.into_iter().collect::<Vec<_>>(), expected);
}

#[track_caller]
fn same_in_order(found: &[Key], expected: &BTreeSet<Id>) {
    assert!(found.iter().map(|key| &**key).eq(expected), "found {found:?}, not {expected:?}");
}

const NAMESPACES: [&str; 2] = ["pay", "shop"];
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const LABELS: [&str; 3] = ["app", "team", "tier"];
const VALUES: [&str; 4] = ["", "x", "y", "z"];

fn all_ids() -> impl Iterator<Item = Id> {
    let of = |namespace: &'static str| NAMES.map(|name| Id { namespace: namespace.into(), name: name.into() });
    NAMESPACES.into_iter().flat_map(of)
}

fn id() -> impl Strategy<Value = Id> {
    (select(&NAMESPACES), select(&NAMES))
        .prop_map(|(namespace, name)| Id { namespace: namespace.into(), name: name.into() })
}

fn any_labels() -> impl Strategy<Value = Labels> {
    btree_map(select(&LABELS).prop_map(Into::into), select(&VALUES).prop_map(Into::into), 0..4)
}

fn requirement() -> impl Strategy<Value = Value> {
    let values = vec(select(&VALUES), 1..4);
    (select(&LABELS), select(&["In", "In", "NotIn", "Exists", "DoesNotExist"]), values).prop_map(
        |(key, operator, values)| {
            let values = if operator.ends_with("In") { values } else { Vec::new() };
            json!({"key": key, "operator": operator, "values": values})
        },
    )
}

fn target() -> impl Strategy<Value = Target> {
    let named = id().prop_map(|id| Target::Named { namespace: id.namespace, name: id.name });
    let selected = (select(&NAMESPACES), vec(requirement(), 0..4)).prop_map(|(namespace, requirements)| {
        let selector = Selector::parse(&json!({"matchExpressions": requirements})).unwrap();
        Target::Selected { namespace: namespace.into(), selector }
    });
    prop_oneof![1 => named, 3 => selected]
}

fn any_step() -> impl Strategy<Value = Step> {
    let seldom_unreadable = || option::weighted(0.9, target());
    prop_oneof![
        8 => (id(), any_labels()).prop_map(|(hpa, labels)| Step::PutHpa(hpa, labels)),
        3 => id().prop_map(Step::RemoveHpa),
        8 => (id(), seldom_unreadable()).prop_map(|(ovr, target)| Step::PutOverride(ovr, target)),
        3 => id().prop_map(Step::RemoveOverride),
        1 => btree_map(id(), any_labels(), 0..8).prop_map(Step::ListHpas),
        1 => btree_map(id(), seldom_unreadable(), 0..8).prop_map(Step::ListOverrides),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_answer_is_that_of_a_scan(history in vec(any_step(), 1..40)) {
        let mut compared = Compared::default();
        for step in &history {
            compared.step(step);
            compared.compare();
        }
        for id in all_ids() {
            compared.remove_hpa(&id);
            compared.remove_override(&id);
        }
        prop_assert!(compared.index.hpas.is_empty() && compared.index.overrides.is_empty());
    }
}
