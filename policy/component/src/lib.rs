//! The component binding: a typed question in, a typed answer out, by `hpa_override_api::call_typed`.
//!
//! ```text
//!   host ─ wit/override.wit ─► records ─► call_typed ─► records ─► host
//! ```
//! Nothing here traps: what cannot be answered is a typed error, and the next call answers.

use hpa_override_api::{call_typed, typed::to_typed};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use self::bindings::exports::hpa_override::policy::decisions::{
    Admission, Error, ErrorCode, Guest, HpaPlan, HpaWrite, Instant, Json, OverrideWrite, Point, Review, Situation,
    Span, StatusPlan, StatusQuestion,
};

#[allow(unsafe_code, missing_docs, clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", additional_derives: [serde::Serialize, serde::Deserialize] });

    export!(Component);

    use super::Component;
}

struct Component;

impl Guest for Component {
    fn review_override(now: Instant, settings: Option<Json>, asked: OverrideWrite) -> Result<Review, Error> {
        ask("reviewOverride", &Question { now, settings, asked })
    }

    fn admit_hpa(now: Instant, settings: Option<Json>, asked: HpaWrite) -> Result<Admission, Error> {
        ask("admitHpa", &Question { now, settings, asked })
    }

    fn plan_hpa(now: Instant, settings: Option<Json>, asked: Situation) -> Result<HpaPlan, Error> {
        ask("planHpa", &Question { now, settings, asked })
    }

    fn plan_status(now: Instant, settings: Option<Json>, asked: StatusQuestion) -> Result<StatusPlan, Error> {
        ask("planStatus", &Question { now, settings, asked })
    }

    fn effective_bounds(now: Instant, settings: Option<Json>, asked: Situation) -> Result<Point, Error> {
        ask("effectiveBounds", &Question { now, settings, asked })
    }

    fn timeline(now: Instant, settings: Option<Json>, asked: Situation, until: Instant) -> Result<Span, Error> {
        ask("timeline", &Question { now, settings, asked: Over { situation: asked, until } })
    }

    fn next_transition(now: Instant, settings: Option<Json>, asked: Situation) -> Result<Option<Instant>, Error> {
        one("next_transition", ask("nextTransition", &Question { now, settings, asked })?)
    }

    fn validate_settings(settings: Json) -> Result<Vec<String>, Error> {
        one("errors", ask("validateSettings", &json!({ "settings": settings }))?)
    }
}

/// What every function takes, and its own.
#[derive(Serialize)]
struct Question<T> {
    now: Instant,
    settings: Option<Json>,
    #[serde(flatten)]
    asked: T,
}

/// A situation over a span.
#[derive(Serialize)]
struct Over {
    #[serde(flatten)]
    situation: Situation,
    until: Instant,
}

fn ask<R: DeserializeOwned>(function: &str, question: &impl Serialize) -> Result<R, Error> {
    let asked = serde_json::to_value(question).map_err(|error| mismatch(&error))?;
    let typed = |error| read(to_typed(json!(error))).unwrap_or_else(|mismatch| mismatch);
    read(call_typed(function, asked).map_err(typed)?)
}

/// The only key of an answer.
fn one<R: DeserializeOwned>(key: &str, mut answer: Value) -> Result<R, Error> {
    read(answer.get_mut(key).map(Value::take).unwrap_or_default())
}

fn read<R: DeserializeOwned>(answer: Value) -> Result<R, Error> {
    serde_json::from_value(answer).map_err(|error| mismatch(&error))
}

/// The types of `wit/override.wit` are those of the API, so this does not happen.
fn mismatch(error: &serde_json::Error) -> Error {
    Error { path: String::new(), code: ErrorCode::TypeInvalid, message: format!("the types differ: {error}") }
}
