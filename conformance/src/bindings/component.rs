//! The component on wasmtime, asked as any host asks it: by the types of `wit/override.wit`, of one instance.

use std::{
    fmt,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result, anyhow};
use hpa_override_api::typed;
use hpa_override_core::Instant;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use wasmtime::{
    Engine, Store,
    component::{Component as Compiled, Linker},
};

use self::generated::{HpaOverride, exports::hpa_override::policy::decisions as wit};
use super::{Binding, as_native};
use crate::{Outcome, Question, text};

#[allow(clippy::pedantic, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        additional_derives: [serde::Serialize, serde::Deserialize],
    });
}

/// One instance of the component.
pub struct Component(Mutex<(Store<()>, HpaOverride)>);

/// A question, but for a situation's `until`.
#[derive(Deserialize)]
struct Asked<T> {
    now: i64,
    settings: Option<String>,
    #[serde(flatten)]
    question: T,
}

#[derive(Deserialize)]
struct Over {
    #[serde(flatten)]
    situation: wit::Situation,
    until: i64,
}

impl Component {
    /// Compiles and starts the component in that file. It is given nothing.
    pub fn load(path: &Path) -> Result<Self> {
        let engine = Engine::default();
        let compiled = Compiled::from_file(&engine, path).map_err(|error| plain(&error));
        let compiled = compiled.with_context(|| format!("failed to compile {}", path.display()))?;
        let mut store = Store::new(&engine, ());
        let instance = HpaOverride::instantiate(&mut store, &compiled, &Linker::new(&engine));
        let instance = instance.map_err(|error| plain(&error)).context("failed to start the component")?;
        Ok(Self(Mutex::new((store, instance))))
    }

    /// Asks a function; none where its types rule the question out.
    pub fn ask(&self, function: &str, argument: &Value) -> Result<Option<Outcome>> {
        self.ask_typed(function, typed::to_typed(argument.clone()))
    }

    /// Asks with text for the settings, which may be no JSON.
    pub fn validate_settings(&self, settings: &str) -> Result<Outcome> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (store, instance) = &mut *guard;
        let binding = instance.hpa_override_policy_decisions();
        let errors = binding.call_validate_settings(store, &settings.to_owned()).map_err(|error| plain(&error))?;
        outcome(errors.map(|errors| json!({ "errors": errors })))
    }

    /// Asks with text for the HPA and for an override, which may be no JSON.
    pub fn next_transition(&self, hpa: &str, ovr: &str) -> Result<Outcome> {
        let asked = json!({ "now": Instant::MIN.as_unix(), "hpa": hpa, "overrides": [ovr] });
        self.ask_typed("nextTransition", asked)?.context("the types rule the question out")
    }

    /// Asks with the typed form of the argument; none where its types rule the question out.
    pub fn ask_typed(&self, function: &str, asked: Value) -> Result<Option<Outcome>> {
        if function == "validateSettings" {
            let settings = asked.get("settings").and_then(Value::as_str).unwrap_or("null");
            return self.validate_settings(settings).map(Some);
        }
        let asked = completed(asked);
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (store, instance) = &mut *guard;
        let binding = instance.hpa_override_policy_decisions();
        match function {
            "reviewOverride" => {
                ask(asked, |now, settings, write| binding.call_review_override(store, now, settings, write))
            }
            "admitHpa" => ask(asked, |now, settings, write| binding.call_admit_hpa(store, now, settings, write)),
            "planHpa" => ask(asked, |now, settings, situation| binding.call_plan_hpa(store, now, settings, situation)),
            "planStatus" => {
                ask(asked, |now, settings, question| binding.call_plan_status(store, now, settings, question))
            }
            "effectiveBounds" => {
                ask(asked, |now, settings, situation| binding.call_effective_bounds(store, now, settings, situation))
            }
            "timeline" => ask(asked, |now, settings, Over { situation, until }| {
                binding.call_timeline(store, now, settings, situation, *until)
            }),
            "nextTransition" => ask(asked, |now, settings, situation| {
                let next = binding.call_next_transition(store, now, settings, situation)?;
                Ok(next.map(|next| json!({ "next_transition": next })))
            }),
            _ => Ok(None),
        }
    }
}

impl Binding for Component {
    fn name(&self) -> &'static str {
        "component"
    }

    fn expected(&self, question: &Question, native: &Outcome) -> Option<String> {
        as_native(true, question, native)
    }

    fn answer(&self, Question { function, argument }: &Question) -> Result<String> {
        let outcome = self.ask(function, argument)?.context("its types rule the question out")?;
        Ok(text(&outcome))
    }
}

fn ask<Q: DeserializeOwned, A: Serialize>(
    asked: Value,
    call: impl FnOnce(i64, Option<&String>, &Q) -> wasmtime::Result<Result<A, wit::Error>>,
) -> Result<Option<Outcome>> {
    let Ok(Asked { now, settings, question }) = serde_json::from_value(asked) else { return Ok(None) };
    outcome(call(now, settings.as_ref(), &question).map_err(|error| plain(&error))?).map(Some)
}

fn outcome<A: Serialize>(answer: Result<A, wit::Error>) -> Result<Outcome> {
    let untyped = |value| typed::from_typed(value).context("the component gives text that is no JSON");
    Ok(match answer {
        Ok(answer) => Ok(untyped(json!(answer))?),
        Err(error) => Err(untyped(json!(error))?),
    })
}

/// Fills in what a typed question may not lack, and a JSON one may.
fn completed(asked: Value) -> Value {
    let requester = json!({ "user": "", "groups": [], "sub_resource": "" });
    let defaults = json!({ "object": "null", "hpa": "null", "overrides": [], "hpas": [], "readings": [], "may_patch": "NotAsked", "request": requester });
    let Value::Object(mut asked) = over(defaults, asked) else { return Value::Null };
    if let Some(request) = asked.get_mut("request") {
        *request = over(requester, request.take());
    }
    asked.into()
}

/// `given`, and of the `defaults` what it lacks or has as null.
fn over(defaults: Value, given: Value) -> Value {
    let (Value::Object(mut all), Value::Object(given)) = (defaults, given) else { return Value::Null };
    all.extend(given.into_iter().filter(|(_, value)| !value.is_null()));
    Value::Object(all)
}

/// wasmtime's error type is its own.
fn plain(error: &wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

impl fmt::Debug for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Component").finish_non_exhaustive()
    }
}
