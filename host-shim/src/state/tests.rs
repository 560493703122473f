//! The state against a model that scans everything, over random histories of creates, relabels, re-targets, deletes, lists and
//! writes of ours: what a change names is all that has to be planned again, and the summaries say what the plans said.

use std::collections::BTreeMap;

use hpa_override_core::{MayPatch, ParsedOverride, Settings};
use hpa_override_plan::{OnTarget, Target, plan_hpa, plan_status};
use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::*;
use crate::{clock::Clock, random_histories::config};

const TIERS: [&str; 3] = ["front", "back", "none"];

/// One event, a fresh list, or a write of ours.
#[derive(Clone, Copy, Debug)]
enum Step {
    PutHpa { name: usize, tier: usize, min: i32, uid: usize },
    RemoveHpa(usize),
    PutOverride { name: usize, target: usize, min: i32, uid: usize },
    RemoveOverride(usize),
    Status(usize),
    ListHpas,
    ListOverrides,
    LateEvent(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let hpa = (0..4_usize, 0..3_usize, 1..4_i32, 0..2_usize);
    let ovr = (0..4_usize, 0..7_usize, 5..8_i32, 0..2_usize);
    prop_oneof![
        4 => hpa.prop_map(|(name, tier, min, uid)| Step::PutHpa { name, tier, min, uid }),
        1 => (0..4_usize).prop_map(Step::RemoveHpa),
        4 => ovr.prop_map(|(name, target, min, uid)| Step::PutOverride { name, target, min, uid }),
        1 => (0..4_usize).prop_map(Step::RemoveOverride),
        2 => (0..4_usize).prop_map(Step::Status),
        1 => Just(Step::ListHpas),
        1 => Just(Step::ListOverrides),
        1 => (0..4_usize).prop_map(Step::LateEvent),
    ]
}

/// What the API server has.
#[derive(Default)]
struct Model {
    version: u64,
    hpas: BTreeMap<usize, Value>,
    overrides: BTreeMap<usize, Value>,
}

struct World {
    model: Model,
    state: State,
    /// The overrides that the last plan for each HPA was made of.
    planned: BTreeMap<Id, Vec<Id>>,
}

fn now() -> Instant {
    "2026-11-27T06:00:00Z".parse().unwrap()
}

fn hpa_id(name: usize) -> Id {
    Id { namespace: "shop".into(), name: format!("hpa-{name}") }
}

fn override_id(name: usize) -> Id {
    Id { namespace: "shop".into(), name: format!("ovr-{name}") }
}

fn view(hpa: &Value) -> HpaView {
    HpaView::parse(hpa)
}

fn parsed(ovr: &Value) -> Override {
    Override::parse(ovr, now())
}

impl Model {
    fn next_version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    fn hpa(&mut self, name: usize, tier: usize, min: i32, uid: usize) -> Value {
        let hpa = json!({"metadata": {"namespace": "shop", "name": hpa_id(name).name, "uid": format!("h{name}-{uid}"),
                                      "resourceVersion": self.next_version(), "labels": {"tier": TIERS[tier]}},
                         "spec": {"minReplicas": min, "maxReplicas": 9}});
        self.hpas.insert(name, hpa.clone());
        hpa
    }

    fn ovr(&mut self, name: usize, target: usize, min: i32, uid: usize) -> Value {
        let mut spec = json!({"minReplicas": min, "duration": "1h"});
        match target {
            0..4 => spec["hpa"] = hpa_id(target).name.into(),
            4..6 => spec["selector"] = json!({"matchLabels": {"tier": TIERS[target - 4]}}),
            _ => {
                spec["selector"] =
                    json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["none"]}]});
            }
        }
        let ovr = json!({"metadata": {"namespace": "shop", "name": override_id(name).name, "uid": format!("o{name}-{uid}"),
                                      "resourceVersion": self.next_version(), "generation": 1,
                                      "creationTimestamp": "2026-11-27T05:59:00Z"},
                         "spec": spec});
        self.overrides.insert(name, ovr.clone());
        ovr
    }

    /// By a scan of everything.
    fn overrides_of(&self, hpa: &Value) -> Vec<Id> {
        let hpa = view(hpa);
        let is_target = |ovr: &&Value| Target::of(&parsed(ovr).parsed).is_some_and(|it| it.is(hpa.id(), hpa.labels()));
        self.overrides.values().filter(is_target).map(|ovr| parsed(ovr).parsed.id).collect()
    }
}

impl World {
    fn take(&mut self, step: Step) -> Change {
        match step {
            Step::PutHpa { name, tier, min, uid } => {
                let hpa = self.model.hpa(name, tier, min, uid);
                self.state.put_hpa(view(&hpa), Source::Event)
            }
            Step::RemoveHpa(name) => {
                self.model.hpas.remove(&name);
                self.state.remove_hpa(&hpa_id(name))
            }
            Step::PutOverride { name, target, min, uid } => {
                let ovr = self.model.ovr(name, target, min, uid);
                self.state.put_override(parsed(&ovr), Source::Event)
            }
            Step::RemoveOverride(name) => {
                self.model.overrides.remove(&name);
                self.state.remove_override(&override_id(name))
            }
            Step::Status(name) => {
                let version = self.model.next_version();
                let Some(hpa) = self.model.hpas.get_mut(&name) else { return Change::default() };
                hpa["metadata"]["resourceVersion"] = version.into();
                hpa["status"] = json!({"currentReplicas": self.model.version});
                let change = self.state.put_hpa(view(hpa), Source::Event);
                assert_eq!(change, Change::default(), "plans do not read it");
                change
            }
            Step::ListHpas => self.list_hpas(),
            Step::ListOverrides => self.list_overrides(),
            Step::LateEvent(name) => {
                let Some(mut old) = self.model.hpas.get(&name).cloned() else { return Change::default() };
                old["metadata"]["resourceVersion"] = "0".into();
                old["spec"]["minReplicas"] = 4.into();
                let change = self.state.put_hpa(view(&old), Source::Event);
                assert_eq!(change, Change::default(), "it is known better");
                change
            }
        }
    }

    fn list_hpas(&mut self) -> Change {
        let (mark, mut listed, mut all) = (self.state.begin_list(), HashSet::new(), Change::default());
        for hpa in self.model.hpas.values() {
            listed.insert(Key::from(view(hpa).id().clone()));
            all.add(self.state.put_hpa(view(hpa), Source::List(mark)));
        }
        all.add(self.state.keep_hpas(None, &listed, mark, &self.model.version.to_string()));
        all
    }

    fn list_overrides(&mut self) -> Change {
        let (mark, mut listed, mut all) = (self.state.begin_list(), HashSet::new(), Change::default());
        for ovr in self.model.overrides.values() {
            listed.insert(parsed(ovr).key());
            all.add(self.state.put_override(parsed(ovr), Source::List(mark)));
        }
        all.add(self.state.keep_overrides(None, &listed, mark, &self.model.version.to_string()));
        all
    }

    /// Plans for what a change names, and for nothing else.
    fn plan(&mut self, change: &Change) {
        for key in &change.hpas {
            let Gathered::Situation(situation) = self.state.gather(key, Clock::System { offset: 0 }.now()) else {
                if !self.state.objects().hpas.contains_key(key) {
                    self.planned.remove(key);
                }
                continue;
            };
            let overrides: Vec<&ParsedOverride> = situation.overrides.iter().map(Arc::as_ref).collect();
            let settings = Settings::default();
            let plan = plan_hpa(&situation.hpa, &overrides, &settings, &|_| MayPatch::NotAsked, now(), None);
            let outcome = |ovr: &Arc<ParsedOverride>| (ovr.clone(), OnTarget::new(ovr, &situation.hpa, &plan, None));
            let outcomes = situation.overrides.iter().map(outcome).collect();
            self.planned.insert((**key).clone(), situation.overrides.iter().map(|ovr| ovr.id.clone()).collect());
            self.state.note_planned(&situation, &plan, outcomes, true);
        }
    }

    /// Every HPA is planned for as everything stands, and every summary has the targets that there are.
    fn check(&self) {
        for (name, hpa) in &self.model.hpas {
            let mut planned = self.planned.get(&hpa_id(*name)).cloned().unwrap_or_default();
            planned.sort();
            assert_eq!(planned, self.model.overrides_of(hpa), "{hpa}");
        }
        for (name, ovr) in &self.model.overrides {
            let id = override_id(*name);
            let is_target = |hpa: &&Value| self.model.overrides_of(hpa).contains(&id);
            let targets = self.model.hpas.values().filter(is_target).count();
            let found = self.state.status_of(&id, |mut situation| {
                assert!(situation.is_complete(), "{ovr}");
                let counted = parsed(ovr);
                let settings = Settings::default();
                let plan =
                    plan_status(None, &counted.parsed, situation.summary(), &settings, &|_| MayPatch::NotAsked, now());
                plan.status.map(|status| status.targets)
            });
            // While a patch is to be written, there is none.
            assert!(targets > 0 || found == Some(Some(0)), "{ovr}: {found:?}");
            let counted = self.state.objects().index.targets_of(&id).len();
            assert_eq!(counted, targets);
        }
        assert_eq!(self.state.counts(), (self.model.hpas.len(), self.model.overrides.len()));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_histories_leave_every_plan_and_summary_up_to_date(steps in vec(step(), 1..16)) {
        let mut world = World { model: Model::default(), state: State::default(), planned: BTreeMap::new() };
        for step in steps {
            let change = world.take(step);
            world.plan(&change);
            world.check();
        }
    }
}

fn world() -> World {
    World { model: Model::default(), state: State::default(), planned: BTreeMap::new() }
}

#[test]
fn what_was_written_since_a_list_began_stays() {
    let mut world = world();
    let listed = world.model.hpa(0, 0, 1, 0);
    world.state.put_hpa(view(&listed), Source::Event);
    let mark = world.state.begin_list();
    let written = world.model.hpa(0, 0, 3, 0);
    world.state.note_hpa_written(view(&written), None);
    world.state.put_hpa(view(&listed), Source::List(mark));
    assert_eq!(world.state.hpa(&hpa_id(0)).unwrap().resource_version(), "2");
    world.state.keep_hpas(None, &HashSet::new(), mark, "1");
    assert!(world.state.hpa(&hpa_id(0)).is_some(), "the list did not know it");
    world.state.keep_hpas(None, &HashSet::new(), mark, "3");
    assert!(world.state.hpa(&hpa_id(0)).is_none(), "the list is later, and lacks it all the same");
    world.state.put_hpa(view(&written), Source::Event);
    world.state.note_hpa_written(view(&world.model.hpa(0, 0, 4, 0)), None);
    world.state.keep_hpas(None, &HashSet::new(), world.state.begin_list(), "1");
    assert!(world.state.hpa(&hpa_id(0)).is_none(), "not written since, whatever the versions say: a restored etcd");
}

#[test]
fn a_list_from_an_older_state_counts() {
    let mut world = world();
    let old = world.model.hpa(0, 0, 1, 0);
    let new = world.model.hpa(0, 0, 3, 0);
    world.state.put_hpa(view(&new), Source::Event);
    world.state.put_hpa(view(&old), Source::List(world.state.begin_list()));
    assert_eq!(world.state.hpa(&hpa_id(0)).unwrap().resource_version(), "1");
}

fn web(uid: &str, version: &str, status: &Value) -> HpaView {
    let metadata = json!({"namespace": "shop", "name": "web", "uid": uid, "resourceVersion": version});
    view(&json!({"metadata": metadata, "spec": {"minReplicas": 2, "maxReplicas": 5}, "status": status}))
}

fn gathered(state: &State) -> Situation {
    match state.gather(&Id { namespace: "shop".into(), name: "web".into() }, Clock::System { offset: 0 }.now()) {
        Gathered::Situation(situation) => situation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_status_that_comes_while_a_plan_waits_for_it_is_not_lost() {
    let state = State::default();
    let metadata = json!({"namespace": "shop", "name": "a", "uid": "o", "resourceVersion": "1",
                          "creationTimestamp": "2026-11-27T05:59:00Z"});
    let spec = json!({"hpa": "web", "minReplicas": "current+1", "duration": "1h"});
    state.put_override(parsed(&json!({"metadata": metadata, "spec": spec})), Source::Event);
    state.put_hpa(web("h", "2", &json!({})), Source::Event);
    let situation = gathered(&state);
    let overrides: Vec<_> = situation.overrides.iter().map(Arc::as_ref).collect();
    let plan = plan_hpa(&situation.hpa, &overrides, &Settings::default(), &|_| MayPatch::NotAsked, now(), None);
    assert!(plan.waits_for_status && plan.patch.is_none());
    let able = json!([{"type": "AbleToScale", "status": "True"}]);
    let status = json!({"currentReplicas": 3, "desiredReplicas": 3, "conditions": able});
    state.put_hpa(web("h", "3", &status), Source::Event);
    let change = state.note_planned(&situation, &plan, Vec::new(), true);
    assert_eq!(change.hpas.len(), 1);
    assert_eq!(gathered(&state).hpa.resource_version(), "3");
}

#[test]
fn what_was_sent_is_remembered_where_the_write_changed_nothing() {
    let state = State::default();
    let ovr = || {
        let metadata = json!({"namespace": "shop", "name": "a", "uid": "o", "resourceVersion": "5"});
        parsed(&json!({"metadata": metadata, "spec": {"hpa": "web"}, "status": {"phase": "Active"}}))
    };
    state.put_override(ovr(), Source::Event);
    let sent = json!({"phase": "Active", "fresh": 1});
    state.note_status_written(ovr(), &sent, None, Clock::System { offset: 0 }.now());
    let id = Id { namespace: "shop".into(), name: "a".into() };
    assert_eq!(state.status_of(&id, |situation| situation.status()), Some(Some(sent)));
}

#[test]
fn the_record_of_an_hpa_is_not_remembered_for_its_successor() {
    let state = State::default();
    state.put_hpa(web("old", "2", &json!({})), Source::Event);
    state.put_hpa(web("new", "9", &json!({})), Source::Event);
    state.note_hpa_written(web("old", "10", &json!({})), Some("a record"));
    let situation = gathered(&state);
    assert_eq!((situation.hpa.uid(), situation.remembered), ("new", None));
}

#[test]
fn an_answer_brings_nothing_back() {
    let state = State::default();
    state.put_hpa(web("h", "3", &json!({})), Source::Answer);
    let metadata = json!({"namespace": "shop", "name": "a", "uid": "o", "resourceVersion": "3"});
    state.put_override(parsed(&json!({"metadata": metadata, "spec": {"hpa": "web"}})), Source::Answer);
    assert_eq!(state.counts(), (0, 0));
}

#[test]
fn a_failed_write_is_not_tried_again_before_its_time_unless_something_changes() {
    let (state, clock) = (State::default(), Clock::System { offset: 0 });
    let (id, now) = (Id { namespace: "shop".into(), name: "web".into() }, clock.now());
    let is_paused = |moment| matches!(state.gather(&id, moment), Gathered::Paused(_));
    let fail = || {
        let hpa = state.hpa(&id).unwrap();
        state.with_hpa(&hpa, |memory| memory.pause(now, Duration::from_secs(5))).unwrap();
    };
    state.put_hpa(web("h", "2", &json!({})), Source::Event);
    fail();
    assert!(is_paused(now) && is_paused(now.after(Duration::from_secs(4))));
    assert!(!is_paused(now.after(Duration::from_secs(5))), "its time has come");
    state.put_hpa(web("h", "3", &json!({"desiredReplicas": 3})), Source::Event);
    assert!(is_paused(now), "plans do not read that");
    state.expire(&id, None, now.instant());
    assert!(!is_paused(now), "an instant at which a plan differs");
    fail();
    let other = json!({"metadata": {"namespace": "shop", "name": "web", "uid": "h", "resourceVersion": "4"},
                       "spec": {"minReplicas": 3, "maxReplicas": 5}});
    state.put_hpa(view(&other), Source::Event);
    assert!(!is_paused(now), "somebody has written it");
    fail();
    state.note_hpa_written(web("h", "5", &json!({})), None);
    assert!(!is_paused(now), "we have written it");
}
