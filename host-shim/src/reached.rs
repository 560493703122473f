//! Reads the scale targets of overrides that have not reached their bounds yet: how many replicas there are, and how many of
//! them are ready. What that means, what is to be read and how often is decided by `hpa-override-plan`.
//!
//! ```text
//!   a status plan ──► want ──► Readings ──► run: one GET at a time, paced ──► State ──► the status loop plans again
//! ```
//! No loop waits for a reading. A plan is made again only where a reading compares otherwise with the bounds than the one
//! before it.

mod read;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use hpa_override_core::Bounds;
use hpa_override_plan::{HpaView, ScaleReading, ScaleTarget, pause_between_reads, read_again_after};
use tokio::{sync::Notify, time::Instant};

use self::read::{Kinds, read};
use crate::{clock::Clock, object::Key, queues::Queues, request::Requests, state::State};

/// Reads that may be under way at once: one that the API server does not answer must not stop the others.
const CONCURRENCY: usize = 8;

/// The scale targets to be read, and what was read.
#[derive(Debug, Default)]
pub struct Readings {
    targets: Mutex<Targets>,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct Targets {
    by_hpa: HashMap<Key, Wanted>,
    /// The HPAs whose scale targets each override wants to be read.
    by_override: HashMap<Key, BTreeSet<Key>>,
    /// The targets that are not being read, by when they are to be.
    due: BTreeSet<(Instant, Key)>,
    /// When the next read may begin, of whatever target.
    free: Option<Instant>,
}

#[derive(Debug)]
struct Wanted {
    uid: String,
    target: ScaleTarget,
    bounds: Bounds,
    /// What the HPA asked for when it was last looked at.
    asked: Asked,
    reading: Option<ScaleReading>,
    /// How often in a row the same was read.
    unchanged: u32,
    /// When it is to be read; none while it is being read.
    due: Option<Instant>,
    /// The overrides that want to know.
    overrides: BTreeSet<Key>,
}

/// `currentReplicas` and `desiredReplicas` of the HPA.
type Asked = [Option<i64>; 2];

/// A scale target that is to be read now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Due {
    hpa: Key,
    target: ScaleTarget,
    bounds: Bounds,
}

/// What was read, and the overrides that want to know it.
#[derive(Debug, PartialEq, Eq)]
struct News {
    reading: ScaleReading,
    overrides: Vec<Key>,
}

impl Readings {
    /// Reads from now on what an override wants, and nothing else for it.
    pub fn want(&self, ovr: &Key, wanted: &[(Arc<HpaView>, Bounds)], now: Instant) {
        let mut targets = self.targets();
        let kept: BTreeSet<Key> = wanted.iter().map(|(hpa, _)| Key::from(hpa.id().clone())).collect();
        let before = if kept.is_empty() {
            targets.by_override.remove(ovr)
        } else {
            targets.by_override.insert(ovr.clone(), kept.clone())
        };
        for (hpa, bounds) in wanted {
            targets.want(hpa, *bounds, ovr, now);
        }
        for hpa in before.unwrap_or_default().difference(&kept) {
            targets.leave(hpa, ovr);
        }
        drop(targets);
        self.wanted.notify_one();
    }

    /// Forgets all that is wanted. What is being read then is of no use.
    pub fn clear(&self) {
        *self.targets() = Targets::default();
    }

    /// Forgets a deleted override.
    pub fn forget(&self, ovr: &Key) {
        self.targets().forget(ovr);
    }

    /// Takes another version of an HPA: where it asks for something else, its scale target is read soon.
    pub fn note_asked(&self, hpa: &HpaView, now: Instant) {
        let is_sooner = self.targets().note_asked(hpa, now);
        if is_sooner {
            self.wanted.notify_one();
        }
    }

    /// The next target that is to be read now; else how long to wait for one, without end where none is wanted.
    fn take_due(&self, now: Instant) -> Result<Due, Option<Duration>> {
        self.targets().take_due(now)
    }

    /// Notes what was read; none where it is of no use. Where the read failed, what was read before holds; why it failed counts
    /// where nothing was.
    fn note(&self, read: &Due, reading: Result<ScaleReading, String>, now: Instant) -> Option<News> {
        self.targets().note(read, reading, now)
    }

    fn targets(&self) -> MutexGuard<'_, Targets> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Targets {
    /// Other bounds, and another target, are read at once.
    fn want(&mut self, hpa: &HpaView, bounds: Bounds, ovr: &Key, now: Instant) {
        let Some(target) = hpa.scale_target() else { return };
        let key = Key::from(hpa.id().clone());
        let is_same = |known: &Wanted| known.uid == hpa.uid() && known.target == *target && known.bounds == bounds;
        let known = self.remove(&key).filter(is_same);
        let mut known = known.unwrap_or_else(|| Wanted::new(hpa, target.clone(), bounds, now));
        if known.overrides.insert(ovr.clone()) {
            (known.unchanged, known.due) = (0, known.due.map(|due| due.min(now)));
        }
        self.due.extend(known.due.map(|due| (due, key.clone())));
        self.by_hpa.insert(key, known);
    }

    fn note_asked(&mut self, hpa: &HpaView, now: Instant) -> bool {
        let Some((key, known)) =
            self.by_hpa.get_key_value(hpa.id()).filter(|(_, known)| known.asked != hpa.asked_for())
        else {
            return false;
        };
        let (key, due) = (key.clone(), known.due);
        let sooner = due.map(|due| due.min(now + read_again_after(0)));
        if let Some(known) = self.by_hpa.get_mut(&key) {
            (known.asked, known.unchanged, known.due) = (hpa.asked_for(), 0, sooner);
        }
        if let Some(due) = due {
            self.due.remove(&(due, key.clone()));
        }
        self.due.extend(sooner.map(|due| (due, key)));
        sooner != due
    }

    fn forget(&mut self, ovr: &Key) {
        for hpa in self.by_override.remove(ovr).unwrap_or_default() {
            self.leave(&hpa, ovr);
        }
    }

    /// An override does not want to know any more of what an HPA scales.
    fn leave(&mut self, hpa: &Key, ovr: &Key) {
        let Some(target) = self.by_hpa.get_mut(hpa) else { return };
        target.overrides.remove(ovr);
        if target.overrides.is_empty() {
            self.remove(hpa);
        }
    }

    fn remove(&mut self, hpa: &Key) -> Option<Wanted> {
        let target = self.by_hpa.remove(hpa)?;
        if let Some(due) = target.due {
            self.due.remove(&(due, hpa.clone()));
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
        let Some(target) = self.by_hpa.get_mut(&hpa) else { return Err(Some(Duration::ZERO)) };
        target.due = None;
        Ok(Due { target: target.target.clone(), bounds: target.bounds, hpa })
    }

    fn note(&mut self, read: &Due, reading: Result<ScaleReading, String>, now: Instant) -> Option<News> {
        // It may have been wanted for other bounds meanwhile: then it is due already.
        let is_same = |target: &&mut Wanted| target.bounds == read.bounds && target.target == read.target;
        let target = self.by_hpa.get_mut(&read.hpa).filter(is_same)?;
        let reading = target.note(reading);
        let due = now + read_again_after(target.unchanged);
        // It may have been wanted anew while it was read.
        if let Some(other) = target.due.replace(due) {
            self.due.remove(&(other, read.hpa.clone()));
        }
        self.due.insert((due, read.hpa.clone()));
        Some(News { reading: reading?, overrides: target.overrides.iter().cloned().collect() })
    }
}

impl Wanted {
    /// To be read at once.
    fn new(hpa: &HpaView, target: ScaleTarget, bounds: Bounds, now: Instant) -> Self {
        let (uid, asked, due, overrides) = (hpa.uid().into(), hpa.asked_for(), Some(now), BTreeSet::new());
        Self { uid, target, bounds, asked, reading: None, unchanged: 0, due, overrides }
    }

    /// What counts from now on. It is handed on also where it is as before: an override may have begun to want it since.
    fn note(&mut self, reading: Result<ScaleReading, String>) -> Option<ScaleReading> {
        let reading = match reading {
            Ok(reading) => Some(reading),
            Err(why) => Some(ScaleReading::Unreadable(why)).filter(|_| self.reading.is_none()),
        };
        let is_same = reading.is_none() || reading == self.reading;
        self.unchanged = if is_same { self.unchanged.saturating_add(1) } else { 0 };
        self.reading = reading.or_else(|| self.reading.take());
        self.reading.clone()
    }
}

/// What the reads work with.
#[derive(Clone)]
pub struct Deps {
    pub clock: Clock,
    pub state: Arc<State>,
    pub queues: Queues,
    pub readings: Arc<Readings>,
    pub requests: Requests,
}

/// Reads what is due, for ever; where that is news, the status loop plans again.
pub async fn run(deps: Deps) {
    let kinds = Kinds::default();
    stream::unfold((), |()| async { Some((next(&deps).await, ())) })
        .for_each_concurrent(CONCURRENCY, |due| {
            let (deps, kinds) = (&deps, &kinds);
            async move {
                let reading = read(&deps.requests, &due.target, kinds).await;
                note(deps, &due, reading);
            }
        })
        .await;
}

fn note(deps: &Deps, due: &Due, reading: Result<ScaleReading, String>) {
    let news = deps.readings.note(due, reading, deps.clock.now().steady());
    if let Some(News { reading, overrides }) = news {
        deps.queues.notify(deps.state.note_reading(&due.hpa, &reading, due.bounds, &overrides));
    }
    deps.readings.wanted.notify_one();
}

/// The next target that is due, once it is.
async fn next(deps: &Deps) -> Due {
    loop {
        match deps.readings.take_due(deps.clock.now().steady()) {
            Ok(due) => return due,
            Err(None) => deps.readings.wanted.notified().await,
            Err(Some(wait)) => {
                tokio::select! {
                    () = deps.readings.wanted.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
