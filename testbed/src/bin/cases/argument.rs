//! The two admission kinds as questions of the JSON door.

use serde_json::{Value, json};

use crate::case::{Admit, Request, Review};

/// What `admitHpa` is asked.
pub fn of_admission(case: &Admit) -> Value {
    let Admit { now, settings, old, new, .. } = case;
    json!({"now": now, "settings": settings, "request": request(&case.request), "old": old, "object": new})
}

/// What `reviewOverride` is asked.
pub fn of_review(case: &Review) -> Value {
    let Review { now, settings, old, object, may_patch, .. } = case;
    json!({
        "now": now, "settings": settings, "request": request(&case.request), "old": old, "object": object,
        "mayPatch": may_patch.as_str(),
    })
}

/// What decides: neither the field manager nor a dry run does.
fn request(request: &Request) -> Value {
    json!({"user": request.user, "groups": request.groups, "subResource": request.sub_resource})
}
