use rstest::rstest;

use super::*;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn schedule(cron: &str, zone: &str, except: &[&str]) -> Schedule {
    let except = except.iter().map(|date| date.parse().unwrap()).collect();
    Schedule::new(Cron::parse(cron).unwrap(), Zone::parse(zone).unwrap(), except)
}

/// The starts after an instant, at most nine, up to another one; looked for both ways.
fn starts(schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
    let (from, until) = (at(from), at(until));
    let on = successors(schedule.next_start(from), |start| schedule.next_start(*start));
    let on: Vec<_> = on.take_while(|start| *start <= until).take(9).collect();
    let back = successors(schedule.latest_start(until), |start| schedule.latest_start(start.saturating_add(-1)));
    let mut back: Vec<_> = back.take_while(|start| *start > from).take(on.len() + 1).collect();
    back.reverse();
    assert_eq!(on, back);
    on.iter().map(ToString::to_string).collect()
}

/// The civil times are those of the laws named, the instants follow from RFC 5545, section 3.3.5.
#[rstest]
// Directive 2000/84/EC: at 01:00 UTC on the last Sundays of March and October.
#[case::rome_gap("30 2 * * *", "Europe/Rome", "2027-03-27T12:00:00Z", &["2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"])]
#[case::rome_two_on_one("0,30 2,3 * * *", "Europe/Rome", "2027-03-27T12:00:00Z", &["2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:00:00Z", "2027-03-29T00:30:00Z", "2027-03-29T01:00:00Z", "2027-03-29T01:30:00Z"])]
#[case::rome_gap_past_a_civil_later_one("59 2 * * *", "Europe/Rome", "2027-03-27T12:00:00Z", &["2027-03-28T01:59:00Z", "2027-03-29T00:59:00Z"])]
#[case::rome_order_in_the_gap("45 2,3 * * *", "Europe/Rome", "2027-03-28T00:00:00Z", &["2027-03-28T01:45:00Z", "2027-03-29T00:45:00Z", "2027-03-29T01:45:00Z"])]
#[case::rome_overlap("30 2 * * *", "Europe/Rome", "2027-10-30T12:00:00Z", &["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"])]
#[case::rome_hourly_overlap("0 * * * *", "Europe/Rome", "2027-10-30T23:30:00Z", &["2027-10-31T00:00:00Z", "2027-10-31T02:00:00Z", "2027-10-31T03:00:00Z"])]
// 15 U.S.C. 260a: at 02:00 local time on the second Sunday of March and the first of November.
#[case::new_york_gap("30 2 * * *", "America/New_York", "2027-03-14T00:00:00Z", &["2027-03-14T07:30:00Z", "2027-03-15T06:30:00Z"])]
#[case::new_york_gap_begins("0 2 * * *", "America/New_York", "2027-03-14T00:00:00Z", &["2027-03-14T07:00:00Z", "2027-03-15T06:00:00Z"])]
#[case::new_york_overlap("30 1 * * *", "America/New_York", "2027-11-07T00:00:00Z", &["2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"])]
#[case::new_york_overlap_ends("0 2 * * *", "America/New_York", "2027-11-07T00:00:00Z", &["2027-11-07T07:00:00Z", "2027-11-08T07:00:00Z"])]
// Standard Time Act 1987 (New South Wales), on Lord Howe Island by half an hour, at 02:00 local time.
#[case::lord_howe_gap("15 2 * * *", "Australia/Lord_Howe", "2027-10-02T12:00:00Z", &["2027-10-02T15:45:00Z", "2027-10-03T15:15:00Z"])]
#[case::lord_howe_overlap("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T12:00:00Z", &["2027-04-03T14:45:00Z", "2027-04-04T15:15:00Z"])]
// Law 24 of 2023: from 00:00 on the last Friday of April to 24:00 on the last Thursday of October.
#[case::cairo_gap("0 0 * * *", "Africa/Cairo", "2027-04-29T12:00:00Z", &["2027-04-29T22:00:00Z", "2027-04-30T21:00:00Z"])]
#[case::cairo_overlap("30 23 * * *", "Africa/Cairo", "2027-10-28T12:00:00Z", &["2027-10-28T20:30:00Z", "2027-10-29T21:30:00Z"])]
// From 00:00 on the last Sunday of March to 24:00 of the last Saturday of October.
#[case::beirut_gap("30 0 * * *", "Asia/Beirut", "2027-03-27T12:00:00Z", &["2027-03-27T22:30:00Z", "2027-03-28T21:30:00Z"])]
#[case::beirut_overlap("30 23 * * *", "Asia/Beirut", "2027-10-30T12:00:00Z", &["2027-10-30T20:30:00Z", "2027-10-31T21:30:00Z"])]
// Its last listed change, after which rules take over: to the time of the mountains at 00:00 on 30 November 2022.
#[case::juarez_overlap("0 0,23 * * *", "America/Ciudad_Juarez", "2022-11-29T12:00:00Z", &["2022-11-30T05:00:00Z", "2022-11-30T07:00:00Z", "2022-12-01T06:00:00Z"])]
// International Date Line Act 2011 (Samoa): there was no 30 December.
#[case::apia_two_on_one("0 8 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", &["2011-12-29T18:00:00Z", "2011-12-30T18:00:00Z"])]
#[case::apia_only_the_day_that_was_not("0 8 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", &["2011-12-30T18:00:00Z"])]
#[case::apia_only_the_day_after("0 8 31 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", &["2011-12-30T18:00:00Z"])]
#[case::apia_across("0 23 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", &["2011-12-31T09:00:00Z"])]
fn shifts(#[case] cron: &str, #[case] zone: &str, #[case] from: &str, #[case] expected: &[&str]) {
    let until = at(expected.last().unwrap()).to_string();
    assert_eq!(starts(&schedule(cron, zone, &[]), from, &until), expected);
}

/// The civil date of a start counts, also where it lies on another date in UTC, or after a gap on another civil one.
#[rstest]
#[case::none(&[], &["2026-12-24T23:30:00Z", "2026-12-25T23:30:00Z", "2026-12-26T23:30:00Z"])]
#[case::one(&["2026-12-26"], &["2026-12-24T23:30:00Z", "2026-12-26T23:30:00Z"])]
#[case::unsorted_and_twice(&["2026-12-26", "2026-12-25", "2026-12-26"], &["2026-12-26T23:30:00Z"])]
fn left_out(#[case] except: &[&str], #[case] expected: &[&str]) {
    let schedule = schedule("30 0 * * *", "Europe/Rome", except);
    assert_eq!(starts(&schedule, "2026-12-24T12:00:00Z", "2026-12-27T12:00:00Z"), expected);
}

#[test]
fn a_start_moved_out_of_its_date_by_a_gap_is_left_out_with_it() {
    let schedule = schedule("30 23 30 12 *", "Pacific/Apia", &["2011-12-30"]);
    assert_eq!(schedule.next_start(at("2011-12-01T00:00:00Z")), Some(at("2012-12-30T09:30:00Z")));
}

#[rstest]
#[case::leap_days(
    "0 0 29 2 *",
    "Europe/Rome",
    "2099-01-01T00:00:00Z",
    Some("2096-02-28T23:00:00Z"),
    Some("2104-02-28T23:00:00Z")
)]
#[case::exactly_now(
    "0 8 * * *",
    "UTC",
    "2026-11-27T08:00:00Z",
    Some("2026-11-27T08:00:00Z"),
    Some("2026-11-28T08:00:00Z")
)]
#[case::far_from_now(
    "0 0 1 1 *",
    "America/New_York",
    "8500-06-01T00:00:00Z",
    Some("8500-01-01T05:00:00Z"),
    Some("8501-01-01T05:00:00Z")
)]
#[case::never("0 0 30 2 *", "Europe/Rome", "2026-11-27T08:00:00Z", None, None)]
#[case::before_the_first("0 8 * * *", "UTC", "2000-01-01T07:59:59Z", None, Some("2000-01-01T08:00:00Z"))]
#[case::from_the_year_before(
    "0 20 * * *",
    "America/New_York",
    "2000-01-01T01:00:00Z",
    Some("2000-01-01T01:00:00Z"),
    Some("2000-01-02T01:00:00Z")
)]
#[case::not_in_the_year_before(
    "0 18 * * *",
    "America/New_York",
    "2000-01-01T01:00:00Z",
    None,
    Some("2000-01-01T23:00:00Z")
)]
#[case::after_the_last("0 8 * * *", "UTC", "9000-12-31T08:00:00Z", Some("9000-12-31T08:00:00Z"), None)]
#[case::into_the_year_after(
    "0 8 1 1 *",
    "Pacific/Kiritimati",
    "9000-12-31T00:00:00Z",
    Some("8999-12-31T18:00:00Z"),
    Some("9000-12-31T18:00:00Z")
)]
#[case::at_the_end("* * * * *", "Asia/Tokyo", "9000-12-31T23:59:59Z", Some("9000-12-31T23:59:00Z"), None)]
#[case::at_the_beginning(
    "* * * * *",
    "Asia/Tokyo",
    "2000-01-01T00:00:00Z",
    Some("2000-01-01T00:00:00Z"),
    Some("2000-01-01T00:01:00Z")
)]
fn around(
    #[case] cron: &str,
    #[case] zone: &str,
    #[case] t: &str,
    #[case] latest: Option<&str>,
    #[case] next: Option<&str>,
) {
    let schedule = schedule(cron, zone, &[]);
    assert_eq!((schedule.latest_start(at(t)), schedule.next_start(at(t))), (latest.map(at), next.map(at)));
}
