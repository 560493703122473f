//! Gathers what a plan is made from, and confirms it by a consistent read before a timed end.

use std::{sync::Arc, time::Duration};

use hpa_override_core::{Instant, MayPatch, ParsedOverride};
use hpa_override_plan::{HpaPlan, plan_hpa, targets};
use kube::api::ListParams;
use tokio::sync::Mutex;

use crate::{
    access_review::known_answers,
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
    /// The latest known version of the HPA.
    pub hpa: Arc<Hpa>,
    /// The overrides that target it.
    pub overrides: Vec<ParsedOverride>,
    /// The last record seen: the plan uses it where the record has vanished.
    pub remembered: Option<String>,
}

/// A plan, and how long the answers hold that block an override in it.
pub struct Planned {
    /// The plan.
    pub plan: HpaPlan,
    /// How soon to plan again because of them.
    pub plan_again_in: Option<Duration>,
}

/// Every watched override, parsed.
pub fn all_overrides(context: &Context, now: Instant) -> Vec<ParsedOverride> {
    parse_all(&context.overrides.state(), now)
}

impl Situation {
    /// Gathers what concerns one HPA; `overrides` are all that there are.
    pub fn gather(context: &Context, watched: Arc<Hpa>, overrides: &[ParsedOverride]) -> Self {
        let hpa = context.known_hpas.freshest(watched);
        let overrides = targeting(overrides, &hpa);
        let remembered = context.known_hpas.record(&hpa);
        Self { hpa, overrides, remembered }
    }

    /// The same with the overrides as the API server has them, not older than five seconds.
    ///
    /// # Errors
    /// When they cannot be read: then nothing may be written.
    pub async fn confirmed(self, context: &Context, moment: Moment) -> Result<Self, Error> {
        let confirmed = context.confirmation.latest(context, moment).await?;
        let latest = later_of(context.overrides.state(), &confirmed);
        let overrides = targeting(&parse_all(&latest, moment.instant()), &self.hpa);
        Ok(Self { overrides, ..self })
    }

    /// Plans for the HPA. The first plan lists the questions to be answered; where there are any, the second is made with
    /// the answers known, and the others are being asked.
    pub fn plan(&self, context: &Context, moment: Moment) -> Planned {
        let plan = self.plan_with(context, moment, &|_| MayPatch::NotAsked);
        if plan.questions.is_empty() {
            return Planned { plan, plan_again_in: None };
        }
        let known = known_answers(&plan.questions, context, moment);
        let plan = self.plan_with(context, moment, &|ovr| known.may_patch(ovr, &context.settings));
        Planned { plan, plan_again_in: known.plan_again_in }
    }

    fn plan_with(&self, context: &Context, moment: Moment, may_patch: &dyn Fn(&ParsedOverride) -> MayPatch) -> HpaPlan {
        let (hpa, remembered) = (self.hpa.json(), self.remembered.as_deref());
        plan_hpa(hpa, &self.overrides, &context.settings, may_patch, moment.instant(), remembered)
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

fn parse_all(overrides: &[Arc<Override>], now: Instant) -> Vec<ParsedOverride> {
    overrides.iter().map(|ovr| ParsedOverride::parse(ovr.json(), now)).collect()
}

fn targeting(overrides: &[ParsedOverride], hpa: &Hpa) -> Vec<ParsedOverride> {
    overrides.iter().filter(|ovr| targets(ovr, hpa.json())).cloned().collect()
}

/// The watch may be ahead of the list (an override created since) or behind it (an extension, which must not be missed).
fn later_of(mut watched: Vec<Arc<Override>>, listed: &[Arc<Override>]) -> Vec<Arc<Override>> {
    for ovr in listed {
        match watched.iter_mut().find(|known| known.uid() == ovr.uid()) {
            Some(known) if ovr.is_later_than(known) => *known = ovr.clone(),
            Some(_) => {}
            None => watched.push(ovr.clone()),
        }
    }
    watched
}
