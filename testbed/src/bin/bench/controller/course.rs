//! The order in which things are measured on one control plane, and the rows that come of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use hpa_override_testbed::{say, usage};
use jiff::{SignedDuration, Timestamp};

use super::Size;
use super::fleet::{self, Expected};
use super::overrides::Set;
use super::phases::{Ended, Started};
use super::raw::{self, Rates, per_second};
use super::requests::Requests;
use super::site::{Site, seconds};
use super::table::{Budget, Row, Table, float, number};

/// The patches of a beginning without the merge admission, and of every end.
const TWO: usize = 2;
/// Of the bare client's rate.
const OF_RAW: Budget = Budget::AtLeast(0.8);

/// What measures on one control plane.
pub(crate) struct Course<'a> {
    pub(crate) site: &'a Site,
    pub(crate) size: Size,
    pub(crate) is_merged: bool,
    pub(crate) table: &'a mut Table,
    /// The bare client, as last measured.
    pub(crate) raw: Option<Rates>,
}

impl Course<'_> {
    pub(crate) async fn run(&mut self) -> Result<()> {
        let bytes = fleet::make(&self.site.admin, self.size.hpas()).await?;
        say(&format!("bench: {} HPAs of {bytes} bytes", self.size.hpas()));
        raw::warm_up(&self.site.controller, self.is_merged).await?;
        self.bare_client().await?;
        self.site.world.start_controller()?;
        self.site.rest(self.limit()?).await?;
        self.idle_cluster().await?;
        let took = self.selectors().await?;
        self.one_each(took).await?;
        self.site.world.stop_controller()?;
        self.bare_client().await.map(drop)
    }

    /// The baseline, measured while the controller does not run.
    async fn bare_client(&mut self) -> Result<()> {
        let rates = raw::measure(&self.site.controller, self.is_merged).await?;
        let (begin, end) = (rates.begin, rates.end);
        let patches = begin * f64::from(u8::from(!self.is_merged) + 1);
        say(&format!("bench: bare client: begins {begin:.0} HPAs/s ({patches:.0} patches/s), ends {end:.0} HPAs/s"));
        self.table.note_baselines(begin, end);
        self.raw = Some(rates);
        Ok(())
    }

    async fn selectors(&mut self) -> Result<Duration> {
        let start = self.start_of(fleet::NAMESPACES)?;
        let set = Set::of_selectors([start, start + SignedDuration::from_hours(1)]);
        let started = self.begin("20 selectors over all", &set, start).await?;
        let took = self.add_start("20 selectors over all", set.overrides.len(), &started, start)?;
        let requests = Requests::from_now(&self.site.world)?;
        set.delete(&self.site.admin).await?;
        requests.all_patched(self.size.hpas(), TWO, self.limit()?).await?;
        fleet::verify(&self.site.admin, Expected::Restored).await?;
        self.site.rest(self.limit()?).await?;
        Ok(took)
    }

    /// Everything that needs an override on each HPA; the selectors have shown how long it takes.
    async fn one_each(&mut self, took: Duration) -> Result<()> {
        let count = self.size.hpas();
        let start = self.start_of(count)?;
        let end = start + SignedDuration::try_from(self.hold(took))?;
        let set = Set::of_each(count, [start, end]);
        let started = self.begin("one override each", &set, start).await?;
        self.add_start("one override each", count, &started, start)?;
        let mut memory = 0.0;
        if !self.is_merged {
            self.reached(&started).await?;
            self.steady().await?;
            memory = self.memory()?;
            self.restart().await?;
        }
        let ended = self.end(end).await?;
        self.add_end(&ended, end)?;
        let memory = self.memory()?.max(memory);
        let row = Row::value("resident memory, highest".into(), String::new(), (memory, " MB"), Budget::AtMost(120.0));
        self.table.add(row);
        fleet::verify(&self.site.admin, Expected::Restored).await
    }

    /// Convergence and statuses of so many overrides. Returns how long it took from the start to the last patch.
    fn add_start(&mut self, what: &str, count: usize, started: &Started, start: Timestamp) -> Result<Duration> {
        let (hpas, raw) = (self.size.hpas(), self.raw()?.begin);
        let took = seconds(start, started.patched.last);
        let rate = per_second(hpas, took);
        let texts = [format!("{rate:.0} HPAs/s"), format!("{raw:.0} HPAs/s")];
        self.table.add(Row::ratio(format!("{what}: begin"), texts, rate / raw, OF_RAW));
        self.add_patches(format!("{what}: patches for an HPA"), started.patched.patches);
        let late = seconds(started.patched.last, started.statuses).max(0.0);
        let texts = [format!("{} s", number(late)), format!("{} s", number(took))];
        self.table.add(Row::ratio(format!("{what}: statuses after that"), texts, late / took, Budget::AtMost(1.5)));
        let writes = float(started.status_writes) / float(count);
        let what = format!("{what}: status writes for an override");
        self.table.add(Row::value(what, String::new(), (writes, ""), Budget::None));
        Ok(Duration::try_from_secs_f64(took)?)
    }

    fn add_patches(&mut self, what: String, patches: usize) {
        let allowed = if self.is_merged && !what.contains("end") { 1.0 } else { 2.0 };
        let each = float(patches) / float(self.size.hpas());
        self.table.add(Row::value(what, String::new(), (each, ""), Budget::AtMost(allowed)));
    }

    fn add_end(&mut self, ended: &Ended, end: Timestamp) -> Result<()> {
        let (hpas, raw) = (self.size.hpas(), self.raw()?.end);
        let first = seconds(end, ended.patched.first) * 1000.0;
        let what = format!("{hpas} ends at one second: first late by");
        self.table.add(Row::value(what, String::new(), (first, " ms"), Budget::AtMost(50.0)));
        let (bounds, last) = (seconds(end, ended.patched.last_bounds), seconds(end, ended.patched.last));
        let (expected, rate) = (float(hpas) / raw, per_second(hpas, last));
        let texts = [format!("{} s (bounds {} s)", number(last), number(bounds)), format!("{} s", number(expected))];
        self.table.add(Row::ratio(format!("{hpas} ends at one second: last, rate"), texts, rate / raw, OF_RAW));
        self.add_patches("ends: patches for an HPA".into(), ended.patched.patches);
        Ok(())
    }

    fn memory(&self) -> Result<f64> {
        usage::highest_memory(self.site.process()?)
    }

    pub(crate) fn raw(&self) -> Result<Rates> {
        self.raw.context("the bare client was not measured")
    }

    /// How long the bare client needs to begin one override on every HPA.
    fn raw_time(&self) -> Result<f64> {
        Ok(float(self.size.hpas()) / self.raw()?.begin)
    }

    /// How long to wait for anything.
    pub(crate) fn limit(&self) -> Result<Duration> {
        let seconds = 60.0 + 20.0 * self.raw_time()?;
        Ok(Duration::try_from_secs_f64(seconds)? * self.size.patience)
    }

    /// When so many overrides begin: late enough for all of them to be there, and known to the controller.
    fn start_of(&self, overrides: usize) -> Result<Timestamp> {
        let seconds = 4.0 + 2.0 * float(overrides) / self.raw()?.begin;
        let lead = Duration::try_from_secs_f64(seconds)? * self.size.patience;
        Ok(Timestamp::from_second((Timestamp::now() + SignedDuration::try_from(lead)?).as_second())?)
    }

    /// How long the overrides of each HPA are active: long enough for all that is measured meanwhile.
    fn hold(&self, took: Duration) -> Duration {
        let meanwhile = if self.is_merged { Duration::ZERO } else { self.steady_time() };
        let seconds = (took * 3 + Duration::from_secs(10) + meanwhile).as_secs();
        Duration::from_secs(seconds) * self.size.patience
    }
}
