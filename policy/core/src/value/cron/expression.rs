//! Cron expressions, as a Kubernetes `CronJob` reads them. The grammar is our own: docs/adr/0006.

use std::ops::RangeInclusive;

use hpa_override_crd::{Duration, Instant};

use super::{
    date::CivilDate,
    field::{FIELDS, Values},
};

/// Characters of an expression, blanks included.
const LONGEST: usize = 200;
const NAMES: &str = "minute, hour, day of month, month, day of week";
/// How many civil starts are looked at for overlaps.
const LOOKED_AT: usize = 33;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Which civil times a schedule names: a parsed cron expression.
///
/// Text: minute, hour, day of month, month, day of week, at most 200 characters, separated by blanks (spaces, tabs);
/// also before and after, as a Kubernetes `CronJob` allows. A field is a list of `*`, `*/n`, `a`, `a-b`, `a-b/n` and
/// `a/n` (from a to the end). Months have the names JAN to DEC, days of the week SUN to SAT, in any case; as numbers they
/// go from 0 to 7, where 0 and 7 are Sunday, and `*` and `a/n` end at 6. Ranges ascend, n goes from 1 to the field's
/// highest number. Numbers may have leading zeros, but no sign.
///
/// A day field is free when one of its items is `*` or `*/1`. If neither is free either suffices, else both must match.
///
/// ```
/// use hpa_override_core::value::cron::Cron;
///
/// assert!(Cron::parse("0 8 * * MON-FRI").is_ok());
/// assert_eq!(Cron::parse("60 8 * * *"), Err("`60` in the minute is not a number from 0 to 59".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: Values,
    hours: Values,
    days: Values,
    months: Values,
    weekdays: Values,
}

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    /// A sentence that names the first field which cannot be read and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let length = text.chars().count();
        if length > LONGEST {
            return Err(format!("it has {length} characters; at most {LONGEST} are allowed"));
        }
        let texts = text.split([' ', '\t']).filter(|text| !text.is_empty());
        let count = texts.clone().count();
        if count != FIELDS.len() {
            let fields = if count == 1 { "field" } else { "fields" };
            return Err(format!("it has {count} {fields}, not the five {NAMES}"));
        }
        let mut values = [Values::default(); 5];
        for ((field, text), values) in FIELDS.iter().zip(texts).zip(&mut values) {
            *values = field.parse(text)?;
        }
        let [minutes, hours, days, months, weekdays] = values;
        Ok(Self { minutes, hours, days, months, weekdays: weekdays.of_the_week() })
    }

    /// Whether no date of any year fits, as in `0 0 30 2 *`.
    #[must_use]
    pub fn never_occurs(&self) -> bool {
        // Every month has every day of the week, and in the course of 400 years every date falls on each of them.
        let either = !self.days.free && !self.weekdays.free;
        // A leap year has every date that there is.
        let leap_year = 2000 * 12 - 1;
        let fits =
            |month: i32| (1..=31).any(|day| CivilDate::in_month(leap_year + month, day).is_some() && self.has_day(day));
        !either && !(1..=12).any(|month| self.months.has(month.into()) && fits(month))
    }

    /// Whether of the first 33 civil starts from that date on one begins before the one ahead of it has ended. Starts
    /// on the dates of `except` are left out. Time zones are left aside.
    #[must_use]
    pub fn overlaps(&self, from: CivilDate, duration: Duration, except: &[CivilDate]) -> bool {
        let until = Instant::MAX.as_unix() + DAY;
        let mut end = i64::MIN;
        self.starts(from.midnight()..=until, |date| except.contains(&date)).take(LOOKED_AT).any(|start| {
            let overlaps = start < end;
            end = start + duration.as_secs();
            overlaps
        })
    }

    /// The civil starts of a span, in rising order, in seconds as though they were UTC.
    pub fn starts(
        &self,
        span: RangeInclusive<i64>,
        is_left_out: impl Fn(CivilDate) -> bool,
    ) -> impl DoubleEndedIterator<Item = i64> {
        let (from, until) = span.into_inner();
        let days = self.dates(CivilDate::at(from), CivilDate::at(until)).filter(move |date| !is_left_out(*date));
        days.flat_map(move |date| {
            let midnight = date.midnight();
            let times = self.times((from - midnight).max(0), (until - midnight).min(DAY - 1));
            times.map(move |time| midnight + time)
        })
    }

    /// The dates that fit.
    fn dates(&self, from: CivilDate, until: CivilDate) -> impl DoubleEndedIterator<Item = CivilDate> {
        // What never occurs would be looked for in every year.
        let until_month = if self.never_occurs() { i32::MIN } else { until.month_count() };
        (from.month_count()..=until_month)
            .filter(|month| self.months.has(i64::from(month % 12 + 1)))
            .flat_map(|month| (1..=31).filter_map(move |day| CivilDate::in_month(month, day)))
            .filter(move |date| (from..=until).contains(date) && self.fits(*date))
    }

    /// The day rule.
    fn fits(&self, date: CivilDate) -> bool {
        let by_month = self.has_day(date.day());
        let by_week = self.weekdays.has(date.weekday().into());
        if self.days.free || self.weekdays.free { by_month && by_week } else { by_month || by_week }
    }

    fn has_day(&self, day: i8) -> bool {
        self.days.has(day.into())
    }

    /// The times of a day, in seconds from midnight.
    fn times(&self, from: i64, until: i64) -> impl DoubleEndedIterator<Item = i64> {
        let minutes = |hour: i64| (0..60).filter(|minute| self.minutes.has(*minute)).map(move |m| hour * HOUR + m * 60);
        (from / HOUR..=until / HOUR)
            .filter(|hour| self.hours.has(*hour))
            .flat_map(minutes)
            .filter(move |time| (from..=until).contains(time))
    }
}

#[cfg(test)]
mod tests;
