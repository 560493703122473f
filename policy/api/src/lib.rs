//! Every decision of hpa-override as JSON in, JSON out: what the component, the JavaScript package and the tests call.
//!
//! ```text
//!   text ─► Value ─► functions: one request and one answer each ─► core, plan ─► Value ─► text
//! ```
//! Nothing is decided here. A request is read strictly: unknown keys and wrong types are errors.
#![forbid(unsafe_code)]

mod argument;
mod error;
mod functions;
#[cfg(target_family = "wasm")]
mod memory;
pub mod typed;

use serde::Serialize;
use serde_json::Value;

use self::{
    argument::{Argument, parsed},
    functions::{
        Function,
        admit_hpa::AdmitHpa,
        plan_hpa::PlanHpa,
        plan_status::PlanStatus,
        review_override::ReviewOverride,
        situation::{EffectiveBounds, NextTransition, Timeline},
        validate_settings,
    },
};

pub use self::{
    error::{Error, ErrorCode},
    functions::{plan_status::MOST_PAIRS, situation::MOST_POINTS},
};

/// The most text of a question, in bytes: the largest objects of an API server several times over. The densest text takes
/// 255 times its length as values, and a host of WebAssembly has 4 GiB.
pub const MOST_TEXT: usize = 8 << 20;

/// The names of the functions.
pub fn functions() -> impl Iterator<Item = &'static str> {
    [
        ReviewOverride::NAME,
        AdmitHpa::NAME,
        PlanHpa::NAME,
        PlanStatus::NAME,
        EffectiveBounds::NAME,
        Timeline::NAME,
        NextTransition::NAME,
        validate_settings::NAME,
    ]
    .into_iter()
}

/// Calls a function by its name, with JSON text for the argument and for the answer.
///
/// # Errors
/// As [`call`], and when the argument is not JSON, nested too deeply, or longer than [`MOST_TEXT`].
pub fn call_text(function: &str, argument: &str) -> Result<String, Error> {
    check_length(argument.len())?;
    Ok(call(function, &parsed("", "the argument", argument)?)?.to_string())
}

/// Calls a function by its name, with the [typed form](typed) of the argument and of the answer.
///
/// # Errors
/// As [`call`], and when a text is not JSON, nested too deeply, or all of them are longer than [`MOST_TEXT`].
pub fn call_typed(function: &str, argument: Value) -> Result<Value, Error> {
    check_length(typed::length(&argument))?;
    let answer = call(function, &typed::from_typed(argument)?)?;
    Ok(typed::to_typed(answer))
}

/// Refuses a question of too much text.
fn check_length(length: usize) -> Result<(), Error> {
    if length > MOST_TEXT {
        let sentence = "it is longer than 8 MiB; leave out what does not matter to it";
        return Err(Error::new("", ErrorCode::JsonInvalid, sentence));
    }
    #[cfg(target_family = "wasm")]
    memory::reserve_for(length);
    Ok(())
}

/// Calls a function by its name.
///
/// The argument is an object: `now` (an instant, as text or as whole seconds since 1970), `settings`, and by function
///
/// | function | takes | gives |
/// |---|---|---|
/// | `reviewOverride` | `object`, `old`, `request`, `mayPatch` | `report` (`errors`, `warnings`), `object` with its requester |
/// | `admitHpa` | `object`, `old`, `request` | `object`, `warnings` |
/// | `planHpa` | `hpa`, `overrides`, `mayPatch`, `remembered` | `patch`, `confirm`, `remember`, `revertedBy`, `events`, `nextTransition`, `phases` |
/// | `planStatus` | `object`, `hpas`, `overrides`, `mayPatch` | `status`, `delete`, `nextTransition` |
/// | `effectiveBounds` | as `planHpa` | a point: `at`, `desired`, `effective`, `layers`, `gradualReturn`, `phases` |
/// | `timeline` | as `planHpa`, and `until` | `points`, one per change in [now, until), and `goesOnAt` |
/// | `nextTransition` | as `planHpa` | `nextTransition`, once everything due is written |
/// | `validateSettings` | `settings` alone | `errors` |
///
/// `request` holds `user`, `groups` (used by `reviewOverride`) and `subResource` (used by `admitHpa`). `mayPatch` is `yes`, `no`, `unavailable`, `error` or `notAsked` (the default), and holds for every override given.
/// What is absent or null counts as not given.
///
/// # Guarantees
/// Pure: the same question has the same answer. Total: whatever the objects hold, there is an answer or an error, and the
/// next call answers. What is wrong with an override or an HPA is part of the answer.
///
/// # Errors
/// When there is no such function, a key is unknown or of the wrong type, an instant or the settings are not valid, a
/// status is asked for over more than [`MOST_PAIRS`], or the bounds of the HPA cannot be read where only they are asked for.
///
/// ```
/// use serde_json::json;
///
/// let hpa = json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5}});
/// let ovr = json!({"metadata": {"namespace": "shop", "name": "a", "uid": "u"},
///                  "spec": {"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "1h"}});
/// let question = json!({"now": "2026-11-27T06:00:00Z", "hpa": hpa, "overrides": [ovr]});
/// let answer = hpa_override_api::call("effectiveBounds", &question).unwrap();
/// assert_eq!(answer["effective"], json!({"minReplicas": 10, "maxReplicas": 20}));
/// ```
pub fn call(function: &str, argument: &Value) -> Result<Value, Error> {
    match function {
        ReviewOverride::NAME => answer::<ReviewOverride<'_>>(argument),
        AdmitHpa::NAME => answer::<AdmitHpa<'_>>(argument),
        PlanHpa::NAME => answer::<PlanHpa<'_>>(argument),
        PlanStatus::NAME => answer::<PlanStatus<'_>>(argument),
        EffectiveBounds::NAME => answer::<EffectiveBounds<'_>>(argument),
        Timeline::NAME => answer::<Timeline<'_>>(argument),
        NextTransition::NAME => answer::<NextTransition<'_>>(argument),
        validate_settings::NAME => validate_settings::answer(argument),
        _ => Err(Error::new("", ErrorCode::FunctionUnknown, format!("there is no function `{function}`"))),
    }
}

fn answer<'a, F: Function<'a>>(argument: &'a Value) -> Result<Value, Error> {
    let argument = Argument::parse(argument, F::KEYS)?;
    let request = F::parse(&argument)?;
    Ok(written(&request.answer(&argument.settings, argument.now)?))
}

/// An answer as JSON. Answers hold only what JSON can express.
fn written(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).unwrap_or_default()
}

#[cfg(test)]
mod tests;
