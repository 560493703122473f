use rstest::rstest;
use serde_json::json;

use super::*;

mod subresources;

const AS_OF: &str = "2026-11-27T06:00:00Z";
const UNTIL: &str = "2026-11-27T18:00:00Z";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// The owner wants 2–5, black-friday gives 10–20.
fn record() -> Value {
    json!({"v": 1, "asOf": AS_OF, "desired": pair(2, 5), "effective": pair(10, 20),
           "ours": {"minReplicas": [10], "maxReplicas": [20]}, "layers": [layer("black-friday", 10, 20, Some(UNTIL))]})
}

fn layer(name: &str, min: i32, max: i32, until: Option<&str>) -> Value {
    let mut layer = pair(min, max);
    layer["by"] = format!("shop/{name}").into();
    layer["uid"] = format!("uid-{name}").into();
    layer["mode"] = "Set".into();
    if let Some(until) = until {
        layer["until"] = until.into();
    }
    layer
}

fn pair(min: i32, max: i32) -> Value {
    json!({"minReplicas": min, "maxReplicas": max})
}

fn canonical(record: &Value) -> String {
    Record::parse(&record.to_string()).unwrap().to_text()
}

/// An HPA as it is written or stored, with fields that nobody here knows.
fn hpa(min: i32, max: i32, record: Option<&Value>) -> Value {
    let mut hpa = json!({
        "metadata": {"namespace": "shop", "name": "web", "annotations": {"team": "front"},
                     "managedFields": [entry("argocd", &json!({"f:minReplicas": {}, "f:maxReplicas": {}}))]},
        "spec": {"minReplicas": min, "maxReplicas": max, "unheard": [1.5, null]},
    });
    if let Some(record) = record {
        hpa["metadata"]["annotations"][RECORD_ANNOTATION] = canonical(record).into();
    }
    hpa
}

fn entry(manager: &str, fields: &Value) -> Value {
    json!({"manager": manager, "operation": "Apply", "apiVersion": "autoscaling/v2", "time": AS_OF,
           "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": fields}})
}

fn admitted(old: Option<&Value>, new: &Value, user: &str, sub_resource: &str, now: &str) -> Admission {
    let request = Request { user: user.into(), sub_resource: sub_resource.into(), ..Request::default() };
    admit_hpa(old, new, &request, &Settings::default(), at(now))
}

fn silently(object: Value, audit: Audit) -> Admission {
    Admission { object: Some(object), warnings: vec![], audit }
}

fn owner_writes(old: &Value, new: &Value) -> Admission {
    admitted(Some(old), new, "alice", "", AS_OF)
}

fn controller_writes(old: &Value, new: &Value) -> Admission {
    admitted(Some(old), new, &Settings::default().controller_user, "", AS_OF)
}

/// The overridden HPA with another record on it.
fn overridden(change: impl Fn(&mut Value)) -> Value {
    let mut record = record();
    change(&mut record);
    hpa(10, 20, Some(&record))
}

// Rule 1: an invalid pair.

#[rstest]
#[case::min_above_max(json!({"minReplicas": 9, "maxReplicas": 3}))]
#[case::ours_beside_a_word_that_does_not_fit_the_owners_own(json!({"minReplicas": 10, "maxReplicas": 1}))]
#[case::no_max(json!({"minReplicas": 3}))]
#[case::text(json!({"minReplicas": 3, "maxReplicas": "8"}))]
#[case::zero(json!({"minReplicas": 0, "maxReplicas": 0}))]
fn an_invalid_pair_is_left_to_the_api_server(#[case] spec: Value) {
    let mut new = hpa(3, 8, None);
    new["spec"] = spec;
    assert_eq!(owner_writes(&overridden(|_| {}), &new), Admission::unchanged());
}

#[rstest]
#[case::a_manifest_that_names_max_alone(json!({"minReplicas": 10, "maxReplicas": 5}), (2, 5))]
#[case::one_bound_changed_alone(json!({"minReplicas": 10, "maxReplicas": 8}), (2, 8))]
fn ours_beside_the_owners_is_the_owners_own_pair(#[case] spec: Value, #[case] desired: (i32, i32)) {
    let mut new = hpa(10, 20, None);
    new["spec"] = spec;
    let object = owner_writes(&overridden(|_| {}), &new).object.unwrap();
    assert_eq!(object["spec"], json!({"minReplicas": 10, "maxReplicas": 20}));
    let record = Record::of_hpa(&object).unwrap().unwrap();
    assert_eq!(record.desired, Bounds::new(desired.0, desired.1).unwrap());
}

// Rule 2: the controller's own write.

#[test]
fn the_controllers_numbers_are_its_own() {
    let new = overridden(|record| record["effective"] = pair(30, 40));
    assert_eq!(controller_writes(&hpa(10, 20, Some(&record())), &new), Admission::unchanged());
}

#[test]
fn its_first_write_gives_back_ownership_and_drops_the_owners() {
    let old = hpa(2, 5, None);
    let owners = json!([{"manager": "argocd", "operation": "Apply", "apiVersion": "autoscaling/v2",
                         "fields": ["maxReplicas", "minReplicas"]}]);
    let mut new = overridden(|record| record["owners"] = owners.clone());
    new["metadata"]["managedFields"] =
        json!([entry("hpa-override", &json!({"f:minReplicas": {}, "f:maxReplicas": {}}))]);
    let mut expected = overridden(|_| {});
    expected["metadata"]["managedFields"] = old["metadata"]["managedFields"].clone();
    assert_eq!(controller_writes(&old, &new), silently(expected, Audit::of("ownershipReturned")));
}

#[test]
fn an_entry_of_ours_that_old_has_too_is_the_controllers_to_give_back() {
    let mut old = hpa(2, 5, None);
    old["metadata"]["managedFields"] = json!([entry("hpa-override", &json!({"f:maxReplicas": {}}))]);
    let mut new = overridden(|_| {});
    new["metadata"]["managedFields"] =
        json!([entry("hpa-override", &json!({"f:minReplicas": {}, "f:maxReplicas": {}}))]);
    assert_eq!(controller_writes(&old, &new), Admission::unchanged());
}

#[test]
fn its_last_write_takes_the_record_off() {
    let old = hpa(2, 5, Some(&record()));
    assert_eq!(controller_writes(&old, &hpa(2, 5, None)), Admission::unchanged());
}

#[test]
fn nobody_else_is_the_controller() {
    let mut new = hpa(10, 20, None);
    new["metadata"]["managedFields"] = json!([entry("hpa-override", &json!({"f:minReplicas": {}}))]);
    let object = owner_writes(&overridden(|_| {}), &new).object.unwrap();
    assert_eq!(object["metadata"]["managedFields"], new["metadata"]["managedFields"]);
    assert_eq!(annotation(&object, RECORD_ANNOTATION), Some(canonical(&record()).as_str()));
}

// Rule 3: a record that comes from elsewhere.

#[rstest]
#[case::create(None)]
#[case::update(Some(hpa(2, 5, None)))]
fn a_record_from_elsewhere_is_taken_off(#[case] old: Option<Value>) {
    let admission = admitted(old.as_ref(), &overridden(|_| {}), "alice", "", AS_OF);
    assert_eq!(admission.object, Some(hpa(2, 5, None)));
    let warning = "hpa-override: the record came from another HorizontalPodAutoscaler and was removed; \
                   the bounds are what its owner wants, 2–5";
    assert_eq!(admission.warnings, [warning]);
}

#[rstest]
#[case::create(None)]
#[case::update(Some(hpa(2, 5, None)))]
fn so_is_one_that_cannot_be_read(#[case] old: Option<Value>) {
    let mut new = hpa(10, 20, None);
    new["metadata"]["annotations"][RECORD_ANNOTATION] = "{\"v\":2}".into();
    let admission = admitted(old.as_ref(), &new, "alice", "", AS_OF);
    assert_eq!(admission.object, Some(hpa(10, 20, None)));
    assert_eq!(admission.warnings, ["hpa-override: a record that cannot be read was removed; the bounds are as sent"]);
}

#[rstest]
#[case::create(None)]
#[case::update(Some(hpa(2, 5, None)))]
fn without_a_record_nothing_is_ours(#[case] old: Option<Value>) {
    assert_eq!(admitted(old.as_ref(), &hpa(10, 20, None), "alice", "", AS_OF), Admission::unchanged());
}

// Rule 4: the way out by hand.

#[test]
fn a_marker_with_nothing_to_release_leaves() {
    let sent = released(hpa(3, 8, None));
    assert_eq!(admitted(Some(&hpa(2, 5, None)), &sent, "argocd", "", AS_OF).object, Some(hpa(3, 8, None)));
    let forged = admitted(None, &released(hpa(10, 20, Some(&record()))), "argocd", "", AS_OF);
    assert_eq!(forged.object, Some(hpa(2, 5, None)));
}

fn released(mut new: Value) -> Value {
    new["metadata"]["annotations"][RELEASE_ANNOTATION] = "true".into();
    new
}

#[rstest]
#[case::echo((10, 20), (2, 5))]
#[case::one_word((10, 25), (2, 25))]
#[case::two_words((3, 8), (3, 8))]
fn a_release_gives_the_owner_what_it_wants(#[case] sent: (i32, i32), #[case] bounds: (i32, i32)) {
    let new = released(hpa(sent.0, sent.1, Some(&record())));
    let audit = Audit::of("released").with("desired", format!("{}–{}", bounds.0, bounds.1));
    assert_eq!(owner_writes(&overridden(|_| {}), &new), silently(hpa(bounds.0, bounds.1, None), audit));
}

#[test]
fn a_release_of_what_cannot_be_read_keeps_the_bounds_as_sent() {
    let mut old = hpa(10, 20, None);
    old["metadata"]["annotations"][RECORD_ANNOTATION] = "{\"v\":2}".into();
    assert_eq!(owner_writes(&old, &released(old.clone())).object, Some(hpa(10, 20, None)));
}

#[test]
fn any_other_text_releases_nothing() {
    let (old, mut new) = (overridden(|_| {}), overridden(|_| {}));
    new["metadata"]["annotations"][RELEASE_ANNOTATION] = "yes".into();
    assert_eq!(owner_writes(&old, &new), Admission::unchanged());
}

// Rule 5: the override holds, what the owner wants is recorded.

#[rstest]
#[case::unchanged_manifest((2, 5), (2, 5))]
#[case::echo((10, 20), (2, 5))]
#[case::new_numbers((3, 8), (3, 8))]
#[case::one_word_one_echo((3, 20), (3, 5))]
#[case::min_above_what_max_was((7, 20), (7, 7))]
#[case::zero((0, 5), (0, 5))]
fn the_owners_word_is_recorded(#[case] sent: (i32, i32), #[case] desired: (i32, i32)) {
    let expected = overridden(|record| record["desired"] = pair(desired.0, desired.1));
    let admission = owner_writes(&overridden(|_| {}), &hpa(sent.0, sent.1, None));
    assert_eq!(admission.object, Some(expected));
    let warning = format!(
        "hpa-override: {}–{} is recorded as what the owner wants; 10–20 stands until {UNTIL} \
         by AutoscalerOverride shop/black-friday",
        desired.0, desired.1
    );
    assert_eq!(admission.warnings, [warning]);
}

#[test]
fn what_stands_already_is_admitted_without_a_word() {
    let stands = overridden(|_| {});
    assert_eq!(owner_writes(&stands, &stands), Admission::unchanged());
}

#[test]
fn a_removed_min_is_the_default_and_a_word() {
    let mut new = hpa(1, 5, None);
    new["spec"].as_object_mut().unwrap().remove("minReplicas");
    let object = owner_writes(&overridden(|_| {}), &new).object.unwrap();
    assert_eq!(object["spec"], json!({"minReplicas": 10, "maxReplicas": 20, "unheard": [1.5, null]}));
    assert_eq!(Record::of_hpa(&object).unwrap().unwrap().desired, Bounds::new(1, 5).unwrap());
}

fn applied(min: i32, max: i32, text: &Value) -> Value {
    let mut hpa = hpa(min, max, Some(&record()));
    hpa["metadata"]["annotations"][LAST_APPLIED] = text.to_string().into();
    hpa
}

#[rstest]
#[case::both(json!({"spec": pair(10, 20)}), Some((10, 20)))]
#[case::only_what_is_named(json!({"spec": {"maxReplicas": 20}}), Some((2, 20)))]
#[case::with_the_incoming_value_only(json!({"spec": pair(4, 9)}), None)]
fn a_declared_number_is_a_word_even_where_it_is_ours(#[case] text: Value, #[case] desired: Option<(i32, i32)>) {
    let new = applied(10, 20, &text);
    let record = owner_writes(&overridden(|_| {}), &new).object.map(|object| Record::of_hpa(&object).unwrap().unwrap());
    assert_eq!(record.map(|record| record.desired), desired.map(|(min, max)| Bounds::new(min, max).unwrap()));
}

#[test]
fn a_declaration_that_does_not_change_declares_nothing() {
    let stands = applied(10, 20, &json!({"spec": pair(10, 20)}));
    assert_eq!(owner_writes(&stands, &stands), Admission::unchanged());
}

#[test]
fn what_becomes_the_owners_leaves_ours() {
    let object =
        owner_writes(&overridden(|_| {}), &applied(10, 20, &json!({"spec": {"maxReplicas": 20}}))).object.unwrap();
    let ours = Record::of_hpa(&object).unwrap().unwrap().ours;
    assert_eq!((ours.of(Bound::Min), ours.of(Bound::Max)), (&[10][..], &[][..]));
}

#[rstest]
#[case::removed(None)]
#[case::garbled(Some("{".into()))]
#[case::forged(Some(canonical(&json!({"v": 1, "asOf": AS_OF, "desired": pair(90, 90), "effective": pair(90, 90)}))))]
fn the_record_is_not_the_clients_to_change(#[case] text: Option<String>) {
    let (old, mut new) = (overridden(|_| {}), hpa(10, 20, None));
    set_annotation(&mut new, RECORD_ANNOTATION, text);
    assert_eq!(owner_writes(&old, &new).object, Some(old));
}

#[test]
fn it_is_put_where_there_are_no_annotations() {
    let mut new = hpa(2, 5, None);
    new["metadata"].as_object_mut().unwrap().remove("annotations");
    let object = owner_writes(&overridden(|_| {}), &new).object.unwrap();
    assert_eq!(object["metadata"]["annotations"], json!({RECORD_ANNOTATION: canonical(&record())}));
}

#[test]
fn an_override_without_an_end_says_so() {
    let old = overridden(|record| record["layers"] = json!([layer("black-friday", 10, 20, None)]));
    let warning = "hpa-override: 2–5 is recorded as what the owner wants; 10–20 stands until it is deleted \
                   by AutoscalerOverride shop/black-friday";
    assert_eq!(owner_writes(&old, &hpa(2, 5, None)).warnings, [warning]);
}

#[test]
fn a_record_that_cannot_be_read_is_kept_and_the_write_let_through() {
    let mut old = hpa(10, 20, None);
    old["metadata"]["annotations"][RECORD_ANNOTATION] = "{\"v\":2}".into();
    let mut expected = old.clone();
    expected["spec"] = hpa(3, 8, None)["spec"].clone();
    let admission = owner_writes(&old, &hpa(3, 8, None));
    assert_eq!(admission.object, Some(expected));
    let warning = "hpa-override: the record on this HorizontalPodAutoscaler cannot be read, so the override is not kept; \
                   annotate hpa-override.dev/release=true to remove it";
    assert_eq!(admission.warnings, [warning]);
}

// Which instant: the record's, until the controller has missed a transition by 60 s.

#[rstest]
#[case::before_the_end("2026-11-27T17:59:59Z", true)]
#[case::at_the_end(UNTIL, true)]
#[case::after_59_seconds("2026-11-27T18:00:59Z", true)]
#[case::after_60_seconds("2026-11-27T18:01:00Z", false)]
#[case::a_clock_far_behind("2026-11-26T00:00:00Z", true)]
fn admission_ends_things_when_the_controller_is_gone(#[case] now: &str, #[case] holds: bool) {
    let old = overridden(|_| {});
    let object = admitted(Some(&old), &hpa(10, 20, None), "alice", "", now).object.unwrap();
    let expected = if holds {
        old
    } else {
        hpa(
            2,
            5,
            Some(&json!({"v": 1, "asOf": UNTIL, "desired": pair(2, 5), "effective": pair(2, 5),
                               "ours": {"minReplicas": [10], "maxReplicas": [20]}})),
        )
    };
    assert_eq!(object, expected);
}

#[test]
fn it_says_that_the_override_has_ended() {
    let admission = admitted(Some(&overridden(|_| {})), &hpa(3, 8, None), "alice", "", "2026-11-27T19:00:00Z");
    assert_eq!(admission.warnings, ["hpa-override: the override has ended; the bounds are what the owner wants, 3–8"]);
}

#[test]
fn of_two_overrides_only_what_is_over_leaves() {
    let layers =
        json!([layer("black-friday", 10, 20, Some(UNTIL)), layer("night", 4, 6, Some("2026-11-27T18:00:30Z"))]);
    let old = overridden(|record| record["layers"] = layers.clone());
    let stands = |now: &str| {
        let object = admitted(Some(&old), &old, "alice", "", now).object.unwrap_or_else(|| old.clone());
        let record = Record::of_hpa(&object).unwrap().unwrap();
        assert_eq!(Bounds::of_hpa(&object), Some(record.effective));
        (record.layers.len(), record.as_of, record.effective)
    };
    let bounds = |min, max| Bounds::new(min, max).unwrap();
    assert_eq!(stands("2026-11-27T18:00:59Z"), (2, at(AS_OF), bounds(10, 20)));
    assert_eq!(stands("2026-11-27T18:01:00Z"), (1, at(UNTIL), bounds(4, 6)));
    assert_eq!(stands("2026-11-27T18:01:30Z"), (0, at("2026-11-27T18:00:30Z"), bounds(2, 5)));
}

#[test]
fn an_override_without_an_end_outlives_its_controller() {
    let old = overridden(|record| record["layers"] = json!([layer("black-friday", 10, 20, None)]));
    assert_eq!(admitted(Some(&old), &old, "alice", "", "2036-01-01T00:00:00Z"), Admission::unchanged());
}
