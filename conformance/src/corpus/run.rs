//! Runs a case natively. A plan is written and made again until there is none, at every transition that the case names.

use hpa_override_core::{Instant, REQUESTED_BY_ANNOTATION};
use serde_json::{Map, Value, json};

use super::{
    case::Case,
    compare::{bounds, differences, differing, record},
};
use crate::{Outcome, Question};

/// More writes at one instant than any plan needs, and more transitions than any case has.
const ENOUGH: usize = 10_000;

const A_DAY: i64 = 86_400;

/// What came of a case.
#[derive(Debug, Default)]
pub struct Run {
    /// Every question that was asked on the way, and native's answer.
    pub asked: Vec<(Question, Outcome)>,
    /// Where native's answers are not what the case expects.
    pub differences: Vec<String>,
}

/// Runs the case.
#[must_use]
pub fn run(case: &Case) -> Run {
    let mut run = Run::default();
    let found = match case.kind.as_str() {
        "plan" => plan(case, &mut run),
        "admitHpa" => admit(case, &mut run),
        "reviewOverride" => review(case, &mut run),
        _ => {
            let function = case.function.clone().unwrap_or_default();
            let _ = run.ask(&function, case.argument.clone().unwrap_or_default());
            Ok(Value::Null)
        }
    };
    match found {
        Ok(found) => run.differences.extend(differences(&case.expect, &found)),
        Err(error) => run.differences.push(error),
    }
    run
}

impl Run {
    fn ask(&mut self, function: &str, argument: Value) -> Outcome {
        let question = Question::new(function, argument);
        let outcome = question.native();
        self.asked.push((question, outcome.clone()));
        outcome
    }

    /// The answer that is needed to go on.
    fn answer(&mut self, function: &str, argument: Value) -> Result<Value, String> {
        self.ask(function, argument).map_err(|error| format!("{}: {}", error["path"], error["message"]))
    }
}

/// The controller at work on one HPA, alone.
struct Controller<'a> {
    case: &'a Case,
    run: &'a mut Run,
    hpa: Value,
    remembered: Option<String>,
    now: Instant,
}

impl Controller<'_> {
    fn situation(&self) -> Value {
        let Case { settings, overrides, may_patch, .. } = self.case;
        json!({
            "now": self.now, "settings": settings, "hpa": self.hpa, "overrides": overrides,
            "mayPatch": may_patch.as_str(), "remembered": self.remembered,
        })
    }

    /// What else can be asked before anything is written. The case expects nothing of it: bindings answer as native does.
    fn look_ahead(&mut self, last: Option<Instant>) {
        let mut situation = self.situation();
        for function in ["effectiveBounds", "nextTransition"] {
            let _ = self.run.ask(function, situation.clone());
        }
        situation["until"] = json!(last.unwrap_or(self.now.saturating_add(A_DAY)).saturating_add(1));
        let _ = self.run.ask("timeline", situation);
        let mut settings = json!(self.case.settings);
        let _ = self.run.ask("validateSettings", json!({ "settings": settings }));
        settings["noSetting"] = true.into();
        let _ = self.run.ask("validateSettings", json!({ "settings": settings }));
    }

    /// Every override's status once all is written.
    fn look_at_statuses(&mut self) {
        let Case { settings, overrides, may_patch, .. } = self.case;
        for object in overrides {
            let argument = json!({
                "now": self.now, "settings": settings, "object": object, "hpas": [self.hpa], "overrides": overrides,
                "mayPatch": may_patch.as_str(),
            });
            let _ = self.run.ask("planStatus", argument);
        }
    }

    /// Writes until planning again gives nothing; the last plan.
    fn settle(&mut self) -> Result<Value, String> {
        for version in 1..ENOUGH {
            let plan = self.run.answer("planHpa", self.situation())?;
            self.remembered = plan["remember"].as_str().map(Into::into);
            if plan["patch"].is_null() {
                return Ok(plan);
            }
            json_patch::merge(&mut self.hpa, &plan["patch"]);
            self.hpa["metadata"]["resourceVersion"] = format!("written-{version}").into();
        }
        Err("there is always another plan".into())
    }

    /// Writes what is due at every transition up to `at`.
    fn run_until(&mut self, mut plan: Value, at: Instant) -> Result<Value, String> {
        for _ in 0..ENOUGH {
            let next = plan["nextTransition"].as_str().and_then(|next| next.parse().ok());
            let Some(next) = next.filter(|next| *next <= at) else { return Ok(plan) };
            if next <= self.now {
                return Err(format!("the next transition {next} is not after {}", self.now));
            }
            self.now = next;
            plan = self.settle()?;
        }
        Err("there are transitions without end".into())
    }
}

fn plan(case: &Case, run: &mut Run) -> Result<Value, String> {
    let moments = moments(case)?;
    let (hpa, remembered) = (case.hpa.clone().into(), case.remembered.clone());
    let mut controller = Controller { case, run, hpa, remembered, now: case.now };
    controller.look_ahead(moments.last().map(|(at, _)| *at));
    let mut plan = controller.settle()?;
    controller.look_at_statuses();
    let record = record(&controller.hpa);
    let found = json!({
        "bounds": bounds(&controller.hpa), "desired": record["desired"], "record": record, "phases": plan["phases"],
        "nextTransition": plan["nextTransition"], "timeline": case.expect.get("timeline"),
    });
    for (at, expected) in moments {
        plan = controller.run_until(plan, at)?;
        let found = bounds(&controller.hpa);
        for (bound, number) in expected.iter().filter(|(key, _)| *key != "at") {
            controller.run.differences.extend(differing(&format!("at {at}, {bound}"), number, &found[bound]));
        }
    }
    Ok(found)
}

/// An instant, and the bounds that are right then.
type Moment = (Instant, Map<String, Value>);

fn moments(case: &Case) -> Result<Vec<Moment>, String> {
    let moments = case.expect.get("timeline").and_then(Value::as_array).into_iter().flatten();
    let read = |moment: &Value| {
        let at = moment["at"].as_str().and_then(|at| at.parse().ok());
        let at = at.ok_or_else(|| format!("timeline: {moment} has no instant `at`"))?;
        Ok((at, moment.as_object().cloned().unwrap_or_default()))
    };
    moments.map(read).collect()
}

/// The argument for a write.
fn argument(case: &Case) -> Value {
    let Case { now, settings, request, old, object, .. } = case;
    let request = json!({"user": request.user, "groups": request.groups, "subResource": request.sub_resource});
    json!({"now": now, "settings": settings, "request": request, "old": old, "object": object})
}

/// The object that is stored: null in an answer means what was sent.
fn stored(case: &Case, answer: &Value) -> Value {
    if answer["object"].is_null() { case.object.clone().into() } else { answer["object"].clone() }
}

fn admit(case: &Case, run: &mut Run) -> Result<Value, String> {
    let answer = run.answer("admitHpa", argument(case))?;
    let stored = stored(case, &answer);
    let (bounds, record, metadata) = (bounds(&stored), record(&stored), &stored["metadata"]);
    let managers = metadata["managedFields"].as_array().into_iter().flatten();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let managers = managers.map(|entry| format!("{}/{}", text(entry, "manager"), text(entry, "operation")));
    Ok(json!({
        "minReplicas": bounds["minReplicas"], "maxReplicas": bounds["maxReplicas"], "desired": record["desired"],
        "record": record, "changed": stored != json!(case.object),
        "warnings": answer["warnings"].as_array().map_or(0, Vec::len),
        "annotations": metadata["annotations"].as_object().into_iter().flat_map(Map::keys).collect::<Vec<_>>(),
        "managers": managers.collect::<Vec<_>>(),
    }))
}

fn review(case: &Case, run: &mut Run) -> Result<Value, String> {
    let mut argument = argument(case);
    argument["mayPatch"] = case.may_patch.as_str().into();
    let answer = run.answer("reviewOverride", argument)?;
    let without_sentences = |findings: &Value| -> Value {
        let findings = findings.as_array().into_iter().flatten();
        findings.map(|finding| json!({"path": finding["path"], "code": finding["code"]})).collect()
    };
    let (errors, warnings) = (&answer["report"]["errors"], &answer["report"]["warnings"]);
    let allowed = errors.as_array().is_some_and(Vec::is_empty);
    let stamp = stored(case, &answer)["metadata"]["annotations"][REQUESTED_BY_ANNOTATION].take();
    let stamp: Value = stamp.as_str().and_then(|stamp| serde_json::from_str(stamp).ok()).unwrap_or_default();
    // What is refused is not stamped.
    let requested_by = if allowed { Some(&stamp["user"]) } else { case.expect.get("requestedBy") };
    Ok(json!({
        "allowed": allowed, "errors": without_sentences(errors), "warnings": without_sentences(warnings),
        "requestedBy": requested_by,
    }))
}
