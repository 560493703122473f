//! Instants and lengths of time as people write and read them: local times with their zone, beside UTC.

use hpa_override_crd::{Duration, Instant};
use jiff::{
    Timestamp, Zoned,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};

/// An instant that a user has named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The instant.
    pub at: Instant,
    /// What is special about that local time.
    pub notes: Vec<String>,
}

/// Reads `18:00`, `tomorrow 08:00`, `2026-11-27 18:00`, or an instant like `2026-11-27T18:00:00Z`. A time without a date is the
/// first such time after `after`; tomorrow is the day after `now`.
///
/// # Errors
/// Where it is none of these.
pub fn parse_instant(text: &str, now: Instant, after: Instant, zone: &TimeZone) -> Result<Named, String> {
    if let Ok(at) = text.parse() {
        return Ok(Named { at, notes: Vec::new() });
    }
    let text = text.trim();
    if let Ok(time) = clock_time(text) {
        return first_after(time, now, after, zone);
    }
    let local = if let Some(time) = text.strip_prefix("tomorrow") {
        let time = clock_time(time.trim()).map_err(|()| not_an_instant(text))?;
        tomorrow(&zoned(now, zone))?.to_datetime(time)
    } else {
        let (date, time) = text.split_once([' ', 'T']).ok_or_else(|| not_an_instant(text))?;
        let date: Date = date.parse().map_err(|_| not_an_instant(text))?;
        date.to_datetime(clock_time(time.trim()).map_err(|()| not_an_instant(text))?)
    };
    let (found, note) = zoned_local(local, zone)?;
    Ok(Named { at: instant(&found), notes: note.into_iter().collect() })
}

/// The first such time of day after `after`. Where clocks go back it may be the second of two.
fn first_after(time: Time, now: Instant, after: Instant, zone: &TimeZone) -> Result<Named, String> {
    let from = zoned(after, zone);
    let today = from.date().to_datetime(time);
    let (found, note) = zoned_local(today, zone)?;
    if instant(&found) > after {
        return Ok(Named { at: instant(&found), notes: note.into_iter().collect() });
    }
    let second = zone.to_ambiguous_zoned(today).later().map_err(|error| error.to_string())?;
    if instant(&second) > after {
        let note = format!(
            "{time} comes twice on {}, as clocks go back: the second is meant, the first has passed",
            today.date()
        );
        return Ok(Named { at: instant(&second), notes: vec![note] });
    }
    let (found, note) = zoned_local(tomorrow(&from)?.to_datetime(time), zone)?;
    let mut notes = vec![format!("{time} is on {}: today it has passed", found.date())];
    if zoned(now, zone).date() != from.date() {
        notes.clear();
    }
    notes.extend(note);
    Ok(Named { at: instant(&found), notes })
}

fn not_an_instant(text: &str) -> String {
    format!("`{text}` is no time: write 18:00, \"tomorrow 08:00\", \"2026-11-27 18:00\" or 2026-11-27T18:00:00Z")
}

/// `HH:MM` or `HH:MM:SS`.
fn clock_time(text: &str) -> Result<Time, ()> {
    let digits = |part: &str| part.len() <= 2 && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split(':').collect();
    let number = |at: usize| parts.get(at).map_or(Ok(0), |part| part.parse::<i8>()).map_err(|_| ());
    if !(2..=3).contains(&parts.len()) || !parts.iter().all(|part| digits(part)) {
        return Err(());
    }
    Time::new(number(0)?, number(1)?, number(2)?, 0).map_err(|_| ())
}

fn tomorrow(from: &Zoned) -> Result<Date, String> {
    from.date().tomorrow().map_err(|error| error.to_string())
}

/// A local time, as RFC 5545 reads it: in a gap later by its length, of two the first.
fn zoned_local(local: DateTime, zone: &TimeZone) -> Result<(Zoned, Option<String>), String> {
    let ambiguous = zone.to_ambiguous_zoned(local);
    let note = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Gap { .. } => {
            Some(format!("there is no {} on {}: clocks go forward", local.time(), local.date()))
        }
        AmbiguousOffset::Fold { .. } => {
            Some(format!("{} comes twice on {}, as clocks go back: the first is meant", local.time(), local.date()))
        }
    };
    Ok((ambiguous.compatible().map_err(|error| error.to_string())?, note))
}

fn zoned(at: Instant, zone: &TimeZone) -> Zoned {
    Timestamp::from_second(at.as_unix()).unwrap_or(Timestamp::MAX).to_zoned(zone.clone())
}

fn instant(at: &Zoned) -> Instant {
    Instant::from_unix(at.timestamp().as_second())
}

/// An instant in the zone of the user and in UTC: `2026-11-27 18:00 CET (17:00 UTC)`.
pub fn shown(at: Instant, zone: &TimeZone) -> String {
    let (local, utc) = (zoned(at, zone), zoned(at, &TimeZone::UTC));
    let pattern = if local.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    let there = local.strftime(&format!("%Y-%m-%d {pattern} %Z")).to_string();
    match () {
        () if local.offset() == utc.offset() => there,
        () if local.date() == utc.date() => format!("{there} ({} UTC)", utc.strftime(pattern)),
        () => format!("{there} ({} UTC)", utc.strftime(&format!("%Y-%m-%d {pattern}"))),
    }
}

/// A length of time, to its two largest units: `2h 5m`.
pub fn length(seconds: i64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut rest = seconds.max(0);
    let mut parts = Vec::new();
    for (unit, size) in units {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push((format!("{count}{unit}"), size));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    let texts: Vec<_> = parts.into_iter().map(|(text, _)| text).collect();
    if texts.is_empty() { "0s".into() } else { texts.join(" ") }
}

/// How far an instant is from now: `in 2h 5m`, `3m ago`.
pub fn distance(at: Instant, now: Instant) -> String {
    let seconds = at.since(now);
    if seconds == 0 {
        return "now".into();
    }
    if seconds > 0 { format!("in {}", length(seconds)) } else { format!("{} ago", length(-seconds)) }
}

/// So much later.
pub fn later(at: Instant, by: Duration) -> Instant {
    at.saturating_add(by.as_secs())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn rome() -> TimeZone {
        TimeZone::get("Europe/Rome").unwrap()
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::later_today("18:00", "2026-11-27T17:00:00Z", &[])]
    #[case::passed_today("06:30", "2026-11-28T05:30:00Z", &["06:30:00 is on 2026-11-28: today it has passed"])]
    #[case::now_is_passed("09:00", "2026-11-28T08:00:00Z", &["09:00:00 is on 2026-11-28: today it has passed"])]
    #[case::with_seconds("18:00:30", "2026-11-27T17:00:30Z", &[])]
    #[case::tomorrow("tomorrow 08:00", "2026-11-28T07:00:00Z", &[])]
    #[case::with_its_date("2026-12-24 8:00", "2026-12-24T07:00:00Z", &[])]
    #[case::with_a_t("2026-12-24T08:00", "2026-12-24T07:00:00Z", &[])]
    #[case::an_instant("2026-11-27T18:00:00Z", "2026-11-27T18:00:00Z", &[])]
    #[case::in_summer("2026-07-01 08:00", "2026-07-01T06:00:00Z", &[])]
    fn times_of_a_user(#[case] text: &str, #[case] expected: &str, #[case] notes: &[&str]) {
        let now = at("2026-11-27T08:00:00Z");
        let named = parse_instant(text, now, now, &rome()).unwrap();
        assert_eq!(named.at, at(expected));
        assert_eq!(named.notes, notes);
    }

    #[test]
    fn an_end_is_after_its_start_and_tomorrow_is_after_today() {
        let (now, start) = (at("2026-11-27T08:00:00Z"), at("2026-11-28T07:00:00Z"));
        let end = |text| parse_instant(text, now, start, &rome()).unwrap().at;
        assert_eq!(end("tomorrow 18:00"), at("2026-11-28T17:00:00Z"));
        assert_eq!(end("18:00"), at("2026-11-28T17:00:00Z"));
        assert_eq!(end("07:00"), at("2026-11-29T06:00:00Z"));
    }

    #[rstest]
    #[case::nothing("")]
    #[case::no_minutes("18")]
    #[case::no_such_minute("18:60")]
    #[case::no_such_hour("25:00")]
    #[case::no_such_day("2026-02-30 10:00")]
    #[case::words("later")]
    #[case::signs("+1:00")]
    fn what_is_no_time(#[case] text: &str) {
        let now = at("2026-11-27T08:00:00Z");
        let error = parse_instant(text, now, now, &rome()).unwrap_err();
        assert_eq!(error, not_an_instant(text.trim()));
    }

    #[rstest]
    #[case::forward(
        "2026-03-29 02:30",
        "2026-03-28T12:00:00Z",
        "2026-03-29T01:30:00Z",
        "there is no 02:30:00 on 2026-03-29: clocks go forward"
    )]
    #[case::back(
        "2026-10-25 02:30",
        "2026-10-24T12:00:00Z",
        "2026-10-25T00:30:00Z",
        "02:30:00 comes twice on 2026-10-25, as clocks go back: the first is meant"
    )]
    #[case::between_the_two(
        "02:30",
        "2026-10-25T01:10:00Z",
        "2026-10-25T01:30:00Z",
        "02:30:00 comes twice on 2026-10-25, as clocks go back: the second is meant, the first has passed"
    )]
    fn clocks_change(#[case] text: &str, #[case] now: &str, #[case] expected: &str, #[case] note: &str) {
        let named = parse_instant(text, at(now), at(now), &rome()).unwrap();
        assert_eq!((named.at, named.notes), (at(expected), vec![note.to_owned()]));
    }

    #[rstest]
    #[case::in_rome("Europe/Rome", "2026-11-27T17:00:00Z", "2026-11-27 18:00 CET (17:00 UTC)")]
    #[case::another_day("Europe/Rome", "2026-11-27T23:30:00Z", "2026-11-28 00:30 CET (2026-11-27 23:30 UTC)")]
    #[case::seconds("Europe/Rome", "2026-11-27T17:00:05Z", "2026-11-27 18:00:05 CET (17:00:05 UTC)")]
    #[case::utc("UTC", "2026-11-27T17:00:00Z", "2026-11-27 17:00 UTC")]
    fn instants_for_people(#[case] zone: &str, #[case] instant: &str, #[case] expected: &str) {
        assert_eq!(shown(at(instant), &TimeZone::get(zone).unwrap()), expected);
    }

    #[rstest]
    #[case(0, "0s")]
    #[case(59, "59s")]
    #[case(3_600, "1h")]
    #[case(7_500, "2h 5m")]
    #[case(3_605, "1h")]
    #[case(90_061, "1d 1h")]
    fn lengths_for_people(#[case] seconds: i64, #[case] expected: &str) {
        assert_eq!(length(seconds), expected);
    }
}
