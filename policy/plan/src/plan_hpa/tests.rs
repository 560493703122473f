use hpa_override_core::{MANAGER, MayPatch, Phase, RECORD_ANNOTATION, RELEASE_ANNOTATION, Reason};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::events::About;

mod authorized;
mod edits;
mod eligibility;
mod next_end;
mod release;
mod released;

const NOW: &str = "2026-11-27T06:00:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn pair(min: i32, max: i32) -> Value {
    json!({"minReplicas": min, "maxReplicas": max})
}

/// Owned by argocd.
fn hpa(min: i32, max: i32) -> Value {
    let fields = json!({"f:minReplicas": {}, "f:maxReplicas": {}});
    json!({"metadata": {"namespace": "shop", "name": "web", "uid": "hpa-1", "resourceVersion": "7",
                        "managedFields": [entry("argocd", "Apply", &fields)]},
           "spec": pair(min, max)})
}

fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": "autoscaling/v2", "time": NOW,
           "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": fields}})
}

fn with_record(mut hpa: Value, record: &Value) -> Value {
    hpa["metadata"]["annotations"] = json!({RECORD_ANNOTATION: canonical(record)});
    hpa
}

fn canonical(record: &Value) -> String {
    Record::parse(&record.to_string()).unwrap().to_text()
}

/// black-friday gives 10-20 until 18:00, desired is 2-5; the first write of the controller.
fn record() -> Value {
    json!({"v": 1, "rev": 1, "asOf": NOW, "desired": pair(2, 5), "effective": pair(10, 20),
           "ours": {"minReplicas": [10], "maxReplicas": [20]}, "layers": [layer("black-friday", 10, 20)]})
}

fn layer(name: &str, min: i32, max: i32) -> Value {
    json!({"by": format!("shop/{name}"), "uid": format!("uid-{name}"), "mode": "Set", "minReplicas": min, "maxReplicas": max,
           "until": "2026-11-27T18:00:00Z"})
}

fn owners() -> Value {
    json!([{"manager": "argocd", "operation": "Apply", "apiVersion": "autoscaling/v2",
            "fields": ["maxReplicas", "minReplicas"]}])
}

/// From 06:00 to 18:00, unless fields say otherwise (null: removed).
fn ovr(name: &str, fields: &Value) -> Value {
    let mut spec = json!({"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "12h"});
    for (key, value) in fields.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({"metadata": {"namespace": "shop", "name": name, "uid": format!("uid-{name}"), "creationTimestamp": NOW},
           "spec": spec})
}

fn black_friday() -> Value {
    ovr("black-friday", &json!({}))
}

struct At<'a> {
    now: &'a str,
    settings: Settings,
    remembered: Option<String>,
}

impl Default for At<'_> {
    fn default() -> Self {
        Self { now: NOW, settings: Settings::default(), remembered: None }
    }
}

impl At<'_> {
    fn plan(&self, hpa: &Value, overrides: &[Value]) -> HpaPlan {
        let parse = |object| ParsedOverride::parse(object, at(self.now));
        let overrides: Vec<ParsedOverride> = overrides.iter().map(parse).collect();
        let may_patch = |_: &ParsedOverride| MayPatch::NotAsked;
        let overrides: Vec<&ParsedOverride> = overrides.iter().collect();
        plan_hpa(&HpaView::parse(hpa), &overrides, &self.settings, &may_patch, at(self.now), self.remembered.as_deref())
    }
}

fn plan(hpa: &Value, overrides: &[Value]) -> HpaPlan {
    At::default().plan(hpa, overrides)
}

fn plan_at(now: &str, hpa: &Value, overrides: &[Value]) -> HpaPlan {
    At { now, ..At::default() }.plan(hpa, overrides)
}

/// The record that a plan writes.
fn written(plan: &HpaPlan) -> Record {
    let text = &plan.patch.as_ref().unwrap()["metadata"]["annotations"][RECORD_ANNOTATION];
    Record::parse(text.as_str().unwrap()).unwrap()
}

fn phase(plan: &HpaPlan, name: &str) -> (Phase, Reason) {
    let found = &plan.eligibility[&Id { namespace: "shop".into(), name: name.into() }];
    (found.phase, found.reason)
}

fn message<'a>(plan: &'a HpaPlan, name: &str) -> &'a str {
    &plan.eligibility[&Id { namespace: "shop".into(), name: name.into() }].message
}

fn events(plan: &HpaPlan) -> Vec<String> {
    let about = |about: &About| match about {
        About::Hpa => "hpa".to_owned(),
        About::Override(id, _) => id.to_string(),
    };
    plan.events.iter().map(|event| format!("{} {} {}", about(&event.about), event.reason, event.note)).collect()
}

#[test]
fn nothing_to_do_without_overrides() {
    assert_eq!(plan(&hpa(2, 5), &[]), HpaPlan::default());
}

#[test]
fn the_first_write() {
    let plan = plan(&hpa(2, 5), &[black_friday()]);
    let mut expected = record();
    expected["owners"] = owners();
    let patch = json!({"metadata": {"resourceVersion": "7", "annotations": {RECORD_ANNOTATION: canonical(&expected)}},
                       "spec": pair(10, 20)});
    assert_eq!((plan.patch.clone(), plan.confirm), (Some(patch), false));
    assert_eq!(plan.remember, Some(canonical(&expected)));
    assert_eq!(plan.next_transition, Some(at("2026-11-27T18:00:00Z")));
    assert_eq!(phase(&plan, "black-friday"), (Phase::Active, Reason::Applied));
    let note = "AutoscalerOverride shop/black-friday is active until 2026-11-27T18:00:00Z; bounds are 10-20";
    assert_eq!(events(&plan), [format!("shop/black-friday Applied {note}"), format!("hpa Applied {note}")]);
}

#[test]
fn a_patch_names_only_the_bounds_that_change() {
    let plan = plan(&hpa(2, 20), &[black_friday()]);
    assert_eq!(plan.patch.as_ref().unwrap()["spec"], json!({"minReplicas": 10}));
    assert!(written(&plan).ours.of(Bound::Max).is_empty());
    let owners = json!(written(&plan).owners);
    assert_eq!(owners[0]["fields"], json!(["minReplicas"]));
}

#[test]
fn an_override_that_agrees_with_the_owner_is_recorded_all_the_same() {
    let plan = plan(&hpa(10, 20), &[black_friday()]);
    assert_eq!(plan.patch.as_ref().unwrap().get("spec"), None);
    assert_eq!(written(&plan).layers.len(), 1);
}

/// As the first write leaves it where no admission returns ownership.
fn taken() -> Value {
    let mut record = record();
    record["owners"] = owners();
    let mut hpa = with_record(hpa(10, 20), &record);
    let fields = json!({"f:minReplicas": {}, "f:maxReplicas": {}});
    hpa["metadata"]["managedFields"] = json!([entry(MANAGER, "Update", &fields)]);
    hpa
}

#[test]
fn ownership_is_returned_at_once() {
    let plan = plan(&taken(), &[black_friday()]);
    let mut expected = record();
    expected["rev"] = 2.into();
    let list = hpa(2, 5)["metadata"]["managedFields"].clone();
    let patch = json!({"metadata": {"resourceVersion": "7", "annotations": {RECORD_ANNOTATION: canonical(&expected)},
                                    "managedFields": list}});
    assert_eq!((plan.patch.clone(), events(&plan)), (Some(patch), vec![]));
}

#[test]
fn once_written_there_is_nothing_to_do() {
    let plan = plan(&with_record(hpa(10, 20), &record()), &[black_friday()]);
    assert_eq!((plan.patch.clone(), plan.remember.clone()), (None, Some(canonical(&record()))));
    assert_eq!((events(&plan), phase(&plan, "black-friday")), (vec![], (Phase::Active, Reason::Applied)));
}

#[test]
fn the_end_is_two_writes() {
    let end = "2026-11-27T18:00:00Z";
    let first = plan_at(end, &with_record(hpa(10, 20), &record()), &[black_friday()]);
    let mut left = record();
    (left["rev"], left["asOf"]) = (2.into(), end.into());
    left["effective"] = pair(2, 5);
    left["owners"] = owners();
    left.as_object_mut().unwrap().remove("layers");
    let patch = json!({"metadata": {"resourceVersion": "7", "annotations": {RECORD_ANNOTATION: canonical(&left)}},
                       "spec": pair(2, 5)});
    assert_eq!((first.patch.clone(), first.confirm), (Some(patch), true));
    assert_eq!((phase(&first, "black-friday"), first.next_transition), ((Phase::Expired, Reason::Ended), None));
    let note = "AutoscalerOverride shop/black-friday is no longer active (it ended at 2026-11-27T18:00:00Z); \
                bounds are 2-5";
    assert_eq!(events(&first), [format!("shop/black-friday Ended {note}"), format!("hpa Ended {note}")]);

    let mut between = with_record(hpa(2, 5), &left);
    between["metadata"]["managedFields"] = taken()["metadata"]["managedFields"].clone();
    let second = plan_at(end, &between, &[black_friday()]);
    let mut list = hpa(2, 5)["metadata"]["managedFields"].clone();
    list[0]["time"] = end.into();
    let patch =
        json!({"metadata": {"resourceVersion": "7", "annotations": {RECORD_ANNOTATION: null}, "managedFields": list}});
    assert_eq!((second.patch.clone(), second.confirm, second.remember.clone()), (Some(patch), false, None));
    assert_eq!(events(&second), ["hpa Restored bounds 2-5 are restored, nothing is left of the override"]);
}

#[test]
fn an_end_that_changes_no_bound_is_two_writes_too() {
    let mut agreed = record();
    agreed["desired"] = pair(10, 20);
    agreed.as_object_mut().unwrap().remove("ours");
    let first = plan(&with_record(hpa(10, 20), &agreed), &[]);
    assert_eq!(first.patch.as_ref().unwrap().get("spec"), None);
    let left = written(&first);
    let second = plan(&with_record(hpa(10, 20), &json!(left)), &[]);
    assert_eq!(second.patch.unwrap()["metadata"]["annotations"], json!({RECORD_ANNOTATION: null}));
}

#[test]
fn an_owner_change_between_the_two_writes_is_kept() {
    let mut left = record();
    left["effective"] = pair(2, 5);
    left.as_object_mut().unwrap().remove("layers");
    let change = plan(&with_record(hpa(3, 8), &left), &[]);
    assert_eq!(change.patch.unwrap()["metadata"]["annotations"], json!({RECORD_ANNOTATION: null}));
    let echo = plan(&with_record(hpa(10, 20), &left), &[]);
    assert_eq!(echo.patch.unwrap()["spec"], pair(2, 5));
}

#[rstest]
#[case::deleted(&[], false)]
#[case::its_time_is_over(&[ovr("black-friday", &json!({"duration": null, "expiresAt": NOW}))], true)]
#[case::edited_into_the_future(&[ovr("black-friday", &json!({"startsAt": "2026-11-27T07:00:00Z"}))], false)]
#[case::newly_invalid(&[ovr("black-friday", &json!({"minReplicas": 30}))], false)]
fn only_a_timed_end_is_confirmed(#[case] overrides: &[Value], #[case] confirm: bool) {
    let plan = plan(&with_record(hpa(10, 20), &record()), overrides);
    assert_eq!(plan.patch.as_ref().unwrap()["spec"], pair(2, 5));
    assert_eq!(plan.confirm, confirm);
}

#[test]
fn one_that_is_being_deleted_ends_now_and_has_no_future() {
    let mut deleting = black_friday();
    deleting["metadata"]["deletionTimestamp"] = NOW.into();
    let plan = plan(&with_record(hpa(10, 20), &record()), &[deleting]);
    assert_eq!(plan.patch.as_ref().unwrap()["spec"], pair(2, 5));
    assert_eq!((phase(&plan, "black-friday"), plan.next_transition), ((Phase::Expired, Reason::Ended), None));
}

#[test]
fn one_created_again_under_the_same_name_is_another() {
    let mut again = ovr("black-friday", &json!({"minReplicas": 12}));
    again["metadata"]["uid"] = "uid-2".into();
    let plan = plan(&with_record(hpa(10, 20), &record()), &[again]);
    assert_eq!(plan.patch.as_ref().unwrap()["spec"], json!({"minReplicas": 12}));
    let reasons: Vec<_> = plan.events.iter().map(|event| event.reason).collect();
    assert_eq!(reasons, ["Applied", "Applied", "Ended", "Ended"]);
}

#[test]
fn deleting_the_winner_leaves_the_next_in_one_patch() {
    let both = json!([layer("black-friday", 10, 20), layer("night", 3, 4)]);
    let mut record = record();
    record["layers"] = both;
    let plan = plan(&with_record(hpa(10, 20), &record), &[ovr("night", &json!({"minReplicas": 3, "maxReplicas": 4}))]);
    assert_eq!(plan.patch.as_ref().unwrap()["spec"], pair(3, 4));
    let note = "AutoscalerOverride shop/black-friday is no longer active (it was deleted); bounds are 3-4";
    assert_eq!(events(&plan), [format!("shop/black-friday Ended {note}"), format!("hpa Ended {note}")]);
}

#[test]
fn a_revert_is_written_over_and_reported() {
    let plan = plan(&with_record(hpa(2, 5), &record()), &[black_friday()]);
    assert_eq!(plan.patch.as_ref().unwrap()["spec"], pair(10, 20));
    assert_eq!(events(&plan), ["hpa Reverted `argocd` set the bounds to 2-5; 10-20 is written again"]);
    assert!(plan.events[0].warning);
}

#[test]
fn a_changed_number_is_an_owner_change() {
    let plan = plan(&with_record(hpa(3, 8), &record()), &[black_friday()]);
    assert_eq!(written(&plan).desired, Bounds::new(3, 8).unwrap());
    assert_eq!(
        events(&plan),
        [
            "hpa Reverted `argocd` set the bounds to 3-8; 10-20 is written again",
            "hpa OwnerChanged the owner wants 3-8 instead of 2-5, which is what will be restored"
        ]
    );
}

#[test]
fn what_another_policy_made_of_our_write_is_no_owner_change() {
    let mut hpa = with_record(hpa(10, 15), &record());
    hpa["metadata"]["managedFields"] = json!([
        entry("argocd", "Apply", &json!({"f:minReplicas": {}})),
        entry(MANAGER, "Update", &json!({"f:maxReplicas": {}}))
    ]);
    let during = plan(&hpa, &[black_friday()]);
    assert_eq!(written(&during).desired, Bounds::new(2, 5).unwrap());
    let end = plan_at("2026-11-27T18:00:00Z", &hpa, &[black_friday()]);
    assert_eq!(end.patch.unwrap()["spec"], pair(2, 5));
}

#[test]
fn a_clock_that_was_set_back_ends_nothing() {
    let plan = plan_at("2026-11-27T05:50:00Z", &with_record(hpa(10, 20), &record()), &[black_friday()]);
    assert_eq!((plan.patch.clone(), phase(&plan, "black-friday").0), (None, Phase::Active));
    assert_eq!(plan.next_transition, Some("2026-11-27T18:00:00Z".parse().unwrap()));
}

fn remembering(record: &Value) -> At<'static> {
    At { remembered: Some(canonical(record)), ..At::default() }
}

#[rstest]
#[case::with_its_bounds((2, 5), (2, 5))]
#[case::with_other_bounds((3, 8), (3, 8))]
#[case::without_its_bounds((10, 20), (2, 5))]
#[case::with_one_of_its_bounds((10, 12), (2, 12))]
fn a_record_that_vanished_is_taken_as_if_it_were_there(#[case] live: (i32, i32), #[case] desired: (i32, i32)) {
    let plan = remembering(&record()).plan(&hpa(live.0, live.1), &[black_friday()]);
    assert_eq!(written(&plan).desired, Bounds::new(desired.0, desired.1).unwrap());
    assert_eq!(written(&plan).effective, Bounds::new(10, 20).unwrap());
}

#[test]
fn a_record_that_vanished_with_the_override_leaves_nothing_to_do_where_all_is_restored() {
    assert_eq!(remembering(&record()).plan(&hpa(2, 5), &[]), HpaPlan::default());
    let plan = remembering(&record()).plan(&hpa(10, 20), &[]);
    assert_eq!(plan.patch.as_ref().unwrap()["spec"], pair(2, 5));
}

/// What a plan says holds until its next transition: it must not depend on a record that it no longer remembers.
#[test]
fn with_a_forgotten_record_its_ends_are_forgotten() {
    let suspended = ovr("black-friday", &json!({"suspend": true, "duration": null}));
    let settings = Settings::parse(&json!({"defaultDuration": "5m"})).unwrap();
    let now = "2026-11-27T06:10:00Z";
    let plan = At { now, settings, remembered: Some(canonical(&record())) }.plan(&hpa(2, 5), &[suspended]);
    assert_eq!((plan.patch.clone(), plan.remember.clone()), (None, None));
    assert_eq!((phase(&plan, "black-friday"), plan.next_transition), ((Phase::Expired, Reason::Ended), None));
}

#[test]
fn an_entry_of_ours_that_is_left_is_removed_even_where_nothing_is_remembered() {
    let mut left = hpa(2, 5);
    left["metadata"]["managedFields"] = taken()["metadata"]["managedFields"].clone();
    let patch = json!({"metadata": {"resourceVersion": "7", "annotations": {}, "managedFields": [{}]}});
    assert_eq!(plan(&left, &[]).patch, Some(patch));
}

#[rstest]
#[case::another_version("{\"v\":2}")]
#[case::no_json("record")]
fn a_record_that_cannot_be_read_is_never_overwritten(#[case] text: &str) {
    let mut hpa = hpa(10, 20);
    hpa["metadata"]["annotations"] = json!({RECORD_ANNOTATION: text});
    let future = ovr("later", &json!({"startsAt": "2026-11-27T07:00:00Z"}));
    let plan = remembering(&record()).plan(&hpa, &[black_friday(), future]);
    assert_eq!((plan.patch.clone(), plan.remember.clone()), (None, Some(canonical(&record()))));
    assert_eq!(phase(&plan, "black-friday"), (Phase::Blocked, Reason::UnreadableRecord));
    assert_eq!(phase(&plan, "later"), (Phase::Pending, Reason::Pending));
    assert_eq!(plan.next_transition, Some(at("2026-11-27T07:00:00Z")));
    let sentence = "the record on the HorizontalPodAutoscaler cannot be read, so nothing is written to it; remove the \
                    annotation hpa-override.dev/record, or where the merge policy is installed annotate \
                    hpa-override.dev/release=true";
    assert_eq!(message(&plan, "black-friday"), sentence);
}

#[rstest]
#[case::behind_the_record("2026-11-27T05:59:00Z", NOW)]
#[case::ahead_of_it("2026-11-27T06:30:00Z", "2026-11-27T06:30:00Z")]
#[case::more_than_a_minute_behind("2026-11-27T05:58:59Z", "2026-11-27T05:58:59Z")]
fn a_record_never_goes_back_unless_it_is_from_the_future(#[case] now: &str, #[case] as_of: &str) {
    let plan = plan_at(now, &with_record(hpa(10, 20), &record()), &[]);
    assert_eq!(written(&plan).as_of, at(as_of));
}

#[test]
fn as_of_moves_only_together_with_something_else() {
    let hpa = with_record(hpa(10, 20), &record());
    assert_eq!(plan_at("2026-11-27T17:59:59Z", &hpa, &[black_friday()]).patch, None);
}

#[test]
fn what_a_later_version_wrote_is_kept() {
    let mut record = record();
    record["later"] = json!({"a": 1});
    record["layers"][0]["hue"] = "red".into();
    record["limits"] = json!({"soft": true});
    let plan = plan(&with_record(hpa(3, 8), &record), &[black_friday()]);
    let text = plan.remember.unwrap();
    assert!(text.contains(r#""later":{"a":1}"#) && text.contains(r#""hue":"red""#), "{text}");
    assert!(text.contains(r#""limits":{"soft":true}"#), "{text}");
}

#[test]
fn an_hpa_whose_bounds_are_not_valid_is_left_alone() {
    let mut hpa = with_record(hpa(10, 20), &record());
    hpa["spec"] = json!({"minReplicas": 30, "maxReplicas": 20});
    assert_eq!(plan(&hpa, &[black_friday()]).patch, None);
}
