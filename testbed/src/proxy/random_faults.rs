//! What goes wrong between a client and an API server, at random: which fault a request meets, and how often each came.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Request, StatusCode};

/// What a request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It arrives that much later.
    Late(Duration),
    /// It does not arrive, and this is answered.
    Refused(StatusCode),
    /// It is done, and its answer is lost.
    Lost,
    /// Each piece of its answer comes that much later.
    Slow(Duration),
    /// It is a list of HPAs, and the answer is that of an earlier one.
    Stale,
    /// It is a watch, and this becomes of it after a time.
    Watch(WatchFault, Duration),
}

/// What becomes of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WatchFault {
    /// The connection is cut.
    Cut,
    /// It ends as if all had been sent, within an event.
    HalfAnEvent,
    /// The API server keeps its version no longer.
    Gone,
    /// In place of an event comes a `Status` of many lines.
    Remark,
    /// Nothing comes any more, not even its end.
    Stalled,
}

/// What a request is, as far as faults depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Watch,
    /// All HPAs: such a list may be an old one. Of overrides it must not be: by it they end.
    List,
    Read,
    Write,
}

impl Kind {
    fn of<B>(request: &Request<B>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        match *request.method() {
            Method::GET if query.contains("watch=") => Self::Watch,
            Method::GET if request.uri().path().ends_with("/horizontalpodautoscalers") => Self::List,
            Method::GET => Self::Read,
            _ => Self::Write,
        }
    }
}

/// Faults, from a seed: the same for the same requests in the same order. There are none until they begin.
#[derive(Debug, Default)]
pub(super) struct RandomFaults(Mutex<Option<Faults>>);

#[derive(Debug)]
struct Faults {
    random: fastrand::Rng,
    counts: BTreeMap<String, u32>,
}

impl RandomFaults {
    /// Faults come from now on.
    pub(super) fn begin(&self, seed: u64) {
        *self.faults() = Some(Faults { random: fastrand::Rng::with_seed(seed), counts: BTreeMap::new() });
    }

    /// No more faults come. How many came, by name, and how many requests met none.
    pub(super) fn end(&self) -> BTreeMap<String, u32> {
        self.faults().take().map(|faults| faults.counts).unwrap_or_default()
    }

    /// What the next request is, and what it meets; none: no faults are asked for.
    pub(super) fn next<B>(&self, request: &Request<B>) -> Option<(Kind, Option<Fault>)> {
        let mut faults = self.faults();
        let (faults, kind) = (faults.as_mut()?, Kind::of(request));
        let fault = draw(&mut faults.random, kind);
        let name = fault.map_or_else(|| "none".to_owned(), Fault::name);
        *faults.counts.entry(name).or_default() += 1;
        Some((kind, fault))
    }

    fn faults(&self) -> MutexGuard<'_, Option<Faults>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn name(self) -> String {
        match self {
            Self::Late(_) => "late".into(),
            Self::Refused(status) => status.as_str().into(),
            Self::Lost => "answer lost".into(),
            Self::Slow(_) => "slow".into(),
            Self::Stale => "stale list".into(),
            Self::Watch(fault, _) => format!("watch: {fault:?}"),
        }
    }
}

/// Of ten requests three meet something; of watches all do, after some seconds.
fn draw(random: &mut fastrand::Rng, kind: Kind) -> Option<Fault> {
    let pause = Duration::from_millis(random.u64(20..600));
    if kind == Kind::Watch {
        let faults =
            [WatchFault::Cut, WatchFault::HalfAnEvent, WatchFault::Gone, WatchFault::Remark, WatchFault::Stalled];
        return match random.usize(..12) {
            n @ 0..5 => Some(Fault::Watch(*faults.get(n)?, 20 * pause)),
            5 => Some(Fault::Refused(StatusCode::TOO_MANY_REQUESTS)),
            6 => Some(Fault::Refused(StatusCode::UNAUTHORIZED)),
            7 => Some(Fault::Refused(StatusCode::SERVICE_UNAVAILABLE)),
            8 => Some(Fault::Slow(pause)),
            _ => Some(Fault::Watch(WatchFault::Gone, 20 * pause)),
        };
    }
    match random.usize(..40) {
        0..4 => Some(Fault::Late(pause)),
        4 => Some(Fault::Refused(StatusCode::TOO_MANY_REQUESTS)),
        5 => Some(Fault::Refused(StatusCode::INTERNAL_SERVER_ERROR)),
        6 => Some(Fault::Refused(StatusCode::SERVICE_UNAVAILABLE)),
        7 => Some(Fault::Refused(StatusCode::UNAUTHORIZED)),
        8 => Some(Fault::Slow(pause)),
        9..11 if kind == Kind::Write => Some(Fault::Lost),
        11 if kind == Kind::Write => Some(Fault::Refused(StatusCode::CONFLICT)),
        9..25 if kind == Kind::List => Some(Fault::Stale),
        25 if kind == Kind::List => Some(Fault::Refused(StatusCode::GONE)),
        _ => None,
    }
}
