//! The phases that begin or end overrides.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hpa_override_testbed::hpa::{Bounds, text};
use hpa_override_testbed::{AuditEvent, CONTROLLER_USER, say, wait_for};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::course::Course;
use super::fleet::{self, Expected};
use super::overrides::{self, Set, Statuses};
use super::profile::Profile;
use super::requests::{Patched, Requests};
use super::site::wait_until;
use super::table::{Budget, Row, number};

/// What is recorded begins so long before its instant.
const AHEAD: SignedDuration = SignedDuration::from_millis(500);

/// What came of a start.
pub(crate) struct Started {
    pub(crate) patched: Patched,
    /// When the last status said so.
    pub(crate) statuses: Timestamp,
    /// How many statuses were written by then.
    pub(crate) status_writes: usize,
    pub(crate) watch: Statuses,
}

/// What came of an end.
pub(crate) struct Ended {
    pub(crate) patched: Patched,
}

impl Course<'_> {
    /// Creates overrides that all begin at `start`, and waits until they are on the HPAs and their statuses say so.
    pub(crate) async fn begin(&mut self, what: &str, set: &Set, start: Timestamp) -> Result<Started> {
        let (watch, began) = (Statuses::watch(&self.site.admin), Instant::now());
        set.create(&self.site.admin).await?;
        let (count, took) = (set.overrides.len(), began.elapsed().as_secs_f64());
        say(&format!("bench: {what}: {count} overrides created in {} s", number(took)));
        ensure!(wait_until(start - AHEAD).await, "the start came before all were created: use a greater --patience");
        if watch.count() < count {
            say(&format!("bench: {what}: only {} of {count} had a status when their start came", watch.count()));
        }
        let profile = Profile::start(self.size.profile.as_deref(), &self.phase(what), self.site.process()?)?;
        let requests = Requests::from_now(&self.site.world)?;
        let each = if self.is_merged { 1 } else { 2 };
        let patched = requests.all_patched(self.size.hpas(), each, self.limit()?).await?;
        let statuses = watch.all_applied(count, self.limit()?).await?;
        let status_writes = requests.status_writes()?;
        profile.finish()?;
        say(&format!("bench: {what}: {}", requests.summary()?));
        fleet::verify(&self.site.admin, Expected::Overridden(set.bounds)).await?;
        Ok(Started { patched, statuses, status_writes, watch })
    }

    /// Waits until all overrides, which end at `end`, have left the HPAs.
    pub(crate) async fn end(&mut self, end: Timestamp) -> Result<Ended> {
        ensure!(wait_until(end - AHEAD).await, "the end came before all was measured: use a greater --patience");
        let profile = Profile::start(self.size.profile.as_deref(), &self.phase("ends"), self.site.process()?)?;
        let requests = Requests::from_now(&self.site.world)?;
        let patched = requests.all_patched(self.size.hpas(), 2, self.limit()?).await?;
        profile.finish()?;
        self.site.rest(self.limit()?).await?;
        say(&format!("bench: ends: {}", requests.summary()?));
        Ok(Ended { patched })
    }

    fn phase(&self, what: &str) -> String {
        format!("{what} {}", if self.is_merged { "merged" } else { "unmerged" })
    }

    /// The time from an override's creation to its HPA, nothing else going on; against the two requests alone.
    pub(crate) async fn idle_cluster(&mut self) -> Result<()> {
        let rounds = if self.size.short { 10 } else { 30 };
        let all = Requests::from_now(&self.site.world)?;
        let (mut times, mut alone, mut made) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..rounds {
            let ovr = for_an_hour(number)?;
            let (time, requests) = self.one_on_idle(&ovr).await?;
            times.push(time);
            alone.push(requests);
            made.push(ovr);
        }
        let set = Set { overrides: made, bounds: fleet::OWNER };
        set.delete(&self.site.admin).await?;
        let restored = if self.is_merged { 3 } else { 4 };
        all.all_patched(rounds, restored, self.limit()?).await?;
        self.site.rest(self.limit()?).await?;
        let (median, alone) = (median(times), median(alone));
        let baseline = format!("{} ms, the two requests", number(alone));
        let what = format!("override on an idle cluster, median of {rounds}");
        self.table.add(Row::value(what, baseline, (median, " ms"), Budget::AtMost(20.0)));
        Ok(())
    }

    /// Milliseconds from the request that creates the override to the answer to the patch; and of the two requests.
    async fn one_on_idle(&self, ovr: &Value) -> Result<(f64, f64)> {
        let audit = self.site.world.plane().audit().from_now()?;
        overrides::create(self.site.admin.clone(), ovr.clone()).await?;
        let (namespace, name) = (text(ovr, "/metadata/namespace"), text(ovr, "/metadata/name"));
        let limit = Duration::from_secs(30);
        let is_created =
            |event: &AuditEvent| event.verb == "create" && event.is_about("autoscaleroverrides", namespace, name);
        let created = audit.wait_for("the override", limit, is_created).await?;
        let is_patch = |event: &AuditEvent| {
            event.user == CONTROLLER_USER && event.verb == "patch" && event.resource == "horizontalpodautoscalers"
        };
        let patch = audit.wait_for("the patch", limit, is_patch).await?;
        self.quiet(limit).await?;
        let millis = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64() * 1000.0;
        let requests = millis(created.received, created.completed) + millis(patch.received, patch.completed);
        Ok((millis(created.received, patch.completed), requests))
    }

    /// Waits until the controller has asked for nothing for a moment.
    async fn quiet(&self, limit: Duration) -> Result<()> {
        wait_for("the controller to be quiet", limit, async || {
            let requests = Requests::from_now(&self.site.world)?;
            tokio::time::sleep(Duration::from_millis(200)).await;
            let count = requests.count()?;
            ensure!(count == 0, "{count} requests");
            Ok(())
        })
        .await
    }
}

/// An override of the HPA of that number, active at once.
fn for_an_hour(number: usize) -> Result<Value> {
    let now = Timestamp::from_second(Timestamp::now().as_second())?;
    let target = json!({"hpa": fleet::name(number)});
    Ok(overrides::make(
        &format!("idle-{number}"),
        number,
        &target,
        Bounds(12, 24),
        [now, now + SignedDuration::from_hours(1)],
    ))
}

/// The value in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
