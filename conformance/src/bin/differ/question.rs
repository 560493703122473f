//! Random questions: a scene with a history, one function asked about it; some broken.

use hpa_override_api::functions;
use hpa_override_conformance::{Question, Random};
use hpa_override_core::RECORD_ANNOTATION;
use hpa_override_testbed::CONTROLLER_USER;
use serde_json::{Value, json};

use crate::{
    broken::broken,
    choices::{one, put},
    hpa::{owner_writes, release, taken_over},
    ovr::{edit, ovr},
    scene::Scene,
};

/// A random question.
pub fn question(random: &mut Random) -> Question {
    let functions: Vec<&str> = functions().chain(["planHpa", "planStatus"]).collect();
    let function = random.one(&functions);
    let mut scene = Scene::new(random);
    if function != "validateSettings" {
        scene.play(random);
    }
    let mut argument = argument(&mut scene, function, random);
    if random.percent(4) {
        argument["settings"] = one("settingsRefused", random);
    }
    let argument = if random.percent(15) { broken(argument, random) } else { argument };
    Question::new(function, argument)
}

fn argument(scene: &mut Scene, function: &str, random: &mut Random) -> Value {
    let mut argument = match function {
        "reviewOverride" => review(scene, random),
        "admitHpa" => admission(scene, random),
        "planStatus" => status(scene, random),
        "validateSettings" => return json!({"settings": scene.settings}),
        "planHpa" => plan(scene, random),
        _ => scene.situation(random.below(scene.hpas.len())),
    };
    if function == "timeline" {
        let span = if scene.is_crowded() { 3_600 } else { 80_000 };
        argument["until"] = json!(scene.now.saturating_add(random.between(0, span)));
    }
    argument["now"] = if random.percent(20) { json!(scene.now.as_unix()) } else { json!(scene.now) };
    argument["settings"] = scene.settings.clone();
    argument
}

fn request(random: &mut Random) -> Value {
    let users = ["alice", "système:ü😀", CONTROLLER_USER, ""];
    json!({"user": random.text(&users), "groups": ["devs", "a,b"], "subResource": random.text(&["", "", "", "", "status"])})
}

/// A new override, or another version of one that exists.
fn review(scene: &Scene, random: &mut Random) -> Value {
    let old = scene.overrides.first().cloned().filter(|_| random.percent(50));
    let mut object = old.clone().unwrap_or_else(|| ovr(0, scene.now, random));
    if old.is_some() {
        (0..random.below(3)).for_each(|_| edit(&mut object, scene.now, random));
    }
    if random.percent(60) {
        if random.percent(5) {
            object["spec"] = one("junk", random);
        } else {
            put("mistakes", &mut object["spec"], scene.now, random);
        }
    }
    json!({"object": object, "old": old, "request": request(random), "mayPatch": scene.may_patch})
}

/// A write to the first HPA, by its owner or by the controller.
fn admission(scene: &Scene, random: &mut Random) -> Value {
    let live = scene.hpas.first().cloned().unwrap_or_default();
    let (mut sent, mut request) = (live.clone(), request(random));
    match random.below(10) {
        0 => release(&mut sent),
        1 => sent["metadata"]["annotations"][RECORD_ANNOTATION] = json!(null),
        2 => {
            let last = json!({"spec": {"minReplicas": 40}}).to_string();
            sent["spec"]["minReplicas"] = 40.into();
            sent["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = last.into();
        }
        3 | 4 => {
            let plan = scene.plan(0).unwrap_or_default();
            json_patch::merge(&mut sent, &plan["patch"]);
            taken_over(&mut sent);
            request["user"] = CONTROLLER_USER.into();
        }
        _ => owner_writes(&mut sent, random),
    }
    let mut old = if random.percent(85) { live } else { Value::Null };
    // A copy, a backup: the record is new here.
    if !old.is_null() && random.percent(5) {
        old["metadata"]["annotations"] = Value::Null;
    }
    json!({"object": sent, "old": old, "request": request})
}

/// The plan for any HPA, now and then between the first write and the second.
fn plan(scene: &mut Scene, random: &mut Random) -> Value {
    let index = random.below(scene.hpas.len());
    if random.percent(30) {
        scene.wait(random);
        scene.write(index);
    }
    scene.situation(index)
}

/// What was read of what an HPA scales: around its bounds, or nothing.
fn reading(hpa: &Value, random: &mut Random) -> Value {
    let bound = |key: &str| hpa["spec"][key].as_i64().unwrap_or(1);
    let replicas = match random.below(4) {
        0 => 0,
        1 => bound("minReplicas").saturating_sub(1).max(0),
        2 => bound("maxReplicas"),
        _ => bound("maxReplicas").saturating_add(1),
    };
    match random.below(8) {
        0 => Value::Null,
        1 => json!({"notFound": true}),
        2 => json!({"unreadable": "no right"}),
        3 => json!({"replicas": replicas}),
        4 => json!({"replicas": replicas, "more": 1}),
        _ => json!({"replicas": replicas, "readyReplicas": replicas}),
    }
}

/// The status of any override, most often once the controller has done its work; with the status it has, or without.
fn status(scene: &mut Scene, random: &mut Random) -> Value {
    if random.percent(70) {
        scene.settle();
    }
    let last = scene.overrides.len().saturating_sub(1);
    let index = match random.below(3) {
        _ if scene.is_crowded() => last,
        0 => last,
        1 => scene.foremost().unwrap_or_default(),
        _ => random.below(scene.overrides.len()),
    };
    let mut object = scene.overrides.get(index).cloned().unwrap_or_else(|| ovr(0, scene.now, random));
    if random.percent(40) {
        object["status"] = scene.status(index).unwrap_or_default()["status"].take();
    }
    let targets = random.one(&[0, 1, 3, 3, 3, 3]);
    let mut hpas: Vec<Value> = scene.hpas.iter().take(targets).cloned().collect();
    for hpa in hpas.iter_mut().filter(|hpa| hpa.is_object()) {
        if random.percent(20) {
            hpa["status"] =
                json!({"conditions": [{"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled"}]});
        }
    }
    let readings: Vec<Value> = hpas.iter().map(|hpa| reading(hpa, random)).collect();
    json!({"object": object, "hpas": hpas, "overrides": scene.overrides, "mayPatch": scene.may_patch, "readings": readings})
}
