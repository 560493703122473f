//! The window of an override that does not recur: from when until when it is active. The end is exclusive.

use hpa_override_crd::{Duration, Instant};

use crate::{
    override_spec::ParsedOverride,
    value::{
        field::Field,
        settings::{DefaultEnd, Settings},
    },
};

/// Where an end comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSource {
    /// `spec.expiresAt`.
    ExpiresAt,
    /// `spec.duration`.
    Duration,
    /// The setting `defaultDuration`, or the record in which it was fixed.
    Default,
}

impl EndSource {
    /// The field that a sentence about the end names.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::ExpiresAt => "spec.expiresAt",
            Self::Duration => "spec.duration",
            Self::Default => "spec",
        }
    }
}

/// The end that the record holds for the override; none in it: it has no end.
///
/// An end by `defaultDuration` is fixed when the override becomes active, whatever becomes of the setting later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedEnd(pub Option<Instant>);

/// When an override is active: [from, until), without an end where `until` is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant at which it is active.
    pub from: Instant,
    /// First instant at which it no longer is.
    pub until: Option<Instant>,
    /// Where the end comes from.
    pub source: EndSource,
}

/// Where an instant is relative to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The window has not begun.
    Before,
    /// The window holds the instant.
    Inside,
    /// The window has ended.
    After,
}

impl Window {
    /// The window of an override that does not recur; none where its start or its end is not known (unreadable, or two
    /// ends). `recorded` is the end in the record, where the override is active already. The default end is that of the
    /// target's namespace.
    #[must_use]
    pub fn from_spec(ovr: &ParsedOverride, settings: &Settings, recorded: Option<RecordedEnd>) -> Option<Self> {
        if ovr.schedule.is_some() || ovr.is_misfit("spec.schedule") || ovr.is_misfit("spec") {
            return None;
        }
        let from = ovr.start()?;
        let after = |duration: Duration| from.saturating_add(duration.as_secs());
        let (until, source) = match (&ovr.expires_at, &ovr.duration) {
            (Field::Is(end), Field::Absent) => (Some(*end), EndSource::ExpiresAt),
            (Field::Absent, Field::Is(duration)) => (Some(after(*duration)), EndSource::Duration),
            (Field::Absent, Field::Absent) => (default_end(ovr, settings, recorded, after), EndSource::Default),
            _ => return None,
        };
        Some(Self { from, until, source })
    }

    /// The same, ending at `end` where that is earlier.
    #[must_use]
    pub fn ending_by(self, end: Option<Instant>) -> Self {
        Self { until: self.until.into_iter().chain(end).min(), ..self }
    }

    /// Where `t` is. A window that ends before it begins is over.
    #[must_use]
    pub fn position(&self, t: Instant) -> Position {
        match self.until {
            Some(until) if until <= t || until <= self.from => Position::After,
            _ if t < self.from => Position::Before,
            _ => Position::Inside,
        }
    }

    /// Whether it holds every instant from `since` to `t`.
    #[must_use]
    pub fn holds(&self, since: Instant, t: Instant) -> bool {
        self.position(since) == Position::Inside && self.position(t) == Position::Inside
    }

    /// The first instant after `t` at which the position changes.
    #[must_use]
    pub fn next_change(&self, t: Instant) -> Option<Instant> {
        match self.position(t) {
            Position::Before => Some(self.from),
            Position::Inside => self.until,
            Position::After => None,
        }
    }

    /// Its length in seconds; none without an end. Not positive where the end is not after the start.
    #[must_use]
    pub fn length(&self) -> Option<i64> {
        self.until.map(|until| until.since(self.from))
    }
}

fn default_end(
    ovr: &ParsedOverride,
    settings: &Settings,
    recorded: Option<RecordedEnd>,
    after: impl Fn(Duration) -> Instant,
) -> Option<Instant> {
    match (recorded, settings.limits_in(ovr.target_namespace()).default_end) {
        (Some(RecordedEnd(until)), _) => until,
        (None, DefaultEnd::After(duration)) => Some(after(duration)),
        (None, DefaultEnd::Never) => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn window(spec: &Value, recorded: Option<RecordedEnd>) -> Option<Window> {
        let object = json!({"metadata": {"creationTimestamp": "2026-11-27T06:00:00Z"}, "spec": spec});
        Window::from_spec(&ParsedOverride::parse(&object, Instant::MIN), &Settings::default(), recorded)
    }

    #[rstest]
    #[case::by_default(json!({}), "2026-11-27T06:00:00Z", "2026-11-28T06:00:00Z")]
    #[case::from_creation(json!({"duration": "90m"}), "2026-11-27T06:00:00Z", "2026-11-27T07:30:00Z")]
    #[case::from_its_start(json!({"startsAt": "2026-11-28T00:00:00Z", "duration": "1h"}), "2026-11-28T00:00:00Z", "2026-11-28T01:00:00Z")]
    #[case::absolute(json!({"expiresAt": "2026-11-27T09:00:00+01:00"}), "2026-11-27T06:00:00Z", "2026-11-27T08:00:00Z")]
    #[case::started_before_creation(json!({"startsAt": "2026-11-27T05:00:00Z", "duration": "2h"}), "2026-11-27T05:00:00Z", "2026-11-27T07:00:00Z")]
    #[case::end_of_time(json!({"startsAt": "9000-12-31T00:00:00Z", "duration": "36500d"}), "9000-12-31T00:00:00Z", "9000-12-31T23:59:59Z")]
    fn spans(#[case] spec: Value, #[case] from: &str, #[case] until: &str) {
        let window = window(&spec, None).unwrap();
        assert_eq!((window.from, window.until), (at(from), Some(at(until))));
    }

    #[rstest]
    #[case::start(json!({"startsAt": "now", "duration": "1h"}))]
    #[case::end(json!({"expiresAt": "now"}))]
    #[case::duration(json!({"duration": "soon"}))]
    #[case::two_ends(json!({"duration": "1h", "expiresAt": "2026-11-27T08:00:00Z"}))]
    fn unknown(#[case] spec: Value) {
        assert_eq!(window(&spec, None), None);
    }

    #[test]
    fn the_end_is_exclusive() {
        let window = window(&json!({"startsAt": "2026-11-27T07:00:00Z", "duration": "1h"}), None).unwrap();
        let (from, until) = (window.from, window.until.unwrap());
        assert_eq!(window.position(from.saturating_add(-1)), Position::Before);
        assert_eq!(window.position(from), Position::Inside);
        assert_eq!(window.position(until.saturating_add(-1)), Position::Inside);
        assert_eq!(window.position(until), Position::After);
        assert_eq!(window.next_change(from), Some(until));
        assert_eq!(window.next_change(until), None);
    }

    #[test]
    fn an_end_by_default_is_fixed_by_the_record() {
        let recorded = Some(RecordedEnd(Some(at("2026-11-27T07:00:00Z"))));
        assert_eq!(window(&json!({}), recorded).unwrap().until, Some(at("2026-11-27T07:00:00Z")));
        assert_eq!(window(&json!({}), Some(RecordedEnd(None))).unwrap().until, None);
        let own = window(&json!({"duration": "3h"}), recorded).unwrap();
        assert_eq!(own.until, Some(at("2026-11-27T09:00:00Z")));
    }
}
