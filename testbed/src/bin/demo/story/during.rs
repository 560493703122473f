//! While the override acts: Git goes on, and somebody makes mistakes.

use anyhow::{Context as _, Result, bail, ensure};
use hpa_override_testbed::AuditLog;
use serde_json::Value;

use crate::facts::{Bounds, bounds, describe_hpa, desired, version};
use crate::shop::{ALICE, ARGOCD, CAMPAIGN, Shop, is_about_web};

/// How often a pair of syncs is tried: the HPA controller may write a status between the two.
const ATTEMPTS: usize = 3;

pub(super) async fn git_goes_on(shop: &Shop<'_>) {
    shop.timeline.chapter("Git goes on: the unchanged manifest again");
    for (promise, forced) in
        [("an unforced sync succeeds and changes nothing", false), ("a forced sync succeeds and changes nothing", true)]
    {
        shop.timeline.promise(promise, synced_twice(shop, forced).await);
    }
}

/// The second identical write must leave the object as it is, to the byte.
async fn synced_twice(shop: &Shop<'_>, forced: bool) -> Result<String> {
    for _ in 0..ATTEMPTS {
        let before = shop.hpa().await?;
        shop.sync(forced)?.succeeded()?;
        let first = held(shop, Bounds(2, 5)).await?;
        let audit = shop.audit()?;
        shop.sync(forced)?.succeeded()?;
        let second = held(shop, Bounds(2, 5)).await?;
        let versions = [&before, &first, &second].map(version).join(" → ");
        if version(&first) == version(&second) {
            return Ok(format!("{}\nresourceVersion {versions}", describe_hpa(&second)));
        }
        ensure!(others_wrote(&audit)?, "the second sync moved resourceVersion: {versions}");
        shop.timeline.saw("somebody else wrote the HPA meanwhile, so that its version moved; again");
    }
    bail!("somebody else wrote the HPA in between, {ATTEMPTS} times")
}

/// The HPA, where the override holds on it and the record has these numbers of its owner.
async fn held(shop: &Shop<'_>, wanted: Bounds) -> Result<Value> {
    let hpa = shop.hpa().await?;
    ensure!(bounds(&hpa) == Some(Bounds(10, 20)) && desired(&hpa) == Some(wanted), "{}", describe_hpa(&hpa));
    Ok(hpa)
}

fn others_wrote(audit: &AuditLog) -> Result<bool> {
    let count = audit.count(|event| is_about_web(event) && event.is_write() && event.user != ARGOCD)?;
    Ok(count > 0)
}

pub(super) async fn git_changes_its_mind(shop: &Shop<'_>) {
    shop.timeline.chapter("Git changes its mind: 3–8");
    shop.timeline.promise("new numbers are recorded and told, and the override holds", recorded(shop).await);
}

async fn recorded(shop: &Shop<'_>) -> Result<String> {
    shop.commit(3, 8)?;
    let answer = shop.sync(false)?.succeeded()?;
    let warning = answer.warning().context("no warning from the API server")?;
    ensure!(warning.contains("3–8"), "{warning}");
    let hpa = held(shop, Bounds(3, 8)).await?;
    Ok(describe_hpa(&hpa))
}

pub(super) async fn mistakes_are_told_at_once(shop: &Shop<'_>) {
    shop.timeline.chapter("alice makes mistakes");
    shop.timeline.promise("a bad override is refused with all its errors at once", refused(shop).await);
}

async fn refused(shop: &Shop<'_>) -> Result<String> {
    shop.alice_writes("mistakes.yaml", include_str!("../manifests/mistakes.yaml"))?;
    let answer = shop.kubectl(ALICE, "create -f mistakes.yaml")?;
    ensure!(!answer.success, "it was admitted: {}", answer.text);
    let errors = answer.text.split_once(" errors: ").and_then(|(before, _)| before.rsplit(' ').next());
    let errors = errors.with_context(|| format!("not several errors: {}", answer.text))?;
    let fields = ["minReplicas", "expiresAt", "duration", "priority", "reason"].map(|field| format!("spec.{field}: "));
    let missing: Vec<_> = fields.iter().filter(|field| !answer.text.contains(*field)).collect();
    ensure!(missing.is_empty(), "no word about {missing:?}");
    let there = shop.overrides().await?;
    ensure!(there == [CAMPAIGN], "in the shop are {there:?}");
    Ok(format!("{errors} errors in one answer; the only override in the shop is {}", there.join(", ")))
}
