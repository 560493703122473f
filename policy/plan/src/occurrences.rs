//! Occurrences: the instants at which a schedule starts, in its time zone.

use std::iter::successors;

use hpa_override_core::{
    Instant, Recurrence,
    value::cron::{CivilDate, Cron, Zone},
};
use jiff::tz::{TimeZone, TimeZoneDatabase};

use self::stretch::{LONGEST_SHIFT, Stretch};

mod stretch;

/// A cron expression in a zone, without the starts on some civil dates.
///
/// Each civil start is one instant, by RFC 5545: in a gap later by the gap's length, in an overlap the first. Two on one
/// instant are one. Instants are those of the years 2000 to 9000.
///
/// ```
/// use hpa_override_core::{Instant, value::cron::{Cron, Zone}};
/// use hpa_override_plan::Schedule;
///
/// let at = |text: &str| text.parse::<Instant>().unwrap();
/// let cron = Cron::parse("0 8 * * MON-FRI").unwrap();
/// let schedule = Schedule::new(cron, Zone::parse("Europe/Rome").unwrap(), vec!["2026-12-25".parse().unwrap()]);
/// assert_eq!(schedule.next_start(at("2026-12-24T12:00:00Z")), Some(at("2026-12-28T07:00:00Z")));
/// assert_eq!(schedule.latest_start(at("2026-12-26T12:00:00Z")), Some(at("2026-12-24T07:00:00Z")));
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
    /// Sorted.
    except: Vec<CivilDate>,
}

impl Schedule {
    /// The schedule of these parts, its zone with the embedded rules.
    #[must_use]
    pub fn new(cron: Cron, zone: Zone, mut except: Vec<CivilDate>) -> Self {
        except.sort_unstable();
        Self { cron, zone: rules_of(zone), except }
    }

    /// The schedule of an override; none where a part of it cannot be read.
    #[must_use]
    pub fn from_recurrence(recurrence: &Recurrence) -> Option<Self> {
        Some(Self::new(recurrence.cron.clone().ok()?, recurrence.zone()?, recurrence.exceptions()?))
    }

    /// The latest start that is not after `at`.
    #[must_use]
    pub fn latest_start(&self, at: Instant) -> Option<Instant> {
        let last = at.as_unix();
        let back = successors(self.first_stretch(last), Stretch::before);
        let mut latest: Option<i64> = None;
        for stretch in back {
            // A gap carries starts beyond the end of their stretch.
            let until = stretch.until.map_or(i64::MAX, |change| change + LONGEST_SHIFT);
            if until < Instant::MIN.as_unix() || latest.is_some_and(|latest| latest >= until) {
                break;
            }
            latest = latest.max(self.starts(&stretch, Instant::MIN.as_unix(), last).next_back());
        }
        latest.map(Instant::from_unix)
    }

    /// The first start after `after`.
    #[must_use]
    pub fn next_start(&self, after: Instant) -> Option<Instant> {
        let first = after.as_unix() + 1;
        let on = successors(self.first_stretch(first - LONGEST_SHIFT), Stretch::after);
        let mut next: Option<i64> = None;
        for stretch in on {
            let since = stretch.since.unwrap_or(i64::MIN);
            if since > Instant::MAX.as_unix() || next.is_some_and(|next| next <= since) {
                break;
            }
            next = next.into_iter().chain(self.starts(&stretch, first, Instant::MAX.as_unix()).next()).min();
        }
        next.map(Instant::from_unix)
    }

    /// The stretch from which to look; none where there is nothing to be found.
    fn first_stretch(&self, at: i64) -> Option<Stretch<'_>> {
        (!self.cron.never_occurs()).then(|| Stretch::at(&self.zone, at))
    }

    /// The starts of a stretch from one instant to another.
    fn starts(&self, stretch: &Stretch<'_>, from: i64, until: i64) -> impl DoubleEndedIterator<Item = i64> {
        let offset = stretch.offset;
        let begins = stretch.begins().unwrap_or(i64::MIN).max(from + offset);
        let ends = stretch.ends().map_or(i64::MAX, |end| end - 1).min(until + offset);
        let is_left_out = |date: CivilDate| self.except.binary_search(&date).is_ok();
        self.cron.starts(begins..=ends, is_left_out).map(move |civil| civil - offset)
    }
}

/// The rules of a zone, from the embedded data.
fn rules_of(zone: Zone) -> TimeZone {
    TimeZoneDatabase::bundled().get(&zone.to_string()).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod zone_names;
