//! What the questions reach, by native's answers alone: every code at every path, every phase, every reason and event. What
//! cannot be reached is named, with why.

use std::{collections::BTreeSet, fs, path::Path, thread};

use hpa_override_core::{Code, json::ErrorCode};
use hpa_override_testbed::Random;
use serde_json::{Value, json};

use crate::question::{Question, question};

/// Each asked by a thread of its own.
const SEEDS: [u64; 4] = [1, 2, 3, 4];
/// Of each seed.
const COUNT: usize = 2_000;

/// What no question can reach.
const UNREACHABLE: [(&str, &str); 6] = [
    ("error functionUnknown", "a door has its functions and no others; only the JSON door itself is asked by a name"),
    ("error jsonInvalid", "questions are values; what is no JSON is sent by the tests of each door"),
    ("planStatus reason Contested", "what kept a write from being done is the controller's to know; no door takes it"),
    ("planStatus reason WriteDenied", "as Contested"),
    ("planStatus reason WriteAltered", "as Contested"),
    ("planStatus reason Forbidden", "as Contested"),
];

/// The reasons of the events of a plan.
const EVENTS: [&str; 5] = ["Applied", "Ended", "GivenBack", "OwnerChanged", "Reverted"];

/// Whatever else a plan can hold.
const OTHERS: [&str; 9] = [
    "planHpa confirms",
    "planHpa gives ownership back",
    "planHpa reverts",
    "planHpa keeps owners in the record",
    "planStatus deletes",
    "planStatus of several HPAs",
    "a point with a landing",
    "a point with 4 layers",
    "a point with 32 layers",
];

#[test]
fn every_code_phase_reason_and_event_is_reached() {
    let seen: BTreeSet<String> = thread::scope(|scope| {
        let threads = SEEDS.map(|seed| scope.spawn(move || found_by(seed)));
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let unreachable: BTreeSet<String> = UNREACHABLE.iter().map(|(what, _)| (*what).into()).collect();
    let missed: Vec<String> = wanted().difference(&seen).filter(|what| !unreachable.contains(*what)).cloned().collect();
    assert!(missed.is_empty(), "never seen in {COUNT} questions of {SEEDS:?} each: {missed:#?}");
    let reached: Vec<_> = unreachable.intersection(&seen).collect();
    assert!(reached.is_empty(), "said to be out of reach: {reached:?}");
}

fn found_by(seed: u64) -> BTreeSet<String> {
    let (mut random, mut found) = (Random(seed), BTreeSet::new());
    for _ in 0..COUNT {
        look(&question(&mut random), &mut found);
    }
    found
}

fn wanted() -> BTreeSet<String> {
    let codes = Code::ALL.iter().flat_map(|code| code.paths().iter().map(|path| format!("{} at {path}", word(code))));
    let errors = ErrorCode::ALL.iter().map(|code| format!("error {}", word(code)));
    let [phases, reasons] = phases_and_reasons();
    let phases =
        phases.iter().flat_map(|phase| ["planHpa", "planStatus"].map(|asked| format!("{asked} phase {phase}")));
    let reasons = reasons.iter().map(|reason| format!("planStatus reason {reason}"));
    let events = EVENTS.iter().map(|event| format!("planHpa event {event}"));
    let others = OTHERS.iter().map(|other| (*other).to_owned());
    codes.chain(errors).chain(phases).chain(reasons).chain(events).chain(others).collect()
}

/// As the generated schema lists them, so that none can be left out.
fn phases_and_reasons() -> [Vec<String>; 2] {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crd/crd.yaml");
    let crd: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let status = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"];
    let of = |schema: &Value| {
        let words = schema["enum"].as_array().unwrap().iter();
        words.map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    [of(&status["phase"]), of(&status["conditions"]["items"]["properties"]["reason"])]
}

fn word(code: &impl serde::Serialize) -> String {
    json!(code).as_str().unwrap().into()
}

fn look(question: &Question, seen: &mut BTreeSet<String>) {
    let look = match question.function {
        "reviewOverride" => look_at_report,
        "planHpa" => look_at_plan,
        "planStatus" => look_at_status,
        "effectiveBounds" => look_at_point,
        _ => return,
    };
    match question.native() {
        Ok(answer) => look(&answer, seen),
        Err(error) => seen.extend([format!("error {}", error["code"].as_str().unwrap())]),
    }
}

fn look_at_report(review: &Value, seen: &mut BTreeSet<String>) {
    let report = &review["report"];
    for finding in list(&report["errors"]).chain(list(&report["warnings"])) {
        let path = finding["path"].as_str().unwrap();
        let path = path.split_once('[').map_or(path.into(), |(list, _)| format!("{list}[i]"));
        seen.extend([format!("{} at {path}", finding["code"].as_str().unwrap())]);
    }
}

fn look_at_plan(plan: &Value, seen: &mut BTreeSet<String>) {
    let phases = plan["phases"].as_object().unwrap().values().map(|phase| ("phase", phase));
    let events = list(&plan["events"]).map(|event| ("event", &event["reason"]));
    seen.extend(phases.chain(events).map(|(what, word)| format!("planHpa {what} {}", word.as_str().unwrap())));
    let owners = plan["remember"].as_str().is_some_and(|record| record.contains("\"owners\""));
    let others = [
        (plan["confirm"] == true, "planHpa confirms"),
        (!plan["revertedBy"].is_null(), "planHpa reverts"),
        (!plan["patch"]["metadata"]["managedFields"].is_null(), "planHpa gives ownership back"),
        (owners, "planHpa keeps owners in the record"),
    ];
    note(others, seen);
}

fn look_at_status(plan: &Value, seen: &mut BTreeSet<String>) {
    let reasons = list(&plan["status"]["conditions"]).map(|condition| ("reason", &condition["reason"]));
    let phase = Some(("phase", &plan["status"]["phase"])).filter(|(_, phase)| phase.is_string());
    seen.extend(reasons.chain(phase).map(|(what, word)| format!("planStatus {what} {}", word.as_str().unwrap())));
    let several = plan["status"]["targets"].as_u64() > Some(1);
    note([(plan["delete"] == true, "planStatus deletes"), (several, "planStatus of several HPAs")], seen);
}

fn look_at_point(point: &Value, seen: &mut BTreeSet<String>) {
    let layers = list(&point["layers"]).count();
    let others = [
        (!point["landing"].is_null(), "a point with a landing"),
        (layers >= 4, "a point with 4 layers"),
        (layers == 32, "a point with 32 layers"),
    ];
    note(others, seen);
}

fn note<const N: usize>(found: [(bool, &str); N], seen: &mut BTreeSet<String>) {
    seen.extend(found.iter().filter(|(holds, _)| *holds).map(|(_, what)| (*what).to_owned()));
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
