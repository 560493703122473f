use rstest::rstest;

use super::*;

fn cron(text: &str) -> Cron {
    Cron::parse(text).unwrap()
}

fn date(text: &str) -> CivilDate {
    text.parse().unwrap()
}

/// The first civil starts from a date on.
fn starts(text: &str, from: &str, count: usize) -> Vec<String> {
    let until = Instant::MAX.as_unix();
    let cron = cron(text);
    let starts = cron.starts(date(from).midnight()..=until, |_| false).take(count);
    let written = |start| Instant::from_unix(start).to_string().replace(":00Z", "");
    starts.map(written).collect()
}

#[rstest]
#[case::numbers("5 8 1 1 *", "5 8 1 JAN *")]
#[case::all("*/1 * * * *", "* */1 * */1 *")]
#[case::steps("*/20 */8 * */5 *", "0,20,40 0,8,16 * 1,6,11 *")]
#[case::steps_to_the_end("50/4 20/2 * 10/1 *", "50,54,58 20,22 * 10,11,12 *")]
#[case::steps_of_a_range("10-20/5 8-18/10 * 2-3/11 *", "10,15,20 8,18 * 2 *")]
#[case::steps_past_the_end("*/59 */23 */31 */12 */7", "0,59 0,23 1 1 0")]
#[case::list_in_any_order("5,1-2,1 8 * * *", "1,2,5 8 * * *")]
#[case::a_range_of_one("5-5 8-8 * * *", "5 8 * * *")]
#[case::names_in_any_case("0 0 * jan,Feb,dEC sun,Mon", "0 0 * 1,2,12 0,1")]
#[case::ranges_of_names("0 0 * JAN-MAR MON-FRI", "0 0 * 1-3 1-5")]
#[case::steps_of_names("0 0 * OCT/2 MON-FRI/2", "0 0 * 10,12 1,3,5")]
#[case::sunday_is_0_and_7("0 0 * * 7", "0 0 * * SUN")]
#[case::until_sunday("0 0 * * 5-7", "0 0 * * 0,5,6")]
#[case::days_of_the_week_end_at_saturday("0 0 * * 3/3", "0 0 * * 3,6")]
#[case::all_days_with_both_sundays("0 0 1 * 0-7", "0 0 1 * 0-6")]
#[case::step_one("*/1 */1 */1 */1 */1", "* * * * *")]
#[case::tabs_and_more_blanks("\t0  8 \t * *   * ", "0 8 * * *")]
#[case::leading_zeros("05 008 01 01 00", "5 8 1 1 0")]
#[case::leading_zero_of_a_step("*/05 8 */01 * *", "*/5 8 * * *")]
fn reads_alike(#[case] text: &str, #[case] other: &str) {
    assert_eq!(cron(text), cron(other));
}

const FIVE: &str = "not the five minute, hour, day of month, month, day of week";
const WEEK: &str = "a number from 0 to 7 or a name from SUN to SAT";

#[rstest]
#[case::empty("", format!("it has 0 fields, {FIVE}"))]
#[case::blank(" \t", format!("it has 0 fields, {FIVE}"))]
#[case::macro_("@daily", format!("it has 1 field, {FIVE}"))]
#[case::four("0 8 * *", format!("it has 4 fields, {FIVE}"))]
#[case::seconds("0 0 8 * * *", format!("it has 6 fields, {FIVE}"))]
#[case::zone("TZ=Europe/Rome 0 8 * * *", format!("it has 6 fields, {FIVE}"))]
#[case::line_break("0\n8 * * *", format!("it has 4 fields, {FIVE}"))]
#[case::line_break_at_the_end("0 8 * * *\n", format!("`*\n` in the day of week is not {WEEK}"))]
#[case::no_break_space("0 8 * * *\u{a0}", format!("`*\u{a0}` in the day of week is not {WEEK}"))]
#[case::minute_60("60 8 * * *", "`60` in the minute is not a number from 0 to 59")]
#[case::hour_24("0 24 * * *", "`24` in the hour is not a number from 0 to 23")]
#[case::day_0("0 8 0 * *", "`0` in the day of month is not a number from 1 to 31")]
#[case::day_32("0 8 1-32 * *", "`32` in the day of month is not a number from 1 to 31")]
#[case::month_0("0 8 * 0 *", "`0` in the month is not a number from 1 to 12 or a name from JAN to DEC")]
#[case::month_13("0 8 * 13 *", "`13` in the month is not a number from 1 to 12 or a name from JAN to DEC")]
#[case::long_name("0 8 * JANUARY *", "`JANUARY` in the month is not a number from 1 to 12 or a name from JAN to DEC")]
#[case::day_8("0 8 * * 8", format!("`8` in the day of week is not {WEEK}"))]
#[case::name_of_another_field(
    "0 8 * MON *",
    "`MON` in the month is not a number from 1 to 12 or a name from JAN to DEC"
)]
#[case::huge("99999999999999999999 8 * * *", "`99999999999999999999` in the minute is not a number from 0 to 59")]
#[case::overflow("256 8 * * *", "`256` in the minute is not a number from 0 to 59")]
#[case::plus("+5 8 * * *", "`+5` in the minute is not a number from 0 to 59")]
#[case::minus("-5 8 * * *", "`-5` in the minute is not a number from 0 to 59")]
#[case::open_range("5- 8 * * *", "`5-` in the minute is not a number from 0 to 59")]
#[case::three_ends("1-2-3 8 * * *", "`2-3` in the minute is not a number from 0 to 59")]
#[case::range_from_all("*-5 8 * * *", "`*` in the minute is not a number from 0 to 59")]
#[case::all_twice("** 8 * * *", "`**` in the minute is not a number from 0 to 59")]
#[case::question("0 8 ? * *", "`?` in the day of month is not a number from 1 to 31")]
#[case::last_day("0 8 L * *", "`L` in the day of month is not a number from 1 to 31")]
#[case::nearest_weekday("0 8 15W * *", "`15W` in the day of month is not a number from 1 to 31")]
#[case::last_friday("0 8 * * 5L", format!("`5L` in the day of week is not {WEEK}"))]
#[case::second_monday("0 8 * * MON#2", format!("`MON#2` in the day of week is not {WEEK}"))]
#[case::falling("0 17-8 * * *", "`17-8` in the hour ends before it begins; ranges ascend")]
#[case::falling_with_steps("0 17-8/2 * * *", "`17-8/2` in the hour ends before it begins; ranges ascend")]
#[case::until_sunday(
    "0 8 * * FRI-SUN",
    "`FRI-SUN` in the day of week ends before it begins; ranges ascend, and at the end of one Sunday is 7"
)]
#[case::from_the_other_sunday(
    "0 8 * * 7/2",
    "`7/2` in the day of week ends before it begins; ranges ascend, and at the end of one Sunday is 7"
)]
#[case::step_0("*/0 8 * * *", "the step of `*/0` in the minute is not a number from 1 to 59")]
#[case::step_60("*/60 8 * * *", "the step of `*/60` in the minute is not a number from 1 to 59")]
#[case::step_of_hours("0 */24 * * *", "the step of `*/24` in the hour is not a number from 1 to 23")]
#[case::step_of_days("0 8 1/32 * *", "the step of `1/32` in the day of month is not a number from 1 to 31")]
#[case::step_of_months("0 8 * */13 *", "the step of `*/13` in the month is not a number from 1 to 12")]
#[case::step_of_weekdays("0 8 * * */8", "the step of `*/8` in the day of week is not a number from 1 to 7")]
#[case::no_step("*/ 8 * * *", "the step of `*/` in the minute is not a number from 1 to 59")]
#[case::two_steps("*/5/2 8 * * *", "the step of `*/5/2` in the minute is not a number from 1 to 59")]
#[case::named_step("0 8 * */FEB *", "the step of `*/FEB` in the month is not a number from 1 to 12")]
#[case::only_a_step("/5 8 * * *", "`/5` in the minute is not a number from 0 to 59")]
#[case::empty_item("1,,2 8 * * *", "`1,,2` in the minute has an empty item")]
#[case::comma_at_the_end("1, 8 * * *", "`1,` in the minute has an empty item")]
#[case::only_a_comma("0 , * * *", "`,` in the hour has an empty item")]
#[case::other_digits("٣ 8 * * *", "`٣` in the minute is not a number from 0 to 59")]
#[case::too_long(format!("0 8 * * *{}", " ".repeat(192)), "it has 201 characters; at most 200 are allowed")]
fn refuses(#[case] text: impl AsRef<str>, #[case] error: impl AsRef<str>) {
    assert_eq!(Cron::parse(text.as_ref()), Err(error.as_ref().into()));
}

#[test]
fn characters_are_counted_not_bytes() {
    assert!(Cron::parse(&format!("0 8 * * *{}", " ".repeat(191))).is_ok());
    assert_eq!(
        Cron::parse(&"é".repeat(200)),
        Err("it has 1 field, not the five minute, hour, day of month, month, day of week".into())
    );
}

/// "every Friday at midnight, as well as on the 13th of each month at midnight": so the Kubernetes documentation on
/// `0 0 13 * 5`, from the page of cron that its `CronJob` page refers to.
#[rstest]
#[case::either("0 0 13 * 5", ["2026-11-06", "2026-11-13", "2026-11-20", "2026-11-27", "2026-12-04"])]
#[case::free_week("0 0 13 * *", ["2026-11-13", "2026-12-13", "2027-01-13", "2027-02-13", "2027-03-13"])]
#[case::free_month("0 0 * * 5", ["2026-11-06", "2026-11-13", "2026-11-20", "2026-11-27", "2026-12-04"])]
#[case::both_free("0 0 * * *", ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05"])]
#[case::step_of_one_is_free("0 0 13 * */1", ["2026-11-13", "2026-12-13", "2027-01-13", "2027-02-13", "2027-03-13"])]
#[case::a_free_item_in_a_list("0 0 1,* * 5", ["2026-11-06", "2026-11-13", "2026-11-20", "2026-11-27", "2026-12-04"])]
#[case::all_days_of_the_week_are_not_free("0 0 13 * 0-6", ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05"])]
#[case::nor_are_all_of_the_month("0 0 1-31 * 5", ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05"])]
#[case::nor_are_steps("0 0 */10 * 5", ["2026-11-01", "2026-11-06", "2026-11-11", "2026-11-13", "2026-11-20"])]
#[case::nor_is_a_step_of_one_from_the_first("0 0 1/1 * 5", ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05"])]
fn day_rule(#[case] text: &str, #[case] dates: [&str; 5]) {
    assert_eq!(starts(text, "2026-11-01", 5), dates.map(|date| format!("{date}T00:00")));
}

#[rstest]
#[case::times_of_a_day("0,30 8,20 * * *", "2026-11-27", &["2026-11-27T08:00", "2026-11-27T08:30", "2026-11-27T20:00", "2026-11-27T20:30"])]
#[case::leap_days("0 0 29 2 *", "2092-03-01", &["2096-02-29T00:00", "2104-02-29T00:00"])]
#[case::over_the_year("59 23 31 12 *", "2026-12-31", &["2026-12-31T23:59", "2027-12-31T23:59"])]
#[case::to_the_last_day("0 12 * 12 *", "9000-12-30", &["9000-12-30T12:00", "9000-12-31T12:00"])]
#[case::never("0 0 31 2 *", "2000-01-01", &[])]
fn civil_starts(#[case] text: &str, #[case] from: &str, #[case] expected: &[&str]) {
    let count = if from.starts_with("9000") { 9 } else { expected.len().max(1) };
    assert_eq!(starts(text, from, count), expected);
}

#[test]
fn backwards_is_the_reverse() {
    let cron = cron("7/13 5-7 1,15,31 * TUE");
    let span = || date("2026-11-01").midnight() + 7 * HOUR..=date("2027-03-31").midnight() + 6 * HOUR;
    let mut back: Vec<_> = cron.starts(span(), |_| false).rev().collect();
    back.reverse();
    assert_eq!(cron.starts(span(), |_| false).collect::<Vec<_>>(), back);
    assert_eq!(back.len(), 475);
}

#[rstest]
#[case::february_30("0 0 30 2 *", true)]
#[case::day_31_of_short_months("0 0 31 4,6,9,11 *", true)]
#[case::day_31_of_a_longer_one_too("0 0 31 4,5 *", false)]
#[case::leap_day("0 0 29 2 *", false)]
#[case::or_on_mondays("0 0 30 2 MON", false)]
#[case::on_all_days_of_the_week("0 0 30 2 0-6", false)]
#[case::with_a_free_week("0 0 30 2 */1", true)]
#[case::with_a_free_item("0 0 30 2 MON,*", true)]
#[case::every_minute("* * * * *", false)]
fn never_occurs(#[case] text: &str, #[case] never: bool) {
    assert_eq!(cron(text).never_occurs(), never);
}

#[rstest]
#[case::ends_as_the_next_begins("0 * * * *", "1h", &[], false)]
#[case::one_second_more("0 * * * *", "1h1s", &[], true)]
#[case::uneven("0 8,20,21 * * *", "2h", &[], true)]
#[case::over_the_week_end("0 8 * * MON-FRI", "1d", &[], false)]
#[case::from_friday_on("0 8 * * FRI,SAT", "1d1s", &[], true)]
#[case::left_out("0 0 1,2 * *", "2d", &["2026-12-02", "2027-01-02", "2027-02-02"], true)]
#[case::in_the_leap_year("0 0 1 1 *", "365d1s", &[], true)]
#[case::a_single_start_a_year("0 0 1 1 *", "365d", &[], false)]
#[case::among_the_first_33("0 0 1,2 1 *", "2d", &[], true)]
#[case::never("0 0 30 2 *", "36500d", &[], false)]
fn overlaps(#[case] text: &str, #[case] duration: &str, #[case] except: &[&str], #[case] expected: bool) {
    let except: Vec<_> = except.iter().map(|text| date(text)).collect();
    assert_eq!(cron(text).overlaps(date("2026-11-27"), duration.parse().unwrap(), &except), expected);
}

/// Every other day, and then two days in a row.
#[rstest]
#[case::the_last_two(32, true)]
#[case::one_too_far(33, false)]
fn looks_at_33(#[case] apart: i64, #[case] expected: bool) {
    let from = date("2026-12-01");
    let left_out = |index| CivilDate::at(from.midnight() + (2 * index + 1) * DAY);
    let except: Vec<_> = (0..apart - 1).map(left_out).collect();
    assert_eq!(cron("0 0 * * *").overlaps(from, "1d1s".parse().unwrap(), &except), expected);
}
