//! Wrong on purpose: the record and `managedFields` of a real HPA under a real override are forged by hand. A record is
//! worth no more than the right to patch the HPA: whatever it says, the HPA stays a valid one, what cannot be read stops
//! every write, and what the owner wants comes back where it can be known.
//!
//! Whoever acts as the controller's user can write any record; so can anybody where the merge policy is not installed.
//! From everybody else the policy keeps it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::OnceLock;

use futures::future::join_all;
use hpa_override_testbed::World;
use jiff::{SignedDuration, Timestamp};
use kube::api::Patch;
use serde_json::{Value, json};
use support::*;

const RECORD: &str = "hpa-override.dev/record";

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| support::world(true, json!({})))
}

/// A world of its own for a test that kills the controller. Like a `static`, it ends with the process.
fn world_alone() -> &'static World {
    Box::leak(Box::new(support::world(true, json!({}))))
}

/// What becomes of a forged record.
#[derive(Clone, Copy)]
enum Fate {
    /// Nobody writes to the HPA until somebody releases it.
    Blocked,
    /// It is the record again that it was, but for what the owner is taken to want; none of that counts as ours.
    Mended((i64, i64)),
}
use Fate::{Blocked, Mended};

/// Makes another record of one; text is taken as it is, null takes the record away.
type Forge = fn(&mut Value);

/// Forgeries of a record by which the owner wants 2–5 and 10–20 stands.
const FORGERIES: [(&str, Forge, Fate); 16] = [
    ("garbage", |record| *record = "garbage".into(), Blocked),
    ("another-version", |record| record["v"] = 2.into(), Blocked),
    ("an-impossible-pair", |record| record["desired"] = pair(9, 2), Blocked),
    ("over-64-kib", |record| record["pad"] = "x".repeat(64 * 1024).into(), Blocked),
    ("layers-that-are-none", |record| record["layers"] = "all".into(), Blocked),
    ("a-ghost-as-layer", |record| record["layers"] = json!([ghost()]), Mended((2, 5))),
    ("other-numbers-in-the-layer", |record| record["layers"][0]["minReplicas"] = 19.into(), Mended((2, 5))),
    ("an-end-in-the-past", |record| record["layers"][0]["until"] = "2001-01-01T00:00:00Z".into(), Mended((2, 5))),
    ("no-layers", |record| record["layers"] = json!([]), Mended((2, 5))),
    ("as-of-a-year-ahead", |record| record["asOf"] = in_a_year().into(), Mended((2, 5))),
    ("as-of-long-ago", |record| record["asOf"] = "2001-01-01T00:00:00Z".into(), Mended((2, 5))),
    ("the-owners-numbers-as-ours", |record| record["ours"] = of_both(), Mended((2, 5))),
    ("a-stranger-as-owner", |record| record["owners"] = json!([stranger()]), Mended((2, 5))),
    ("other-numbers-as-effective", |record| record["effective"] = pair(11, 21), Mended((2, 5))),
    ("other-numbers-as-desired", |record| record["desired"] = pair(7, 9), Mended((7, 9))),
    // What stands is in it neither as effective nor as ours: then somebody else must have put it there.
    ("ours-denied", |record| (record["effective"], record["ours"]) = (pair(2, 5), json!({})), Mended((10, 20))),
];

/// The record is gone.
const REMOVED: (&str, Forge) = ("removed", |record| *record = Value::Null);

fn pair(min: i32, max: i32) -> Value {
    json!({"minReplicas": min, "maxReplicas": max})
}

fn of_both() -> Value {
    json!({"minReplicas": [10, 2], "maxReplicas": [20, 5]})
}

fn ghost() -> Value {
    json!({"by": "no/where", "uid": "ghost", "mode": "Set", "minReplicas": 30, "maxReplicas": 40,
           "until": in_a_year()})
}

fn stranger() -> Value {
    json!({"manager": "stranger", "operation": "Apply", "apiVersion": "autoscaling/v2", "fields": ["minReplicas"]})
}

fn in_a_year() -> String {
    format!("{:.0}", Timestamp::now() + SignedDuration::from_hours(365 * 24))
}

/// The annotation as it stands.
fn text(hpa: &Value) -> Option<&str> {
    hpa["metadata"]["annotations"][RECORD].as_str()
}

fn version(hpa: &Value) -> &Value {
    &hpa["metadata"]["resourceVersion"]
}

/// An HPA of 2–5 under an override of 10–20, and how its record is forged.
struct Case {
    name: &'static str,
    shop: Shop,
    before: Value,
    live: Value,
    forge: Forge,
    fate: Fate,
}

impl Case {
    /// Every forgery, each on an HPA of its own; nothing is forged yet.
    async fn all(world: &'static World, group: &str, removed: Fate) -> Vec<Self> {
        let mut cases = Vec::new();
        for (name, forge, fate) in FORGERIES.into_iter().chain([(REMOVED.0, REMOVED.1, removed)]) {
            let (shop, before) = under_override(world, &format!("{group}-{name}")).await;
            shop.wait_phase("ovr", "Active").await;
            cases.push(Self { name, live: shop.hpa().await, shop, before, forge, fate });
        }
        cases
    }

    /// The record as it is to be forged.
    fn forged(&self) -> Option<String> {
        let mut record = record(&self.live).unwrap();
        (self.forge)(&mut record);
        match record {
            Value::Null => None,
            Value::String(text) => Some(text),
            record => Some(record.to_string()),
        }
    }

    /// Forges the record with the controller's rights.
    async fn commit(&self) -> Value {
        self.shop.write_record(self.forged().as_deref()).await
    }

    /// Waits for its fate, and for the end of the override. `known` is what the owner gets where nothing can be read.
    async fn suffer(&self, forged: &Value, known: (i64, i64)) {
        let Self { name, shop, before, fate, .. } = self;
        let (wants, happened) = match *fate {
            Mended(wants) => {
                self.be_mended(forged, wants).await;
                shop.delete("ovr").await;
                (wants, "mended")
            }
            Blocked => {
                self.be_blocked(forged).await;
                self.be_released(known).await;
                (known, "blocked until it is released")
            }
        };
        let after = shop.wait_traceless(wants.0, wants.1).await;
        if wants == (2, 5) {
            assert_eq!(traces(&after), traces(before), "{name}");
        }
        // Whatever it was: the owner's next write, without force, and all is as it was.
        assert_eq!(traces(&shop.apply("argocd", 2, 5, false).await.unwrap()), traces(before), "{name}");
        println!("{}: {happened}, the end gives {}–{}", shop.namespace, wants.0, wants.1);
    }

    /// The record becomes right, and what stands does not flap on the way.
    async fn be_mended(&self, forged: &Value, wants: (i64, i64)) {
        let mut mended = record(&self.live).unwrap();
        mended["desired"] = json!({"minReplicas": wants.0, "maxReplicas": wants.1});
        let hpa = self.shop.wait_hpa("the record to be mended", |hpa| {
            let mut record = record(hpa).unwrap_or_default();
            for bound in ["minReplicas", "maxReplicas"] {
                let ours = record["ours"][bound].as_array();
                anyhow::ensure!(ours.is_none_or(|ours| !ours.contains(&record["desired"][bound])), "{hpa}");
            }
            (record["asOf"], record["ours"]) = (mended["asOf"].clone(), mended["ours"].clone());
            anyhow::ensure!((&record, bounds(hpa)) == (&mended, (10, 20)), "{hpa}");
            Ok(())
        });
        let hpa = hpa.await;
        assert!(!we_own_a_bound(&hpa), "{}", self.name);
        let mut stood: Vec<_> = self.shop.versions(forged, &hpa).await.iter().map(bounds).collect();
        stood.insert(0, bounds(forged));
        stood.dedup();
        assert!(stood.len() <= 2, "{}: {stood:?}", self.name);
    }

    async fn be_blocked(&self, forged: &Value) {
        let status = self.shop.wait_phase("ovr", "Blocked").await;
        assert_eq!(status["conditions"][0]["reason"], "UnreadableRecord", "{}", self.name);
        let hpa = self.shop.hpa().await;
        assert_eq!((version(&hpa), text(&hpa)), (version(forged), text(forged)), "{}", self.name);
    }

    /// The way out by hand. A controller that knows the record goes on from its memory; so that one that does not takes
    /// nothing for the owner's, the override goes first.
    async fn be_released(&self, known: (i64, i64)) {
        let release = Patch::Merge(json!({"metadata": {"annotations": {"hpa-override.dev/release": "true"}}}));
        if known == (10, 20) {
            self.shop.delete("ovr").await;
            self.shop.patch("releaser", &release).await;
        } else {
            self.shop.patch("releaser", &release).await;
            assert_eq!(desired(&self.shop.wait_overridden(10, 20).await), Some(known), "{}", self.name);
            self.shop.delete("ovr").await;
        }
    }
}

#[tokio::test]
async fn a_running_controller_mends_the_record_or_waits_for_a_release() {
    let cases = Case::all(world(), "running", Mended((2, 5))).await;
    join_all(cases.iter().map(async |case| case.suffer(&case.commit().await, (2, 5)).await)).await;
}

#[tokio::test]
async fn so_does_one_that_has_seen_nothing_else() {
    let world = world_alone();
    let cases = Case::all(world, "restarted", Mended((10, 20))).await;
    world.kill_controller().unwrap();
    let forged = join_all(cases.iter().map(Case::commit)).await;
    world.start_controller().unwrap();
    join_all(cases.iter().zip(&forged).map(async |(case, forged)| case.suffer(forged, (10, 20)).await)).await;
}

#[tokio::test]
async fn after_a_write_of_the_owner_it_gets_its_numbers_whatever_was_forged() {
    let world = world_alone();
    let mut cases = Case::all(world, "written", Mended((2, 5))).await;
    world.kill_controller().unwrap();
    let mut stored = Vec::new();
    for case in &mut cases {
        case.commit().await;
        stored.push(case.shop.apply("argocd", 2, 5, true).await.unwrap());
        if let Mended(wants) = &mut case.fate {
            *wants = (2, 5);
        }
    }
    world.start_controller().unwrap();
    join_all(cases.iter().zip(&stored).map(async |(case, stored)| case.suffer(stored, (2, 5)).await)).await;
}

#[tokio::test]
async fn an_ordinary_user_forges_nothing() {
    for case in Case::all(world(), "user", Mended((2, 5))).await {
        let Case { name, shop, before, live, .. } = &case;
        let stored = shop.patch("forger", &Patch::Merge(with_record(case.forged().as_deref()))).await;
        assert_eq!((text(&stored), bounds(&stored)), (text(live), (10, 20)), "{name}");
        shop.delete("ovr").await;
        assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(before), "{name}");
        println!("{}: the record stays as it was, the end gives 2–5", shop.namespace);
    }
}

#[tokio::test]
async fn a_number_forged_as_ours_is_not_heard_until_the_end() {
    let (shop, _) = under_override(world(), "echo").await;
    let mut forged = record(&shop.hpa().await).unwrap();
    forged["ours"]["minReplicas"] = json!([10, 3]);
    shop.write_record(Some(&forged.to_string())).await;
    let hpa = shop.apply("argocd", 3, 8, true).await.unwrap();
    assert_eq!((bounds(&hpa), desired(&hpa)), ((10, 20), Some((2, 8))));
    shop.delete("ovr").await;
    shop.wait_traceless(2, 8).await;
    assert_eq!(bounds(&shop.apply("argocd", 3, 8, false).await.unwrap()), (3, 8));
    println!("the owner's 3 forged as ours: taken for an echo, the end gives 2–8, the owner's next write 3–8");
}

#[tokio::test]
async fn a_record_forged_on_an_hpa_without_an_override_does_not_last() {
    let shop = Shop::open(world(), "from-nothing").await;
    let before = shop.apply("argocd", 2, 5, false).await.unwrap();
    let forged =
        json!({"v": 1, "asOf": in_a_year(), "desired": pair(7, 9), "effective": pair(30, 40), "layers": [ghost()]});
    let forged = forged.to_string();
    shop.write_record(Some(&forged)).await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
    println!("a record on an HPA without an override, with the controller's rights: taken off, 2–5 stays");
    let stored = shop.patch("forger", &Patch::Merge(with_record(Some(&forged)))).await;
    assert_eq!((bounds(&stored), text(&stored)), ((7, 9), None));
    println!("the same by an ordinary user, as a copy comes: its `desired` is stored and no record");
}

#[tokio::test]
async fn an_entry_of_ours_forged_in_managed_fields_is_taken_out() {
    let (shop, before) = under_override(world(), "entry").await;
    let hpa = shop.hpa().await;
    let mut entries = hpa["metadata"]["managedFields"].as_array().unwrap().clone();
    entries.push(json!({
        "manager": "hpa-override", "operation": "Update", "apiVersion": "autoscaling/v2",
        "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:minReplicas": {}}},
    }));
    let patch = json!({"metadata": {"managedFields": entries, "resourceVersion": version(&hpa)}});
    assert!(we_own_a_bound(&shop.patch("forger", &Patch::Merge(patch)).await));
    let mended = shop.wait_overridden(10, 20).await;
    assert_eq!((ownership(&mended), desired(&mended)), (ownership(&hpa), Some((2, 5))));
    shop.delete("ovr").await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
    println!("an entry of `hpa-override` that owns a bound: taken out at once, the end gives 2–5");
}

#[tokio::test]
async fn managed_fields_that_were_reset_stay_without_owners_until_the_next_apply() {
    let (shop, before) = under_override(world(), "reset").await;
    shop.patch("forger", &Patch::Merge(json!({"metadata": {"managedFields": [{}]}}))).await;
    assert_eq!(ownership(&shop.hpa().await), [""; 0]);
    shop.delete("ovr").await;
    assert_eq!(ownership(&shop.wait_traceless(2, 5).await), [""; 0]);
    assert_eq!(shop.apply("argocd", 2, 5, false).await.unwrap()["spec"], before["spec"]);
    println!("managedFields reset: nobody owns anything, the end gives 2–5, the owner's next apply owns it again");
}

#[tokio::test]
async fn a_user_under_our_field_managers_name_is_heard_as_any() {
    let (shop, before) = under_override(world(), "namesake").await;
    let stored = shop.patch("hpa-override", &Patch::Merge(json!({"spec": {"minReplicas": 3}}))).await;
    assert_eq!((bounds(&stored), desired(&stored)), ((10, 20), Some((3, 5))));
    shop.wait_overridden(10, 20).await;
    shop.delete("ovr").await;
    shop.wait_traceless(3, 5).await;
    assert_eq!(traces(&shop.apply("argocd", 2, 5, false).await.unwrap()), traces(&before));
    println!("a user's write under the name `hpa-override`: heard as the owner's, the end gives 3–5");
}

#[tokio::test]
async fn a_release_gives_back_what_the_record_said_before() {
    let (shop, _) = under_override(world(), "released").await;
    let mut forged = record(&shop.hpa().await).unwrap();
    forged["desired"] = pair(7, 9);
    let annotations = json!({"hpa-override.dev/release": "true", RECORD: forged.to_string()});
    let stored = shop.patch("forger", &Patch::Merge(json!({"metadata": {"annotations": annotations}}))).await;
    assert_eq!((bounds(&stored), text(&stored)), ((2, 5), None));
    println!("a record forged along with a release, by an ordinary user: not believed, 2–5 is given back");
}

/// Admission lives in the record's time, where the override is over; the controller does not.
#[tokio::test]
async fn after_an_as_of_a_year_ahead_the_owners_next_write_stands_for_a_moment() {
    let (shop, _) = under_override(world(), "moment").await;
    let mut forged = record(&shop.hpa().await).unwrap();
    forged["asOf"] = in_a_year().into();
    shop.write_record(Some(&forged.to_string())).await;
    assert_eq!(bounds(&shop.apply("argocd", 3, 8, true).await.unwrap()), (3, 8));
    let hpa = shop.wait_overridden(10, 20).await;
    let as_of: Timestamp = record(&hpa).unwrap()["asOf"].as_str().unwrap().parse().unwrap();
    assert!(as_of <= Timestamp::now() && desired(&hpa) == Some((3, 8)), "{hpa}");
    assert_eq!(bounds(&shop.apply("argocd", 4, 9, true).await.unwrap()), (10, 20));
    println!("`asOf` a year ahead: the owner's next write stands until the controller has put the override back");
}

#[tokio::test]
async fn an_as_of_a_year_ahead_does_not_put_off_the_end() {
    let shop = Shop::open(world(), "put-off").await;
    let before = shop.apply("argocd", 2, 5, false).await.unwrap();
    let ends = Timestamp::from_second(Timestamp::now().as_second() + 4).unwrap();
    shop.create("ovr", overridden(&json!({"expiresAt": ends.to_string()}))).await;
    let mut forged = record(&shop.wait_overridden(10, 20).await).unwrap();
    forged["asOf"] = in_a_year().into();
    shop.write_record(Some(&forged.to_string())).await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
    let late = Timestamp::now().duration_since(ends);
    assert!((SignedDuration::ZERO..SignedDuration::from_secs(5)).contains(&late), "{late:#}");
    println!("`asOf` a year ahead on an override that ends in 4 s: it ended {late:#} after its end");
}

/// An end by default stands in the record alone.
#[tokio::test]
async fn an_end_by_default_is_the_records() {
    let shop = Shop::open(world(), "by-default").await;
    let before = shop.apply("argocd", 2, 5, false).await.unwrap();
    shop.create("ovr", overridden(&json!({}))).await;
    let record_before = record(&shop.wait_overridden(10, 20).await).unwrap();
    let mut forged = record_before.clone();
    let later = in_a_year();
    forged["layers"][0]["until"] = later.clone().into();
    shop.write_record(Some(&forged.to_string())).await;
    shop.wait_status("ovr", "the forged end to be told", |status| status["endsAt"] == later).await;

    forged["layers"][0]["until"] = "2001-01-01T00:00:00Z".into();
    let over = shop.write_record(Some(&forged.to_string())).await;
    let again = shop.wait_hpa("it to act with its end again", |hpa| {
        anyhow::ensure!(
            bounds(hpa) == (10, 20) && record(hpa).unwrap_or_default()["layers"] == record_before["layers"]
        );
        Ok(())
    });
    let again = again.await;
    let mut stood: Vec<_> = shop.versions(&over, &again).await.iter().map(bounds).collect();
    stood.dedup();
    assert_eq!((stood, desired(&again)), (vec![(10, 20)], Some((2, 5))));
    shop.delete("ovr").await;
    assert_eq!(traces(&shop.wait_traceless(2, 5).await), traces(&before));
    println!("an end by default forged a year ahead: believed, and told; forged into the past: it goes on to its end");
}
