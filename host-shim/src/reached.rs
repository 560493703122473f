//! Reads the scale targets of overrides that have not reached their bounds yet: how many replicas there are, and how many of
//! them are ready. What that means, what is to be read and how often is decided by `hpa-override-plan`.
//!
//! ```text
//!   a status plan ──► want ──► Readings ──► serve: one GET at a time, paced ──► Readings ──► the status loop plans again
//! ```
//! No loop waits for a reading. A plan is made again only where a reading compares otherwise with the bounds than the one
//! before it.

mod read;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use hpa_override_core::Bounds;
use hpa_override_plan::{
    Comparison, ReachedPlan, ReachedSoFar, ScaleReading, ScaleTarget, pause_between_reads, read_again_after,
};
use kube::runtime::reflector::ObjectRef;
use serde_json::Value;
use tokio::{sync::Notify, time::Instant};

use self::read::{Kinds, read};
use crate::{
    context::{Context, Moment},
    object::{Hpa, Override},
};

/// Reads that may be under way at once: one that the API server does not answer must not stop the others.
const CONCURRENCY: usize = 8;

/// The scale targets to be read, what was read, and what overrides have reached.
#[derive(Debug, Default)]
pub struct Readings {
    state: Mutex<State>,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By the uid of the HPA.
    targets: HashMap<String, Wanted>,
    /// What each override wants to know, by the uid of the override.
    overrides: HashMap<String, Wants>,
    /// The targets that are not being read, by when they are to be.
    due: BTreeSet<(Instant, String)>,
    /// When the next read may begin, of whatever target.
    free: Option<Instant>,
}

/// What an override has reached, and the HPAs whose scale targets it wants to be read.
#[derive(Debug, Default)]
struct Wants {
    so_far: ReachedSoFar,
    hpas: BTreeSet<String>,
}

#[derive(Debug)]
struct Wanted {
    target: ScaleTarget,
    bounds: Bounds,
    /// What the HPA asked for when it was last wanted.
    asked: Asked,
    reading: Option<ScaleReading>,
    /// How often in a row the same was read.
    unchanged: u32,
    /// When it is to be read; none while it is being read.
    due: Option<Instant>,
    /// The overrides whose status is planned again, by their uid.
    overrides: BTreeMap<String, ObjectRef<Override>>,
}

/// `currentReplicas` and `desiredReplicas` of the HPA.
type Asked = [Option<i64>; 2];

/// A scale target that is to be read now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Due {
    hpa: String,
    target: ScaleTarget,
    bounds: Bounds,
}

impl Readings {
    /// What was last read of what `hpa` scales, and for which bounds.
    pub fn reading(&self, hpa: &Hpa) -> Option<(ScaleReading, Bounds)> {
        self.state().targets.get(hpa.uid()).and_then(|target| Some((target.reading.clone()?, target.bounds)))
    }

    /// What an override has reached so far; none where that is not known.
    pub fn so_far(&self, ovr: &Override) -> Option<ReachedSoFar> {
        self.state().overrides.get(ovr.uid()).map(|wants| wants.so_far.clone())
    }

    /// Remembers what an override has reached, and reads from now on what it wants and nothing else for it.
    pub fn want(&self, ovr: &Override, plan: ReachedPlan, targets: &[Arc<Hpa>], now: Instant) {
        let mut state = self.state();
        let wanted: Vec<_> = targets.iter().filter_map(|hpa| Some((hpa, *plan.read.get(hpa.name())?))).collect();
        let hpas = wanted.iter().map(|(hpa, _)| hpa.uid().to_owned()).collect();
        let before = state.overrides.insert(ovr.uid().into(), Wants { so_far: plan.so_far, hpas });
        let before = before.map(|wants| wants.hpas).unwrap_or_default();
        for (hpa, bounds) in &wanted {
            state.want(hpa, *bounds, ovr, now);
        }
        let kept: BTreeSet<_> = wanted.iter().map(|(hpa, _)| hpa.uid()).collect();
        for hpa in before.iter().filter(|hpa| !kept.contains(hpa.as_str())) {
            state.leave(hpa, ovr.uid());
        }
        drop(state);
        self.wanted.notify_one();
    }

    /// Forgets a deleted override.
    pub fn forget(&self, ovr: &Override) {
        self.state().forget(ovr.uid());
    }

    /// Forgets every override but these: after a fresh list, which shows deletions only by what it lacks.
    pub fn keep_only(&self, overrides: &[Arc<Override>]) {
        let kept: BTreeSet<_> = overrides.iter().map(|ovr| ovr.uid()).collect();
        let mut state = self.state();
        let gone: Vec<_> = state.overrides.keys().filter(|uid| !kept.contains(uid.as_str())).cloned().collect();
        for uid in gone {
            state.forget(&uid);
        }
    }

    /// The next target that is to be read now; else how long to wait for one, without end where none is wanted.
    fn take_due(&self, now: Instant) -> Result<Due, Option<Duration>> {
        self.state().take_due(now)
    }

    /// Notes what was read. Where the read failed, what was read before holds; why it failed counts where nothing was. The
    /// overrides whose status is to be planned again.
    fn note(&self, read: &Due, reading: Result<ScaleReading, String>, now: Instant) -> Vec<ObjectRef<Override>> {
        self.state().note(read, reading, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Other bounds, and another target, are read at once; where the HPA asks for something else, soon.
    fn want(&mut self, hpa: &Hpa, bounds: Bounds, ovr: &Override, now: Instant) {
        let Some(target) = ScaleTarget::from_hpa(hpa.json()) else { return };
        let (uid, asked) = (hpa.uid().to_owned(), asked(hpa.json()));
        let known = self.remove(&uid).filter(|known| known.target == target && known.bounds == bounds);
        let mut known = known.unwrap_or_else(|| Wanted::new(target, bounds, asked, now));
        if known.asked != asked {
            (known.asked, known.unchanged) = (asked, 0);
            known.due = known.due.map(|due| due.min(now + read_again_after(0)));
        }
        known.overrides.insert(ovr.uid().into(), ovr.key());
        self.due.extend(known.due.map(|due| (due, uid.clone())));
        self.targets.insert(uid, known);
    }

    fn forget(&mut self, ovr: &str) {
        let wants = self.overrides.remove(ovr).unwrap_or_default();
        for hpa in wants.hpas {
            self.leave(&hpa, ovr);
        }
    }

    /// An override does not want to know any more of what an HPA scales.
    fn leave(&mut self, hpa: &str, ovr: &str) {
        let Some(target) = self.targets.get_mut(hpa) else { return };
        target.overrides.remove(ovr);
        if target.overrides.is_empty() {
            self.remove(hpa);
        }
    }

    fn remove(&mut self, hpa: &str) -> Option<Wanted> {
        let target = self.targets.remove(hpa)?;
        if let Some(due) = target.due {
            self.due.remove(&(due, hpa.to_owned()));
        }
        Some(target)
    }

    fn take_due(&mut self, now: Instant) -> Result<Due, Option<Duration>> {
        let Some((due, _)) = self.due.first() else { return Err(None) };
        let next = self.free.map_or(*due, |free| free.max(*due));
        if next > now {
            return Err(Some(next.duration_since(now)));
        }
        self.free = Some(now + pause_between_reads());
        let Some((_, hpa)) = self.due.pop_first() else { return Err(None) };
        let Some(target) = self.targets.get_mut(&hpa) else { return Err(Some(Duration::ZERO)) };
        target.due = None;
        Ok(Due { target: target.target.clone(), bounds: target.bounds, hpa })
    }

    fn note(&mut self, read: &Due, reading: Result<ScaleReading, String>, now: Instant) -> Vec<ObjectRef<Override>> {
        // It may have been wanted for other bounds meanwhile: then it is due already.
        let is_same = |target: &&mut Wanted| target.bounds == read.bounds && target.target == read.target;
        let Some(target) = self.targets.get_mut(&read.hpa).filter(is_same) else { return Vec::new() };
        let is_news = target.note(reading);
        let due = now + read_again_after(target.unchanged);
        // It may have been wanted anew while it was read.
        if let Some(other) = target.due.replace(due) {
            self.due.remove(&(other, read.hpa.clone()));
        }
        self.due.insert((due, read.hpa.clone()));
        if is_news { target.overrides.values().cloned().collect() } else { Vec::new() }
    }
}

impl Wanted {
    /// To be read at once.
    fn new(target: ScaleTarget, bounds: Bounds, asked: Asked, now: Instant) -> Self {
        let (due, overrides) = (Some(now), BTreeMap::new());
        Self { target, bounds, asked, reading: None, unchanged: 0, due, overrides }
    }

    /// Whether the status may have something else to say.
    fn note(&mut self, reading: Result<ScaleReading, String>) -> bool {
        let reading = match reading {
            Ok(reading) => Some(reading),
            Err(why) => Some(ScaleReading::Unreadable(why)).filter(|_| self.reading.is_none()),
        };
        let is_same = reading.is_none() || reading == self.reading;
        self.unchanged = if is_same { self.unchanged.saturating_add(1) } else { 0 };
        let is_news = !is_same && self.said(reading.as_ref()) != self.said(self.reading.as_ref());
        self.reading = reading.or_else(|| self.reading.take());
        is_news
    }

    /// What the status says of a reading, but for numbers.
    fn said<'a>(&self, reading: Option<&'a ScaleReading>) -> Said<'a> {
        match reading {
            None => Said::Nothing,
            Some(unreadable @ (ScaleReading::NotFound | ScaleReading::Unreadable(_))) => Said::Why(unreadable),
            Some(reading) => match reading.compared(self.bounds) {
                Comparison::Within => Said::Within,
                Comparison::Missing(_) => Said::Missing,
                Comparison::Above(_) => Said::Above,
                Comparison::Unreadable => Said::Why(reading),
            },
        }
    }
}

#[derive(PartialEq)]
enum Said<'a> {
    Nothing,
    Within,
    Missing,
    Above,
    Why(&'a ScaleReading),
}

fn asked(hpa: &Value) -> Asked {
    ["currentReplicas", "desiredReplicas"].map(|key| hpa.get("status")?.get(key)?.as_i64())
}

/// Reads what is due, for ever; where that is news, the status loop plans again.
pub async fn serve(context: Arc<Context>) {
    let kinds = Kinds::default();
    stream::unfold((), |()| async { Some((next(&context.readings).await, ())) })
        .for_each_concurrent(CONCURRENCY, |due| {
            let (context, kinds) = (&context, &kinds);
            async move {
                let reading = read(&context.client, &due.target, kinds).await;
                for ovr in context.readings.note(&due, reading, Moment::now().steady()) {
                    // A closed queue means that the controller is stopping.
                    let _stopping = context.status_queue.send(ovr);
                }
                context.readings.wanted.notify_one();
            }
        })
        .await;
}

/// The next target that is due, once it is.
async fn next(readings: &Readings) -> Due {
    loop {
        match readings.take_due(Moment::now().steady()) {
            Ok(due) => return due,
            Err(None) => readings.wanted.notified().await,
            Err(Some(wait)) => {
                tokio::select! {
                    () = readings.wanted.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
