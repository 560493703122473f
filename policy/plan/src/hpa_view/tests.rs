use hpa_override_core::{MANAGER, RECORD_ANNOTATION};
use rstest::rstest;
use serde_json::json;

use super::*;

const RECORD: &str = r#"{"v":1,"rev":1,"asOf":"2026-11-27T06:00:00Z","desired":{"minReplicas":2,"maxReplicas":5},"effective":{"minReplicas":10,"maxReplicas":20},"layers":[{"by":"shop/a","uid":"u","mode":"Set","minReplicas":10,"maxReplicas":20}]}"#;

fn entry(manager: &str, spec: &Value) -> Value {
    json!({"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": spec}})
}

/// An HPA with all that is read of it.
fn hpa() -> Value {
    json!({
        "metadata": {"namespace": "shop", "name": "web", "uid": "u1", "resourceVersion": "7", "generation": 3,
                     "labels": {"tier": "front"}, "annotations": {RECORD_ANNOTATION: RECORD, "other": "a"},
                     "managedFields": [entry("argocd", &json!({"f:minReplicas": {}}))]},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                 "minReplicas": 10, "maxReplicas": 20, "metrics": []},
        "status": {"currentReplicas": 4, "desiredReplicas": 10, "currentMetrics": [],
                   "conditions": [{"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "m"}]},
    })
}

/// The HPA with another value at a place; null removes it.
fn with(pointer: &str, value: Value) -> Value {
    let mut hpa = hpa();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    hpa.pointer_mut(parent).unwrap()[key.replace("~1", "/")] = value;
    hpa
}

#[test]
fn it_holds_what_is_read() {
    let view = HpaView::parse(&hpa());
    assert_eq!(*view.id(), Id { namespace: "shop".into(), name: "web".into() });
    assert_eq!((view.uid(), view.resource_version()), ("u1", "7"));
    assert_eq!((view.labels().len(), view.bounds()), (1, Bounds::new(10, 20)));
    assert_eq!(view.record(), Some(Ok(&Record::parse(RECORD).unwrap())));
    assert_eq!(view.scale_target().map(ToString::to_string), Some("Deployment shop/web".into()));
    assert_eq!(view.asked_for(), [Some(4), Some(10)]);
    assert_eq!(view.managed_fields().entries(), [entry("argocd", &json!({"f:minReplicas": {}}))]);
}

/// Whatever is wrong in it, the text says the same as the value.
#[test]
fn from_the_text_it_is_the_same() {
    let ours = json!([entry("argocd", &json!({"f:minReplicas": {}, "f:metrics": {}})), {"manager": MANAGER,
        "fieldsV1": {"f:metadata": {"f:annotations": {format!("f:{RECORD_ANNOTATION}"): {}}}}}]);
    let places = [
        "/metadata/namespace",
        "/metadata/uid",
        "/metadata/resourceVersion",
        "/metadata/labels",
        "/metadata/annotations",
        "/metadata/annotations/hpa-override.dev~1record",
        "/metadata/ownerReferences",
        "/metadata/managedFields",
        "/metadata/managedFields/0",
        "/metadata/managedFields/0/fieldsV1",
        "/metadata/managedFields/0/fieldsV1/f:spec",
        "/metadata",
        "/spec",
        "/spec/minReplicas",
        "/spec/scaleTargetRef",
        "/spec/scaleTargetRef/kind",
        "/status",
        "/status/conditions",
        "/status/conditions/0",
        "/status/currentReplicas",
    ];
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(7),
        json!(1.5),
        json!("text \" \u{e9} \n"),
        json!([]),
        json!({}),
        json!([1, [2], {"a": null}]),
        json!({"controller": true}),
        json!([{"controller": true}]),
        ours.clone(),
    ];
    let with_value = |place| values.iter().map(move |value| with_place(place, value.clone()));
    let mut checked = 0;
    for hpa in
        places.into_iter().flat_map(with_value).chain([hpa(), json!(null), json!([]), json!("web"), ours.clone()])
    {
        let text = hpa.to_string();
        let (parsed, read) = (HpaView::parse(&hpa), HpaView::parse_text(&text).unwrap());
        assert_eq!(format!("{read:?}"), format!("{parsed:?}"), "{text}");
        checked += 1;
    }
    assert_eq!(checked, places.len() * values.len() + 5);
}

fn with_place(pointer: &str, value: Value) -> Value {
    let mut hpa = hpa();
    match hpa.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => return with(pointer, value),
    }
    hpa
}

#[test]
fn a_text_is_read_as_the_api_server_writes_it() {
    for text in ["", "{", "{} {}", r#"{"spec": {"maxReplicas": 1e999}}"#] {
        assert!(HpaView::parse_text(text).is_err(), "{text}");
    }
    let view =
        HpaView::parse_text("{ \"spec\" : {\"metrics\": 1e999,\n \"maxReplicas\": 3, \"maxReplicas\": 4} }").unwrap();
    assert_eq!(view.bounds(), Bounds::new(1, 4), "what is not read need not be readable; the last of two keys counts");
}

#[test]
fn of_nothing_it_is_empty() {
    for nothing in [json!(null), json!({}), json!({"metadata": {"uid": 7, "labels": [], "managedFields": {}}})] {
        let view = HpaView::parse(&nothing);
        assert_eq!((view.uid(), view.resource_version(), view.bounds()), ("", "", None));
        assert!(view.is_untouched() && view.record().is_none() && view.scale_target().is_none());
        assert!(view.managed_fields().entries().is_empty());
    }
}

#[rstest]
#[case::nothing_of_ours("/metadata/annotations", json!({"other": "a"}), true)]
#[case::record("/metadata/labels", json!({}), false)]
#[case::unreadable_record("/metadata/annotations", json!({RECORD_ANNOTATION: "?"}), false)]
#[case::record_that_is_no_text("/metadata/annotations", json!({RECORD_ANNOTATION: 7}), false)]
#[case::marker("/metadata/annotations", json!({RELEASE_ANNOTATION: "true"}), false)]
fn untouched(#[case] pointer: &str, #[case] value: Value, #[case] expected: bool) {
    assert_eq!(HpaView::parse(&with(pointer, value)).is_untouched(), expected);
}

#[test]
fn an_entry_of_ours_is_a_trace() {
    let mut hpa = with("/metadata/annotations", json!({}));
    hpa["metadata"]["managedFields"] = json!([entry(MANAGER, &json!({}))]);
    assert!(!HpaView::parse(&hpa).is_untouched());
}

#[rstest]
#[case::version("/metadata/resourceVersion", json!("8"), true)]
#[case::generation("/metadata/generation", json!(4), true)]
#[case::metrics("/spec/metrics", json!([{}]), true)]
#[case::status("/status", json!({}), true)]
#[case::another_annotation("/metadata/annotations/other", json!("b"), true)]
#[case::another_owner("/metadata/managedFields", json!([entry("kubectl", &json!({"f:maxReplicas": {}}))]), true)]
#[case::uid("/metadata/uid", json!("u2"), false)]
#[case::labels("/metadata/labels/tier", json!("back"), false)]
#[case::controller("/metadata/ownerReferences", json!([{"controller": true}]), false)]
#[case::bound("/spec/minReplicas", json!(11), false)]
#[case::scale_target("/spec/scaleTargetRef/name", json!("api"), false)]
#[case::record("/metadata/annotations/hpa-override.dev~1record", json!(RECORD.replace("\"rev\":1", "\"rev\":2")), false)]
#[case::record_in_another_spelling("/metadata/annotations/hpa-override.dev~1record", json!(format!("{RECORD} ")), false)]
#[case::no_record("/metadata/annotations/hpa-override.dev~1record", json!(null), false)]
#[case::marker("/metadata/annotations/hpa-override.dev~1release", json!("true"), false)]
#[case::an_entry_of_ours("/metadata/managedFields", json!([entry(MANAGER, &json!({}))]), false)]
fn plans_alike(#[case] pointer: &str, #[case] value: Value, #[case] expected: bool) {
    let (one, other) = (HpaView::parse(&hpa()), HpaView::parse(&with(pointer, value)));
    assert_eq!((one.plans_like(&other), other.plans_like(&one)), (expected, expected));
}

#[test]
fn of_managed_fields_all_is_kept_only_beside_an_entry_of_ours() {
    let both = entry("argocd", &json!({"f:minReplicas": {}, "f:metrics": {}, "f:maxReplicas": {}}));
    let mut scale = entry("kubectl", &json!({"f:maxReplicas": {}}));
    (scale["subresource"], scale["time"]) = ("scale".into(), "2026-11-27T06:00:00Z".into());
    let theirs = [both.clone(), entry("labeller", &json!({"f:metrics": {}})), scale.clone()];
    let kept = |list: &[Value]| {
        let hpa = with("/metadata/managedFields", json!(list));
        HpaView::parse(&hpa).managed_fields().entries()
    };
    assert_eq!(kept(&theirs), [entry("argocd", &json!({"f:minReplicas": {}, "f:maxReplicas": {}})), scale]);
    let with_ours = [&theirs[..], &[entry(MANAGER, &json!({}))]].concat();
    assert_eq!(kept(&with_ours), with_ours);
}

#[test]
fn which_bound_we_own_matters() {
    let owning = |bound: &str| {
        let mut hpa = hpa();
        hpa["metadata"]["managedFields"] = json!([entry(MANAGER, &json!({bound: {}}))]);
        HpaView::parse(&hpa)
    };
    let [min, max] = [owning("f:minReplicas"), owning("f:maxReplicas")];
    assert!(min.plans_like(&min) && !min.plans_like(&max));
    assert_eq!([&min, &max].map(|view| view.managed_fields().we_own_any()), [true, true]);
}

#[rstest]
#[case::metrics("/status/currentMetrics", json!([{}]), true)]
#[case::another_message("/status/conditions/0/message", json!("n"), true)]
#[case::spec("/spec/minReplicas", json!(11), true)]
#[case::current("/status/currentReplicas", json!(5), false)]
#[case::desired("/status/desiredReplicas", json!(11), false)]
#[case::able("/status/conditions/0/status", json!("Unknown"), false)]
#[case::something_explained("/status/conditions/0/status", json!("False"), false)]
#[case::no_conditions("/status/conditions", json!([]), false)]
fn statuses_alike(#[case] pointer: &str, #[case] value: Value, #[case] expected: bool) {
    let (one, other) = (HpaView::parse(&hpa()), HpaView::parse(&with(pointer, value)));
    assert_eq!((one.has_status_like(&other), other.has_status_like(&one)), (expected, expected));
}

#[test]
fn a_record_in_another_spelling_is_read_and_written_anew() {
    let respelled =
        HpaView::parse(&with("/metadata/annotations/hpa-override.dev~1record", json!(format!("{RECORD} "))));
    assert_eq!(respelled.record(), HpaView::parse(&hpa()).record());
    assert!(HpaView::parse(&hpa()).has_record_text(RECORD) && !respelled.has_record_text(RECORD));
}
