//! The admission module, asked as policy-server asks it, on a host whose clock is the caller's.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use hpa_override_core::{GROUP, Instant, KIND, MayPatch, VERSION};
use serde_json::{Value, json};

use crate::{
    engine::{HostAnswer, HostCalls, Module},
    frozen::Clock,
};

/// The module and its surroundings.
#[derive(Debug)]
pub struct Wapc {
    module: Module,
    clock: Clock,
    answers: Arc<Answers>,
}

/// A write that policy-server asks about.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// When.
    pub now: Instant,
    /// The policy's settings.
    pub settings: &'a Value,
    /// `userInfo`: `username`, `groups`.
    pub user: &'a Value,
    /// The subresource written; empty for the object itself.
    pub sub_resource: &'a str,
    /// The object as it stands.
    pub old: Option<&'a Value>,
    /// The object as sent.
    pub object: &'a Value,
}

/// What the host answers when it is asked whether somebody may patch.
#[derive(Debug, Default)]
struct Answers(Mutex<MayPatch>);

impl HostCalls for Answers {
    fn call(&self, binding: &str, namespace: &str, operation: &str, _: &[u8]) -> HostAnswer {
        let asked = (binding, namespace, operation) == ("kubewarden", "kubernetes", "can_i");
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            MayPatch::Yes if asked => Ok(json!({"allowed": true}).to_string().into_bytes()),
            MayPatch::No if asked => Ok(json!({"allowed": false}).to_string().into_bytes()),
            other => Err(format!("{operation}: {}", other.as_str()).into()),
        }
    }
}

impl Wapc {
    /// # Errors
    /// When there is no such module.
    pub fn load(path: &Path) -> Result<Self> {
        let (clock, answers) = (Clock::default(), Arc::new(Answers::default()));
        let module = Module::load_with_clock(path, clock.clone())?.with_host_calls(answers.clone());
        Ok(Self { module, clock, answers })
    }

    /// May this override exist? `may_patch` is what the cluster answers.
    ///
    /// # Errors
    /// When the module traps, which it never may.
    pub fn review(&self, write: &Write<'_>, may_patch: MayPatch) -> Result<Value> {
        *self.answers.0.lock().unwrap_or_else(PoisonError::into_inner) = may_patch;
        self.ask(write, (GROUP, VERSION, KIND))
    }

    /// Does this write to an HPA keep the override?
    ///
    /// # Errors
    /// As [`review`](Self::review).
    pub fn admit(&self, write: &Write<'_>) -> Result<Value> {
        self.ask(write, ("autoscaling", "v2", "HorizontalPodAutoscaler"))
    }

    fn ask(&self, write: &Write<'_>, (group, version, kind): (&str, &str, &str)) -> Result<Value> {
        let Write { now, settings, user, sub_resource, old, object } = write;
        let at = |key: &str| object.get("metadata").and_then(|metadata| metadata.get(key));
        let request = json!({
            "uid": "case", "kind": {"group": group, "version": version, "kind": kind},
            "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
            "subResource": sub_resource, "userInfo": user, "name": at("name"), "namespace": at("namespace"),
            "object": object, "oldObject": old,
        });
        self.clock.freeze(now.as_unix());
        self.module.validate(&json!({ "request": request, "settings": settings }))
    }
}
