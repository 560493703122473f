//! The native door: the core's JSON door, called as any host does that holds no Rust types.

use hpa_override_core::{Instant, json::call};
use serde_json::{Value, json};

use crate::{
    case::{Admit, Case, Finding, Plan, Request, Review},
    compare::{Differences, annotations, managers, stands},
};

/// More writes at one instant than any plan needs, and more transitions than any case has.
const ENOUGH: usize = 10_000;

/// What differs from what is expected.
pub fn differences(case: &Case) -> Vec<String> {
    let mut differences = Differences::default();
    let outcome = match case {
        Case::Plan(case) => plan(case, &mut differences),
        Case::Admit(case) => admit(case, &mut differences),
        Case::Review(case) => review(case, &mut differences),
    };
    differences.0.extend(outcome.err());
    differences.0
}

fn answer(function: &str, argument: &Value) -> Result<Value, String> {
    call(function, argument).map_err(|error| error.to_string())
}

/// The controller at work on one HPA, alone.
struct Controller<'a> {
    case: &'a Plan,
    hpa: Value,
    remembered: Option<String>,
    now: Instant,
}

impl Controller<'_> {
    /// Writes until planning again gives nothing; the last plan.
    fn settle(&mut self) -> Result<Value, String> {
        for version in 1..ENOUGH {
            let argument = json!({
                "now": self.now, "settings": self.case.settings, "hpa": self.hpa, "overrides": self.case.overrides,
                "remembered": self.remembered,
            });
            let plan = answer("planHpa", &argument)?;
            self.remembered = plan["remember"].as_str().map(Into::into);
            if plan["patch"].is_null() {
                return Ok(plan);
            }
            json_patch::merge(&mut self.hpa, &plan["patch"]);
            self.hpa["metadata"]["resourceVersion"] = format!("written-{version}").into();
        }
        Err("the plan never comes to rest".into())
    }

    /// Acts at every transition up to `at`.
    fn run(&mut self, mut plan: Value, at: Instant) -> Result<Value, String> {
        for _ in 0..ENOUGH {
            let Some(next) = plan["nextTransition"].as_str().and_then(|next| next.parse().ok()) else {
                return Ok(plan);
            };
            if next > at {
                return Ok(plan);
            }
            if next <= self.now {
                return Err(format!("the next transition {next} is not after {}", self.now));
            }
            self.now = next;
            plan = self.settle()?;
        }
        Err("there are transitions without end".into())
    }
}

fn plan(case: &Plan, differences: &mut Differences) -> Result<(), String> {
    let (hpa, remembered) = (case.hpa.clone(), case.remembered.clone());
    let mut controller = Controller { case, hpa, remembered, now: case.now };
    let mut plan = controller.settle()?;
    let expect = &case.expect;
    for (bound, number) in expect.bounds.iter().flatten() {
        differences.value(bound, Some(number), &stands(&controller.hpa, bound));
    }
    differences.desired(expect.desired.as_ref(), &controller.hpa);
    differences.record(expect.record.as_ref(), &controller.hpa);
    let next = expect.next_transition.as_ref().map(as_instant).transpose()?;
    differences.value("nextTransition", next.as_ref(), &plan["nextTransition"]);
    for (id, phase) in expect.phases.iter().flatten() {
        differences.value(&format!("phase of {id}"), Some(&phase.as_str().into()), &plan["phases"][id]);
    }
    for moment in &expect.timeline {
        plan = controller.run(plan, moment.at)?;
        for (bound, number) in [("minReplicas", &moment.min_replicas), ("maxReplicas", &moment.max_replicas)] {
            let what = format!("at {}, {bound}", moment.at);
            differences.value(&what, number.as_ref(), &stands(&controller.hpa, bound));
        }
    }
    Ok(())
}

/// An instant in the form in which the core writes it.
fn as_instant(value: &Value) -> Result<Value, String> {
    let Some(text) = value.as_str() else { return Ok(value.clone()) };
    let instant: Instant =
        text.parse().map_err(|error| format!("nextTransition: `{text}` is not an instant; {error}"))?;
    Ok(json!(instant))
}

/// What decides: neither the field manager nor a dry run does.
fn request(request: &Request) -> Value {
    json!({"user": request.user, "groups": request.groups, "subResource": request.sub_resource})
}

fn admit(case: &Admit, differences: &mut Differences) -> Result<(), String> {
    let argument = json!({
        "now": case.now, "settings": case.settings, "request": request(&case.request), "old": case.old,
        "object": case.new,
    });
    let answer = answer("admitHpa", &argument)?;
    let warnings = answer["warnings"].as_array().map_or(0, Vec::len);
    compare_admission(case, &answer["object"], warnings, differences);
    Ok(())
}

/// Compares an admission; `object` is null where what was sent is stored.
pub fn compare_admission(case: &Admit, object: &Value, warnings: usize, differences: &mut Differences) {
    let (expect, stored) = (&case.expect, if object.is_null() { &case.new } else { object });
    differences.value("minReplicas", expect.min_replicas.as_ref(), &stands(stored, "minReplicas"));
    differences.value("maxReplicas", expect.max_replicas.as_ref(), &stands(stored, "maxReplicas"));
    differences.desired(expect.desired.as_ref(), stored);
    differences.note("changed", expect.changed.as_ref(), &(*stored != case.new));
    differences.note("warnings", expect.warnings.as_ref(), &warnings);
    differences.record(expect.record.as_ref(), stored);
    differences.multiset("annotations", expect.annotations.as_deref(), &annotations(stored));
    differences.multiset("managers", expect.managers.as_deref(), &managers(stored));
}

fn review(case: &Review, differences: &mut Differences) -> Result<(), String> {
    let argument = json!({
        "now": case.now, "settings": case.settings, "request": request(&case.request), "old": case.old,
        "object": case.object, "mayPatch": case.may_patch.as_str(),
    });
    let answer = answer("reviewOverride", &argument)?;
    let (errors, warnings) = (findings(&answer["report"]["errors"]), findings(&answer["report"]["warnings"]));
    let allowed = errors.is_empty();
    differences.note("allowed", case.expect.allowed.as_ref(), &allowed);
    differences.multiset("errors", case.expect.errors.as_deref(), &errors);
    differences.multiset("warnings", case.expect.warnings.as_deref(), &warnings);
    compare_stamp(case, allowed, &answer["object"], differences);
    Ok(())
}

/// Findings without their sentences.
fn findings(reported: &Value) -> Vec<Finding> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let bare = |finding: &Value| Finding { path: text(&finding["path"]), code: text(&finding["code"]) };
    reported.as_array().into_iter().flatten().map(bare).collect()
}

/// Compares who is stamped as having asked, where the write is allowed.
pub fn compare_stamp(case: &Review, allowed: bool, object: &Value, differences: &mut Differences) {
    if !allowed {
        return;
    }
    let stored = if object.is_null() { &case.object } else { object };
    let stamp = stored["metadata"]["annotations"][hpa_override_core::REQUESTED_BY_ANNOTATION].as_str();
    let stamp: Value = stamp.and_then(|stamp| serde_json::from_str(stamp).ok()).unwrap_or_default();
    let user = stamp["user"].as_str().unwrap_or_default().to_owned();
    differences.note("requestedBy", case.expect.requested_by.as_ref(), &user);
}
