//! Where an override is in time at an instant, and when that changes: one window, or the occurrences of a schedule.

use hpa_override_core::{
    Duration, Field, Instant, Layer, ParsedOverride, Recurrence, Settings,
    rules::window::{EndSource, Position, RecordedEnd, Window},
};

use crate::occurrences::Schedule;

/// The most occurrences that are looked at for a gap between them. Where there are more, a gap is assumed.
const MOST_LOOKED_AT: usize = 2_000;

/// An override in time, seen from one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Where the instant is.
    pub(crate) position: Position,
    /// The window that holds the instant, or the next one, or the last.
    pub(crate) window: Option<Window>,
    /// When the position changes next, or the end of the window.
    pub(crate) next: Option<Instant>,
    /// The next start of an occurrence.
    pub(crate) next_start: Option<Instant>,
    /// When it is over for good.
    pub(crate) over: Option<Instant>,
    /// Whether the override, as it is accepted now, is active at every instant from the end of its layer in the record to
    /// this one: the layer goes on. After a gap it has ended, and the override starts anew. False without a layer.
    pub(crate) goes_on: bool,
}

impl Timing {
    /// The override at `t`; none where a start or an end is not known. `layer` is its layer in the record.
    pub(crate) fn at(ovr: &ParsedOverride, settings: &Settings, layer: Option<&Layer>, t: Instant) -> Option<Self> {
        match &ovr.schedule {
            None => once(ovr, settings, layer, t),
            Some(recurrence) => Occurrences::new(ovr, recurrence).map(|occurrences| occurrences.timing(layer, t)),
        }
    }
}

/// Whether a layer goes on at `t`, by a test of whether the override is active from the recorded end to `t`.
fn goes_on(layer: Option<&Layer>, t: Instant, is_active_since: impl Fn(Instant) -> bool) -> bool {
    match layer {
        None => false,
        Some(Layer { until: None, .. }) => true,
        Some(Layer { until: Some(until), .. }) => *until > t || is_active_since(*until),
    }
}

/// An end by `defaultDuration` is the one that the record has fixed. Where that has passed and today's default reaches
/// further, the override goes on to the later end (ADR 0007).
fn once(ovr: &ParsedOverride, settings: &Settings, layer: Option<&Layer>, t: Instant) -> Option<Timing> {
    let fixed = Window::from_spec(ovr, settings, layer.map(|layer| RecordedEnd(layer.until)))?;
    let today = Window::from_spec(ovr, settings, None)?;
    let has_grown = fixed.position(t) == Position::After && today.position(t) != Position::After;
    let window = if has_grown { today } else { fixed };
    Some(Timing {
        position: window.position(t),
        window: Some(window),
        next: window.next_change(t),
        next_start: None,
        over: window.until,
        goes_on: goes_on(layer, t, |since| window.holds(since, t)),
    })
}

/// A recurring override: occurrences of one length, within a start and an end.
struct Occurrences {
    schedule: Schedule,
    duration: Duration,
    begins: Instant,
    ends: Option<Instant>,
}

impl Occurrences {
    fn new(ovr: &ParsedOverride, recurrence: &Recurrence) -> Option<Self> {
        let schedule = Schedule::from_recurrence(recurrence)?;
        let ends = match &ovr.expires_at {
            Field::Absent => None,
            Field::Is(end) => Some(*end),
            Field::Unreadable(_) => return None,
        };
        Some(Self { schedule, duration: *ovr.duration.value()?, begins: ovr.start()?, ends })
    }

    fn timing(&self, layer: Option<&Layer>, t: Instant) -> Timing {
        let Self { begins, ends, .. } = *self;
        let goes_on = goes_on(layer, t, |since| self.hold(since, t));
        if let Some(end) = ends.filter(|end| *end <= t || *end <= begins) {
            let window = Some(self.window(begins, end));
            return Timing { position: Position::After, window, next: None, next_start: None, over: ends, goes_on };
        }
        let before_the_end = |at: &Instant| ends.is_none_or(|end| *at < end);
        let next_start = self.schedule.next_start(t.max(begins)).filter(before_the_end);
        let next_window = next_start.map(|start| self.occurrence(start));
        let active = self.active_at(t.max(begins)).map(|start| self.occurrence(start));
        let before = |window: Option<Window>, next| Timing {
            position: Position::Before,
            window,
            next,
            next_start,
            over: ends,
            goes_on,
        };
        match active {
            _ if t < begins => {
                let window = active.or(next_window);
                before(window, window.map(|window| window.from).or(ends))
            }
            None => before(next_window, next_start.or(ends)),
            Some(window) => {
                let extends =
                    |start: &Instant| Some(*start) < window.until && self.occurrence(*start).until != window.until;
                let next = next_start.filter(extends).or(window.until);
                Timing { position: Position::Inside, window: Some(window), next, next_start, over: ends, goes_on }
            }
        }
    }

    /// The start of the latest occurrence that is active at `t`.
    fn active_at(&self, t: Instant) -> Option<Instant> {
        let start = self.schedule.latest_start(t)?;
        (t.since(start) < self.duration.as_secs()).then_some(start)
    }

    /// Whether some occurrence is active at every instant from `since` to `t`.
    fn hold(&self, since: Instant, t: Instant) -> bool {
        if since < self.begins || self.ends.is_some_and(|end| end <= t) {
            return false;
        }
        let mut at = since;
        for _ in 0..MOST_LOOKED_AT {
            let Some(start) = self.active_at(at) else { return false };
            at = start.saturating_add(self.duration.as_secs());
            if at > t {
                return true;
            }
        }
        false
    }

    fn occurrence(&self, start: Instant) -> Window {
        let until = start.saturating_add(self.duration.as_secs());
        let Some(end) = self.ends.filter(|end| *end <= until) else {
            return self.window(start.max(self.begins), until);
        };
        // Of those that overlap until the end the first: the later ones change nothing.
        let first = self.schedule.next_start(end.saturating_add(-self.duration.as_secs() - 1));
        self.window(first.map_or(start, |first| first.min(start)).max(self.begins), end)
    }

    fn window(&self, from: Instant, until: Instant) -> Window {
        let source = if Some(until) == self.ends { EndSource::ExpiresAt } else { EndSource::Duration };
        Window { from, until: Some(until), source }
    }
}
