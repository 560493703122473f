//! Gathers what a plan is made of, from the watches, and confirms it by a consistent read where that matters.

use std::{sync::Arc, time::Duration};

use hpa_override_core::{HpaPlan, Instant, Override as Reading, plan_hpa};
use kube::api::ListParams;
use tokio::{sync::Mutex, time};

use crate::{
    apply::within_time,
    context::Context,
    error::Error,
    object::{Hpa, Override, OverrideKind},
};

/// How old a consistent read may be.
const FRESH: Duration = Duration::from_secs(5);

/// The last consistent read of all overrides, so that many ends at one instant cost one.
#[derive(Debug, Default)]
pub struct Confirmation(Mutex<Option<(time::Instant, Vec<Arc<Override>>)>>);

/// Everything about one HPA.
pub struct Situation {
    /// The HPA, as fresh as it is known.
    pub hpa: Arc<Hpa>,
    /// The overrides that target it.
    pub overrides: Vec<Reading>,
    /// The record to take as still there where it has vanished.
    pub remembered: Option<String>,
}

impl Situation {
    /// From what is watched.
    pub fn of(context: &Context, watched: Arc<Hpa>, now: Instant) -> Self {
        let hpa = context.memory.freshest(watched);
        let overrides = targeting(&context.overrides.state(), &hpa, now);
        let remembered = context.memory.record(&hpa);
        Self { hpa, overrides, remembered }
    }

    /// The same with the overrides as the API server has them, not older than five seconds.
    ///
    /// # Errors
    /// When they cannot be read: then nothing is known, and nothing may be written.
    pub async fn confirmed(self, context: &Context, now: Instant) -> Result<Self, Error> {
        let confirmed = context.confirmation.latest(context).await?;
        let watched = context.overrides.state();
        let overrides = targeting(&later_of(watched, &confirmed), &self.hpa, now);
        Ok(Self { overrides, ..self })
    }

    /// What is to be done.
    pub fn plan(&self, context: &Context, now: Instant) -> HpaPlan {
        plan_hpa(self.hpa.json(), &self.overrides, &context.settings, now, self.remembered.as_deref())
    }
}

impl Confirmation {
    async fn latest(&self, context: &Context) -> Result<Vec<Arc<Override>>, Error> {
        let mut last = self.0.lock().await;
        if let Some((at, overrides)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return Ok(overrides.clone());
        }
        let began = time::Instant::now();
        let params = ListParams::default();
        let list = within_time(context.served::<OverrideKind>().list(&params)).await.map_err(Error::Confirm)?;
        let overrides: Vec<_> = list.items.into_iter().map(Arc::new).collect();
        *last = Some((began, overrides.clone()));
        Ok(overrides)
    }
}

fn targeting(overrides: &[Arc<Override>], hpa: &Hpa, now: Instant) -> Vec<Reading> {
    let readings = overrides.iter().map(|ovr| Reading::read(ovr.json(), now));
    readings.filter(|ovr| ovr.targets(hpa.namespace(), hpa.name())).collect()
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
