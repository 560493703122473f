//! The admission module, asked as policy-server asks it, on a host whose clock is the caller's.
//!
//! Its answer is another than native's, so decisions are compared: whether the write is allowed, the object that is
//! stored, the warnings, and what a refusal says.

#![expect(clippy::indexing_slicing, reason = "JSON that lacks a key is null there; nothing is indexed by a number")]

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use hpa_override_core::{GROUP, Instant, KIND, MayPatch, VERSION, value::text::warning_lines};
use hpa_override_testbed::{Clock, HostAnswer, HostCalls, Module};
use serde_json::{Value, json};

use super::Binding;
use crate::{Outcome, Question};

/// WASI's clock counts nanoseconds in 64 bits: it ends in the year 2554.
const WASI_ENDS: i64 = 18_446_744_073;

/// The module and its surroundings.
#[derive(Debug)]
pub struct Wapc {
    module: Module,
    clock: Clock,
    cluster: Arc<Cluster>,
}

/// What the host answers when it is asked whether somebody may patch.
#[derive(Debug, Default)]
struct Cluster(Mutex<MayPatch>);

impl HostCalls for Cluster {
    fn call(&self, binding: &str, namespace: &str, operation: &str, _: &[u8]) -> HostAnswer {
        let asked = (binding, namespace, operation) == ("kubewarden", "kubernetes", "can_i");
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            MayPatch::Yes if asked => Ok(json!({"allowed": true}).to_string().into_bytes()),
            MayPatch::No if asked => Ok(json!({"allowed": false}).to_string().into_bytes()),
            MayPatch::Error if asked => Ok(json!({}).to_string().into_bytes()),
            other => Err(format!("{operation}: {}", other.as_str()).into()),
        }
    }
}

impl Wapc {
    /// Loads the module.
    pub fn load(path: &Path) -> Result<Self> {
        let (clock, cluster) = (Clock::default(), Arc::new(Cluster::default()));
        let module = Module::load_with_clock(path, clock.clone())?.with_host_calls(cluster.clone());
        Ok(Self { module, clock, cluster })
    }
}

impl Binding for Wapc {
    fn name(&self) -> &'static str {
        "wapc"
    }

    /// It is asked about writes of an object alone; anything else policy-server does not send.
    fn expected(&self, Question { function, argument }: &Question, native: &Outcome) -> Option<String> {
        let admits = function == "admitHpa";
        let reviews = function == "reviewOverride" && sub_resource(argument).is_empty();
        now(argument).filter(|_| (admits || reviews) && argument["object"].is_object())?;
        Some(match native {
            Ok(answer) if admits => decision(true, &answer["object"], &answer["warnings"], &Value::Null),
            Ok(answer) => {
                let report = &answer["report"];
                // The module asks the cluster wherever the answer is needed.
                if may_patch(argument) == MayPatch::NotAsked && has_code(&report["errors"], "authorizationUnavailable")
                {
                    return None;
                }
                let (errors, warnings) = (said(&report["errors"]), said(&report["warnings"]));
                decision(errors.is_empty(), &answer["object"], &json!(warning_lines(warnings)), &message(&errors))
            }
            // With settings that are not valid an HPA is let through, an override refused; the sentence is the module's own.
            Err(error) if error["code"] == "settingsInvalid" => {
                decision(admits, &Value::Null, &Value::Null, &"misconfigured".into())
            }
            Err(_) => return None,
        })
    }

    fn answer(&self, Question { function, argument }: &Question) -> Result<String> {
        *self.cluster.0.lock().unwrap_or_else(PoisonError::into_inner) = may_patch(argument);
        self.clock.freeze(now(argument).context("no instant that WASI's clock can show")?.as_unix());
        let payload = json!({"request": request(function, argument), "settings": argument["settings"]});
        let answer = self.module.validate(&payload)?;
        let (accepted, audit) = (answer["accepted"] == true, &answer["audit_annotations"]);
        if audit["decision"] == "letThrough" || answer["code"] == 500 {
            return Ok(decision(accepted, &answer["mutated_object"], &Value::Null, &"misconfigured".into()));
        }
        Ok(decision(accepted, &answer["mutated_object"], &answer["warnings"], &answer["message"]))
    }
}

fn now(argument: &Value) -> Option<Instant> {
    let now: Option<Instant> = match &argument["now"] {
        Value::String(text) => text.parse().ok(),
        number => number.as_i64().map(Instant::from_unix),
    };
    now.filter(|now| now.as_unix() <= WASI_ENDS)
}

fn may_patch(argument: &Value) -> MayPatch {
    argument["mayPatch"].as_str().and_then(MayPatch::parse).unwrap_or_default()
}

fn has_code(findings: &Value, code: &str) -> bool {
    findings.as_array().into_iter().flatten().any(|finding| finding["code"] == code)
}

fn sub_resource(argument: &Value) -> &str {
    argument["request"]["subResource"].as_str().unwrap_or_default()
}

/// The admission request for that write.
fn request(function: &str, argument: &Value) -> Value {
    let (group, version, kind) = match function {
        "admitHpa" => ("autoscaling", "v2", "HorizontalPodAutoscaler"),
        _ => (GROUP, VERSION, KIND),
    };
    let (request, metadata) = (&argument["request"], &argument["object"]["metadata"]);
    json!({
        "uid": "case", "kind": {"group": group, "version": version, "kind": kind},
        "operation": if argument["old"].is_null() { "CREATE" } else { "UPDATE" }, "subResource": sub_resource(argument),
        "userInfo": {"username": request["user"], "groups": request["groups"]},
        "name": metadata["name"], "namespace": metadata["namespace"],
        "object": argument["object"], "oldObject": argument["old"],
    })
}

/// Findings as the module words them.
fn said(findings: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |finding: &Value| format!("{}: {}", text(&finding["path"]), text(&finding["message"]));
    findings.as_array().into_iter().flatten().map(line).collect()
}

/// The message of a refusal; null where there is no error.
fn message(errors: &[String]) -> Value {
    match errors {
        [] => Value::Null,
        [error] => error.as_str().into(),
        errors => format!("{} errors: {}", errors.len(), errors.join("; ")).into(),
    }
}

fn decision(accepted: bool, object: &Value, warnings: &Value, message: &Value) -> String {
    let warnings = if warnings.is_null() { &json!([]) } else { warnings };
    json!({"accepted": accepted, "object": object, "warnings": warnings, "message": message}).to_string()
}
