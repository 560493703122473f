//! Before the override, and how it begins.

use anyhow::{Context as _, Result, bail, ensure};
use hpa_override_testbed::{AuditEvent, AuditLog, wait_for};
use serde_json::Value;

use crate::facts::{Bounds, bounds, describe_hpa, describe_owners, desired, number, text};
use crate::shop::{ALICE, AT_ONCE, CAMPAIGN, LIMIT, Shop, controller_writes};

/// Returns the HPA as Git made it.
pub(super) async fn git_owns_an_hpa(shop: &Shop<'_>) -> Result<Value> {
    shop.timeline.chapter("Git owns an HPA");
    shop.commit(2, 5)?;
    shop.sync(false)?.succeeded()?;
    let scaled = scaled_to(shop, 2).await;
    shop.timeline.promise("the real HPA controller acts on it", scaled);
    let hpa = shop.hpa().await?;
    ensure!(bounds(&hpa) == Some(Bounds(2, 5)), "the HPA is not as Git has it: {}", describe_hpa(&hpa));
    shop.timeline.saw(&format!("managedFields   {}", describe_owners(&hpa)));
    Ok(hpa)
}

/// The override, from its creation to the pods.
pub(super) async fn alice_overrides_it(shop: &Shop<'_>, before: &Value) -> Result<()> {
    shop.timeline.chapter("alice overrides it for 30 seconds");
    shop.timeline.promise("alice may not write the HPA herself", refused_to_patch(shop));
    let audit = shop.audit()?;
    shop.alice_writes("campaign.yaml", include_str!("../manifests/campaign.yaml"))?;
    shop.kubectl(ALICE, "create -f campaign.yaml")?.succeeded()?;
    shop.timeline.promise("the override is on the HPA at once, by one write", applied(shop, &audit).await);
    shop.timeline.promise("managedFields are as before", shop.same_owners(before).await);
    shop.timeline.promise("the override is Active and says who asked", active(shop).await);
    shop.timeline.promise("the real HPA controller scales the Deployment", scaled_to(shop, 10).await);
    shop.timeline.promise("kubectl tells the same", listed(shop));
    Ok(())
}

fn refused_to_patch(shop: &Shop<'_>) -> Result<String> {
    let answer = shop.kubectl(ALICE, "-n shop auth can-i patch hpa")?;
    ensure!(!answer.success && answer.text.trim() == "no", "{}", answer.text);
    Ok("the API server says no".to_owned())
}

/// Waits for bounds and record, and measures by the audit log.
async fn applied(shop: &Shop<'_>, audit: &AuditLog) -> Result<String> {
    let hpa = shop
        .wait_hpa("the override to be on the HPA", LIMIT, |hpa| {
            let stands = bounds(hpa) == Some(Bounds(10, 20)) && desired(hpa) == Some(Bounds(2, 5));
            ensure!(stands, "{}", describe_hpa(hpa));
            Ok(())
        })
        .await?;
    let created = audit.wait_for("the create request in the audit log", LIMIT, is_the_create).await?;
    let writes = wait_for("the controller's write in the audit log", LIMIT, async || {
        Some(controller_writes(audit)?).filter(|writes| !writes.is_empty()).context("none")
    });
    let writes = writes.await?;
    let [write] = writes.as_slice() else { bail!("{} writes", writes.len()) };
    let taken = write.completed.duration_since(created.received);
    ensure!(taken < AT_ONCE, "{} ms after the create request came in", taken.as_millis());
    Ok(format!("{}\n{} ms after the create request came in", describe_hpa(&hpa), taken.as_millis()))
}

fn is_the_create(event: &AuditEvent) -> bool {
    event.user == ALICE && event.verb == "create" && event.resource == "autoscaleroverrides" && event.code == 201
}

async fn active(shop: &Shop<'_>) -> Result<String> {
    let ovr = wait_for("the override to be Active", LIMIT, async || {
        let ovr = shop.campaign().await?;
        ensure!(text(&ovr, "/status/phase") == "Active", "phase `{}`", text(&ovr, "/status/phase"));
        Ok(ovr)
    });
    let ovr = ovr.await?;
    let who = text(&ovr, "/status/requestedBy");
    ensure!(who == ALICE, "requestedBy `{who}`");
    Ok(format!("requestedBy {who}, endsAt {}", text(&ovr, "/status/endsAt")))
}

/// Waits until the HPA controller has written those replicas, and nothing more is to come from it.
async fn scaled_to(shop: &Shop<'_>, replicas: i64) -> Result<String> {
    let what = format!("{replicas} replicas");
    let settled = wait_for(&what, LIMIT, async || {
        let (deployment, hpa) = (shop.deployment().await?, shop.hpa().await?);
        let (stand, noted) = (number(&deployment, "/spec/replicas"), number(&hpa, "/status/currentReplicas"));
        ensure!(stand == Some(replicas) && noted == stand, "spec.replicas {stand:?}, the HPA's status says {noted:?}");
        Ok(())
    });
    settled.await?;
    Ok(format!("deployment/web has spec.replicas {replicas}"))
}

fn listed(shop: &Shop<'_>) -> Result<String> {
    let answer = shop.kubectl(ALICE, "-n shop get hpao")?.succeeded()?;
    let line = answer.text.lines().find(|line| line.starts_with(CAMPAIGN)).unwrap_or_default();
    let words: Vec<_> = line.split_whitespace().collect();
    ensure!(words.starts_with(&[CAMPAIGN, "web", "10", "20", "Active"]), "`{line}`");
    Ok(words.join(" "))
}
