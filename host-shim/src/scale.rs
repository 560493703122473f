//! How far one process goes, without an API server: memory, start, and the cost of an event, with as many HPAs as overrides.
//! Measured, not asserted, but for what many lists leave behind; docs/reference/scale.md has the command.

use std::{
    process,
    sync::Arc,
    time::{Duration, Instant},
};

use hpa_override_core::{MayPatch, ParsedOverride, Settings};
use hpa_override_plan::{HpaPlan, HpaView, OnTarget, plan_hpa};
use hpa_override_testbed::usage::memory;
use serde_json::{Value, json};

use crate::{
    access_review::Answers,
    clock::Clock,
    list_watch::Sink,
    listed::Part,
    object::Key,
    queues::Queues,
    reached::Readings,
    settings::CurrentSettings,
    state::{Gathered, State},
    watch::{Hpas, Overrides},
};

const START: &str = "2026-11-27T06:00:00Z";

struct World {
    state: Arc<State>,
    queues: Queues,
    hpas: Hpas,
    overrides: Overrides,
    clock: Clock,
    settings: CurrentSettings,
}

impl World {
    fn new() -> Self {
        let (state, queues, settings) =
            (Arc::new(State::default()), Queues::default(), CurrentSettings::new(Settings::default()));
        let clock = Clock::simulated(START.parse().unwrap());
        let readings = Arc::new(Readings::default());
        let hpas = Hpas::new(state.clone(), queues.clone(), readings, clock, None, Part::new(false));
        let answers = Arc::new(Answers::new().0);
        let listed = Part::new(false);
        let overrides = Overrides::new(state.clone(), queues.clone(), answers, settings.clone(), clock, None, listed);
        Self { state, queues, hpas, overrides, clock, settings }
    }

    /// Lists everything once, each object decoded from its text.
    fn list(&self, count: usize) {
        list(&self.hpas, (0..count).map(hpa));
        list(&self.overrides, (0..count).map(ovr));
    }

    /// Plans for every HPA that is queued, as the HPA loop does, and takes what is written as the API server answers it.
    async fn plan_all(&self) -> usize {
        let mut plans = 0;
        while !self.queues.hpas.is_idle() {
            let Some(running) = self.queues.hpas.next().await else { break };
            let number = running.key().name.trim_start_matches("hpa-").parse().unwrap();
            let mut object: Value = serde_json::from_str(&hpa(number)).unwrap();
            for version in 2.. {
                let Some(plan) = self.plan(running.key()) else { break };
                plans += 1;
                let Some(patch) = plan.patch else { break };
                write(&mut object, &patch, version);
                self.hpas.applied(&object.to_string()).unwrap();
            }
        }
        plans
    }

    fn plan(&self, key: &Key) -> Option<HpaPlan> {
        let Gathered::Situation(situation) = self.state.gather(key, self.clock.now()) else { return None };
        let overrides: Vec<&ParsedOverride> = situation.overrides.iter().map(Arc::as_ref).collect();
        let plan = self.plan_for(&situation.hpa, &overrides);
        let outcome = |ovr: &Arc<ParsedOverride>| (ovr.clone(), OnTarget::new(ovr, &situation.hpa, &plan, None));
        let outcomes = situation.overrides.iter().map(outcome).collect();
        self.state.note_planned(&situation, &plan, outcomes, plan.patch.is_none());
        self.queues.transitions.set(key, plan.next_transition);
        Some(plan)
    }

    fn plan_for(&self, hpa: &HpaView, overrides: &[&ParsedOverride]) -> HpaPlan {
        let now = self.clock.now().instant();
        plan_hpa(hpa, overrides, &self.settings.now(), &|_| MayPatch::NotAsked, now, None)
    }

    /// An HPA under its override, of which nothing but the version has changed since it was planned.
    fn updated(&self, number: usize) -> String {
        let parsed = ParsedOverride::parse(&serde_json::from_str(&ovr(number)).unwrap(), self.clock.now().instant());
        let mut object: Value = serde_json::from_str(&hpa(number)).unwrap();
        while let Some(patch) = self.plan_for(&HpaView::parse(&object), &[&parsed]).patch {
            write(&mut object, &patch, 1000);
        }
        object.to_string()
    }
}

fn write(object: &mut Value, patch: &Value, version: u32) {
    json_patch::merge(object, patch);
    object["metadata"]["resourceVersion"] = version.to_string().into();
}

fn list(sink: &impl Sink, objects: impl Iterator<Item = String>) {
    sink.begin_list();
    for text in objects {
        sink.listed(&text).unwrap();
    }
    sink.end_list("1");
}

/// An HPA of about 2.3 kB.
fn hpa(number: usize) -> String {
    let labels: Value =
        (0..5).map(|label| (format!("label-{label}"), json!(format!("value-{}", number % 100)))).collect();
    let metric = |name: String| {
        json!({"type": "External", "external": {"metric": {"name": name, "selector": {"matchLabels": {"queue": "orders"}}},
               "target": {"type": "AverageValue", "averageValue": "30"}}})
    };
    let owned = json!({"f:metadata": {"f:labels": {"f:label-0": {}, "f:label-1": {}, "f:label-2": {}}},
                       "f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}, "f:metrics": {}, "f:scaleTargetRef": {}}});
    let entry = json!({"manager": "argocd", "operation": "Apply", "apiVersion": "autoscaling/v2",
                       "time": START, "fieldsType": "FieldsV1", "fieldsV1": owned});
    let status = json!({"f:status": {"f:conditions": {}, "f:currentMetrics": {}, "f:desiredReplicas": {}}});
    let controller = json!({"manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
                            "apiVersion": "autoscaling/v2", "time": START, "fieldsType": "FieldsV1", "fieldsV1": status});
    let condition = |type_: &str| {
        json!({"type": type_, "status": "True", "reason": "ReadyForNewScale", "lastTransitionTime": START,
               "message": "recommended size matches current size, and the HPA is able to scale its target"})
    };
    let conditions = ["AbleToScale", "ScalingActive", "ScalingLimited"].map(condition);
    let metrics: Vec<_> = (0..4).map(|name| metric(format!("queue-{name}"))).collect();
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"namespace": format!("team-{}", number / 100), "name": format!("hpa-{number}"), "uid": format!("hpa-uid-{number}"),
                     "resourceVersion": "1", "labels": labels, "managedFields": [entry, controller],
                     "creationTimestamp": START},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": format!("app-{number}")},
                 "minReplicas": 2, "maxReplicas": 5, "metrics": metrics},
        "status": {"currentReplicas": 2, "desiredReplicas": 2,
                   "conditions": conditions},
    })
    .to_string()
}

fn ovr(number: usize) -> String {
    json!({
        "apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride",
        "metadata": {"namespace": format!("team-{}", number / 100), "name": format!("ovr-{number}"), "uid": format!("ovr-uid-{number}"),
                     "resourceVersion": "1", "generation": 1, "creationTimestamp": START},
        "spec": {"hpa": format!("hpa-{number}"), "minReplicas": 10, "maxReplicas": 20, "duration": "8h", "reason": "campaign"},
    })
    .to_string()
}

/// Resident memory of this process, in MB.
fn resident() -> f64 {
    memory(process::id()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn stopwatch() -> Instant {
    Instant::now()
}

fn timed<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let start = stopwatch();
    let result = work();
    (result, start.elapsed())
}

/// The clock stands still: a record says when it was made, and what is planned again is to be the same.
#[tokio::test(start_paused = true)]
#[ignore = "measures"]
async fn a_hundred_thousand() {
    for count in [10_000, 100_000] {
        let before = resident();
        let world = World::new();
        let ((), listed) = timed(|| world.list(count));
        let start = stopwatch();
        let plans = world.plan_all().await;
        let planned = start.elapsed();
        let memory = resident() - before;
        let updates: Vec<_> = (0..10_000).map(|number| world.updated(number)).collect();
        let ((), taken) = timed(|| updates.iter().for_each(|text| world.hpas.applied(text).unwrap()));
        assert!(world.queues.hpas.is_idle(), "an event that changes nothing ends in the state");
        println!(
            "{count} HPAs of {} bytes and as many overrides: {memory:.0} MB; both lists read in {listed:.1?}; {plans} plans in \
             {planned:.1?}; an event takes {:.1?}",
            hpa(0).len(),
            taken / 10_000,
        );
    }
}

#[tokio::test]
#[ignore = "measures"]
async fn a_hundred_lists() {
    let world = World::new();
    let mut after_ten = 0.0;
    for round in 1..=100 {
        world.list(2_000);
        world.plan_all().await;
        if round == 10 {
            after_ten = resident();
        }
    }
    let after_all = resident();
    println!("{after_ten:.0} MB after 10 lists of 2,000 HPAs and as many overrides, {after_all:.0} MB after 100");
    assert!(after_all < 1.2 * after_ten, "{after_all} {after_ten}");
}
