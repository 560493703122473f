//! The steady state: nothing is due, and the HPA controller writes statuses as it always does.

use std::time::{Duration, Instant};

use anyhow::Result;
use hpa_override_testbed::say;
use tokio::time::sleep;

use super::course::Course;
use super::load::Load;
use super::phases::Started;
use super::profile::Profile;
use super::raw::per_second;
use super::requests::Requests;
use super::table::{Budget, Row, float, number};

/// How often the controller reads scale targets, in a second.
const READS: usize = 50;
/// Looks at the processor time; how far they are apart is shown.
const LOOKS: u32 = 3;
/// For the flow to become even.
const WARM_UP: Duration = Duration::from_secs(2);
/// The most of a core that the controller may use, with as many updates in a second as 10,000 HPAs have.
const SHARE: f64 = 0.10;
const RATE: f64 = 670.0;

impl Course<'_> {
    /// How long [`reached`](Self::reached), [`steady`](Self::steady) and [`restart`](Self::restart) take, generously.
    pub(crate) fn steady_time(&self) -> Duration {
        self.reached_time() + WARM_UP + self.look() * (LOOKS + 1) + Duration::from_secs(20)
    }

    /// Every scale target is read within 5 s of its turn; one more round for those that came too early.
    fn reached_time(&self) -> Duration {
        Duration::from_secs((self.size.hpas() / READS * 5 / 4 + 12) as u64)
    }

    fn look(&self) -> Duration {
        Duration::from_secs(if self.size.short { 3 } else { 10 })
    }

    /// Waits until every override has reached its replicas, so that no scale target is read any more.
    pub(crate) async fn reached(&mut self, started: &Started) -> Result<()> {
        let outcome = started.watch.all_reached(self.size.hpas(), self.reached_time() * self.size.patience).await;
        if let Err(error) = outcome {
            say(&format!("bench: steady state is measured although not all is reached: {error:#}"));
        }
        Ok(())
    }

    /// Processor time and requests, with HPA status updates flowing and without.
    pub(crate) async fn steady(&mut self) -> Result<()> {
        let idle = self.share().await?;
        let load = Load::start(&self.site.admin, self.size.hpas());
        sleep(WARM_UP).await;
        let profile = Profile::start(self.size.profile.as_deref(), "steady", self.site.process()?)?;
        let requests = Requests::from_now(&self.site.world)?;
        let (begin, before) = (Instant::now(), load.written());
        let mut shares = Vec::new();
        for _ in 0..LOOKS {
            shares.push(self.share().await?);
        }
        let rate = per_second(load.written() - before, begin.elapsed().as_secs_f64());
        profile.finish()?;
        drop(load);
        let count = requests.count_but_events()?;
        say(&format!("bench: steady state: requests: {}", requests.summary()?));
        self.add_steady(idle, &shares, rate, count);
        Ok(())
    }

    fn add_steady(&mut self, idle: f64, shares: &[f64], rate: f64, requests: usize) {
        let share = shares.iter().sum::<f64>() / f64::from(LOOKS);
        let looks: Vec<_> = shares.iter().map(|share| number(*share)).collect();
        say(&format!("bench: steady state: {} of a core with {rate:.0} HPA status updates/s", looks.join(", ")));
        let baseline = format!("{} without updates", number(idle));
        let what = format!("{rate:.0} HPA status updates/s: share of a core");
        self.table.add(Row::value(what, baseline, (share, ""), Budget::AtMost(SHARE)));
        let each = (share - idle).max(0.0) / rate * 1e6;
        let what = format!("{rate:.0} HPA status updates/s: CPU for each");
        self.table.add(Row::value(what, String::new(), (each, " µs"), Budget::AtMost(SHARE / RATE * 1e6)));
        let what = format!("{rate:.0} HPA status updates/s: requests");
        self.table.add(Row::value(what, String::new(), (float(requests), ""), Budget::AtMost(0.0)));
    }

    /// The share of a core that the controller uses, over one look.
    async fn share(&self) -> Result<f64> {
        let (begin, before) = (Instant::now(), self.site.cpu_time()?);
        sleep(self.look()).await;
        let used = self.site.cpu_time()?.saturating_sub(before);
        Ok(used.as_secs_f64() / begin.elapsed().as_secs_f64())
    }
}
