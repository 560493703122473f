//! An owner takes over the bounds that overrides have set: from then on they are what the owner wants.

use hpa_override_core::{
    Bounds, Instant, RECORD_ANNOTATION, Record, Request, Settings, admit_hpa,
    hpa::raw::{annotation, name_of, set_annotation},
};
use serde_json::{Value, json};

/// By this annotation a client-side `kubectl apply` declares what it wants.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is to be written, as a user who may patch the HPA.
#[derive(Clone, Debug, PartialEq)]
pub struct Adoption {
    /// The bounds that the owner is to want.
    pub bounds: Bounds,
    /// A JSON merge patch for the version of the HPA that was given. The record in it is the one that the merge admission writes,
    /// so that it counts where there is none.
    pub patch: Value,
    /// The patch after it, where the HPA carried no declaration before: it removes that of the first.
    pub cleanup: Option<Value>,
}

/// Why the bounds cannot be adopted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdopted {
    /// No override is active: the bounds are the owner's.
    NotOverridden,
    /// The record or the bounds cannot be read.
    Unreadable,
    /// The bounds are returning gradually: they are between two pairs.
    Returning,
    /// The overrides or a limit are relative to what the owner wants, so that the effective bounds would become these.
    Relative(Bounds),
}

/// Plans that what is effective on `hpa` becomes what its owner wants. Declared is declared: an echo counts as an owner change
/// then.
///
/// # Errors
/// Where there is nothing to adopt, or the effective bounds would change by it.
pub fn plan_adoption(hpa: &Value, now: Instant) -> Result<Adoption, NotAdopted> {
    let record = Record::from_hpa(hpa).ok_or(NotAdopted::NotOverridden)?.map_err(|_| NotAdopted::Unreadable)?;
    let bounds = Bounds::from_hpa(hpa).ok_or(NotAdopted::Unreadable)?;
    if record.gradual_return.is_some() {
        return Err(NotAdopted::Returning);
    }
    let mut new = hpa.clone();
    set_annotation(&mut new, LAST_APPLIED, Some(declaration(hpa, bounds)));
    let stored = admit_hpa(Some(hpa), &new, &Request::default(), &Settings::default(), now).object.unwrap_or(new);
    match Bounds::from_hpa(&stored) {
        Some(after) if after == bounds => {}
        Some(after) => return Err(NotAdopted::Relative(after)),
        None => return Err(NotAdopted::Unreadable),
    }
    let version = hpa.get("metadata").and_then(|metadata| metadata.get("resourceVersion"));
    let patch = json!({
        "metadata": {"resourceVersion": version, "annotations": {
            LAST_APPLIED: annotation(&stored, LAST_APPLIED), RECORD_ANNOTATION: annotation(&stored, RECORD_ANNOTATION),
        }},
        "spec": bounds,
    });
    let cleanup =
        annotation(hpa, LAST_APPLIED).is_none().then(|| json!({"metadata": {"annotations": {LAST_APPLIED: null}}}));
    Ok(Adoption { bounds, patch, cleanup })
}

/// The manifest that was applied last, with these bounds; a text that differs from the one before.
fn declaration(hpa: &Value, bounds: Bounds) -> String {
    let (namespace, name) = name_of(hpa);
    let before = annotation(hpa, LAST_APPLIED);
    let manifest = before
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
        .filter(|manifest| manifest["spec"].is_object());
    let mut manifest = manifest.unwrap_or_else(|| {
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"namespace": namespace, "name": name},
               "spec": {}})
    });
    if let (Some(spec), Value::Object(bounds)) =
        (manifest.get_mut("spec").and_then(Value::as_object_mut), json!(bounds))
    {
        spec.extend(bounds);
    }
    let text = manifest.to_string();
    if before == Some(text.as_str()) { text + "\n" } else { text }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-11-27T06:00:00Z";

    fn now() -> Instant {
        NOW.parse().unwrap()
    }

    /// An HPA of 2-5, under an override with these amounts, which are effective as `effective`.
    fn overridden(amounts: &Value, effective: (i32, i32), more: &Value) -> Value {
        let effective = json!({"minReplicas": effective.0, "maxReplicas": effective.1});
        let mut layer = json!({"by": "shop/a", "uid": "u", "mode": "Set", "until": "2026-11-27T07:00:00Z"});
        layer.as_object_mut().unwrap().extend(amounts.as_object().unwrap().clone());
        let mut record = json!({"v": 1, "rev": 1, "asOf": NOW, "desired": {"minReplicas": 2, "maxReplicas": 5}, "effective": effective,
                                "ours": {"minReplicas": [effective["minReplicas"]], "maxReplicas": [effective["maxReplicas"]]},
                                "layers": [layer]});
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"metadata": {"namespace": "shop", "name": "web", "resourceVersion": "7", "annotations": {RECORD_ANNOTATION: record.to_string()}},
               "spec": effective})
    }

    #[test]
    fn what_is_effective_becomes_desired() {
        let hpa = overridden(&json!({"minReplicas": 10, "maxReplicas": 20}), (10, 20), &json!({}));
        let adoption = plan_adoption(&hpa, now()).unwrap();
        assert_eq!(adoption.patch["spec"], json!({"minReplicas": 10, "maxReplicas": 20}));
        assert_eq!(adoption.patch["metadata"]["resourceVersion"], "7");
        let record = adoption.patch["metadata"]["annotations"][RECORD_ANNOTATION].as_str().unwrap();
        let record = Record::parse(record).unwrap();
        assert_eq!((record.desired, record.effective), (adoption.bounds, adoption.bounds));
        assert!(adoption.cleanup.is_some(), "there was no declaration before");
    }

    #[test]
    fn what_was_applied_last_stays_but_for_the_bounds() {
        let mut hpa = overridden(&json!({"minReplicas": 10, "maxReplicas": 20}), (10, 20), &json!({}));
        let applied =
            json!({"kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 2, "maxReplicas": 5, "metrics": []}});
        hpa["metadata"]["annotations"][LAST_APPLIED] = applied.to_string().into();
        let adoption = plan_adoption(&hpa, now()).unwrap();
        let declared = adoption.patch["metadata"]["annotations"][LAST_APPLIED].as_str().unwrap();
        let expected =
            json!({"kind": "HorizontalPodAutoscaler", "spec": {"minReplicas": 10, "maxReplicas": 20, "metrics": []}});
        assert_eq!((serde_json::from_str::<Value>(declared).unwrap(), adoption.cleanup), (expected, None));
    }

    #[rstest]
    #[case::relative(&json!({"minReplicas": "150%", "maxReplicas": "160%"}), (3, 8), &json!({}), NotAdopted::Relative(Bounds::new(5, 13).unwrap()))]
    #[case::by_a_factor(&json!({"minReplicas": 10, "maxReplicas": 100}), (10, 20), &json!({"limits": {"factor": 4}}), NotAdopted::Relative(Bounds::new(10, 80).unwrap()))]
    #[case::returning(&json!({"minReplicas": 10}), (10, 20), &json!({"gradualReturn": {"by": "shop/b", "from": {"maxReplicas": 60}, "at": NOW, "over": "10m"}}), NotAdopted::Returning)]
    #[case::unreadable(&json!({"minReplicas": 10}), (10, 20), &json!({"v": 2}), NotAdopted::Unreadable)]
    fn what_cannot_be_adopted(
        #[case] amounts: &Value,
        #[case] effective: (i32, i32),
        #[case] more: &Value,
        #[case] expected: NotAdopted,
    ) {
        assert_eq!(plan_adoption(&overridden(amounts, effective, more), now()).unwrap_err(), expected);
    }
}
