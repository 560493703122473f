//! Gathers what a plan is made of, from the watches, and confirms it by a consistent read where that matters.

use std::{sync::Arc, time::Duration};

use hpa_override_core::{HpaPlan, Instant, Override as Reading, plan_hpa};
use kube::api::ListParams;
use tokio::sync::Mutex;

use crate::{
    apply::within_time,
    authorize::answer,
    context::{Context, Moment},
    error::Error,
    object::{Hpa, Override, OverrideKind},
};

/// How old a consistent read may be.
const FRESH: Duration = Duration::from_secs(5);

/// The last consistent read of all overrides, so that many ends at one instant cost one.
#[derive(Debug, Default)]
pub struct Confirmation(Mutex<Option<(Moment, Vec<Arc<Override>>)>>);

/// Everything about one HPA.
pub struct Situation {
    /// The HPA, as fresh as it is known.
    pub hpa: Arc<Hpa>,
    /// The overrides that target it.
    pub overrides: Vec<Reading>,
    /// The record to take as still there where it has vanished.
    pub remembered: Option<String>,
}

/// A plan, and how long the answers hold by which somebody is kept from starting.
pub struct Planned {
    /// The plan.
    pub plan: HpaPlan,
    /// How soon to plan again because of them.
    pub look_again: Option<Duration>,
}

/// Every override as watched, read once, also where it is asked of many HPAs.
pub fn all_overrides(context: &Context, now: Instant) -> Vec<Reading> {
    read(&context.overrides.state(), now)
}

impl Situation {
    /// From what is watched; `overrides` are all that there are.
    pub fn of(context: &Context, watched: Arc<Hpa>, overrides: &[Reading]) -> Self {
        let hpa = context.memory.freshest(watched);
        let overrides = targeting(overrides, &hpa);
        let remembered = context.memory.record(&hpa);
        Self { hpa, overrides, remembered }
    }

    /// The same with the overrides as the API server has them, not older than five seconds.
    ///
    /// # Errors
    /// When they cannot be read: then nothing is known, and nothing may be written.
    pub async fn confirmed(self, context: &Context, moment: Moment) -> Result<Self, Error> {
        let confirmed = context.confirmation.latest(context, moment).await?;
        let latest = later_of(context.overrides.state(), &confirmed);
        let overrides = targeting(&read(&latest, moment.instant()), &self.hpa);
        Ok(Self { overrides, ..self })
    }

    /// What is to be done. Where the plan asks, by the answers that are known; those that are not are being asked for.
    pub fn plan(&mut self, context: &Context, moment: Moment) -> Planned {
        let plan = self.by_what_is_known(context, moment);
        if plan.questions.is_empty() {
            return Planned { plan, look_again: None };
        }
        let look_again = answer(&plan.questions, &mut self.overrides, context, moment);
        Planned { plan: self.by_what_is_known(context, moment), look_again }
    }

    fn by_what_is_known(&self, context: &Context, moment: Moment) -> HpaPlan {
        let remembered = self.remembered.as_deref();
        plan_hpa(self.hpa.json(), &self.overrides, &context.settings, moment.instant(), remembered)
    }
}

impl Confirmation {
    async fn latest(&self, context: &Context, moment: Moment) -> Result<Vec<Arc<Override>>, Error> {
        let mut last = self.0.lock().await;
        if let Some((at, overrides)) = last.as_ref()
            && moment.since(*at) < FRESH
        {
            return Ok(overrides.clone());
        }
        let params = ListParams::default();
        let answer = within_time(context.served::<OverrideKind>().list(&params)).await.map_err(Error::Confirm)?;
        let overrides: Vec<_> = answer.items.into_iter().map(Arc::new).collect();
        *last = Some((moment, overrides.clone()));
        Ok(overrides)
    }
}

fn read(overrides: &[Arc<Override>], now: Instant) -> Vec<Reading> {
    overrides.iter().map(|ovr| Reading::read(ovr.json(), now)).collect()
}

fn targeting(overrides: &[Reading], hpa: &Hpa) -> Vec<Reading> {
    overrides.iter().filter(|ovr| ovr.targets(hpa.json())).cloned().collect()
}

/// The watch may be ahead of the read (an override made since) or behind it (the extension that must not be missed).
fn later_of(mut watched: Vec<Arc<Override>>, read: &[Arc<Override>]) -> Vec<Arc<Override>> {
    for ovr in read {
        match watched.iter_mut().find(|known| known.uid() == ovr.uid()) {
            Some(known) if ovr.is_later_than(known) => *known = ovr.clone(),
            Some(_) => {}
            None => watched.push(ovr.clone()),
        }
    }
    watched
}
