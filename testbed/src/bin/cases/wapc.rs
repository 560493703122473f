//! The admission module, on the two kinds of cases that it answers: what is expected, and that it decides as native does.

use anyhow::Result;
use hpa_override_testbed::doors::{Wapc, Write, decision};
use serde_json::{Value, json};

use crate::{
    argument,
    case::{Admit, Case, Question, Request, Review},
    compare::{Differences, compare_admission, compare_stamp},
};

/// What differs from what is expected; none where this door does not answer such cases.
pub fn differences(case: &Case, door: &Wapc) -> Option<Vec<String>> {
    let mut differences = Differences::default();
    let (outcome, decided) = match case {
        Case::Plan(_) => return None,
        Case::Admit(case) => {
            (admit(case, door, &mut differences), decides(door, "admitHpa", &argument::of_admission(case)))
        }
        Case::Review(case) => {
            (review(case, door, &mut differences), decides(door, "reviewOverride", &argument::of_review(case)))
        }
        Case::Question(Question { function, argument, .. }) => {
            decision::of_native(function, argument)?;
            (Ok(()), decides(door, function, argument))
        }
    };
    differences.0.extend(outcome.err().map(|error| format!("{error:#}")));
    differences.0.extend(decided);
    Some(differences.0)
}

/// How its decision differs from native's.
fn decides(door: &Wapc, function: &str, argument: &Value) -> Option<String> {
    let native = decision::of_native(function, argument)?;
    let decided = decision::of_wapc(door, function, argument)?;
    (decided != native).then(|| format!("{function} is decided as {decided}, by native as {native}"))
}

fn admit(case: &Admit, door: &Wapc, differences: &mut Differences) -> Result<()> {
    let (user, settings) = (user(&case.request), json!(case.settings));
    let (old, object, sub_resource) = (case.old.as_ref(), &case.new, &case.request.sub_resource);
    let answer = door.admit(&Write { now: case.now, settings: &settings, user: &user, sub_resource, old, object })?;
    differences.note("allowed", Some(&true), &(answer["accepted"] == true));
    let warnings = answer["warnings"].as_array().map_or(0, Vec::len);
    compare_admission(case, &answer["mutated_object"], warnings, differences);
    Ok(())
}

fn review(case: &Review, door: &Wapc, differences: &mut Differences) -> Result<()> {
    let (user, settings) = (user(&case.request), json!(case.settings));
    let (old, object, sub_resource) = (case.old.as_ref(), &case.object, &case.request.sub_resource);
    let write = Write { now: case.now, settings: &settings, user: &user, sub_resource, old, object };
    let answer = door.review(&write, case.may_patch)?;
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

fn user(request: &Request) -> Value {
    json!({"username": request.user, "groups": request.groups})
}
