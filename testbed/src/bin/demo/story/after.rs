//! The end of the override, and what is left of it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hpa_override_testbed::{AuditEvent, AuditLog, CONTROLLER_USER, wait_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::facts::{Bounds, bounds, describe_hpa, describe_owners, number, text, we_own_a_bound};
use crate::shop::{AT_ONCE, LIMIT, Shop, controller_writes};

pub(super) async fn it_ends(shop: &Shop<'_>) {
    shop.timeline.chapter("The end, at its instant");
    let restored = restored(shop).await;
    shop.timeline.promise("what Git wants now is restored at that instant, by two writes", restored);
    shop.timeline.promise("the real HPA controller obeys Git again", at_most(shop, 8).await);
}

/// Waits for the end, and measures by the audit log.
async fn restored(shop: &Shop<'_>) -> Result<String> {
    let audit = shop.audit()?;
    let ends = ends_at(&shop.campaign().await?)?;
    let left = ends.duration_since(Timestamp::now());
    shop.timeline.saw(&format!("it ends at {ends}, in {:.1} s; waiting", left.as_secs_f64()));
    let left = Duration::try_from(left).unwrap_or_default();
    let hpa = shop.wait_hpa("the HPA without a trace of the override", left + LIMIT, is_traceless).await?;
    ensure!(bounds(&hpa) == Some(Bounds(3, 8)), "{}", describe_hpa(&hpa));
    let restore = restore(&audit).await?;
    shop.timeline.saw(&format!("audit log       {}", requests_until(&audit, &restore)?));
    let late = restore.received.duration_since(ends);
    ensure!((SignedDuration::ZERO..AT_ONCE).contains(&late), "it came {} ms after endsAt", late.as_millis());
    Ok(format!("{}; the restoring request came {} ms after endsAt", describe_hpa(&hpa), late.as_millis()))
}

fn ends_at(ovr: &Value) -> Result<Timestamp> {
    let ends = text(ovr, "/status/endsAt");
    ends.parse().with_context(|| format!("the override's status has endsAt `{ends}`"))
}

fn is_traceless(hpa: &Value) -> Result<()> {
    ensure!(!hpa.to_string().contains("hpa-override"), "{}", describe_hpa(hpa));
    Ok(())
}

/// The first of the two writes of the end.
async fn restore(audit: &AuditLog) -> Result<AuditEvent> {
    wait_for("the two writes of the end in the audit log", LIMIT, async || {
        let writes = controller_writes(audit)?;
        let [restore, _finish] = writes.as_slice() else { bail!("{} writes", writes.len()) };
        Ok(restore.clone())
    })
    .await
}

/// What our controller asked for up to the restoring request: it polls nothing, and confirms an end before it acts.
fn requests_until(audit: &AuditLog, restore: &AuditEvent) -> Result<String> {
    let before =
        |event: &AuditEvent| event.user == CONTROLLER_USER && event.is_complete() && event.received < restore.received;
    let requests = audit.select(before)?;
    let requests: Vec<_> = requests.iter().map(|event| format!("{} {}", event.verb, event.resource)).collect();
    let requests = if requests.is_empty() { "none".to_owned() } else { requests.join(", ") };
    Ok(format!("requests of our controller from then to the end: {requests}"))
}

async fn at_most(shop: &Shop<'_>, max: i64) -> Result<String> {
    let what = format!("at most {max} replicas");
    let replicas = wait_for(&what, LIMIT, async || {
        let replicas = number(&shop.deployment().await?, "/spec/replicas").context("no spec.replicas")?;
        ensure!(replicas <= max, "spec.replicas {replicas}");
        Ok(replicas)
    });
    Ok(format!("deployment/web has spec.replicas {}", replicas.await?))
}

pub(super) async fn nothing_is_left(shop: &Shop<'_>, before: &Value) {
    shop.timeline.chapter("As if it had never been there");
    let promise = "spec, labels, annotations and managedFields are as at the start, but for Git's numbers";
    shop.timeline.promise(promise, same_but_numbers(shop, before).await);
    shop.timeline.promise("Git's next unforced sync succeeds, without a word", next_sync(shop).await);
    shop.timeline.promise("managedFields are still as at the start", shop.same_owners(before).await);
    shop.timeline.promise("in no version of the HPA were we owner of a bound, or min above max", never(shop));
}

async fn next_sync(shop: &Shop<'_>) -> Result<String> {
    shop.commit(4, 9)?;
    let answer = shop.sync(false)?.succeeded()?;
    ensure!(answer.warning().is_none(), "{}", answer.text);
    let hpa = shop.hpa().await?;
    ensure!(bounds(&hpa) == Some(Bounds(4, 9)), "{}", describe_hpa(&hpa));
    Ok(describe_hpa(&hpa))
}

/// What must be as before, the two numbers aside.
fn rest(hpa: &Value) -> Value {
    let mut spec = hpa.get("spec").cloned().unwrap_or_default();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("minReplicas");
        spec.remove("maxReplicas");
    }
    let part = |pointer: &str| hpa.pointer(pointer).filter(|map| map.as_object().is_none_or(|map| !map.is_empty()));
    serde_json::json!([spec, part("/metadata/labels"), part("/metadata/annotations")])
}

async fn same_but_numbers(shop: &Shop<'_>, before: &Value) -> Result<String> {
    let hpa = shop.hpa().await?;
    ensure!(rest(&hpa) == rest(before), "{} where {} was", rest(&hpa), rest(before));
    shop.same_owners(before).await
}

/// Over all that the watch has shown.
fn never(shop: &Shop<'_>) -> Result<String> {
    let hpas = shop.sightings.hpas();
    let bad = hpas.iter().find(|hpa| we_own_a_bound(hpa) || bounds(hpa).is_none_or(|bounds| bounds.0 > bounds.1));
    if let Some(bad) = bad {
        bail!("{}; {}", describe_hpa(bad), describe_owners(bad));
    }
    Ok(format!("{} versions were seen", hpas.len()))
}
