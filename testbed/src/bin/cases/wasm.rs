//! The wasm door: the admission module, asked as policy-server asks it, on a host whose clock is the case's.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use hpa_override_core::{Instant, MayPatch};
use hpa_override_testbed::{Clock, HostCalls, Module};
use serde_json::{Map, Value, json};

use crate::{
    case::{Admit, Case, Request, Review},
    compare::Differences,
    native::{compare_admission, compare_stamp},
};

/// The module and its surroundings.
pub struct Wasm {
    module: Module,
    clock: Clock,
    answers: Arc<Answers>,
}

/// What the host answers when it is asked whether somebody may patch.
#[derive(Debug, Default)]
struct Answers(Mutex<MayPatch>);

impl HostCalls for Answers {
    fn call(
        &self,
        binding: &str,
        namespace: &str,
        operation: &str,
        _: &[u8],
    ) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let asked = (binding, namespace, operation) == ("kubewarden", "kubernetes", "can_i");
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            MayPatch::Yes if asked => Ok(json!({"allowed": true}).to_string().into_bytes()),
            MayPatch::No if asked => Ok(json!({"allowed": false}).to_string().into_bytes()),
            other => Err(format!("{operation}: {}", other.as_str()).into()),
        }
    }
}

impl Wasm {
    /// # Errors
    /// When there is no such module.
    pub fn load(path: &Path) -> Result<Self> {
        let (clock, answers) = (Clock::default(), Arc::new(Answers::default()));
        let module = Module::load_with_clock(path, clock.clone())?.with_host_calls(answers.clone());
        Ok(Self { module, clock, answers })
    }

    /// What differs from what is expected; none where this door does not answer such cases.
    pub fn differences(&self, case: &Case) -> Option<Vec<String>> {
        let mut differences = Differences::default();
        let outcome = match case {
            Case::Plan(_) => return None,
            Case::Admit(case) => self.admit(case, &mut differences),
            Case::Review(case) => self.review(case, &mut differences),
        };
        differences.0.extend(outcome.err().map(|error| format!("{error:#}")));
        Some(differences.0)
    }

    fn admit(&self, case: &Admit, differences: &mut Differences) -> Result<()> {
        let hpa = ("autoscaling", "v2", "HorizontalPodAutoscaler");
        let request = request(hpa, &case.request, case.old.as_ref(), &case.new);
        let answer = self.ask(case.now, &request, &case.settings)?;
        differences.note("allowed", Some(&true), &(answer["accepted"] == true));
        let warnings = answer["warnings"].as_array().map_or(0, Vec::len);
        compare_admission(case, &answer["mutated_object"], warnings, differences);
        Ok(())
    }

    fn review(&self, case: &Review, differences: &mut Differences) -> Result<()> {
        *self.answers.0.lock().unwrap_or_else(PoisonError::into_inner) = case.may_patch;
        let ovr = (hpa_override_core::GROUP, hpa_override_core::VERSION, hpa_override_core::KIND);
        let request = request(ovr, &case.request, case.old.as_ref(), &case.object);
        let answer = self.ask(case.now, &request, &case.settings)?;
        let (allowed, message) = (answer["accepted"] == true, answer["message"].as_str().unwrap_or_default());
        differences.note("allowed", case.expect.allowed.as_ref(), &allowed);
        let untold = |path: &&String| !message.contains(path.as_str());
        let errors = case.expect.errors.iter().flatten().map(|finding| &finding.path);
        differences.0.extend(errors.filter(untold).map(|path| format!("errors: {path} is not named in {message:?}")));
        let count = answer["warnings"].as_array().map_or(0, Vec::len);
        differences.note("warnings", case.expect.warnings.as_ref().map(Vec::len).as_ref(), &count);
        compare_stamp(case, allowed, &answer["mutated_object"], differences);
        Ok(())
    }

    fn ask(&self, now: Instant, request: &Value, settings: &Map<String, Value>) -> Result<Value> {
        self.clock.freeze(now.as_unix());
        self.module.validate(&json!({ "request": request, "settings": settings }))
    }
}

fn request((group, version, kind): (&str, &str, &str), by: &Request, old: Option<&Value>, object: &Value) -> Value {
    json!({
        "uid": "case", "kind": {"group": group, "version": version, "kind": kind},
        "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
        "subResource": by.sub_resource, "dryRun": by.dry_run, "options": {"fieldManager": by.field_manager},
        "userInfo": {"username": by.user, "groups": by.groups},
        "name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"],
        "object": object, "oldObject": old,
    })
}
