//! A start of the controller on a cluster where everything is applied: how long until it has planned everything.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hpa_override_testbed::{say, wait_for};
use jiff::Timestamp;

use super::api::{self, Kind};
use super::course::Course;
use super::site::seconds;
use super::table::{Budget, Row, number};

/// What the controller logs, at `info`, once it has planned everything after its first lists.
const PLANNED: &str = "planned all";
/// For that line; a controller that does not log it has no row that is held.
const LIMIT: Duration = Duration::from_secs(15);

impl Course<'_> {
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.site.world.stop_controller()?;
        let lists = self.lists().await?.min(self.lists().await?);
        let (logged, begin) = (self.site.log()?.len(), Timestamp::now());
        self.site.world.start_controller()?;
        let limit = LIMIT * self.size.patience;
        let planned = wait_for("the controller to have planned all", limit, async || self.planned(logged)).await;
        let beyond = match planned {
            Ok(planned) => seconds(begin, planned) - lists,
            Err(error) => {
                say(&format!("bench: start: {error:#}"));
                f64::NAN
            }
        };
        let (what, baseline) = ("start to all planned, beyond the lists", format!("{} s, the lists", number(lists)));
        self.table.add(Row::value(what.into(), baseline, (beyond, " s"), Budget::AtMost(1.0)));
        Ok(())
    }

    /// Seconds that the bare client needs for both lists, at once.
    async fn lists(&self) -> Result<f64> {
        let begin = Instant::now();
        let client = &self.site.controller;
        tokio::try_join!(api::pages(client, Kind::Hpa), api::pages(client, Kind::Override))?;
        Ok(begin.elapsed().as_secs_f64())
    }

    /// When the controller logged that it had, by its own clock, in what it logged after so many bytes.
    fn planned(&self, logged: usize) -> Result<Timestamp> {
        let log = self.site.log()?;
        let new = log.get(logged..).unwrap_or_default();
        let line = new.lines().find(|line| line.contains(PLANNED));
        let line = line.with_context(|| format!("{} lines without `{PLANNED}`", new.lines().count()))?;
        let time = line.split_whitespace().find_map(|word| word.parse().ok());
        time.with_context(|| format!("no time in `{line}`"))
    }
}
