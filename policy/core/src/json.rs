//! The one JSON door: every decision as JSON in, JSON out, for hosts that hold no Rust types.

use hpa_override_crd::Instant;
use serde_json::{Value, json};

use crate::{
    admit::admit_hpa,
    plan::plan_hpa,
    request::Request,
    review::review_override,
    settings::Settings,
    spec::Override,
    status::{TargetView, plan_status},
};

/// Calls a decision by its name: `reviewOverride`, `admitHpa`, `planHpa`, `planStatus`, `validateSettings`.
///
/// The argument is an object: `now`, `settings`, and per function `object`, `old`, `request` (`user`, `groups`,
/// `subResource`), `hpa`, `hpas`, `overrides`, `remembered`.
///
/// # Errors
/// A sentence, when the function is unknown, `now` is no instant or the settings are not valid.
pub fn call(function: &str, argument: &Value) -> Result<Value, String> {
    let settings = Settings::parse(at(argument, "settings"));
    if function == "validateSettings" {
        return Ok(json!({ "errors": settings.err().unwrap_or_default() }));
    }
    let call = Call {
        argument,
        settings: settings.map_err(|errors| format!("settings: {}", errors.join("; ")))?,
        now: instant(at(argument, "now"))?,
    };
    match function {
        "reviewOverride" => Ok(call.review_override()),
        "admitHpa" => Ok(call.admit_hpa()),
        "planHpa" => Ok(call.plan_hpa()),
        "planStatus" => Ok(call.plan_status()),
        _ => Err(format!("there is no function `{function}`")),
    }
}

struct Call<'a> {
    argument: &'a Value,
    settings: Settings,
    now: Instant,
}

impl Call<'_> {
    fn review_override(&self) -> Value {
        let request = request(at(self.argument, "request"));
        json!(review_override(at(self.argument, "object"), self.old(), &request, &self.settings, self.now))
    }

    fn admit_hpa(&self) -> Value {
        let request = request(at(self.argument, "request"));
        json!(admit_hpa(self.old(), at(self.argument, "object"), &request, &self.settings, self.now))
    }

    fn plan_hpa(&self) -> Value {
        let plan = plan_hpa(at(self.argument, "hpa"), &self.overrides(), &self.settings, self.now, self.remembered());
        let phases = plan.standings.iter().map(|(id, standing)| (id.to_string(), json!(standing.phase)));
        let phases: serde_json::Map<String, Value> = phases.collect();
        let mut answer = json!(plan);
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("phases".into(), phases.into());
        }
        answer
    }

    fn plan_status(&self) -> Value {
        let object = at(self.argument, "object");
        let overrides = self.overrides();
        let hpas = at(self.argument, "hpas").as_array().map_or(&[][..], Vec::as_slice);
        let plans: Vec<_> = hpas.iter().map(|hpa| plan_hpa(hpa, &overrides, &self.settings, self.now, None)).collect();
        let targets: Vec<_> =
            hpas.iter().zip(&plans).map(|(hpa, plan)| TargetView { hpa, plan, trouble: None }).collect();
        let plan = plan_status(object, &Override::read(object, self.now), &targets, &self.settings, self.now);
        json!({ "status": plan.status, "nextTransition": plan.next_transition })
    }

    fn old(&self) -> Option<&Value> {
        Some(at(self.argument, "old")).filter(|old| !old.is_null())
    }

    fn remembered(&self) -> Option<&str> {
        at(self.argument, "remembered").as_str()
    }

    fn overrides(&self) -> Vec<Override> {
        let objects = at(self.argument, "overrides").as_array().map_or(&[][..], Vec::as_slice);
        objects.iter().map(|object| Override::read(object, self.now)).collect()
    }
}

fn at<'a>(object: &'a Value, key: &str) -> &'a Value {
    object.get(key).unwrap_or(&Value::Null)
}

fn instant(value: &Value) -> Result<Instant, String> {
    let text = value.as_str().ok_or("now: not an instant")?;
    text.parse().map_err(|error| format!("now: `{text}` is not an instant; {error}"))
}

/// Who makes a request; what is absent is empty.
fn request(value: &Value) -> Request {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let groups = at(value, "groups").as_array().map_or(&[][..], Vec::as_slice);
    Request {
        user: text(at(value, "user")),
        groups: groups.iter().map(text).collect(),
        sub_resource: text(at(value, "subResource")),
    }
}
