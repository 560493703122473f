//! What happens, in order.
//!
//! A chapter acts, then asks the API server what came of it. A promise that is not kept is printed and the story goes on;
//! it ends early only where the rest would mean nothing (no HPA, no override).

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hpa_override_testbed::hpa::{Bounds, bounds, desired, text, we_own_a_bound};
use hpa_override_testbed::{AuditEvent, AuditLog, CONTROLLER_USER, World, wait_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::shop::{ALICE, ARGOCD, AT_ONCE, CAMPAIGN, LIMIT, Shop, controller_writes, describe_owners, is_about_web};
use crate::timeline::{Timeline, chapter};
use crate::watch_log::describe_hpa;

/// How often a pair of syncs is tried: the HPA controller may write a status between the two.
const ATTEMPTS: usize = 3;

/// Runs it on a fresh world.
pub(crate) async fn run(world: &World, timeline: &Arc<Timeline>) -> Result<()> {
    let shop = &Shop::open(world, timeline).await?;
    chapter("Git owns an HPA");
    let before = git_owns_an_hpa(shop).await?;

    chapter("alice overrides it for 30 seconds");
    timeline.promise("alice may not write the HPA herself", refused_to_patch(shop));
    let audit = shop.audit()?;
    shop.alice_writes("campaign.yaml", include_str!("manifests/campaign.yaml"))?;
    shop.kubectl(ALICE, "create -f campaign.yaml")?.succeeded()?;
    timeline.promise("the override is on the HPA at once, by one write", applied(shop, &audit).await);
    timeline.promise("managedFields are as before", shop.same_owners(&before).await);
    timeline.promise("the override is Active and names its requester", active(shop).await);
    timeline.promise("the real HPA controller scales the Deployment", scaled_to(shop, 10).await);
    timeline.promise("kubectl lists the same", listed(shop));

    chapter("Git goes on: the unchanged manifest again");
    timeline.promise("an unforced sync succeeds and changes nothing", synced_twice(shop, false).await);
    timeline.promise("a forced sync succeeds and changes nothing", synced_twice(shop, true).await);

    chapter("Git changes its mind: 3-8");
    timeline.promise("new numbers are recorded with a warning, and the override stays", recorded(shop).await);

    chapter("alice makes mistakes");
    timeline.promise("a bad override is refused with all its errors at once", refused(shop).await);

    chapter("The end, at its instant");
    timeline.promise("what Git wants now is restored at that instant, by two writes", restored(shop).await);
    timeline.promise("the real HPA controller obeys Git again", at_most(shop, 8).await);

    chapter("As if it had never been there");
    let promise = "spec, labels, annotations and managedFields are as at the start, but for Git's numbers";
    timeline.promise(promise, same_but_numbers(shop, &before).await);
    timeline.promise("Git's next unforced sync succeeds, without a warning", next_sync(shop).await);
    timeline.promise("managedFields are still as at the start", shop.same_owners(&before).await);
    timeline.promise("in no version of the HPA did we own a bound, or was min above max", never(shop));
    Ok(())
}

/// Returns the HPA as Git made it.
async fn git_owns_an_hpa(shop: &Shop<'_>) -> Result<Value> {
    shop.commit(2, 5)?;
    shop.sync(false)?.succeeded()?;
    shop.timeline.promise("the real HPA controller acts on it", scaled_to(shop, 2).await);
    let hpa = shop.hpa().await?;
    ensure!(bounds(&hpa) == Some(Bounds(2, 5)), "the HPA is not as Git has it: {}", describe_hpa(&hpa));
    shop.timeline.saw(&format!("managedFields   {}", describe_owners(&hpa)));
    Ok(hpa)
}

fn refused_to_patch(shop: &Shop<'_>) -> Result<String> {
    let answer = shop.kubectl(ALICE, "-n shop auth can-i patch hpa")?;
    ensure!(!answer.success && answer.text.trim() == "no", "{}", answer.text);
    Ok("the API server says no".to_owned())
}

/// Waits for bounds and record, and measures by the audit log.
async fn applied(shop: &Shop<'_>, audit: &AuditLog) -> Result<String> {
    let is_applied = |hpa: &Value| is_overridden(hpa, Bounds(2, 5));
    let hpa = shop.wait_hpa("the override to be on the HPA", LIMIT, is_applied).await?;
    let is_create =
        |event: &AuditEvent| event.user == ALICE && event.verb == "create" && event.resource == "autoscaleroverrides";
    let created = audit.wait_for("the create request in the audit log", LIMIT, is_create).await?;
    let writes = wait_for("the controller's write in the audit log", LIMIT, async || {
        Some(controller_writes(audit)?).filter(|writes| !writes.is_empty()).context("none")
    });
    let writes = writes.await?;
    let [write] = writes.as_slice() else { bail!("{} writes", writes.len()) };
    let taken = write.completed.duration_since(created.received);
    ensure!(taken < AT_ONCE, "{} ms after the create request came in", taken.as_millis());
    Ok(format!("{}\n{} ms after the create request came in", describe_hpa(&hpa), taken.as_millis()))
}

/// Whether the override is on the HPA, and the record has these numbers of its owner.
fn is_overridden(hpa: &Value, wanted: Bounds) -> Result<()> {
    ensure!(bounds(hpa) == Some(Bounds(10, 20)) && desired(hpa) == Some(wanted), "{}", describe_hpa(hpa));
    Ok(())
}

async fn active(shop: &Shop<'_>) -> Result<String> {
    let ovr = wait_for("the override to be Active", LIMIT, async || {
        let ovr = shop.campaign().await?;
        ensure!(text(&ovr, "/status/phase") == "Active", "phase `{}`", text(&ovr, "/status/phase"));
        Ok(ovr)
    });
    let ovr = ovr.await?;
    let requester = text(&ovr, "/status/requestedBy");
    ensure!(requester == ALICE, "requestedBy `{requester}`");
    Ok(format!("requestedBy {requester}, endsAt {}", text(&ovr, "/status/endsAt")))
}

/// Waits until the HPA controller has written those replicas, and nothing more is to come from it.
async fn scaled_to(shop: &Shop<'_>, wanted: i64) -> Result<String> {
    let what = format!("{wanted} replicas");
    let settled = wait_for(&what, LIMIT, async || {
        let (replicas, hpa) = (shop.replicas().await?, shop.hpa().await?);
        let noted = hpa.pointer("/status/currentReplicas").and_then(Value::as_i64);
        ensure!(
            replicas == wanted && noted == Some(wanted),
            "spec.replicas {replicas}, the HPA's status says {noted:?}"
        );
        Ok(())
    });
    settled.await?;
    Ok(format!("deployment/web has spec.replicas {wanted}"))
}

fn listed(shop: &Shop<'_>) -> Result<String> {
    let answer = shop.kubectl(ALICE, "-n shop get hpao")?.succeeded()?;
    let line = answer.text.lines().find(|line| line.starts_with(CAMPAIGN)).unwrap_or_default();
    let words: Vec<_> = line.split_whitespace().collect();
    ensure!(words.starts_with(&[CAMPAIGN, "web", "1", "10", "20", "Active"]), "`{line}`");
    Ok(words.join(" "))
}

/// The second identical write must leave the object as it is, to the byte.
async fn synced_twice(shop: &Shop<'_>, forced: bool) -> Result<String> {
    for _ in 0..ATTEMPTS {
        let before = shop.hpa().await?;
        shop.sync(forced)?.succeeded()?;
        let (first, audit) = (shop.hpa().await?, shop.audit()?);
        is_overridden(&first, Bounds(2, 5))?;
        shop.sync(forced)?.succeeded()?;
        let second = shop.hpa().await?;
        is_overridden(&second, Bounds(2, 5))?;
        let versions = [&before, &first, &second].map(|hpa| text(hpa, "/metadata/resourceVersion"));
        if versions[1] == versions[2] {
            return Ok(format!("{}\nresourceVersion {}", describe_hpa(&second), versions.join(" → ")));
        }
        let others = audit.select(|event| is_about_web(event) && event.is_write() && event.user != ARGOCD)?;
        ensure!(!others.is_empty(), "the second sync moved resourceVersion: {}", versions.join(" → "));
        shop.timeline.saw("somebody else wrote the HPA meanwhile, so that its version moved; again");
    }
    bail!("somebody else wrote the HPA in between, {ATTEMPTS} times")
}

async fn recorded(shop: &Shop<'_>) -> Result<String> {
    shop.commit(3, 8)?;
    let answer = shop.sync(false)?.succeeded()?;
    let warning = answer.warning().context("no warning from the API server")?;
    ensure!(warning.contains("3-8"), "{warning}");
    let hpa = shop.hpa().await?;
    is_overridden(&hpa, Bounds(3, 8))?;
    Ok(describe_hpa(&hpa))
}

async fn refused(shop: &Shop<'_>) -> Result<String> {
    shop.alice_writes("mistakes.yaml", include_str!("manifests/mistakes.yaml"))?;
    let answer = shop.kubectl(ALICE, "create -f mistakes.yaml")?;
    ensure!(!answer.success, "it was admitted: {}", answer.text);
    let errors = answer.text.split_once(" errors: ").and_then(|(before, _)| before.rsplit(' ').next());
    let errors = errors.with_context(|| format!("not several errors: {}", answer.text))?;
    let fields = ["minReplicas", "expiresAt", "duration", "priority", "reason"].map(|field| format!("spec.{field}: "));
    let missing: Vec<_> = fields.iter().filter(|field| !answer.text.contains(*field)).collect();
    ensure!(missing.is_empty(), "nothing about {missing:?}");
    let there = shop.overrides().await?;
    ensure!(there == [CAMPAIGN], "in the shop are {there:?}");
    Ok(format!("{errors} errors in one answer; the only override in the shop is {CAMPAIGN}"))
}

/// Waits for the end, and measures by the audit log.
async fn restored(shop: &Shop<'_>) -> Result<String> {
    let (audit, campaign) = (shop.audit()?, shop.campaign().await?);
    let ends = text(&campaign, "/status/endsAt");
    let ends: Timestamp = ends.parse().with_context(|| format!("the override's status has endsAt `{ends}`"))?;
    let left = ends.duration_since(Timestamp::now());
    shop.timeline.saw(&format!("it ends at {ends}, in {:.1} s; waiting", left.as_secs_f64()));
    let left = Duration::try_from(left).unwrap_or_default();
    let is_traceless = |hpa: &Value| {
        ensure!(!hpa.to_string().contains("hpa-override"), "{}", describe_hpa(hpa));
        Ok(())
    };
    let hpa = shop.wait_hpa("the HPA without a trace of the override", left + LIMIT, is_traceless).await?;
    ensure!(bounds(&hpa) == Some(Bounds(3, 8)), "{}", describe_hpa(&hpa));
    let restore = wait_for("the two writes of the end in the audit log", LIMIT, async || {
        let writes = controller_writes(&audit)?;
        let [restore, _finish] = writes.as_slice() else { bail!("{} writes", writes.len()) };
        Ok(restore.clone())
    });
    let restore = restore.await?;
    shop.timeline.saw(&format!("audit log       {}", requests_until(&audit, &restore)?));
    let late = restore.received.duration_since(ends);
    ensure!((SignedDuration::ZERO..AT_ONCE).contains(&late), "it came {} ms after endsAt", late.as_millis());
    Ok(format!("{}; the restoring request came {} ms after endsAt", describe_hpa(&hpa), late.as_millis()))
}

/// What our controller asked for up to the restoring request: it polls nothing, and confirms an end before it writes.
fn requests_until(audit: &AuditLog, restore: &AuditEvent) -> Result<String> {
    let before =
        |event: &AuditEvent| event.user == CONTROLLER_USER && event.is_complete && event.received < restore.received;
    let requests = audit.select(before)?;
    let requests: Vec<_> = requests.iter().map(|event| format!("{} {}", event.verb, event.resource)).collect();
    let requests = if requests.is_empty() { "none".to_owned() } else { requests.join(", ") };
    Ok(format!("requests of our controller from then to the end: {requests}"))
}

async fn at_most(shop: &Shop<'_>, max: i64) -> Result<String> {
    let what = format!("at most {max} replicas");
    let replicas = wait_for(&what, LIMIT, async || {
        let replicas = shop.replicas().await?;
        ensure!(replicas <= max, "spec.replicas {replicas}");
        Ok(replicas)
    });
    Ok(format!("deployment/web has spec.replicas {}", replicas.await?))
}

/// What must be as before, the two numbers aside.
fn rest(hpa: &Value) -> Value {
    let mut spec = hpa.get("spec").cloned().unwrap_or_default();
    if let Some(spec) = spec.as_object_mut() {
        spec.retain(|key, _| !matches!(key.as_str(), "minReplicas" | "maxReplicas"));
    }
    let part = |pointer: &str| hpa.pointer(pointer).filter(|map| map.as_object().is_none_or(|map| !map.is_empty()));
    json!([spec, part("/metadata/labels"), part("/metadata/annotations")])
}

async fn same_but_numbers(shop: &Shop<'_>, before: &Value) -> Result<String> {
    let hpa = shop.hpa().await?;
    ensure!(rest(&hpa) == rest(before), "{} where {} was", rest(&hpa), rest(before));
    shop.same_owners(before).await
}

async fn next_sync(shop: &Shop<'_>) -> Result<String> {
    shop.commit(4, 9)?;
    let answer = shop.sync(false)?.succeeded()?;
    ensure!(answer.warning().is_none(), "{}", answer.text);
    let hpa = shop.hpa().await?;
    ensure!(bounds(&hpa) == Some(Bounds(4, 9)), "{}", describe_hpa(&hpa));
    Ok(describe_hpa(&hpa))
}

/// Over all that the watch has shown.
fn never(shop: &Shop<'_>) -> Result<String> {
    let hpas = shop.log.hpas();
    let bad = hpas.iter().find(|hpa| we_own_a_bound(hpa) || bounds(hpa).is_none_or(|Bounds(min, max)| min > max));
    if let Some(bad) = bad {
        bail!("{}; {}", describe_hpa(bad), describe_owners(bad));
    }
    Ok(format!("{} versions were seen", hpas.len()))
}
