//! The end of the override, and what is left of it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hpa_override_testbed::{AuditEvent, AuditLog, CONTROLLER_USER, wait_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::facts::{Bounds, bounds, describe_hpa, describe_owners, number, owners, text, we_own_a_bound};
use crate::shop::{LIMIT, Shop, controller_writes};

/// How late the restoring request may be: it is usually a few milliseconds, this machine may be busy.
const LATE: SignedDuration = SignedDuration::from_secs(1);

pub(super) async fn it_ends(shop: &Shop<'_>) {
    shop.timeline.chapter("The end, at its instant");
    let restored = restored(shop).await;
    shop.timeline.promise("what Git wants now is restored at that instant, by two writes", restored);
    shop.timeline.promise("the real HPA controller obeys Git again", at_most(shop, 8).await);
}

/// Waits for the end, and measures by the audit log.
async fn restored(shop: &Shop<'_>) -> Result<String> {
    let audit = shop.audit()?;
    let ends: Timestamp = text(&shop.campaign().await?, "/status/endsAt").parse().context("no endsAt")?;
    let left = ends.duration_since(Timestamp::now());
    shop.timeline.saw(&format!("it ends at {ends}, in {:.1} s; waiting", left.as_secs_f64()));
    let left = Duration::try_from(left).unwrap_or_default();
    let hpa = shop.wait_hpa("the HPA without a trace of the override", left + LIMIT, is_traceless).await?;
    ensure!(bounds(&hpa) == Some(Bounds(3, 8)), "{}", describe_hpa(&hpa));
    let late = lateness(&audit, ends).await?;
    shop.timeline.saw(&format!("audit log       until the end our controller asked for {}", requests(&audit, ends)?));
    Ok(format!("{}; the restoring request came {} ms after endsAt", describe_hpa(&hpa), late.as_millis()))
}

fn is_traceless(hpa: &Value) -> Result<()> {
    ensure!(!hpa.to_string().contains("hpa-override"), "{}", describe_hpa(hpa));
    Ok(())
}

async fn lateness(audit: &AuditLog, ends: Timestamp) -> Result<SignedDuration> {
    let writes = wait_for("both writes of the end in the audit log", LIMIT, async || {
        let writes = controller_writes(audit)?;
        ensure!(writes.len() >= 2, "{} writes", writes.len());
        Ok(writes)
    });
    let writes = writes.await?;
    let [restore, _finish] = writes.as_slice() else { bail!("{} writes", writes.len()) };
    let late = restore.received.duration_since(ends);
    ensure!((SignedDuration::ZERO..LATE).contains(&late), "the restoring request came {late:#} after endsAt");
    Ok(late)
}

/// What the controller did before that instant: it polls nothing, and confirms an end before it acts.
fn requests(audit: &AuditLog, before: Timestamp) -> Result<String> {
    let ours = |event: &AuditEvent| event.user == CONTROLLER_USER && event.is_complete() && event.received < before;
    let requests: Vec<_> =
        audit.select(ours)?.iter().map(|event| format!("{} {}", event.verb, event.resource)).collect();
    Ok(if requests.is_empty() { "nothing".to_owned() } else { requests.join(", ") })
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
    shop.timeline.promise("managedFields are still as at the start", same_owners(shop, before).await);
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
    same_owners(shop, before).await
}

async fn same_owners(shop: &Shop<'_>, before: &Value) -> Result<String> {
    let hpa = shop.hpa().await?;
    let (now, then) = (owners(&hpa), owners(before));
    ensure!(now == then, "{} where {} was", Value::from(now), Value::from(then));
    Ok(describe_owners(&hpa))
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
