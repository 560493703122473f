//! The end of an override, moved by a person: now, or later.

use hpa_override_core::{
    Duration, Instant, ParsedOverride, Settings,
    rules::window::{Position, RecordedEnd, Window},
};

/// How an override is ended now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By this `expiresAt`, without `duration`: it is active, or was created in this second.
    At(Instant),
    /// By this `expiresAt`; with a schedule `duration` stays. It recurs no more.
    RecursUntil(Instant),
    /// By deletion: it has not begun.
    Delete,
    /// It has ended.
    Over,
}

/// How many seconds ahead an override ends whose `returnOver` is changed with its end: what has ended returns by the `returnOver`
/// that the controller knew before, so it has to see the change first.
const LEAD: i64 = 5;

/// Plans the end of `ovr` at `now`, with this `returnOver` where one is given.
///
/// # Guarantees
/// An end is never moved to a later instant, and never to or before the start: an override that has begun expires one second
/// after its start at the earliest. Where `returnOver` changes with it, it is five seconds ahead, so that a controller that runs
/// returns by the new one.
///
/// ```
/// use hpa_override_core::{Instant, ParsedOverride};
/// use hpa_override_plan::{Ending, plan_ending};
/// use serde_json::json;
///
/// let now: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
/// let object = json!({"metadata": {"namespace": "shop", "name": "a", "creationTimestamp": "2026-11-27T05:00:00Z"},
///                     "spec": {"hpa": "web", "minReplicas": 10, "duration": "2h"}});
/// assert_eq!(plan_ending(&ParsedOverride::parse(&object, now), None, None, now), Ending::At(now));
/// ```
#[must_use]
pub fn plan_ending(
    ovr: &ParsedOverride,
    recorded: Option<RecordedEnd>,
    return_over: Option<Duration>,
    now: Instant,
) -> Ending {
    let changes = return_over.is_some_and(|over| ovr.return_over.value() != Some(&over));
    let soonest = if changes { now.saturating_add(LEAD) } else { now };
    let second_after = |start: Instant| start.saturating_add(1).max(soonest);
    if ovr.schedule.is_some() {
        return match (ovr.start(), ovr.expires_at.value()) {
            (_, Some(end)) if *end <= now => Ending::Over,
            (Some(start), _) if start > now => Ending::Delete,
            (start, end) => {
                let at = start.map_or(soonest, second_after);
                Ending::RecursUntil(end.map_or(at, |end| (*end).min(at)))
            }
        };
    }
    let Some(window) = Window::from_spec(ovr, &Settings::default(), recorded) else { return Ending::Delete };
    match window.position(now) {
        Position::Before => Ending::Delete,
        Position::Inside => {
            let at = second_after(window.from);
            Ending::At(window.until.map_or(at, |until| until.min(at)))
        }
        Position::After => Ending::Over,
    }
}

/// Why an end cannot be moved to a later instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotExtended {
    /// It recurs, each time for its duration.
    Recurs,
    /// It has ended.
    Ended,
    /// It has no end.
    Endless,
    /// The instant is not later than its end.
    NotLater(Instant),
    /// Its spec cannot be read.
    Unreadable,
}

/// How an end is to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// So many seconds later.
    By(i64),
    /// To this instant.
    Until(Instant),
}

/// Plans a later end of `ovr`: its `expiresAt`. `recorded` is the end that was fixed when it became active, for one whose spec
/// names none.
///
/// # Errors
/// Where it recurs, has ended or has no end, or the instant is not later.
pub fn plan_extension(
    ovr: &ParsedOverride,
    recorded: Option<RecordedEnd>,
    extension: Extension,
    now: Instant,
) -> Result<Instant, NotExtended> {
    if ovr.schedule.is_some() {
        return Err(NotExtended::Recurs);
    }
    let window = Window::from_spec(ovr, &Settings::default(), recorded).ok_or(NotExtended::Unreadable)?;
    if window.position(now) == Position::After {
        return Err(NotExtended::Ended);
    }
    match (window.until, extension) {
        (Some(end), Extension::By(seconds)) => Ok(end.saturating_add(seconds)),
        (None, Extension::By(_)) => Err(NotExtended::Endless),
        (Some(end), Extension::Until(until)) if until <= end => Err(NotExtended::NotLater(end)),
        (_, Extension::Until(until)) if until <= now => Err(NotExtended::NotLater(now)),
        (_, Extension::Until(until)) => Ok(until),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-11-27T06:00:00Z";

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn ovr(more: &Value) -> ParsedOverride {
        let mut object = json!({"metadata": {"namespace": "shop", "name": "a", "creationTimestamp": "2026-11-27T05:00:00Z"},
                                "spec": {"hpa": "web", "minReplicas": 10}});
        object["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ParsedOverride::parse(&object, at(NOW))
    }

    #[rstest]
    #[case::active(&json!({"duration": "2h"}), Ending::At(at(NOW)))]
    #[case::active_without_an_end(&json!({}), Ending::At(at(NOW)))]
    #[case::begun_this_second(&json!({"startsAt": NOW, "duration": "2h"}), Ending::At(at("2026-11-27T06:00:01Z")))]
    #[case::not_begun(&json!({"startsAt": "2026-11-27T06:00:01Z", "duration": "2h"}), Ending::Delete)]
    #[case::over(&json!({"duration": "1h"}), Ending::Over)]
    #[case::recurring(&json!({"schedule": {"cron": "0 * * * *"}, "duration": "10m"}), Ending::RecursUntil(at(NOW)))]
    #[case::recurs_later(&json!({"schedule": {"cron": "0 * * * *"}, "duration": "10m", "startsAt": "2026-11-28T06:00:00Z"}), Ending::Delete)]
    #[case::recurs_no_more(&json!({"schedule": {"cron": "0 * * * *"}, "duration": "10m", "expiresAt": NOW}), Ending::Over)]
    #[case::invalid(&json!({"duration": "soon"}), Ending::Delete)]
    fn ends_now(#[case] spec: &Value, #[case] expected: Ending) {
        assert_eq!(plan_ending(&ovr(spec), None, None, at(NOW)), expected);
    }

    #[rstest]
    #[case::another(&json!({"duration": "2h"}), "10m", "2026-11-27T06:00:05Z")]
    #[case::the_same(&json!({"duration": "2h", "returnOver": "10m"}), "10m", NOW)]
    #[case::never_later(&json!({"expiresAt": "2026-11-27T06:00:02Z"}), "10m", "2026-11-27T06:00:02Z")]
    fn another_return_is_seen_before_the_end(#[case] spec: &Value, #[case] over: &str, #[case] expected: &str) {
        assert_eq!(plan_ending(&ovr(spec), None, over.parse().ok(), at(NOW)), Ending::At(at(expected)));
    }

    #[test]
    fn the_end_of_what_recurs_is_not_moved_later() {
        let soon = json!({"schedule": {"cron": "0 * * * *"}, "duration": "10m", "expiresAt": "2026-11-27T06:00:02Z"});
        let ending = plan_ending(&ovr(&soon), None, "10m".parse().ok(), at(NOW));
        assert_eq!(ending, Ending::RecursUntil(at("2026-11-27T06:00:02Z")));
    }

    const LATER: Extension = Extension::By(1800);

    #[rstest]
    #[case::by(&json!({"duration": "2h"}), LATER, Ok(at("2026-11-27T07:30:00Z")))]
    #[case::until(&json!({"duration": "2h"}), Extension::Until(at("2026-11-27T08:00:00Z")), Ok(at("2026-11-27T08:00:00Z")))]
    #[case::earlier(&json!({"duration": "2h"}), Extension::Until(at("2026-11-27T06:30:00Z")), Err(NotExtended::NotLater(at("2026-11-27T07:00:00Z"))))]
    #[case::not_begun(&json!({"startsAt": "2026-11-28T06:00:00Z", "duration": "2h"}), LATER, Ok(at("2026-11-28T08:30:00Z")))]
    #[case::over(&json!({"duration": "1h"}), LATER, Err(NotExtended::Ended))]
    #[case::recurring(&json!({"schedule": {"cron": "0 * * * *"}, "duration": "10m"}), LATER, Err(NotExtended::Recurs))]
    #[case::invalid(&json!({"duration": "soon"}), LATER, Err(NotExtended::Unreadable))]
    fn ends_later(#[case] spec: &Value, #[case] extension: Extension, #[case] expected: Result<Instant, NotExtended>) {
        assert_eq!(plan_extension(&ovr(spec), None, extension, at(NOW)), expected);
    }

    #[test]
    fn an_end_that_was_fixed_counts() {
        let recorded = |end| Some(RecordedEnd(end));
        let fixed = at("2026-11-27T09:00:00Z");
        assert_eq!(
            plan_extension(&ovr(&json!({})), recorded(Some(fixed)), LATER, at(NOW)),
            Ok(at("2026-11-27T09:30:00Z"))
        );
        assert_eq!(plan_extension(&ovr(&json!({})), recorded(None), LATER, at(NOW)), Err(NotExtended::Endless));
    }
}
