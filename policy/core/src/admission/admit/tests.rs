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

/// Desired 2-5, black-friday gives 10-20.
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

/// An HPA as it is written or stored, with unknown fields.
fn hpa(min: i32, max: i32, record: Option<&Value>) -> Value {
    let mut hpa = json!({
        "metadata": {"namespace": "shop", "name": "web", "annotations": {"team": "front"},
                     "managedFields": [entry("argocd", &json!({"f:minReplicas": {}, "f:maxReplicas": {}}))]},
        "spec": {"minReplicas": min, "maxReplicas": max, "unknown": [1.5, null]},
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

fn without_warning(object: Value, audit: Audit) -> Admission {
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
#[case::an_echo_beside_a_change_that_does_not_fit_the_owners_other_bound(json!({"minReplicas": 10, "maxReplicas": 1}))]
#[case::no_max(json!({"minReplicas": 3}))]
#[case::text(json!({"minReplicas": 3, "maxReplicas": "8"}))]
#[case::zero(json!({"minReplicas": 0, "maxReplicas": 0}))]
fn an_invalid_pair_is_left_to_the_api_server(#[case] spec: Value) {
    let mut new = hpa(3, 8, None);
    new["spec"] = spec;
    assert_eq!(owner_writes(&overridden(|_| {}), &new), Admission::unchanged());
}

#[test]
fn a_declared_pair_that_is_invalid_is_left_to_the_api_server() {
    let mut new = hpa(10, 20, None);
    new["metadata"]["annotations"][LAST_APPLIED] =
        json!({"spec": {"minReplicas": 10, "maxReplicas": 8}}).to_string().into();
    new["spec"]["maxReplicas"] = 8.into();
    assert_eq!(owner_writes(&overridden(|_| {}), &new), Admission::unchanged());
}

#[rstest]
#[case::a_manifest_that_names_max_alone(json!({"minReplicas": 10, "maxReplicas": 5}), (2, 5))]
#[case::one_bound_changed_alone(json!({"minReplicas": 10, "maxReplicas": 8}), (2, 8))]
fn an_echo_beside_a_change_is_read_as_the_owners_pair(#[case] spec: Value, #[case] desired: (i32, i32)) {
    let mut new = hpa(10, 20, None);
    new["spec"] = spec;
    let object = owner_writes(&overridden(|_| {}), &new).object.unwrap();
    assert_eq!(object["spec"], json!({"minReplicas": 10, "maxReplicas": 20}));
    let record = Record::from_hpa(&object).unwrap().unwrap();
    assert_eq!(record.desired, Bounds::new(desired.0, desired.1).unwrap());
}

// Rule 2: the controller's own write.

#[test]
fn the_controllers_bounds_are_taken_as_sent() {
    let new = overridden(|record| record["effective"] = pair(30, 40));
    assert_eq!(controller_writes(&hpa(10, 20, Some(&record())), &new), Admission::unchanged());
}

#[test]
fn its_first_write_returns_ownership_and_removes_owners() {
    let old = hpa(2, 5, None);
    let owners = json!([{"manager": "argocd", "operation": "Apply", "apiVersion": "autoscaling/v2",
                         "fields": ["maxReplicas", "minReplicas"]}]);
    let mut new = overridden(|record| record["owners"] = owners.clone());
    new["metadata"]["managedFields"] =
        json!([entry("hpa-override", &json!({"f:minReplicas": {}, "f:maxReplicas": {}}))]);
    let mut expected = overridden(|_| {});
    expected["metadata"]["managedFields"] = old["metadata"]["managedFields"].clone();
    assert_eq!(controller_writes(&old, &new), without_warning(expected, Audit::new("ownershipReturned")));
}

#[test]
fn an_entry_of_ours_that_old_has_too_is_left_to_the_controller() {
    let mut old = hpa(2, 5, None);
    old["metadata"]["managedFields"] = json!([entry("hpa-override", &json!({"f:maxReplicas": {}}))]);
    let mut new = overridden(|_| {});
    new["metadata"]["managedFields"] =
        json!([entry("hpa-override", &json!({"f:minReplicas": {}, "f:maxReplicas": {}}))]);
    assert_eq!(controller_writes(&old, &new), Admission::unchanged());
}

#[test]
fn its_last_write_removes_the_record() {
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
fn a_record_that_the_hpa_did_not_have_is_removed(#[case] old: Option<Value>) {
    let admission = admitted(old.as_ref(), &overridden(|_| {}), "alice", "", AS_OF);
    assert_eq!(admission.object, Some(hpa(2, 5, None)));
    let warning = "hpa-override: bounds are 2-5; the record in this write was removed, because no override is active on \
                   this HorizontalPodAutoscaler";
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
    assert_eq!(
        admission.warnings,
        ["hpa-override: bounds are as sent; the record in this write cannot be read and was removed"]
    );
}

#[rstest]
#[case::create(None)]
#[case::update(Some(hpa(2, 5, None)))]
fn without_a_record_nothing_changes(#[case] old: Option<Value>) {
    assert_eq!(admitted(old.as_ref(), &hpa(10, 20, None), "alice", "", AS_OF), Admission::unchanged());
}

// Rule 4: a release by hand.

#[test]
fn a_marker_with_nothing_to_release_is_removed() {
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
#[case::one_change((10, 25), (2, 25))]
#[case::two_changes((3, 8), (3, 8))]
fn a_release_restores_what_the_owner_wants(#[case] sent: (i32, i32), #[case] bounds: (i32, i32)) {
    let new = released(hpa(sent.0, sent.1, Some(&record())));
    let admission = owner_writes(&overridden(|_| {}), &new);
    assert_eq!(admission.object, Some(hpa(bounds.0, bounds.1, None)));
    let restored = format!("{}-{}", bounds.0, bounds.1);
    assert_eq!(
        admission.warnings,
        [format!("hpa-override: released, {restored} restored; a running controller applies again: shop/black-friday")]
    );
    assert_eq!(admission.audit, Audit::new("released").with("desired", restored));
}

#[test]
fn a_release_during_a_gradual_return_names_no_override() {
    let returning = json!({"by": "shop/a", "from": {"maxReplicas": 60}, "at": AS_OF, "over": "10m"});
    let old = overridden(|record| {
        record.as_object_mut().unwrap().remove("layers");
        record["gradualReturn"] = returning.clone();
    });
    let warning = "hpa-override: released, 2-5 restored; no override is active";
    assert_eq!(owner_writes(&old, &released(old.clone())).warnings, [warning]);
}

#[test]
fn a_release_of_what_cannot_be_read_keeps_the_bounds_as_sent() {
    let mut old = hpa(10, 20, None);
    old["metadata"]["annotations"][RECORD_ANNOTATION] = "{\"v\":2}".into();
    let admission = owner_writes(&old, &released(old.clone()));
    assert_eq!(admission.object, Some(hpa(10, 20, None)));
    let warning = "hpa-override: released with the bounds as sent, 10-20; the record could not be read and was removed; a \
                   running controller applies active overrides again";
    assert_eq!(admission.warnings, [warning]);
}

#[test]
fn any_other_text_releases_nothing() {
    let (old, mut new) = (overridden(|_| {}), overridden(|_| {}));
    new["metadata"]["annotations"][RELEASE_ANNOTATION] = "yes".into();
    assert_eq!(owner_writes(&old, &new), Admission::unchanged());
}

// Rule 6: the override stays, the owner change is recorded.

#[rstest]
#[case::unchanged_manifest((2, 5), (2, 5))]
#[case::echo((10, 20), (2, 5))]
#[case::new_numbers((3, 8), (3, 8))]
#[case::one_change_one_echo((3, 20), (3, 5))]
#[case::min_above_what_max_was((7, 20), (7, 7))]
#[case::zero((0, 5), (0, 5))]
fn an_owner_change_is_recorded(#[case] sent: (i32, i32), #[case] desired: (i32, i32)) {
    let expected = overridden(|record| {
        record["desired"] = pair(desired.0, desired.1);
        if desired != (2, 5) {
            record["rev"] = 1.into();
        }
    });
    let admission = owner_writes(&overridden(|_| {}), &hpa(sent.0, sent.1, None));
    assert_eq!(admission.object, Some(expected));
    let warning = format!(
        "hpa-override: desired {}-{} recorded; effective 10-20 until {UNTIL} by AutoscalerOverride shop/black-friday",
        desired.0, desired.1
    );
    assert_eq!(admission.warnings, [warning]);
}

#[test]
fn the_live_object_is_admitted_without_warning() {
    let live = overridden(|_| {});
    assert_eq!(owner_writes(&live, &live), Admission::unchanged());
}

#[test]
fn a_removed_min_is_the_default_and_a_change() {
    let mut new = hpa(1, 5, None);
    new["spec"].as_object_mut().unwrap().remove("minReplicas");
    let object = owner_writes(&overridden(|_| {}), &new).object.unwrap();
    assert_eq!(object["spec"], json!({"minReplicas": 10, "maxReplicas": 20, "unknown": [1.5, null]}));
    assert_eq!(Record::from_hpa(&object).unwrap().unwrap().desired, Bounds::new(1, 5).unwrap());
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
fn a_declared_number_is_a_change_even_where_it_is_ours(#[case] text: Value, #[case] desired: Option<(i32, i32)>) {
    let new = applied(10, 20, &text);
    let record =
        owner_writes(&overridden(|_| {}), &new).object.map(|object| Record::from_hpa(&object).unwrap().unwrap());
    assert_eq!(record.map(|record| record.desired), desired.map(|(min, max)| Bounds::new(min, max).unwrap()));
}

#[test]
fn a_declaration_that_does_not_change_declares_nothing() {
    let live = applied(10, 20, &json!({"spec": pair(10, 20)}));
    assert_eq!(owner_writes(&live, &live), Admission::unchanged());
}

#[test]
fn a_value_that_becomes_desired_leaves_ours() {
    let object =
        owner_writes(&overridden(|_| {}), &applied(10, 20, &json!({"spec": {"maxReplicas": 20}}))).object.unwrap();
    let ours = Record::from_hpa(&object).unwrap().unwrap().ours;
    assert_eq!((ours.of(Bound::Min), ours.of(Bound::Max)), (&[10][..], &[][..]));
}

#[rstest]
#[case::removed(None)]
#[case::garbled(Some("{".into()))]
#[case::forged(Some(canonical(&json!({"v": 1, "asOf": AS_OF, "desired": pair(90, 90), "effective": pair(90, 90)}))))]
fn a_client_cannot_change_the_record(#[case] text: Option<String>) {
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
    let warning =
        "hpa-override: desired 2-5 recorded; effective 10-20 until AutoscalerOverride shop/black-friday is deleted";
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
    let warning = "hpa-override: the record cannot be read, so the override is not kept; annotate \
                   hpa-override.dev/release=true to remove it";
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
            Some(&json!({"v": 1, "rev": 1, "asOf": UNTIL, "desired": pair(2, 5), "effective": pair(2, 5),
                               "ours": {"minReplicas": [10], "maxReplicas": [20]}})),
        )
    };
    assert_eq!(object, expected);
}

#[test]
fn it_says_that_the_override_has_ended() {
    let admission = admitted(Some(&overridden(|_| {})), &hpa(3, 8, None), "alice", "", "2026-11-27T19:00:00Z");
    assert_eq!(admission.warnings, ["hpa-override: 3-8 restored, the override has ended"]);
}

#[test]
fn of_two_overrides_only_the_one_that_is_over_ends() {
    let layers =
        json!([layer("black-friday", 10, 20, Some(UNTIL)), layer("night", 4, 6, Some("2026-11-27T18:00:30Z"))]);
    let old = overridden(|record| record["layers"] = layers.clone());
    let at_instant = |now: &str| {
        let object = admitted(Some(&old), &old, "alice", "", now).object.unwrap_or_else(|| old.clone());
        let record = Record::from_hpa(&object).unwrap().unwrap();
        assert_eq!(Bounds::from_hpa(&object), Some(record.effective));
        (record.layers.len(), record.as_of, record.effective)
    };
    let bounds = |min, max| Bounds::new(min, max).unwrap();
    assert_eq!(at_instant("2026-11-27T18:00:59Z"), (2, at(AS_OF), bounds(10, 20)));
    assert_eq!(at_instant("2026-11-27T18:01:00Z"), (1, at(UNTIL), bounds(4, 6)));
    assert_eq!(at_instant("2026-11-27T18:01:30Z"), (0, at("2026-11-27T18:00:30Z"), bounds(2, 5)));
}

#[test]
fn an_override_without_an_end_stays_without_a_controller() {
    let old = overridden(|record| record["layers"] = json!([layer("black-friday", 10, 20, None)]));
    assert_eq!(admitted(Some(&old), &old, "alice", "", "2036-01-01T00:00:00Z"), Admission::unchanged());
}

// Rule 5: a write that has been through admission already.

/// The result of one admission, sent through a second one.
fn admitted_twice(sent: &Value, user: &str) -> [Option<Value>; 2] {
    let old = overridden(|_| {});
    let first = admitted(Some(&old), sent, user, "", AS_OF).object.unwrap_or_else(|| sent.clone());
    [Some(first.clone()), admitted(Some(&old), &first, user, "", AS_OF).object.or(Some(first))]
}

#[rstest]
#[case::new_numbers((3, 8))]
#[case::one_change((3, 20))]
#[case::unchanged((2, 5))]
#[case::echo((10, 20))]
fn a_second_admission_of_one_write_changes_nothing(#[case] sent: (i32, i32)) {
    let [first, second] = admitted_twice(&hpa(sent.0, sent.1, None), "alice");
    assert_eq!(second, first);
}

#[test]
fn a_second_admission_after_the_controller_is_gone_changes_nothing() {
    let (old, now) = (overridden(|_| {}), "2026-11-27T19:00:00Z");
    let first = admitted(Some(&old), &hpa(3, 8, None), "alice", "", now).object.unwrap();
    assert_eq!(admitted(Some(&old), &first, "alice", "", "2026-11-27T19:00:02Z"), Admission::unchanged());
}

#[rstest]
#[case::of_a_later_revision(|record: &mut Value| record["rev"] = 2.into())]
#[case::of_the_same_revision(|record: &mut Value| record["rev"] = 0.into())]
#[case::that_changes_a_layer(|record: &mut Value| record["layers"][0]["maxReplicas"] = 30.into())]
#[case::that_changes_nothing(|record: &mut Value| record["desired"] = pair(2, 5))]
#[case::of_an_earlier_instant(|record: &mut Value| record["asOf"] = "2026-11-27T05:00:00Z".into())]
#[case::of_an_instant_to_come(|record: &mut Value| record["asOf"] = "2026-11-27T06:00:01Z".into())]
fn a_record_that_admission_does_not_write_is_replaced(#[case] change: fn(&mut Value)) {
    let old = overridden(|_| {});
    let mut sent = overridden(|record| {
        (record["rev"], record["desired"]) = (1.into(), pair(3, 8));
        change(record);
    });
    assert_eq!(owner_writes(&old, &sent).object, Some(old.clone()));
    sent["spec"]["maxReplicas"] = 19.into();
    let desired = Record::from_hpa(&owner_writes(&old, &sent).object.unwrap()).unwrap().unwrap().desired;
    assert_eq!(desired, Bounds::new(2, 19).unwrap());
}

/// An old state of the object, sent whole by a client that read it before the last owner change.
#[test]
fn a_stale_full_update_is_no_second_admission() {
    let old = overridden(|record| (record["rev"], record["desired"]) = (5.into(), pair(3, 8)));
    let stale = overridden(|record| record["rev"] = 4.into());
    assert_eq!(owner_writes(&old, &stale).object, Some(old));
}

// Field ownership.

#[test]
fn restored_managed_fields_name_no_annotation_of_ours() {
    let marker = json!({"manager": "kubectl-annotate", "operation": "Update", "apiVersion": "autoscaling/v2", "time": AS_OF,
                        "fieldsType": "FieldsV1",
                        "fieldsV1": {"f:metadata": {"f:annotations": {"f:hpa-override.dev/release": {}}}}});
    let mut old = hpa(2, 5, None);
    let managed = old["metadata"]["managedFields"].clone();
    old["metadata"]["managedFields"].as_array_mut().unwrap().push(marker);
    let mut new = overridden(|_| {});
    new["metadata"]["managedFields"] =
        json!([entry("hpa-override", &json!({"f:minReplicas": {}, "f:maxReplicas": {}}))]);
    assert_eq!(controller_writes(&old, &new).object.unwrap()["metadata"]["managedFields"], managed);
}

/// The sentence is useful within the 80 characters that every client shows, whatever the names are.
#[test]
fn a_warning_begins_with_what_matters() {
    let long = format!("{}/{}", "n".repeat(63), "o".repeat(253));
    let old = overridden(|record| record["layers"][0]["by"] = long.clone().into());
    let warning = owner_writes(&old, &hpa(3, 8, None)).warnings.remove(0);
    assert_eq!(&warning[..80], "hpa-override: desired 3-8 recorded; effective 10-20 until 2026-11-27T18:00:00Z b");
    let warning = owner_writes(&old, &released(hpa(3, 8, None))).warnings.remove(0);
    assert_eq!(&warning[..80], "hpa-override: released, 3-8 restored; a running controller applies again: nnnnnn");
}

/// Another admission of ours may have noted other values before.
#[test]
fn a_second_admission_does_not_look_at_the_values_that_we_wrote() {
    let old = hpa(10, 20, Some(&record()));
    let mut once = admitted(Some(&old), &hpa(3, 8, None), "argocd", "", AS_OF).object.unwrap();
    let mut carried: Value = serde_json::from_str(annotation(&once, RECORD_ANNOTATION).unwrap()).unwrap();
    carried["ours"] = json!({"minReplicas": [10, 12], "maxReplicas": [20]});
    once["metadata"]["annotations"][RECORD_ANNOTATION] = canonical(&carried).into();
    assert_eq!(admitted(Some(&old), &once, "argocd", "", AS_OF), Admission::unchanged());
}

/// The pair sent is not valid, and one of its numbers an echo (ADR 0004).
#[test]
fn an_echo_of_a_pair_that_crosses_stays_in_ours() {
    let mut record = record();
    (record["desired"], record["effective"]) = (pair(0, 18), pair(34, 53));
    record["ours"] = json!({"minReplicas": [34], "maxReplicas": [53, 67, 48, 21, 22, 35, 56, 8]});
    record["layers"] = json!([layer("black-friday", 34, 39, Some(UNTIL))]);
    let object = admitted(Some(&hpa(34, 53, Some(&record))), &hpa(34, 8, None), "bob", "", AS_OF).object.unwrap();
    let written: Value = serde_json::from_str(annotation(&object, RECORD_ANNOTATION).unwrap()).unwrap();
    assert_eq!(written["ours"]["maxReplicas"], json!([39, 53, 67, 48, 21, 22, 35, 8]));
}
