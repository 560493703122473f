//! Where an override stands in time at an instant, and when that changes: a window, or the occurrences of a schedule.

use hpa_override_crd::{Duration, Instant};

use crate::{
    layer::Layer,
    schedule::Schedule,
    settings::Settings,
    spec::{Field, Override},
    window::{EndSource, Position, Window},
};

/// An override in time, seen from one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Course {
    /// Whether it is in force.
    pub(crate) position: Position,
    /// The window in which it is, or the next one, or the last.
    pub(crate) window: Option<Window>,
    /// When the position changes next, or the end of the window.
    pub(crate) next: Option<Instant>,
    /// The next start of an occurrence.
    pub(crate) next_start: Option<Instant>,
    /// When it is over for good.
    pub(crate) over: Option<Instant>,
}

impl Course {
    /// None where a start or an end is not known.
    pub(crate) fn of(ovr: &Override, settings: &Settings, acting: Option<&Layer>, t: Instant) -> Option<Self> {
        match &ovr.schedule {
            None => Self::once(ovr, settings, acting, t),
            Some(given) => Recurring::of(ovr, given.read()?).map(|recurring| recurring.course(t)),
        }
    }

    /// An end by default holds as the record has fixed it. Where that has passed and the default has grown since, the
    /// override goes on to the later one: it would otherwise leave the record and come back to life with the next plan.
    fn once(ovr: &Override, settings: &Settings, acting: Option<&Layer>, t: Instant) -> Option<Self> {
        let fixed = Window::of(ovr, settings, acting)?;
        let passed = |window: &Window| window.at(t) == Position::After;
        let again = Window::of(ovr, settings, None).filter(|again| passed(&fixed) && !passed(again));
        let window = again.unwrap_or(fixed);
        let (position, next) = (window.at(t), window.next_change(t));
        Some(Self { position, window: Some(window), next, next_start: None, over: window.until })
    }
}

/// A recurring override: occurrences of one length, within a start and an end.
struct Recurring {
    schedule: Schedule,
    duration: Duration,
    begins: Instant,
    ends: Option<Instant>,
}

impl Recurring {
    fn of(ovr: &Override, schedule: Schedule) -> Option<Self> {
        let ends = match &ovr.expires_at {
            Field::Absent => None,
            Field::Is(end) => Some(*end),
            Field::Unreadable(_) => return None,
        };
        Some(Self { schedule, duration: *ovr.duration.value()?, begins: ovr.start()?, ends })
    }

    fn course(&self, t: Instant) -> Course {
        let Self { begins, ends, .. } = *self;
        if let Some(end) = ends.filter(|end| *end <= t || *end <= begins) {
            let window = Some(self.window(begins, end));
            return Course { position: Position::After, window, next: None, next_start: None, over: ends };
        }
        let before_the_end = |at: &Instant| ends.is_none_or(|end| *at < end);
        let next_start = self.schedule.next_start(t.max(begins)).filter(before_the_end);
        let covering = self.covering(t.max(begins));
        if t < begins {
            let window =
                covering.map(|start| self.occurrence(start)).or(next_start.map(|start| self.occurrence(start)));
            let next = window.map(|window| window.from).or(ends);
            return Course { position: Position::Before, window, next, next_start: next, over: ends };
        }
        let Some(window) = covering.map(|start| self.occurrence(start)) else {
            let window = next_start.map(|start| self.occurrence(start));
            return Course { position: Position::Before, window, next: next_start.or(ends), next_start, over: ends };
        };
        let extended = |start: &Instant| Some(*start) < window.until && self.occurrence(*start).until != window.until;
        let next = next_start.filter(extended).or(window.until);
        Course { position: Position::Inside, window: Some(window), next, next_start, over: ends }
    }

    /// The start of the latest occurrence that is in force at `t`.
    fn covering(&self, t: Instant) -> Option<Instant> {
        let start = self.schedule.latest_start(t)?;
        (t.since(start) < self.duration.as_secs()).then_some(start)
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
