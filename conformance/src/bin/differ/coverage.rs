//! What the questions reach, by native's answers alone: every code at every path, every phase, every reason and event. What
//! cannot be reached is named, with why.

use std::{collections::BTreeSet, thread};

use hpa_override_api::ErrorCode;
use hpa_override_conformance::{Question, Random};
use hpa_override_core::{Code, Phase, Reason};
use serde_json::{Value, json};

use crate::question::question;

/// Each asked by a thread of its own.
const SEEDS: [u64; 4] = [1, 2, 3, 4];
/// Of each seed.
const COUNT: usize = 2_000;

/// What no question can reach.
const UNREACHABLE: [(&str, &str); 8] = [
    ("error functionUnknown", "a binding has its functions and no others; only the JSON API is asked by a name"),
    ("error jsonInvalid", "questions are values; what is no JSON is sent by the tests of each binding"),
    ("planStatus reason Contested", "only the controller knows why a write was not done; no binding takes it"),
    ("planStatus reason Released", "as Contested"),
    ("planStatus reason WriteDenied", "as Contested"),
    ("planStatus reason WriteAltered", "as Contested"),
    ("planStatus reason Forbidden", "as Contested"),
    ("planStatus reason DryRun", "as Contested"),
];

/// The reasons of the events of a plan.
const EVENTS: [&str; 5] = ["Applied", "Ended", "OwnerChanged", "Restored", "Reverted"];

/// What else an answer can hold: the function, and a part of its JSON.
const OTHERS: [(&str, &str); 12] = [
    ("planHpa", r#""confirm":true"#),
    ("planHpa", r#""managedFields":["#),
    ("planHpa", r#""revertedBy":""#),
    ("planHpa", r#"\"owners\":["#),
    ("planStatus", r#""delete":true"#),
    ("effectiveBounds", r#""gradualReturn":"#),
    ("planHpa", r#"\"factor\":2"#),
    ("planHpa", r#"\"ceiling\":30,\"factor\":2,\"upOnly\":true"#),
    ("planStatus", " by maxFactor"),
    ("planStatus", " by replicaCeiling"),
    ("planStatus", " by directions UpOnly"),
    ("validateSettings", "namespaces[1].match: "),
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
    assert!(reached.is_empty(), "listed as out of reach: {reached:?}");
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
    let phases = Phase::ALL
        .map(Phase::as_str)
        .into_iter()
        .flat_map(|phase| ["planHpa", "planStatus"].map(|function| format!("{function} phase {phase}")));
    let reasons = Reason::ALL.map(|reason| format!("planStatus reason {}", reason.as_str()));
    let events = EVENTS.iter().map(|event| format!("planHpa reason {event}"));
    let others = OTHERS.iter().map(|(function, part)| format!("{function} {part}"));
    let layers = [4, 32].map(|layers| format!("effectiveBounds {layers} layers"));
    codes.chain(errors).chain(phases).chain(reasons).chain(events).chain(others).chain(layers).collect()
}

fn word(code: &impl serde::Serialize) -> String {
    json!(code).as_str().unwrap().into()
}

fn look(question: &Question, seen: &mut BTreeSet<String>) {
    let function = question.function.as_str();
    let answer = match question.native() {
        Ok(answer) => answer,
        Err(error) => return seen.extend([format!("error {}", error["code"].as_str().unwrap())]),
    };
    look_inside(function, &answer, seen);
    let text = answer.to_string();
    seen.extend(
        OTHERS
            .iter()
            .filter(|(of, part)| *of == function && text.contains(part))
            .map(|(of, part)| format!("{of} {part}")),
    );
    let layers = answer["layers"].as_array().map_or(0, Vec::len);
    seen.extend([4, 32].iter().filter(|least| layers >= **least).map(|least| format!("{function} {least} layers")));
}

/// Findings, phases and reasons, wherever they are.
fn look_inside(function: &str, value: &Value, seen: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| look_inside(function, item, seen)),
        Value::Object(map) => {
            if let (Some(path), Some(code)) = (value["path"].as_str(), value["code"].as_str()) {
                let item = path.split_once('[').and_then(|(list, item)| Some((list, item.split_once(']')?.1)));
                let path = item.map_or(path.into(), |(list, rest)| format!("{list}[i]{rest}"));
                seen.insert(format!("{code} at {path}"));
            }
            let phases = value["phases"].as_object().into_iter().flat_map(|phases| phases.values());
            for phase in phases.chain([&value["phase"]]).filter_map(Value::as_str) {
                seen.insert(format!("{function} phase {phase}"));
            }
            seen.extend(value["reason"].as_str().map(|reason| format!("{function} reason {reason}")));
            map.values().for_each(|inner| look_inside(function, inner, seen));
        }
        _ => {}
    }
}
