//! The one JSON door: every decision as JSON in, JSON out, for hosts that hold no Rust types.

mod argument;
mod error;
#[cfg(target_family = "wasm")]
mod room;
pub mod typed;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::argument::Argument;
pub use self::error::{Error, ErrorCode};
use crate::{
    admit::admit_hpa,
    layer::MOST_LAYERS,
    plan::{HpaPlan, plan_hpa},
    preview::Preview,
    review::review_override,
    settings::Settings,
    spec::Override,
    status::{TargetView, plan_status},
};

/// The most instants that one timeline looks at, and so the most points that it has; where it goes on is told. Of more
/// than [`MOST_LAYERS`] overrides there are fewer, in proportion: each is looked at, and told of, at each instant.
pub const MOST_POINTS: usize = 1000;

/// The most that the number of HPAs times that of overrides may be: each HPA is planned with all of the overrides.
pub const MOST_PAIRS: usize = 1_000_000;

/// The most text that a question may be, in bytes: the largest objects of an API server several times over. As values
/// the densest text takes 255 times its length, and a host of WebAssembly has 4 GiB.
pub const MOST_TEXT: usize = 8 << 20;

/// A function, and the keys of its argument beside `settings` and `now`.
type Function = (&'static str, &'static [&'static str], fn(&Argument<'_>) -> Result<Value, Error>);

/// Every function but `validateSettings`, which takes `settings` alone.
const FUNCTIONS: [Function; 7] = [
    ("reviewOverride", &["object", "old", "request", "mayPatch"], review),
    ("admitHpa", &["object", "old", "request"], admit),
    ("planHpa", &["hpa", "overrides", "mayPatch", "remembered"], plan),
    ("planStatus", &["object", "hpas", "overrides", "mayPatch"], status),
    ("effectiveBounds", &["hpa", "overrides", "mayPatch", "remembered"], effective_bounds),
    ("timeline", &["hpa", "overrides", "mayPatch", "remembered", "until"], timeline),
    ("nextTransition", &["hpa", "overrides", "mayPatch", "remembered"], next_transition),
];

/// The names of the functions.
pub fn functions() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, ..)| *name).chain(["validateSettings"])
}

/// Calls a decision by its name, with JSON text for the argument and for the answer.
///
/// # Errors
/// As [`call`], and when the argument is no JSON, nested too deeply, or longer than [`MOST_TEXT`].
pub fn call_text(function: &str, argument: &str) -> Result<String, Error> {
    bounded(argument.len())?;
    Ok(call(function, &parsed("", "the argument", argument)?)?.to_string())
}

/// Calls a decision by its name, with the [typed form](typed) of the argument and of the answer.
///
/// # Errors
/// As [`call`], and when a text is no JSON, nested too deeply, or all of them are longer than [`MOST_TEXT`].
pub fn call_typed(function: &str, argument: Value) -> Result<Value, Error> {
    bounded(typed::length(&argument))?;
    let answer = call(function, &typed::from_typed(argument)?)?;
    Ok(typed::to_typed(answer))
}

/// Refuses a question of that much text, where it is too much.
fn bounded(length: usize) -> Result<(), Error> {
    if length > MOST_TEXT {
        let sentence = "it is longer than 8 MiB; leave out what does not matter to it";
        return Err(Error::new("", ErrorCode::JsonInvalid, sentence));
    }
    #[cfg(target_family = "wasm")]
    room::make_for(length);
    Ok(())
}

/// Text as JSON; `what` it is goes into the sentence.
fn parsed(path: &str, what: &str, text: &str) -> Result<Value, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::new(path, ErrorCode::JsonInvalid, format!("{what} cannot be read: {error}")))
}

/// Calls a decision by its name.
///
/// The argument is an object: `now` (an instant, as text or as whole seconds since 1970), `settings`, and by function
///
/// | function | takes | gives |
/// |---|---|---|
/// | `reviewOverride` | `object`, `old`, `request` (`user`, `groups`), `mayPatch` | `report` (`errors`, `warnings`), `object` with its stamp |
/// | `admitHpa` | `object`, `old`, `request` (`user`, `subResource`) | `object`, `warnings` |
/// | `planHpa` | `hpa`, `overrides`, `mayPatch`, `remembered` | `patch`, `confirm`, `remember`, `revertedBy`, `events`, `nextTransition`, `phases` |
/// | `planStatus` | `object`, `hpas`, `overrides`, `mayPatch` | `status`, `delete`, `nextTransition` |
/// | `effectiveBounds` | as `planHpa` | a point: `at`, `desired`, `effective`, `layers`, `landing`, `phases` |
/// | `timeline` | as `planHpa`, and `until` | `points`, one a change in [now, until), and `goesOnAt` |
/// | `nextTransition` | as `planHpa` | `nextTransition`, once what is due is done |
/// | `validateSettings` | `settings` alone | `errors` |
///
/// `mayPatch` is `yes`, `no`, `unavailable`, `error` or `notAsked` (the default), and holds for every override given.
/// What is absent or null counts as not given.
///
/// # Errors
/// When there is no such function, a key is unknown or of the wrong type, an instant or the settings are not valid, a
/// status is asked for over more than [`MOST_PAIRS`], or the bounds of the HPA cannot be read where only they are asked for. What is wrong with an override or an HPA is part of the
/// answer instead.
pub fn call(function: &str, argument: &Value) -> Result<Value, Error> {
    if function == "validateSettings" {
        let errors = Settings::parse(argument::only(argument, "settings")?).err().unwrap_or_default();
        return Ok(json!({ "errors": errors }));
    }
    let Some((_, keys, decide)) = FUNCTIONS.iter().find(|(name, ..)| *name == function) else {
        return Err(Error::new("", ErrorCode::FunctionUnknown, format!("there is no function `{function}`")));
    };
    decide(&Argument::read(argument, keys)?)
}

fn review(argument: &Argument<'_>) -> Result<Value, Error> {
    let Argument { settings, now, .. } = argument;
    let (object, old, request) = (argument.at("object"), argument.old()?, argument.request()?);
    Ok(json!(review_override(object, old, &request, settings, *now, argument.may_patch()?)))
}

fn admit(argument: &Argument<'_>) -> Result<Value, Error> {
    let (object, old, request) = (argument.at("object"), argument.old()?, argument.request()?);
    Ok(json!(admit_hpa(old, object, &request, &argument.settings, argument.now)))
}

fn plan(argument: &Argument<'_>) -> Result<Value, Error> {
    let Argument { settings, now, .. } = argument;
    let plan = plan_hpa(argument.at("hpa"), &argument.overrides()?, settings, *now, argument.remembered()?);
    let phases = plan.standings.iter().map(|(id, standing)| (id.to_string(), json!(standing.phase)));
    let phases: serde_json::Map<String, Value> = phases.collect();
    let mut answer = json!(plan);
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("phases".into(), phases.into());
    }
    Ok(answer)
}

fn status(argument: &Argument<'_>) -> Result<Value, Error> {
    let Argument { settings, now, .. } = argument;
    let (object, overrides, hpas) = (argument.at("object"), argument.overrides()?, argument.list("hpas")?);
    if hpas.len().saturating_mul(overrides.len()) > MOST_PAIRS {
        let sentence = "their number times that of the overrides is over 1000000; leave out what does not matter to it";
        return Err(Error::new("hpas", ErrorCode::JsonInvalid, sentence));
    }
    let ovr = Override { may_patch: argument.may_patch()?, ..Override::read(object, *now) };
    // Only this override's standing is kept: everybody's on every HPA would fill the memory.
    let plan = |hpa| {
        let plan = plan_hpa(hpa, &overrides, settings, *now, None);
        let mut standings = BTreeMap::new();
        standings.extend(plan.standings.get(&ovr.id).map(|standing| (ovr.id.clone(), standing.clone())));
        HpaPlan { standings, ..plan }
    };
    let plans: Vec<_> = hpas.iter().map(plan).collect();
    let targets: Vec<_> = hpas.iter().zip(&plans).map(|(hpa, plan)| TargetView { hpa, plan, trouble: None }).collect();
    let plan = plan_status(object, &ovr, &targets, settings, *now);
    Ok(json!({ "status": plan.status, "delete": plan.delete, "nextTransition": plan.next_transition }))
}

fn effective_bounds(argument: &Argument<'_>) -> Result<Value, Error> {
    let overrides = argument.overrides()?;
    Ok(json!(preview(argument, &overrides)?.point()))
}

fn timeline(argument: &Argument<'_>) -> Result<Value, Error> {
    let (overrides, until) = (argument.overrides()?, argument.instant("until")?);
    let mut preview = preview(argument, &overrides)?;
    let most = MOST_POINTS * MOST_LAYERS / overrides.len().max(MOST_LAYERS);
    let points = preview.timeline(until, most);
    Ok(json!({ "points": points, "goesOnAt": preview.next_transition() }))
}

fn next_transition(argument: &Argument<'_>) -> Result<Value, Error> {
    let overrides = argument.overrides()?;
    Ok(json!({ "nextTransition": preview(argument, &overrides)?.next_transition() }))
}

fn preview<'a>(argument: &'a Argument<'_>, overrides: &'a [Override]) -> Result<Preview<'a>, Error> {
    let preview = Preview::new(argument.at("hpa"), overrides, &argument.settings, argument.now, argument.remembered()?);
    let sentence = "its bounds cannot be read; minReplicas and maxReplicas must be a pair that the API server takes";
    preview.ok_or_else(|| Error::new("hpa.spec", ErrorCode::HpaInvalid, sentence))
}

#[cfg(test)]
mod tests;
