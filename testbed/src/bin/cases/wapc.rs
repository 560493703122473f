//! The admission module, on the two kinds of cases that it answers.

use anyhow::Result;
use hpa_override_testbed::doors::{Wapc, Write};
use serde_json::{Value, json};

use crate::{
    case::{Admit, Case, Request, Review},
    compare::{Differences, compare_admission, compare_stamp},
};

/// What differs from what is expected; none where this door does not answer such cases.
pub fn differences(case: &Case, door: &Wapc) -> Option<Vec<String>> {
    let mut differences = Differences::default();
    let outcome = match case {
        Case::Plan(_) => return None,
        Case::Admit(case) => admit(case, door, &mut differences),
        Case::Review(case) => review(case, door, &mut differences),
    };
    differences.0.extend(outcome.err().map(|error| format!("{error:#}")));
    Some(differences.0)
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
