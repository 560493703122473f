//! Windows: from when until when an override is in force. The end is exclusive.

use hpa_override_crd::{Duration, Instant};

use crate::{
    layer::Layer,
    settings::{DefaultEnd, Settings},
    spec::{Field, Override},
};

/// Where an end comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSource {
    /// `spec.expiresAt`.
    ExpiresAt,
    /// `spec.duration`.
    Duration,
    /// The setting `defaultDuration`, or the record that has fixed it.
    Default,
}

impl EndSource {
    /// The field at which a sentence about the end stands.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::ExpiresAt => "spec.expiresAt",
            Self::Duration => "spec.duration",
            Self::Default => "spec",
        }
    }
}

/// When an override is in force: [from, until), without an end where `until` is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant in force.
    pub from: Instant,
    /// First instant no longer in force.
    pub until: Option<Instant>,
    /// Where the end comes from.
    pub source: EndSource,
}

/// Where `t` stands to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Not yet in force.
    Before,
    /// In force.
    Inside,
    /// No longer in force.
    After,
}

impl Window {
    /// The window of an override that does not recur; none where its start or its end is not known (unreadable, or two
    /// ends). `acting` is its layer in the record: an end by default is fixed when the override starts acting, whatever
    /// becomes of the default later.
    #[must_use]
    pub fn of(ovr: &Override, settings: &Settings, acting: Option<&Layer>) -> Option<Self> {
        let from = ovr.start().filter(|_| ovr.schedule.is_none())?;
        let after = |duration: Duration| from.saturating_add(duration.as_secs());
        let (until, source) = match (&ovr.expires_at, &ovr.duration) {
            (Field::Is(end), Field::Absent) => (Some(*end), EndSource::ExpiresAt),
            (Field::Absent, Field::Is(duration)) => (Some(after(*duration)), EndSource::Duration),
            (Field::Absent, Field::Absent) => (default_end(settings, acting, after), EndSource::Default),
            _ => return None,
        };
        Some(Self { from, until, source })
    }

    /// Where `t` stands. A window that ends before it begins is over.
    #[must_use]
    pub fn at(&self, t: Instant) -> Position {
        match self.until {
            Some(until) if until <= t || until <= self.from => Position::After,
            _ if t < self.from => Position::Before,
            _ => Position::Inside,
        }
    }

    /// The first instant after `t` at which its position changes.
    #[must_use]
    pub fn next_change(&self, t: Instant) -> Option<Instant> {
        match self.at(t) {
            Position::Before => Some(self.from),
            Position::Inside => self.until,
            Position::After => None,
        }
    }

    /// Its length in seconds; none without an end.
    #[must_use]
    pub fn length(&self) -> Option<i64> {
        self.until.map(|until| until.since(self.from))
    }
}

/// An end as a sentence has it.
pub(crate) fn in_words(until: Option<Instant>) -> String {
    until.map_or_else(|| "it is deleted".into(), |until| until.to_string())
}

fn default_end(settings: &Settings, acting: Option<&Layer>, after: impl Fn(Duration) -> Instant) -> Option<Instant> {
    match (acting, settings.default_end) {
        (Some(layer), _) => layer.until,
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

    fn window(spec: &Value, acting: Option<&Layer>) -> Option<Window> {
        let object = json!({"metadata": {"creationTimestamp": "2026-11-27T06:00:00Z"}, "spec": spec});
        Window::of(&Override::read(&object, Instant::MIN), &Settings::default(), acting)
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
        assert_eq!(window.at(from.saturating_add(-1)), Position::Before);
        assert_eq!(window.at(from), Position::Inside);
        assert_eq!(window.at(until.saturating_add(-1)), Position::Inside);
        assert_eq!(window.at(until), Position::After);
        assert_eq!(window.next_change(from), Some(until));
        assert_eq!(window.next_change(until), None);
    }

    #[test]
    fn an_end_by_default_is_fixed_by_the_record() {
        let layer = json!({"by": "a/b", "uid": "u", "mode": "Set", "minReplicas": 1, "until": "2026-11-27T07:00:00Z"});
        let layer = Layer::read(layer).unwrap();
        assert_eq!(window(&json!({}), Some(&layer)).unwrap().until, Some(at("2026-11-27T07:00:00Z")));
        let own = window(&json!({"duration": "3h"}), Some(&layer)).unwrap();
        assert_eq!(own.until, Some(at("2026-11-27T09:00:00Z")));
    }
}
