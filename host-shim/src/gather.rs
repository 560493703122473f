//! Gathers what a plan is made of, from the watches, and confirms it by a consistent read where that matters.

use std::{sync::Arc, time::Duration};

use hpa_override_core::{HpaPlan, Instant, MayPatch, Override as Reading, Question, plan_hpa};
use kube::api::ListParams;
use tokio::sync::Mutex;

use crate::{
    apply::within_time,
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

/// A plan, and when an answer that it rests on has to be asked for again.
pub struct Planned {
    /// The plan.
    pub plan: HpaPlan,
    /// How long the answers hold by which somebody is kept from starting.
    pub ask_again: Option<Duration>,
}

/// Answers a question for the overrides that it is about; how long the answer holds.
pub async fn answer(
    question: &Question,
    overrides: &mut [Reading],
    context: &Context,
    moment: Moment,
) -> Option<Duration> {
    let (may_patch, holds) = context.answers.to(question, &context.client, moment).await;
    for ovr in overrides {
        if Question::about(ovr, &context.settings).as_ref() == Some(question) {
            ovr.may_patch = may_patch;
        }
    }
    Some(holds).filter(|_| may_patch != MayPatch::Yes)
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

    /// What is to be done, once what the plan asks is answered.
    pub async fn plan(&mut self, context: &Context, moment: Moment) -> Planned {
        let plan = self.by_what_is_known(context, moment);
        let mut until = None;
        for question in &plan.questions {
            until = until.into_iter().chain(answer(question, &mut self.overrides, context, moment).await).min();
        }
        let plan = if plan.questions.is_empty() { plan } else { self.by_what_is_known(context, moment) };
        Planned { plan, ask_again: until }
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
