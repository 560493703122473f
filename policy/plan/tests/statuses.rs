//! The table of phases, conditions and reasons is what plans give, and plans give no other.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use hpa_override_core::{
    Instant, MayPatch, ParsedOverride, Phase, RECORD_ANNOTATION, Reason, Settings, hpa::raw::set_annotation,
};
use hpa_override_crd::{
    AutoscalerOverrideStatus,
    ConditionStatus::{self, False, True, Unknown},
};
use hpa_override_plan::{
    HpaPlan, HpaView, OnTarget, Problem, ScaleReading, TargetSummary, plan_hpa, plan_status, reached_table,
    status_table,
};
use serde_json::{Value, json};

const NOW: &str = "2026-11-27T06:00:00Z";
const END: &str = "2026-11-27T07:00:00Z";

type State = (ConditionStatus, Reason);
/// Phase, Ready, Active, Stalled.
type Row = (Phase, State, State, State);

/// What one status is planned from; of the overrides the first is asked about.
struct World {
    overrides: Vec<Value>,
    hpas: Vec<Value>,
    settings: Value,
    may_patch: MayPatch,
    now: &'static str,
    /// A problem of the HPA of that name.
    problem: Option<(&'static str, Reason)>,
    reading: Option<ScaleReading>,
}

fn ovr(name: &str, fields: &Value) -> Value {
    let mut spec = json!({"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "expiresAt": END});
    for (key, value) in fields.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let stamp = r#"{"user":"alice","groups":[]}"#;
    json!({"metadata": {"namespace": "shop", "name": name, "uid": name, "generation": 1, "creationTimestamp": NOW,
                        "annotations": {"hpa-override.dev/requested-by": stamp}}, "spec": spec})
}

fn hpa(name: &str, metadata: &Value) -> Value {
    let mut hpa = json!({"metadata": {"namespace": "shop", "name": name, "labels": {"tier": "front"}},
                         "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                                  "minReplicas": 2, "maxReplicas": 5}});
    for (key, value) in metadata.as_object().unwrap() {
        hpa["metadata"][key] = value.clone();
    }
    hpa
}

fn owned(name: &str) -> Value {
    hpa(name, &json!({"ownerReferences": [{"controller": true}]}))
}

/// An override of `web` with these fields, on an HPA that no override is active on.
fn world(fields: &Value) -> World {
    World {
        overrides: vec![ovr("a", fields)],
        hpas: vec![hpa("web", &json!({}))],
        settings: json!({}),
        may_patch: MayPatch::NotAsked,
        now: NOW,
        problem: None,
        reading: None,
    }
}

fn planned(hpa: &Value, all: &[ParsedOverride], settings: &Settings, may_patch: MayPatch, now: &str) -> HpaPlan {
    let overrides: Vec<_> = all.iter().collect();
    plan_hpa(&HpaView::parse(hpa), &overrides, settings, &|_| may_patch, at(now), None)
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

impl World {
    fn parsed(&self, now: &str) -> Vec<ParsedOverride> {
        self.overrides.iter().map(|object| ParsedOverride::parse(object, at(now))).collect()
    }

    fn settings(&self) -> Settings {
        Settings::parse(&self.settings).unwrap()
    }

    /// The world once the controller has acted at that instant, where nothing keeps it from it.
    fn settled(mut self, now: &str) -> Self {
        let (overrides, settings) = (self.parsed(now), self.settings());
        let refused = self.problem.map(|(name, _)| name);
        for hpa in self.hpas.iter_mut().filter(|hpa| refused != hpa["metadata"]["name"].as_str()) {
            let may_patch = self.may_patch;
            while let Some(patch) = planned(hpa, &overrides, &settings, may_patch, now).patch {
                for (bound, number) in patch.get("spec").and_then(Value::as_object).into_iter().flatten() {
                    hpa["spec"][bound] = number.clone();
                }
                let record = patch["metadata"]["annotations"][RECORD_ANNOTATION].as_str().map(Into::into);
                set_annotation(hpa, RECORD_ANNOTATION, record);
            }
        }
        self
    }

    /// The same with other fields of the first override.
    fn edited(mut self, fields: &Value) -> Self {
        for (key, value) in fields.as_object().unwrap() {
            self.overrides[0]["spec"][key] = value.clone();
        }
        self.overrides[0]["metadata"]["generation"] = 2.into();
        self
    }

    fn with_problem(self, name: &'static str, reason: Reason) -> Self {
        Self { problem: Some((name, reason)), ..self }
    }

    fn status(&self) -> AutoscalerOverrideStatus {
        let (overrides, settings, now) = (self.parsed(self.now), self.settings(), at(self.now));
        let may_patch = |_: &ParsedOverride| self.may_patch;
        let mut summary = TargetSummary::never_asking();
        for hpa in &self.hpas {
            let plan = planned(hpa, &overrides, &settings, self.may_patch, self.now);
            let problem = self.problem.filter(|(name, _)| hpa["metadata"]["name"] == *name);
            let problem = problem.map(|(_, reason)| Problem { reason, message: "the write failed".into() });
            let hpa = HpaView::parse(hpa);
            summary.set(&hpa, OnTarget::new(&overrides[0], &hpa, &plan, problem.as_ref()));
            if let Some((reading, bounds)) = self.reading.clone().zip(hpa.bounds()) {
                summary.note_reading(&hpa, reading, bounds);
            }
        }
        let plan = plan_status(None, &overrides[0], &summary, &settings, &may_patch, now);
        let object = &self.overrides[0];
        plan.status.unwrap_or_else(|| panic!("nothing to be written: {object}"))
    }

    fn row(&self) -> Row {
        let status = self.status();
        let phase = Phase::ALL.into_iter().find(|phase| Some(phase.as_str()) == status.phase.as_deref()).unwrap();
        (phase, state(&status, "Ready"), state(&status, "Active"), state(&status, "Stalled"))
    }
}

fn state(status: &AutoscalerOverrideStatus, type_: &str) -> State {
    let condition = status.conditions.iter().find(|condition| condition.type_ == type_).unwrap();
    let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == condition.reason).unwrap();
    (condition.status, reason)
}

/// With a selector, on an HPA for each name.
fn on_many(names: &[&str]) -> World {
    let front = json!({"hpa": null, "selector": {"matchLabels": {"tier": "front"}}});
    let hpas = names.iter().map(|name| if *name == "keda" { owned(name) } else { hpa(name, &json!({})) }).collect();
    World { hpas, ..world(&front) }
}

/// With overrides of higher precedence beside it.
fn below(count: usize) -> World {
    let mut world = world(&json!({}));
    world.overrides.extend((0..count).map(|index| ovr(&format!("b{index}"), &json!({"priority": 1}))));
    world
}

fn by_plans() -> Vec<Row> {
    let none = json!({});
    let unreadable = hpa("web", &json!({"annotations": {RECORD_ANNOTATION: "?"}}));
    let with_settings = |settings| World { settings, ..world(&none) };
    let asked = |may_patch| World { may_patch, ..with_settings(json!({"authorizeRequester": true})) };
    let mut unnamed = asked(MayPatch::NotAsked);
    unnamed.overrides[0]["metadata"]["annotations"] = json!({});
    let edited = |active: World, fields: Value| active.settled(NOW).edited(&fields);
    let strict = |active: World| World {
        settings: json!({"requireReason": true}),
        ..edited(active, json!({"minReplicas": 15}))
    };
    let ended = |fields| World { now: END, ..world(&fields).settled(NOW) }.settled(END);
    [
        world(&json!({"minReplicas": 30})),
        world(&json!({"priority": 1001})),
        with_settings(json!({"protectedNamespaces": ["shop"]})),
        World { hpas: vec![], ..world(&json!({"namespace": "other"})) },
        with_settings(json!({"unguardedNamespaces": ["shop"]})),
        asked(MayPatch::NotAsked),
        asked(MayPatch::Unavailable),
        asked(MayPatch::Error),
        asked(MayPatch::No),
        unnamed,
        World { hpas: vec![owned("web")], ..world(&none) },
        World { hpas: vec![unreadable], ..world(&none) },
        below(32),
        ended(json!({"returnOver": "10m"})),
        ended(none.clone()),
        world(&json!({"suspend": true})),
        world(&json!({"startsAt": "2026-11-27T06:30:00Z"})),
        world(&json!({"minReplicas": "current"})),
        below(1),
        strict(below(1)),
        edited(below(1), json!({"minReplicas": "current"})),
        strict(world(&none)),
        edited(world(&none), json!({"minReplicas": "current"})),
        world(&none),
        on_many(&["web", "api"]),
        World { hpas: vec![], ..world(&none) },
        on_many(&[]),
        on_many(&["web", "keda"]),
    ]
    .into_iter()
    .map(|world| {
        let now = world.now;
        world.settled(now).row()
    })
    .collect()
}

/// Every row that a failed write gives.
fn by_controllers() -> Vec<Row> {
    let failures = [Reason::WriteDenied, Reason::WriteAltered, Reason::Forbidden, Reason::DryRun];
    let mut rows: Vec<Row> = failures.into_iter().flat_map(|reason| ending(reason).map(|world| world.row())).collect();
    let undone = [Reason::Contested, Reason::Released];
    rows.extend(failures.into_iter().chain(undone).flat_map(|reason| {
        let active = world(&json!({})).settled(NOW).with_problem("web", reason);
        [active, world(&json!({})).with_problem("web", reason)].map(|world| world.row())
    }));
    rows.extend(undone.map(|reason| below(1).settled(NOW).with_problem("web", reason).row()));
    rows.extend([partly_superseded("b0"), partly_superseded("b1")]);
    rows
}

/// It was active, and a write fails that ends it, or keeps it.
fn ending(reason: Reason) -> [World; 5] {
    let active = |fields: &Value| world(fields).settled(NOW);
    let returning = World { now: END, ..active(&json!({"returnOver": "10m"})) }.settled(END);
    // The end of a gradual return is due, and cannot be written.
    let ended = World { now: END, ..active(&json!({})) };
    let suspended = active(&json!({})).edited(&json!({"suspend": true}));
    let pending = active(&json!({"startsAt": NOW})).edited(&json!({"startsAt": "2026-11-27T06:30:00Z"}));
    let again = returning_again(returning);
    [again, ended, suspended, pending, below(1).settled(NOW)].map(|world| world.with_problem("web", reason))
}

/// A gradual return whose record still holds the layer: its end is not written yet.
fn returning_again(world: World) -> World {
    let before = self::world(&json!({"returnOver": "10m"})).settled(NOW);
    World { hpas: before.hpas, ..world }
}

/// On one of two targets the other override supersedes it, and on the other a write fails; there its phase is Active where
/// the other override is `b0`, which targets one HPA only.
fn partly_superseded(other: &str) -> Row {
    let mut world = on_many(&["api", "web"]);
    let fields = match other {
        "b0" => json!({"priority": 1, "hpa": "web"}),
        _ => json!({"priority": 1, "hpa": null, "selector": {"matchLabels": {"tier": "front"}}}),
    };
    world.overrides.push(ovr(other, &fields));
    if other == "b0" {
        return world.with_problem("api", Reason::WriteDenied).settled(NOW).row();
    }
    world.settled(NOW).with_problem("api", Reason::WriteDenied).row()
}

#[test]
fn the_table_has_the_rows_that_plans_give() {
    let in_table = |by_controller: bool| -> BTreeSet<Row> {
        let rows = status_table().into_iter().filter(|row| row.by_controller == by_controller);
        rows.map(|row| (row.phase, row.ready, row.active, row.stalled)).collect()
    };
    assert_eq!(BTreeSet::from_iter(by_plans()), in_table(false));
    assert_eq!(BTreeSet::from_iter(by_controllers()), in_table(true));
    let all = status_table().len();
    assert_eq!(all, in_table(true).union(&in_table(false)).count(), "no row is there twice");
}

fn reached(conditions: &Value, reading: Option<ScaleReading>, now: &'static str) -> State {
    let mut world = World { now, reading, ..world(&json!({})).settled(NOW).settled(now) };
    world.hpas[0]["status"] = json!({"desiredReplicas": 10, "conditions": conditions});
    state(&world.status(), "Reached")
}

#[test]
fn the_table_of_reached_has_what_plans_give() {
    let pods = |count| Some(ScaleReading::Replicas { replicas: count, ready: Some(count) });
    let disabled = json!([{"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled", "message": ""}]);
    let given = [
        reached(&json!([]), pods(10), NOW),
        reached(&json!([]), pods(9), NOW),
        reached(&json!([]), pods(21), NOW),
        reached(&disabled, pods(0), NOW),
        reached(&json!([]), pods(10), END),
        reached(&json!([]), None, NOW),
    ];
    assert_eq!(reached_table().map(|row| (row.status, row.reason)), given);
    let states: BTreeSet<_> = given.into_iter().map(|(status, _)| status).collect();
    assert_eq!(states, BTreeSet::from([True, False, Unknown]));
}

#[test]
fn every_phase_and_every_reason_is_in_a_table() {
    let rows = status_table();
    assert_eq!(rows.iter().map(|row| row.phase).collect::<BTreeSet<_>>(), BTreeSet::from(Phase::ALL));
    let reported = rows.iter().flat_map(|row| [row.ready.1, row.active.1, row.stalled.1]);
    let reported: BTreeSet<_> = reported.chain(reached_table().map(|row| row.reason)).collect();
    assert_eq!(reported, BTreeSet::from(Reason::ALL));
}
