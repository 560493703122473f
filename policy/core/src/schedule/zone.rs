//! Names of time zones, known without zone data.

use std::fmt;

/// Below a line that ends with `/` stand the names that begin with it. Generated, see the test.
const NAMES: &str = include_str!("zone_names.txt");

/// A time zone of the IANA database, by its name: zones and links, case-sensitive.
///
/// Known are the names of the release that jiff brings along, but for `Factory`, which means that nobody has set one.
///
/// ```
/// use hpa_override_core::schedule::Zone;
///
/// assert_eq!(Zone::parse("Europe/Rome").unwrap().to_string(), "Europe/Rome");
/// assert_eq!(Zone::parse("europe/rome"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone {
    area: &'static str,
    place: &'static str,
}

impl Zone {
    /// The zone of a schedule that names none.
    pub const UTC: Self = Self { area: "", place: "UTC" };

    /// The zone of that name, where there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        all().find(|zone| name.strip_prefix(zone.area) == Some(zone.place))
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.area, self.place)
    }
}

fn all() -> impl Iterator<Item = Zone> {
    let mut area = "";
    NAMES.lines().filter_map(move |line| {
        if line.ends_with('/') {
            area = line;
            return None;
        }
        Some(Zone { area, place: line })
    })
}

#[cfg(feature = "zones")]
mod data {
    use jiff::tz::{TimeZone, TimeZoneDatabase};

    use super::Zone;

    impl Zone {
        /// Its rules, from the embedded data: the same on every machine.
        pub(in crate::schedule) fn rules(self) -> TimeZone {
            TimeZoneDatabase::bundled().get(&self.to_string()).unwrap_or(TimeZone::UTC)
        }
    }
}

#[cfg(test)]
mod tests;
