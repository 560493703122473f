//! The one JSON door: every decision as JSON in, JSON out, for hosts that hold no Rust types.

use hpa_override_crd::Instant;
use serde_json::{Value, json};

use crate::{
    admit::admit_hpa,
    plan::plan_hpa,
    request::{MayPatch, Request},
    review::review_override,
    settings::Settings,
    spec::Override,
    status::{TargetView, plan_status},
};

/// Calls a decision by its name: `reviewOverride`, `admitHpa`, `planHpa`, `planStatus`, `validateSettings`.
///
/// The argument is an object: `now`, `settings`, and per function `object`, `old`, `request` (`user`, `groups`,
/// `subResource`), `mayPatch` (`yes`, `no`, `unavailable`, `error`, `notAsked`), `hpa`, `hpas`, `overrides`, `remembered`.
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
        // Anything unknown is no answer.
        let may_patch = at(self.argument, "mayPatch").as_str().and_then(MayPatch::parse).unwrap_or_default();
        json!(review_override(at(self.argument, "object"), self.old(), &request, &self.settings, self.now, may_patch))
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
        json!({ "status": plan.status, "delete": plan.delete, "nextTransition": plan.next_transition })
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-11-27T06:00:00Z";

    fn hpa() -> Value {
        json!({"metadata": {"namespace": "shop", "name": "web", "resourceVersion": "7"},
               "spec": {"minReplicas": 2, "maxReplicas": 5}})
    }

    fn ovr() -> Value {
        json!({"metadata": {"namespace": "shop", "name": "a", "uid": "u", "creationTimestamp": NOW},
               "spec": {"hpa": "web", "maxReplicas": 20, "duration": "1h"}})
    }

    #[test]
    fn reviews() {
        let argument = json!({"now": NOW, "object": {"metadata": {"namespace": "shop"}, "spec": {"hpa": "web"}},
                              "old": null, "request": {"user": "alice", "groups": ["devs"]}});
        let sentence = "no bounds: set minReplicas, maxReplicas or both";
        let answer = call("reviewOverride", &argument).unwrap();
        let error = json!({"path": "spec", "code": "noBounds", "message": sentence});
        assert_eq!(answer["report"]["errors"], json!([error]));
        assert_eq!(answer["report"]["warnings"][0]["code"], "endsByDefault");
        assert_eq!(answer["object"], Value::Null);
    }

    #[test]
    fn admits() {
        let argument = json!({"now": NOW, "object": hpa(), "old": hpa(), "request": {"user": "alice"}});
        assert_eq!(call("admitHpa", &argument), Ok(json!({"object": null, "warnings": []})));
    }

    #[test]
    fn plans() {
        let argument = json!({"now": NOW, "hpa": hpa(), "overrides": [ovr()], "remembered": null});
        let answer = call("planHpa", &argument).unwrap();
        assert_eq!(answer["patch"]["spec"], json!({"maxReplicas": 20}));
        assert_eq!(answer["patch"]["metadata"]["annotations"]["hpa-override.dev/record"], answer["remember"]);
        assert_eq!((&answer["confirm"], &answer["nextTransition"]), (&json!(false), &json!("2026-11-27T07:00:00Z")));
        assert_eq!(answer["phases"], json!({"shop/a": "Active"}));
        assert_eq!(answer["events"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn plans_with_what_is_remembered() {
        let record = json!({"v": 1, "asOf": NOW, "desired": {"minReplicas": 1, "maxReplicas": 4},
                            "effective": {"minReplicas": 2, "maxReplicas": 5}, "ours": {"minReplicas": [2]}});
        let argument = json!({"now": NOW, "hpa": hpa(), "overrides": [], "remembered": record.to_string()});
        let patch = call("planHpa", &argument).unwrap()["patch"].clone();
        assert_eq!(patch["spec"], json!({"minReplicas": 1, "maxReplicas": 4}));
    }

    #[test]
    fn tells_the_status() {
        let argument = json!({"now": NOW, "object": ovr(), "hpas": [], "overrides": [ovr()]});
        let answer = call("planStatus", &argument).unwrap();
        assert_eq!(answer["status"]["conditions"][0]["reason"], "TargetNotFound");
        assert_eq!(answer["nextTransition"], "2026-11-27T07:00:00Z");
    }

    #[test]
    fn tells_no_status_while_a_target_is_to_be_written() {
        let argument = json!({"now": NOW, "object": ovr(), "hpas": [hpa()], "overrides": [ovr()]});
        assert_eq!(call("planStatus", &argument).unwrap()["status"], Value::Null);
    }

    #[rstest]
    #[case::good(json!({"maxDuration": "7d"}), json!([]))]
    #[case::absent(json!(null), json!([]))]
    #[case::bad(json!({"maxDuration": 7, "replicas": 1}),
        json!(["maxDuration: not a duration: it must be text", "replicas: unknown setting"]))]
    fn validates_settings(#[case] settings: Value, #[case] errors: Value) {
        assert_eq!(call("validateSettings", &json!({"settings": settings})), Ok(json!({"errors": errors})));
    }

    #[rstest]
    #[case::function("plan", json!({"now": NOW}), "there is no function `plan`")]
    #[case::no_now("planHpa", json!({}), "now: not an instant")]
    #[case::bad_now("planHpa", json!({"now": "today"}), "now: `today` is not an instant; write it like \
        `2026-11-27T06:00:00Z` or `2026-11-27T07:00:00+01:00`, in the years 2000 to 9000")]
    #[case::settings("admitHpa", json!({"now": NOW, "settings": {"a": 1, "b": 2}}),
        "settings: a: unknown setting; b: unknown setting")]
    #[case::no_object("admitHpa", json!(null), "now: not an instant")]
    fn refuses(#[case] function: &str, #[case] argument: Value, #[case] error: &str) {
        assert_eq!(call(function, &argument), Err(error.into()));
    }
}
