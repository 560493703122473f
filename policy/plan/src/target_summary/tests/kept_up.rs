//! A summary that is kept up, through anything that happens to its targets, is the one that is made anew of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
};

use hpa_override_core::{Bounds, MayPatch};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed},
};
use serde_json::{Value, json};

use super::{
    super::*,
    scenes::{NOW, Scene, at, ovr, readings, settings},
};
use crate::plan_status::{StatusPlan, plan_status};

/// More than a few.
const NAMES: [&str; 12] = ["api", "cart", "chat", "feed", "log", "mail", "map", "pay", "search", "stock", "tax", "web"];
/// Before the record, in its second, and after it.
const TIMES: [&str; 3] = ["2026-11-27T05:30:00Z", NOW, "2026-11-27T06:30:00Z"];

#[derive(Clone, Debug)]
enum Act {
    Set(&'static str, Scene),
    Remove(&'static str),
    Read(&'static str, Scene, ScaleReading, Bounds),
    Recall(&'static str, &'static str),
}

/// Cases and seed can be set with `PROPTEST_CASES` and `PROPTEST_RNG_SEED`.
fn config() -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(RandomState::new().hash_one("seed"));
    }
    if let RngSeed::Fixed(seed) = config.rng_seed {
        eprintln!("to run the same cases again: PROPTEST_RNG_SEED={seed}");
    }
    config
}

/// Most of them are about targets on which the override is active.
fn scene() -> impl Strategy<Value = Scene> {
    prop_oneof![1 => Just(Scene::Active), 3 => select(&Scene::ALL[..])]
}

fn act() -> impl Strategy<Value = Act> {
    let name = || select(&NAMES[..]);
    let bounds = [(10, 15), (10, 20), (9, 15)].map(|(min, max)| Bounds::new(min, max).unwrap());
    let reading = (name(), scene(), select(readings().to_vec()), select(bounds.to_vec()));
    prop_oneof![
        6 => (name(), scene()).prop_map(|(name, scene)| Act::Set(name, scene)),
        1 => name().prop_map(Act::Remove),
        6 => reading.prop_map(|(name, scene, read, read_for)| Act::Read(name, scene, read, read_for)),
        2 => (select(vec!["True", "False", "Unknown"]), select(&TIMES[..])).prop_map(|(status, since)| Act::Recall(status, since)),
    ]
}

fn old(status: &str, since: &str) -> Value {
    let condition = |type_: &str, status: &str| json!({"type": type_, "status": status, "reason": "ReplicasMissing", "message": "as it was", "lastTransitionTime": since});
    json!({"conditions": [condition("Ready", "True"), condition("Active", "True"), condition("Reached", status)]})
}

/// What has happened to each target since it came.
#[derive(Default)]
struct Histories(BTreeMap<&'static str, Vec<Act>>);

impl Histories {
    fn note(&mut self, act: &Act) {
        match act {
            Act::Remove(name) => drop(self.0.remove(name)),
            Act::Set(name, _) => self.0.entry(name).or_default().push(act.clone()),
            Act::Read(name, ..) => self.0.get_mut(name).into_iter().for_each(|acts| acts.push(act.clone())),
            Act::Recall(..) => self.0.values_mut().for_each(|acts| acts.push(act.clone())),
        }
    }

    /// One target by itself.
    fn kept(name: &'static str, acts: &[Act]) -> Kept {
        let [Act::Set(_, first), rest @ ..] = acts else { panic!("a target comes with a plan") };
        let mut kept = Kept::new(first.of(name).1);
        for act in rest {
            match act {
                Act::Set(_, scene) => kept.set(scene.of(name).1),
                Act::Read(_, scene, read, read_for) => {
                    let reading = Reading { read: read.clone(), read_for: *read_for };
                    kept.read(scene.of(name).0.scaling(), reading);
                }
                Act::Recall(status, since) => {
                    kept.recall(KnownCondition::find(Some(&old(status, since)), ConditionType::Reached).as_ref());
                }
                Act::Remove(_) => {}
            }
        }
        kept
    }

    /// The summary of the targets that are left, made anew.
    fn anew(&self, announced: Option<Instant>) -> TargetSummary {
        let mut summary = TargetSummary { announced, ..TargetSummary::default() };
        for (name, acts) in self.0.iter().rev() {
            summary.targets.insert(Name::from(*name), Box::new(Self::kept(name, acts)));
        }
        summary
    }
}

fn apply(summary: &mut TargetSummary, act: &Act) -> bool {
    match act {
        Act::Set(name, scene) => {
            let (hpa, found) = scene.of(name);
            summary.set(&hpa, found)
        }
        Act::Remove(name) => summary.remove(name),
        Act::Read(name, scene, read, read_for) => summary.note_reading(&scene.of(name).0, read.clone(), *read_for),
        Act::Recall(status, since) => {
            summary.recall(Some(&old(status, since)));
            true
        }
    }
}

/// The plans of a status at several instants, after several old statuses.
fn plans(summary: &TargetSummary) -> Vec<StatusPlan> {
    let (ovr, settings) = (ovr("all", &json!({})), settings());
    let olds = [None, Some(old("True", NOW)), Some(old("False", TIMES[2]))];
    let plan = |(old, now): (&Option<Value>, &str)| {
        plan_status(old.as_ref(), &ovr, summary, &settings, &|_| MayPatch::NotAsked, at(now))
    };
    let nows = ["2026-11-27T06:10:00Z", "2026-11-27T08:30:00Z"];
    olds.iter().flat_map(|old| nows.map(|now| (old, now))).map(plan).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn it_is_the_one_made_anew(acts in vec(act(), 0..80), announced in any::<bool>()) {
        let (mut summary, mut histories) = (TargetSummary::default(), Histories::default());
        let announced = announced.then(|| at(NOW));
        summary.note_announced(announced);
        for act in &acts {
            let before = plans(&summary);
            let is_news = apply(&mut summary, act);
            histories.note(act);
            // Numbers in the sentence about what is missing differ, and are no news.
            let says = |plans: &[StatusPlan]| plans.iter().map(without_reached).collect::<Vec<_>>();
            prop_assert!(is_news || says(&before) == says(&plans(&summary)), "{act:?} is news");
        }
        let anew = histories.anew(announced);
        prop_assert_eq!(&summary.targets, &anew.targets);
        prop_assert_eq!(&*summary.overview().counts, &Counts::of(&anew.targets));
        let to_read = |summary: &TargetSummary| {
            summary.to_read().map(|(name, bounds)| (name.to_owned(), bounds.to_string())).collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(to_read(&summary), to_read(&anew));
        prop_assert_eq!(plans(&summary), plans(&anew));
    }
}

/// A plan without the sentence about Reached.
fn without_reached(plan: &StatusPlan) -> StatusPlan {
    let mut plan = plan.clone();
    for condition in plan.status.iter_mut().flat_map(|status| &mut status.conditions) {
        if condition.type_ == "Reached" && condition.reason != "ReplicasReached" {
            condition.message = String::new();
        }
    }
    plan
}
