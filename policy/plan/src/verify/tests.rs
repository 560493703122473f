use hpa_override_core::{MANAGER, MayPatch, ParsedOverride, Settings};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::plan_hpa::plan_hpa;

const START: &str = "2026-11-27T06:00:00Z";
const END: &str = "2026-11-27T18:00:00Z";
const RECORD: &str = r#"{"v":1,"rev":1,"asOf":"2026-11-27T06:00:00Z","desired":{"minReplicas":2,"maxReplicas":5},"effective":{"minReplicas":10,"maxReplicas":20},"owners":[{"manager":"argocd","operation":"Apply","apiVersion":"autoscaling/v2","fields":["maxReplicas"]}]}"#;
const MAX_ALTERED: &str =
    "maxReplicas was written as 20 and came back as 15; look for another mutating admission policy";

fn pair(min: i32, max: i32) -> Value {
    json!({"minReplicas": min, "maxReplicas": max})
}

fn entry(manager: &str, operation: &str, bounds: &[&str]) -> Value {
    let fields: Map<String, Value> = bounds.iter().map(|bound| (format!("f:{bound}"), json!({}))).collect();
    json!({"manager": manager, "operation": operation, "apiVersion": "autoscaling/v2", "time": START,
           "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": fields}})
}

fn owned_by_argocd() -> Value {
    json!([entry("argocd", "Apply", &["minReplicas", "maxReplicas"])])
}

/// What the API server makes of our write of these bounds without the merge admission.
fn taken_by_us(spec: &Value) -> Value {
    let (taken, left): (Vec<&str>, Vec<&str>) =
        ["minReplicas", "maxReplicas"].into_iter().partition(|bound| spec.get(bound).is_some());
    let left = (!left.is_empty()).then(|| entry("argocd", "Apply", &left));
    left.into_iter().chain([entry(MANAGER, "Update", &taken)]).collect()
}

fn hpa(min: i32, max: i32, record: Option<&Value>) -> Value {
    let text = record.map(|record| Record::parse(&record.to_string()).unwrap().to_text());
    json!({"metadata": {"namespace": "shop", "name": "web", "uid": "hpa-1", "resourceVersion": "7",
                        "annotations": {RECORD_ANNOTATION: text}, "managedFields": owned_by_argocd()},
           "spec": pair(min, max)})
}

/// From START to END.
fn black_friday() -> Value {
    json!({"metadata": {"namespace": "shop", "name": "black-friday", "uid": "u", "creationTimestamp": START},
           "spec": {"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "12h"}})
}

/// The record while black-friday is active and 2-5 is desired.
fn active(rev: u64, desired_max: i32, ours: &[i32]) -> Value {
    json!({"v": 1, "rev": rev, "asOf": START, "desired": pair(2, desired_max), "effective": pair(10, 20),
           "ours": {"minReplicas": [10], "maxReplicas": ours},
           "layers": [{"by": "shop/black-friday", "uid": "u", "mode": "Set", "minReplicas": 10, "maxReplicas": 20,
                       "until": END}]})
}

fn plan(now: &str, hpa: &Value) -> HpaPlan {
    let now = now.parse().unwrap();
    let ovr = ParsedOverride::parse(&black_friday(), now);
    plan_hpa(&HpaView::parse(hpa), &[&ovr], &Settings::default(), &|_| MayPatch::NotAsked, now, None)
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    for (key, value) in patch {
        merge(&mut target[key.as_str()], value);
    }
}

/// A cluster in which nobody has more than 15 replicas.
#[derive(Clone, Copy)]
struct Capped {
    merge_admission: bool,
}

impl Capped {
    /// What the API server stores.
    fn stored(self, hpa: &Value, patch: &Value) -> Value {
        let mut stored = hpa.clone();
        merge(&mut stored, patch);
        for bound in ["minReplicas", "maxReplicas"] {
            stored["spec"][bound] = stored["spec"][bound].as_i64().unwrap().min(15).into();
        }
        stored["metadata"]["resourceVersion"] = "8".into();
        let takes = patch.get("spec").is_some() && patch["metadata"].get("managedFields").is_none();
        if takes && !self.merge_admission {
            stored["metadata"]["managedFields"] = taken_by_us(&patch["spec"]);
        } else if takes {
            let text = stored["metadata"]["annotations"][RECORD_ANNOTATION].as_str().unwrap();
            let record = Record { owners: Vec::new(), ..Record::parse(text).unwrap() };
            stored["metadata"]["annotations"][RECORD_ANNOTATION] = record.to_text().into();
        }
        stored
    }

    /// One write of the controller, and what is stored by it; none where there is nothing to write.
    fn write(self, now: &str, hpa: &Value) -> Option<(Value, Option<Altered>)> {
        let plan = plan(now, hpa);
        let patch = plan.patch.as_ref()?;
        let stored = self.stored(hpa, patch);
        let altered = compare_response(patch, &HpaView::parse(hpa), &HpaView::parse(&stored), &plan);
        Some((stored, altered))
    }
}

const WITH: Capped = Capped { merge_admission: true };
const WITHOUT: Capped = Capped { merge_admission: false };

fn record_of(object: &Value) -> Value {
    serde_json::from_str(object["metadata"]["annotations"][RECORD_ANNOTATION].as_str().unwrap()).unwrap()
}

fn message(altered: Option<&Altered>) -> Option<&str> {
    altered.map(|altered| altered.problem.message.as_str())
}

mod what_is_compared {
    use super::*;

    fn object(max: i32, record: Option<&str>) -> Value {
        json!({"metadata": {"annotations": {RECORD_ANNOTATION: record}}, "spec": {"minReplicas": 10, "maxReplicas": max}})
    }

    fn compared(patch: &Value, before: &Value, response: &Value) -> Option<Altered> {
        compare_response(patch, &HpaView::parse(before), &HpaView::parse(response), &HpaPlan::default())
    }

    #[rstest]
    #[case::as_sent(object(20, Some(RECORD)), None)]
    #[case::with_ownership_returned(object(20, Some(&RECORD.replace(r#","owners":[{"manager":"argocd","operation":"Apply","apiVersion":"autoscaling/v2","fields":["maxReplicas"]}]"#, ""))), None)]
    #[case::another_bound(object(15, Some(RECORD)), Some(MAX_ALTERED))]
    #[case::without_the_record(object(20, None), Some(ALTERED_RECORD))]
    #[case::without_the_record_and_with_other_bounds(object(5, None), Some(ALTERED_RECORD))]
    #[case::another_record(object(20, Some(&RECORD.replace("\"rev\":1", "\"rev\":2"))), Some(ALTERED_RECORD))]
    #[case::a_record_that_cannot_be_read(object(20, Some("{}")), Some(ALTERED_RECORD))]
    fn responses(#[case] response: Value, #[case] expected: Option<&str>) {
        let altered = compared(&object(20, Some(RECORD)), &object(5, None), &response);
        assert_eq!(message(altered.as_ref()), expected);
        assert!(altered.is_none_or(|altered| altered.problem.reason == Reason::WriteAltered));
    }

    #[test]
    fn a_record_that_was_to_be_removed_must_be_gone() {
        let removed = json!({"metadata": {"annotations": {RECORD_ANNOTATION: null}}});
        assert_eq!(compared(&removed, &object(20, Some(RECORD)), &object(20, None)), None);
        let altered = compared(&removed, &object(20, Some(RECORD)), &object(20, Some(RECORD))).unwrap();
        assert_eq!((altered.problem.message.as_str(), altered.patch, altered.is_final), (ALTERED_RECORD, None, false));
        assert_eq!(altered.remember.as_deref(), Some(RECORD));
    }

    #[test]
    fn a_bound_that_the_patch_does_not_name_stays_as_it_was() {
        let patch = json!({"metadata": {"annotations": {RECORD_ANNOTATION: RECORD}}});
        let before = object(20, None);
        assert_eq!(compared(&patch, &before, &object(20, Some(RECORD))), None);
        assert_eq!(message(compared(&patch, &before, &object(15, Some(RECORD))).as_ref()), Some(MAX_ALTERED));
    }

    #[test]
    fn a_record_that_is_removed_within_our_write_is_remembered() {
        let plan = HpaPlan { remember: Some(RECORD.into()), ..HpaPlan::default() };
        let (patch, stripped) = (object(20, Some(RECORD)), HpaView::parse(&object(20, None)));
        let altered = compare_response(&patch, &HpaView::parse(&object(5, None)), &stripped, &plan).unwrap();
        assert_eq!(altered.remember.as_deref(), Some(RECORD));
    }
}

mod during_overrides {
    use super::*;

    #[test]
    fn what_became_of_our_first_write_is_ours() {
        let (stored, altered) = WITH.write(START, &hpa(2, 5, None)).unwrap();
        let expected = active(2, 5, &[20, 15]);
        let text = Record::parse(&expected.to_string()).unwrap().to_text();
        let patch = json!({"metadata": {"resourceVersion": "8", "annotations": {RECORD_ANNOTATION: text}}});
        let problem = problem(MAX_ALTERED.into());
        let (remember, events) = (Some(text), Vec::new());
        assert_eq!(altered, Some(Altered { problem, patch: Some(patch.clone()), remember, events, is_final: false }));

        // The next try is the plain patch of the bound, and its result is known.
        let known = WITH.stored(&stored, &patch);
        assert_eq!(plan(START, &known).patch.unwrap()["spec"], json!({"maxReplicas": 20}));
        let (again, altered) = WITH.write(START, &known).unwrap();
        let altered = altered.unwrap();
        assert_eq!((altered.patch, altered.problem.message.as_str()), (None, MAX_ALTERED));
        assert_eq!(record_of(&again)["ours"], expected["ours"]);
        assert_eq!((&record_of(&again)["desired"], altered.is_final), (&expected["desired"], false));
    }

    #[test]
    fn without_the_merge_admission_ownership_is_returned_each_time() {
        let (stored, altered) = WITHOUT.write(START, &hpa(2, 5, None)).unwrap();
        let patch = altered.unwrap().patch.unwrap();
        assert_eq!(record_of(&patch), active(2, 5, &[20, 15]));
        assert_eq!(patch["metadata"]["managedFields"], owned_by_argocd());
        let known = WITHOUT.stored(&stored, &patch);
        let (_, altered) = WITHOUT.write(START, &known).unwrap();
        let patch = altered.unwrap().patch.unwrap();
        assert_eq!(patch["metadata"]["managedFields"], owned_by_argocd());
        // One revision for the owners that the try has saved, one for their return.
        assert_eq!(record_of(&patch), active(4, 5, &[20, 15]));
    }

    #[rstest]
    #[case::with_the_merge_admission(WITH)]
    #[case::without(WITHOUT)]
    fn first_met_through_a_write_of_the_owner(#[case] cluster: Capped) {
        let found = hpa(10, 15, Some(&active(1, 5, &[20])));
        let taken = plan(START, &found);
        assert_eq!(record_of(taken.patch.as_ref().unwrap())["desired"], pair(2, 15));
        let (stored, altered) = cluster.write(START, &found).unwrap();
        assert_eq!(record_of(&stored)["desired"], pair(2, 15));
        let altered = altered.unwrap();
        let patch = altered.patch.unwrap();
        assert_eq!(record_of(&patch), active(3, 5, &[20, 15]));
        assert_eq!((altered.problem.message.as_str(), altered.events), (MAX_ALTERED, Vec::new()));
        let known = cluster.stored(&stored, &patch);
        assert_eq!(known["spec"], pair(10, 15));
        assert_eq!(plan(START, &known).patch.unwrap()["spec"], json!({"maxReplicas": 20}));
        assert_eq!(plan(END, &known).patch.unwrap()["spec"], pair(2, 5));
    }

    #[test]
    fn the_other_bound_of_that_write_is_an_owner_change() {
        let found = hpa(3, 15, Some(&active(1, 5, &[20])));
        let (_, altered) = WITH.write(START, &found).unwrap();
        let record = record_of(&altered.unwrap().patch.unwrap());
        assert_eq!(record["desired"], pair(3, 5));
    }

    #[test]
    fn an_owner_change_to_another_number_stays() {
        let (_, altered) = WITH.write(START, &hpa(2, 8, Some(&active(1, 5, &[20])))).unwrap();
        let record = record_of(&altered.unwrap().patch.unwrap());
        assert_eq!((&record["desired"], &record["ours"]["maxReplicas"]), (&pair(2, 8), &json!([20, 15])));
    }

    /// Between two versions of the HPA somebody else has written: the answer is compared again, and is the same.
    #[test]
    fn a_later_version_is_compared_in_place_of_the_response() {
        let found = hpa(10, 15, Some(&active(1, 5, &[20])));
        let plan = plan(START, &found);
        let patch = plan.patch.clone().unwrap();
        let mut later = WITH.stored(&found, &patch);
        later["metadata"]["resourceVersion"] = "9".into();
        let altered = compare_response(&patch, &HpaView::parse(&found), &HpaView::parse(&later), &plan).unwrap();
        let patch = altered.patch.unwrap();
        assert_eq!(patch["metadata"]["resourceVersion"], "9");
        assert_eq!(record_of(&patch), active(3, 5, &[20, 15]));
    }

    #[test]
    fn a_patch_of_ownership_alone_can_meet_it_too() {
        let mut record = active(1, 5, &[20]);
        record["owners"] = json!([{"manager": "argocd", "operation": "Apply", "apiVersion": "autoscaling/v2",
                                   "fields": ["maxReplicas", "minReplicas"]}]);
        let mut found = hpa(10, 20, Some(&record));
        found["metadata"]["managedFields"] = taken_by_us(&pair(10, 20));
        let (stored, altered) = WITHOUT.write(START, &found).unwrap();
        assert_eq!(stored["metadata"]["managedFields"], owned_by_argocd());
        let altered = altered.unwrap();
        assert_eq!(record_of(&altered.patch.unwrap()), active(3, 5, &[20, 15]));
        assert_eq!(altered.problem.message, MAX_ALTERED);
    }
}

mod at_the_end {
    use super::*;

    const ALTERED_END: &str =
        "maxReplicas was written as 30 and came back as 15; look for another mutating admission policy";

    fn events(altered: &Altered) -> Vec<String> {
        altered.events.iter().map(|event| format!("{} {}", event.reason, event.note)).collect()
    }

    /// The owner wants 2-30: the first patch of the end.
    fn first_patch(cluster: Capped) -> (Value, Altered) {
        let (stored, altered) = cluster.write(END, &hpa(10, 20, Some(&active(1, 30, &[20])))).unwrap();
        (stored, altered.unwrap())
    }

    #[rstest]
    #[case::with_the_merge_admission(WITH, json!({"resourceVersion": "8", "annotations": {RECORD_ANNOTATION: null}}))]
    #[case::without(
        WITHOUT,
        json!({"resourceVersion": "8", "annotations": {RECORD_ANNOTATION: null}, "managedFields": owned_by_argocd()})
    )]
    fn an_altered_bound_is_final(#[case] cluster: Capped, #[case] mut metadata: Value) {
        let (stored, altered) = first_patch(cluster);
        if let Some(list) = metadata.get_mut("managedFields") {
            list[0]["time"] = END.into();
        }
        assert_eq!(altered.patch, Some(json!({"metadata": metadata})));
        assert_eq!((altered.problem.message.as_str(), altered.is_final), (ALTERED_END, true));
        let note =
            format!("AutoscalerOverride shop/black-friday is no longer active (it ended at {END}); bounds are 2-30");
        let restored = "Restored bounds 2-15 are restored, nothing is left of the override";
        assert_eq!(events(&altered), [format!("Ended {note}"), format!("Ended {note}"), restored.into()]);
        // The second patch leaves nothing to be done.
        let restored = cluster.stored(&stored, &altered.patch.unwrap());
        let now = END.parse().unwrap();
        let ovr = ParsedOverride::parse(&black_friday(), now);
        let (view, remember) = (HpaView::parse(&restored), altered.remember.as_deref());
        let plan = plan_hpa(&view, &[&ovr], &Settings::default(), &|_| MayPatch::NotAsked, now, remember);
        assert_eq!((plan.patch, plan.remember), (None, None));
    }

    /// What the owner wants is not above 15.
    #[test]
    fn bounds_that_are_not_altered_are_restored() {
        let (stored, altered) = WITH.write(END, &hpa(10, 15, Some(&active(2, 5, &[20, 15])))).unwrap();
        assert_eq!((&stored["spec"], altered), (&pair(2, 5), None));
        let (stored, altered) = WITH.write(END, &stored).unwrap();
        assert_eq!((&stored["spec"], altered), (&pair(2, 5), None));
    }

    /// After a crash between the two patches.
    #[test]
    fn the_next_start_finishes_what_it_finds() {
        let removed = json!({RECORD_ANNOTATION: null});
        let (owned, _) = first_patch(WITHOUT);
        assert_eq!(
            plan(END, &owned).patch.unwrap()["metadata"]["annotations"],
            removed,
            "by ownership it is our write"
        );
        let (not_owned, _) = first_patch(WITH);
        assert_eq!(plan(END, &not_owned).patch.unwrap()["metadata"]["annotations"], removed, "15 is final");
    }

    /// 15 is known as ours: another's late echo, as it seems. The bounds are written once more, and that is final.
    #[test]
    fn the_next_start_tries_once_where_the_number_is_an_echo() {
        let (stored, altered) = WITH.write(END, &hpa(10, 15, Some(&active(2, 30, &[20, 15])))).unwrap();
        assert!(altered.unwrap().is_final);
        let plan = plan(END, &stored);
        assert_eq!(plan.patch.unwrap()["spec"], json!({"maxReplicas": 30}));
        let (_, altered) = WITH.write(END, &stored).unwrap();
        assert!(altered.unwrap().is_final);
    }

    #[test]
    fn first_met_by_the_second_patch() {
        let mut record = active(2, 30, &[20]);
        record["effective"] = pair(2, 30);
        record.as_object_mut().unwrap().remove("layers");
        let (stored, altered) = WITH.write(END, &hpa(2, 30, Some(&record))).unwrap();
        assert_eq!(stored["spec"], pair(2, 15));
        let altered = altered.unwrap();
        assert_eq!((&altered.patch, altered.is_final), (&None, true));
        assert_eq!(events(&altered), ["Restored bounds 2-15 are restored, nothing is left of the override"]);
    }
}
