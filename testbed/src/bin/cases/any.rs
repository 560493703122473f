//! A door that takes any question: its answers are compared with what a case expects, and with native's byte for byte.

use hpa_override_core::Instant;
use hpa_override_testbed::doors::{Door, Native, Outcome};
use serde_json::{Value, json};

use crate::{
    argument,
    case::{Admit, Case, Finding, Plan, Question, Review},
    compare::{Differences, compare_admission, compare_stamp, stands},
};

/// More writes at one instant than any plan needs, and more transitions than any case has.
const ENOUGH: usize = 10_000;

const A_DAY: i64 = 86_400;

/// What differs from what is expected.
pub fn differences(case: &Case, door: &dyn Door) -> Vec<String> {
    let mut differences = Differences::default();
    let outcome = match case {
        Case::Plan(case) => plan(case, door, &mut differences),
        Case::Admit(case) => admit(case, door, &mut differences),
        Case::Review(case) => review(case, door, &mut differences),
        Case::Question(Question { function, argument, .. }) => same(door, function, argument).map(drop),
    };
    differences.0.extend(outcome.err());
    differences.0
}

/// The answer that is needed to go on.
fn answer(door: &dyn Door, function: &str, argument: &Value) -> Result<Value, String> {
    same(door, function, argument)?.map_err(|error| format!("{}: {}", error["path"], error["message"]))
}

/// The answer, where it is native's.
fn same(door: &dyn Door, function: &str, argument: &Value) -> Result<Outcome, String> {
    let native = Native::answer(function, argument);
    if !door.takes(function, argument, &native) {
        return Ok(native);
    }
    let told = door.ask(function, argument).map_err(|error| format!("{function}: {error:#}"))?;
    let told = told.ok_or_else(|| format!("{function} cannot be asked what native answers"))?;
    if told == native {
        return Ok(told);
    }
    let text = |outcome: Outcome| outcome.map_or_else(|error| format!("error {error}"), |answer| answer.to_string());
    Err(format!("{function} gives {}, native {}", text(told), text(native)))
}

/// The controller at work on one HPA, alone.
struct Controller<'a> {
    case: &'a Plan,
    door: &'a dyn Door,
    hpa: Value,
    remembered: Option<String>,
    now: Instant,
}

impl Controller<'_> {
    fn situation(&self) -> Value {
        let Plan { settings, overrides, may_patch, .. } = self.case;
        json!({
            "now": self.now, "settings": settings, "hpa": self.hpa, "overrides": overrides,
            "mayPatch": may_patch.as_str(), "remembered": self.remembered,
        })
    }

    /// What else can be asked before anything is written. Nothing is expected of it but that it is what native says.
    fn look_ahead(&self) -> Result<(), String> {
        let mut situation = self.situation();
        for function in ["effectiveBounds", "nextTransition"] {
            same(self.door, function, &situation)?.ok();
        }
        let last = self.case.expect.timeline.last().map_or(self.now.saturating_add(A_DAY), |moment| moment.at);
        situation["until"] = json!(last.saturating_add(1));
        same(self.door, "timeline", &situation)?.ok();
        let mut settings = json!(self.case.settings);
        same(self.door, "validateSettings", &json!({ "settings": settings }))?.ok();
        settings["noSetting"] = true.into();
        same(self.door, "validateSettings", &json!({ "settings": settings }))?.ok();
        Ok(())
    }

    /// Every override's status once all is written, as native says it.
    fn look_around(&self) -> Result<(), String> {
        let Plan { settings, overrides, may_patch, .. } = self.case;
        for object in overrides {
            let argument = json!({
                "now": self.now, "settings": settings, "object": object, "hpas": [self.hpa], "overrides": overrides,
                "mayPatch": may_patch.as_str(),
            });
            same(self.door, "planStatus", &argument)?.ok();
        }
        Ok(())
    }

    /// Writes until planning again gives nothing; the last plan.
    fn settle(&mut self) -> Result<Value, String> {
        for version in 1..ENOUGH {
            let plan = answer(self.door, "planHpa", &self.situation())?;
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

fn plan(case: &Plan, door: &dyn Door, differences: &mut Differences) -> Result<(), String> {
    let (hpa, remembered) = (case.hpa.clone(), case.remembered.clone());
    let mut controller = Controller { case, door, hpa, remembered, now: case.now };
    controller.look_ahead()?;
    let mut plan = controller.settle()?;
    controller.look_around()?;
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

fn admit(case: &Admit, door: &dyn Door, differences: &mut Differences) -> Result<(), String> {
    let answer = answer(door, "admitHpa", &argument::of_admission(case))?;
    let warnings = answer["warnings"].as_array().map_or(0, Vec::len);
    compare_admission(case, &answer["object"], warnings, differences);
    Ok(())
}

fn review(case: &Review, door: &dyn Door, differences: &mut Differences) -> Result<(), String> {
    let answer = answer(door, "reviewOverride", &argument::of_review(case))?;
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
