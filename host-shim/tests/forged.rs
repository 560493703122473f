//! Forged records and `managedFields` on a real HPA under a real override. A record is worth no more than the right to
//! patch the HPA: whatever it says, the HPA stays valid, an unreadable record stops every write, and the desired bounds
//! are restored where they can be known.
//!
//! The controller's user can write any record; so can anybody where the merge policy is not installed. The policy refuses
//! it to all others.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use futures::future::join_all;
use hpa_override_testbed::World;
use jiff::{SignedDuration, Timestamp};
use kube::api::Patch;
use serde_json::{Value, json};
use support::*;
use tokio::sync::MutexGuard;

const RECORD: &str = "hpa-override.dev/record";

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world(true, json!({})))
}

/// The world of the tests that kill the controller, one at a time.
async fn locked_world() -> (&'static World, MutexGuard<'static, ()>) {
    static WORLD: LockedWorld = LockedWorld::new();
    WORLD.lock(|| support::world(true, json!({}))).await
}

/// What happens to a forged record.
#[derive(Clone, Copy)]
enum Outcome {
    /// Nothing is written to the HPA until somebody releases it.
    Blocked,
    /// The controller restores the record, with these desired bounds, which are not among `ours`.
    Repaired((i64, i64)),
}
use Outcome::{Blocked, Repaired};

/// Changes a record; a text replaces it, null removes it.
type Forge = fn(&mut Value);

/// Forgeries of a record with 2-5 as desired and 10-20 as effective bounds.
const FORGERIES: [(&str, Forge, Outcome); 16] = [
    ("garbage", |record| *record = "garbage".into(), Blocked),
    ("another-version", |record| record["v"] = 2.into(), Blocked),
    ("an-impossible-pair", |record| record["desired"] = pair(9, 2), Blocked),
    ("over-64-kib", |record| record["pad"] = "x".repeat(64 * 1024).into(), Blocked),
    ("layers-that-are-none", |record| record["layers"] = "all".into(), Blocked),
    ("an-unknown-layer", |record| record["layers"] = json!([unknown_layer()]), Repaired((2, 5))),
    ("other-numbers-in-the-layer", |record| record["layers"][0]["minReplicas"] = 19.into(), Repaired((2, 5))),
    ("an-end-in-the-past", |record| record["layers"][0]["until"] = "2001-01-01T00:00:00Z".into(), Repaired((2, 5))),
    ("no-layers", |record| record["layers"] = json!([]), Repaired((2, 5))),
    ("as-of-a-year-ahead", |record| record["asOf"] = in_a_year().into(), Repaired((2, 5))),
    ("as-of-long-ago", |record| record["asOf"] = "2001-01-01T00:00:00Z".into(), Repaired((2, 5))),
    ("the-owners-numbers-as-ours", |record| record["ours"] = ours_and_the_owners(), Repaired((2, 5))),
    ("an-unknown-manager-in-owners", |record| record["owners"] = json!([unknown_manager()]), Repaired((2, 5))),
    ("other-numbers-as-effective", |record| record["effective"] = pair(11, 21), Repaired((2, 5))),
    ("other-numbers-as-desired", |record| record["desired"] = pair(7, 9), Repaired((7, 9))),
    // The live bounds are in it neither as effective nor as ours, so they count as the owner's.
    ("without-ours", |record| (record["effective"], record["ours"]) = (pair(2, 5), json!({})), Repaired((10, 20))),
];

const REMOVED: (&str, Forge) = ("removed", |record| *record = Value::Null);

fn pair(min: i32, max: i32) -> Value {
    json!({"minReplicas": min, "maxReplicas": max})
}

fn ours_and_the_owners() -> Value {
    json!({"minReplicas": [10, 2], "maxReplicas": [20, 5]})
}

fn unknown_layer() -> Value {
    json!({"by": "no/where", "uid": "unknown", "mode": "Set", "minReplicas": 30, "maxReplicas": 40,
           "until": in_a_year()})
}

fn unknown_manager() -> Value {
    json!({"manager": "unknown", "operation": "Apply", "apiVersion": "autoscaling/v2", "fields": ["minReplicas"]})
}

fn in_a_year() -> String {
    format!("{:.0}", Timestamp::now() + SignedDuration::from_hours(365 * 24))
}

/// The annotation.
fn text(hpa: &Value) -> Option<&str> {
    hpa["metadata"]["annotations"][RECORD].as_str()
}

fn version(hpa: &Value) -> &Value {
    &hpa["metadata"]["resourceVersion"]
}

/// An HPA of 2-5 under an override of 10-20, and how its record is forged.
struct Case {
    name: &'static str,
    ns: TestNamespace,
    before: Value,
    live: Value,
    forge: Forge,
    outcome: Outcome,
}

impl Case {
    /// Every forgery, each with an HPA of its own; nothing is forged yet.
    async fn all(world: &'static World, group: &str, removed: Outcome) -> Vec<Self> {
        let all = FORGERIES.into_iter().chain([(REMOVED.0, REMOVED.1, removed)]);
        join_all(all.map(|(name, forge, outcome)| Self::new(world, group, name, forge, outcome))).await
    }

    async fn new(world: &'static World, group: &str, name: &'static str, forge: Forge, outcome: Outcome) -> Self {
        let (ns, before) = under_override(world, &format!("{group}-{name}")).await;
        ns.wait_phase("ovr", "Active").await;
        Self { name, live: ns.hpa().await, ns, before, forge, outcome }
    }

    /// Forges the record with the controller's rights.
    async fn commit(&self) -> Value {
        self.ns.write_record(forged(&self.live, self.forge).as_deref()).await
    }

    /// Waits for the outcome, and ends the override. `known` are the bounds restored after a release.
    async fn check_outcome(&self, forged: &Value, known: (i64, i64)) {
        let Self { name, ns, before, outcome, .. } = self;
        let wanted = match *outcome {
            Repaired(wanted) => {
                self.check_repaired(forged, wanted).await;
                ns.delete("ovr").await;
                wanted
            }
            Blocked => {
                self.check_blocked(forged).await;
                self.release(known).await;
                known
            }
        };
        let after = ns.wait_traceless(wanted.0, wanted.1).await;
        if wanted == (2, 5) {
            assert_eq!(traces(&after), traces(before), "{name}");
        }
        // In every case all is as before after the owner's next write, without force.
        assert_eq!(traces(&ns.apply("argocd", 2, 5, false).await.unwrap()), traces(before), "{name}");
    }

    /// Waits until the record is repaired; the bounds do not flap meanwhile.
    async fn check_repaired(&self, forged: &Value, wanted: (i64, i64)) {
        let mut repaired = record(&self.live).unwrap();
        repaired["desired"] = json!({"minReplicas": wanted.0, "maxReplicas": wanted.1});
        let hpa = self.ns.wait_hpa("the record to be repaired", |hpa| {
            let mut record = record(hpa).unwrap_or_default();
            for bound in ["minReplicas", "maxReplicas"] {
                let ours = record["ours"][bound].as_array();
                anyhow::ensure!(ours.is_none_or(|ours| !ours.contains(&record["desired"][bound])), "{hpa}");
            }
            for key in ["rev", "asOf", "ours"] {
                record[key] = repaired[key].clone();
            }
            anyhow::ensure!((&record, bounds(hpa)) == (&repaired, (10, 20)), "{hpa}");
            Ok(())
        });
        let hpa = hpa.await;
        assert!(!we_own_a_bound(&hpa), "{}", self.name);
        let mut seen: Vec<_> = self.ns.versions(forged, &hpa).await.iter().map(bounds).collect();
        seen.insert(0, bounds(forged));
        seen.dedup();
        assert!(seen.len() <= 2, "{}: {seen:?}", self.name);
    }

    async fn check_blocked(&self, forged: &Value) {
        let status = self.ns.wait_phase("ovr", "Blocked").await;
        assert_eq!(status["conditions"][0]["reason"], "UnreadableRecord", "{}", self.name);
        let hpa = self.ns.hpa().await;
        assert_eq!((version(&hpa), text(&hpa)), (version(forged), text(forged)), "{}", self.name);
    }

    /// The way out by hand. A controller that has seen the record goes on with it. For one that has not, the override is
    /// deleted first, so that it does not take the override's bounds for the owner's.
    async fn release(&self, known: (i64, i64)) {
        let release = Patch::Merge(json!({"metadata": {"annotations": {"hpa-override.dev/release": "true"}}}));
        if known == (10, 20) {
            self.ns.delete("ovr").await;
            self.wait_forgotten().await;
            self.ns.patch("releaser", &release).await;
        } else {
            self.ns.patch("releaser", &release).await;
            assert_eq!(desired(&self.ns.wait_overridden(10, 20).await), Some(known), "{}", self.name);
            self.ns.delete("ovr").await;
        }
    }

    /// Waits until the controller knows that the override is deleted. It learns of HPAs by another watch, in no order with
    /// this one: an override made after the deletion has a status only once the deletion has arrived.
    async fn wait_forgotten(&self) {
        let spec = with_fields(for_an_hour(), &json!({"hpa": "none"}));
        self.ns.try_create("after", spec).await.unwrap();
        self.ns.wait_status("after", "after to have a status", |status| status["phase"].is_string()).await;
        self.ns.delete("after").await;
    }
}

/// The record of an HPA after forgery; none where that removes it.
fn forged(live: &Value, forge: Forge) -> Option<String> {
    let mut record = record(live).unwrap();
    forge(&mut record);
    match record {
        Value::Null => None,
        Value::String(text) => Some(text),
        record => Some(record.to_string()),
    }
}

#[tokio::test]
async fn a_running_controller_repairs_the_record_or_waits_for_a_release() {
    let cases = Case::all(world(), "running", Repaired((2, 5))).await;
    join_all(cases.iter().map(async |case| case.check_outcome(&case.commit().await, (2, 5)).await)).await;
}

#[tokio::test]
async fn a_restarted_controller_repairs_the_record_or_waits_for_a_release() {
    let (world, _guard) = locked_world().await;
    let cases = Case::all(world, "restarted", Repaired((10, 20))).await;
    world.kill_controller().unwrap();
    let forged = join_all(cases.iter().map(Case::commit)).await;
    world.start_controller().unwrap();
    join_all(cases.iter().zip(&forged).map(async |(case, forged)| case.check_outcome(forged, (10, 20)).await)).await;
}

#[tokio::test]
async fn after_an_owner_change_its_numbers_are_restored_whatever_was_forged() {
    let (world, _guard) = locked_world().await;
    let mut cases = Case::all(world, "written", Repaired((2, 5))).await;
    world.kill_controller().unwrap();
    let mut stored = Vec::new();
    for case in &mut cases {
        case.commit().await;
        stored.push(case.ns.apply("argocd", 2, 5, true).await.unwrap());
        if let Repaired(wanted) = &mut case.outcome {
            *wanted = (2, 5);
        }
    }
    world.start_controller().unwrap();
    join_all(cases.iter().zip(&stored).map(async |(case, stored)| case.check_outcome(stored, (2, 5)).await)).await;
}

#[tokio::test]
async fn an_ordinary_user_forges_nothing() {
    let (ns, before) = under_override(world(), "user").await;
    let live = ns.hpa().await;
    for (name, forge) in FORGERIES.map(|(name, forge, _)| (name, forge)).into_iter().chain([REMOVED]) {
        let record = with_record(forged(&live, forge).as_deref());
        let stored = ns.patch("forger", &Patch::Merge(record)).await;
        assert_eq!((text(&stored), bounds(&stored)), (text(&live), (10, 20)), "{name}");
    }
    ns.delete("ovr").await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}

#[tokio::test]
async fn a_number_forged_as_ours_counts_as_an_echo_until_the_end() {
    let (ns, _) = under_override(world(), "echo").await;
    let mut forged = record(&ns.hpa().await).unwrap();
    forged["ours"]["minReplicas"] = json!([10, 3]);
    ns.write_record(Some(&forged.to_string())).await;
    let hpa = ns.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, 8))));
    ns.delete("ovr").await;
    ns.wait_traceless(2, 8).await;
    assert_eq!(bounds(&ns.apply("argocd", 3, 8, false).await.unwrap()), (3, 8));
}

#[tokio::test]
async fn a_record_forged_on_an_hpa_without_an_override_does_not_last() {
    let ns = TestNamespace::new(world(), "from-nothing").await;
    let before = ns.apply("argocd", 2, 5, false).await.unwrap();
    let forged = json!({"v": 1, "asOf": in_a_year(), "desired": pair(7, 9), "effective": pair(30, 40), "layers": [unknown_layer()]});
    let forged = forged.to_string();
    ns.write_record(Some(&forged)).await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
    // An ordinary user's write is re-based against the record that it carries.
    let stored = ns.patch("forger", &Patch::Merge(with_record(Some(&forged)))).await;
    assert_eq!((bounds(&stored), text(&stored)), ((2, 5), None));
}

#[tokio::test]
async fn an_entry_of_ours_forged_in_managed_fields_is_removed() {
    let (ns, before) = under_override(world(), "entry").await;
    let hpa = ns.hpa().await;
    let mut entries = hpa["metadata"]["managedFields"].as_array().unwrap().clone();
    entries.push(json!({
        "manager": "hpa-override", "operation": "Update", "apiVersion": "autoscaling/v2",
        "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:minReplicas": {}}},
    }));
    let patch = json!({"metadata": {"managedFields": entries, "resourceVersion": version(&hpa)}});
    assert!(we_own_a_bound(&ns.patch("forger", &Patch::Merge(patch)).await));
    let repaired = ns.wait_overridden(10, 20).await;
    assert_eq!((ownership(&repaired), desired(&repaired)), (ownership(&hpa), Some((2, 5))));
    ns.delete("ovr").await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}

#[tokio::test]
async fn managed_fields_that_were_reset_stay_without_owners_until_the_next_apply() {
    let (ns, before) = under_override(world(), "reset").await;
    ns.patch("forger", &Patch::Merge(json!({"metadata": {"managedFields": [{}]}}))).await;
    assert_eq!(ownership(&ns.hpa().await), [""; 0]);
    ns.delete("ovr").await;
    assert_eq!(ownership(&ns.wait_traceless(2, 5).await), [""; 0]);
    assert_eq!(ns.apply("argocd", 2, 5, false).await.unwrap()["spec"], before["spec"]);
}

#[tokio::test]
async fn a_write_of_a_user_under_our_field_managers_name_is_an_owner_change() {
    let (ns, before) = under_override(world(), "namesake").await;
    let stored = ns.patch("hpa-override", &Patch::Merge(json!({"spec": {"minReplicas": 3}}))).await;
    assert_eq!((bounds(&stored), desired(&stored)), ((10, 20), Some((3, 5))));
    ns.wait_overridden(10, 20).await;
    ns.delete("ovr").await;
    ns.wait_traceless(3, 5).await;
    assert_eq!(traces(&ns.apply("argocd", 2, 5, false).await.unwrap()), traces(&before));
}

#[tokio::test]
async fn a_release_restores_the_bounds_of_the_record_before_the_write() {
    let (ns, _) = under_override(world(), "released").await;
    let mut forged = record(&ns.hpa().await).unwrap();
    forged["desired"] = pair(7, 9);
    let annotations = json!({"hpa-override.dev/release": "true", RECORD: forged.to_string()});
    let stored = ns.patch("forger", &Patch::Merge(json!({"metadata": {"annotations": annotations}}))).await;
    assert_eq!((bounds(&stored), text(&stored)), ((2, 5), None));
}

/// Admission decides for the record's `asOf`, at which the override has ended; the controller decides for its clock.
#[tokio::test]
async fn after_an_as_of_a_year_ahead_the_owners_next_write_ends_the_override_for_a_moment() {
    let (ns, _) = under_override(world(), "moment").await;
    let mut forged = record(&ns.hpa().await).unwrap();
    forged["asOf"] = in_a_year().into();
    ns.write_record(Some(&forged.to_string())).await;
    assert_eq!(bounds(&ns.apply("argocd", 3, 8, true).await.unwrap()), (3, 8));
    let hpa = ns.wait_overridden(10, 20).await;
    let as_of: Timestamp = record(&hpa).unwrap()["asOf"].as_str().unwrap().parse().unwrap();
    assert!(as_of <= Timestamp::now() && desired(&hpa) == Some((3, 8)), "{hpa}");
    assert_eq!(bounds(&ns.apply("argocd", 4, 9, true).await.unwrap()), (10, 20));
}

#[tokio::test]
async fn an_as_of_a_year_ahead_does_not_delay_the_end() {
    let ns = TestNamespace::new(world(), "delay").await;
    let before = ns.apply("argocd", 2, 5, false).await.unwrap();
    let ends = Timestamp::from_second(Timestamp::now().as_second() + 4).unwrap();
    ns.create("ovr", overridden(&json!({"expiresAt": ends.to_string()}))).await;
    let mut forged = record(&ns.wait_overridden(10, 20).await).unwrap();
    forged["asOf"] = in_a_year().into();
    ns.write_record(Some(&forged.to_string())).await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
    let late = Timestamp::now().duration_since(ends);
    assert!((SignedDuration::ZERO..SignedDuration::from_secs(5)).contains(&late), "{late:#}");
    println!("`asOf` a year ahead on an override that ends in 4 s: it ended {late:#} after its end");
}

/// An end that comes from `defaultDuration` is in the record alone.
#[tokio::test]
async fn a_default_end_is_read_from_the_record() {
    let ns = TestNamespace::new(world(), "by-default").await;
    let before = ns.apply("argocd", 2, 5, false).await.unwrap();
    ns.create("ovr", overridden(&json!({}))).await;
    let record_before = record(&ns.wait_overridden(10, 20).await).unwrap();
    let mut forged = record_before.clone();
    let later = in_a_year();
    forged["layers"][0]["until"] = later.clone().into();
    ns.write_record(Some(&forged.to_string())).await;
    ns.wait_status("ovr", "the forged end in the status", |status| status["endsAt"] == later).await;

    forged["layers"][0]["until"] = "2001-01-01T00:00:00Z".into();
    let over = ns.write_record(Some(&forged.to_string())).await;
    let again = ns.wait_hpa("the override to be active until its own end", |hpa| {
        anyhow::ensure!(
            bounds(hpa) == (10, 20) && record(hpa).unwrap_or_default()["layers"] == record_before["layers"]
        );
        Ok(())
    });
    let again = again.await;
    let mut seen: Vec<_> = ns.versions(&over, &again).await.iter().map(bounds).collect();
    seen.dedup();
    assert_eq!((seen, desired(&again)), (vec![(10, 20)], Some((2, 5))));
    ns.delete("ovr").await;
    assert_eq!(traces(&ns.wait_traceless(2, 5).await), traces(&before));
}
