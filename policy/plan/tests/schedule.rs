//! What no table can show of schedules: against another implementation, against jiff's own reading of RFC 5545, and as
//! laws over any schedule in zones of every kind.

#[cfg(test)]
mod schedules {
    use std::{
        collections::BTreeSet,
        hash::{BuildHasher, RandomState},
    };

    use croner::parser::{CronParser, Seconds, Year};
    use hpa_override_core::{
        Instant,
        value::cron::{CivilDate, Cron, Zone},
    };
    use hpa_override_plan::Schedule;
    use jiff::{
        Timestamp,
        civil::DateTime,
        tz::{Offset, TimeZone, TimeZoneDatabase},
    };
    use proptest::{
        collection::vec,
        prelude::*,
        sample::select,
        test_runner::{Config, RngSeed},
    };

    /// Of every kind: no shift, ordinary, half an hour, at midnight, twice a year around Ramadan, a whole day, negative.
    const ZONES: [&str; 10] = [
        "UTC",
        "Europe/Rome",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Beirut",
        "Africa/Casablanca",
        "Pacific/Apia",
        "Europe/Dublin",
        "America/Asuncion",
    ];

    /// Cases and seed can be set with `PROPTEST_CASES` and `PROPTEST_RNG_SEED`.
    fn config(cases: u32) -> Config {
        let mut config = Config { failure_persistence: None, ..Config::default() };
        config.cases = config.cases.min(cases);
        if matches!(config.rng_seed, RngSeed::Random) {
            config.rng_seed = RngSeed::Fixed(RandomState::new().hash_one("seed"));
        }
        if let RngSeed::Fixed(seed) = config.rng_seed {
            eprintln!("to run the same cases again: PROPTEST_RNG_SEED={seed}");
        }
        config
    }

    /// Values, ranges and steps. `*/1` and `*` within a list are left to the tables: croner knows only a lone `*` as free.
    fn items(lowest: u8, highest: u8) -> impl Strategy<Value = String> {
        let value = move || lowest..=highest;
        let range = (value(), value()).prop_map(|(a, b)| (a.min(b), a.max(b)));
        let item = prop_oneof![
            4 => value().prop_map(|a| a.to_string()),
            2 => range.clone().prop_map(|(a, b)| format!("{a}-{b}")),
            1 => (range, 1..=highest).prop_map(|((a, b), n)| format!("{a}-{b}/{n}")),
            1 => (value(), 1..=highest).prop_map(|(a, n)| format!("{a}/{n}")),
            1 => (2..=highest).prop_map(|n| format!("*/{n}")),
        ];
        vec(item, 1..4).prop_map(|items| items.join(","))
    }

    fn field(lowest: u8, highest: u8) -> impl Strategy<Value = String> {
        prop_oneof![1 => Just("*".to_owned()), 2 => items(lowest, highest)]
    }

    fn expression() -> impl Strategy<Value = String> {
        // For croner `a/n` ends at 7 in the days of the week.
        let week = field(0, 6)
            .prop_filter("a/n", |text| text.split(',').all(|item| !item.contains('/') || item.contains(['-', '*'])));
        let fields = (field(0, 59), field(0, 23), field(1, 31), field(1, 12), week);
        fields.prop_map(|(minute, hour, day, month, week)| format!("{minute} {hour} {day} {month} {week}"))
    }

    /// One that starts on most days, for where time is short.
    fn frequent() -> impl Strategy<Value = String> {
        let fields = (items(0, 59), field(0, 23), prop_oneof![3 => Just("*".to_owned()), 1 => items(1, 31)]);
        fields.prop_map(|(minute, hour, day)| format!("{minute} {hour} {day} * *"))
    }

    fn instant() -> impl Strategy<Value = Instant> {
        (946_684_800_i64..4_000_000_000).prop_map(Instant::from_unix)
    }

    fn schedule(cron: &str, zone: &str, except: &[CivilDate]) -> Schedule {
        Schedule::new(Cron::parse(cron).unwrap(), Zone::parse(zone).unwrap(), except.to_vec())
    }

    fn rules(zone: &str) -> TimeZone {
        TimeZoneDatabase::bundled().get(zone).unwrap()
    }

    fn civil(at: i64) -> DateTime {
        Offset::UTC.to_datetime(Timestamp::from_second(at).unwrap())
    }

    /// jiff's reading of a civil time: the "compatible" one is that of RFC 5545.
    fn read(rules: &TimeZone, civil: DateTime) -> i64 {
        rules.to_ambiguous_timestamp(civil).compatible().unwrap().as_second()
    }

    /// Changes of the offset of a zone within the years that its history and its rules cover.
    fn changes(rules: &TimeZone, from: &str, until: &str) -> Vec<i64> {
        let (from, until): (Instant, Instant) = (from.parse().unwrap(), until.parse().unwrap());
        let changes = rules.following(Timestamp::from_second(from.as_unix()).unwrap());
        changes.map(|change| change.timestamp().as_second()).take_while(|at| *at < until.as_unix()).collect()
    }

    /// What a schedule says around an instant is what a set of all its starts says.
    fn agrees(schedule: &Schedule, starts: &BTreeSet<i64>, at: i64) -> Result<(), TestCaseError> {
        let t = Instant::from_unix(at);
        let latest = starts.range(..=at).next_back().copied();
        let next = starts.range(at + 1..).next().copied();
        prop_assert_eq!(schedule.latest_start(t).map(Instant::as_unix), latest, "latest start at {}", t);
        prop_assert_eq!(schedule.next_start(t).map(Instant::as_unix), next, "next start after {}", t);
        Ok(())
    }

    /// The same every-minute starts, read one by one by jiff, around every change of every zone.
    #[test]
    fn every_zone_reads_civil_times_as_jiff_does() {
        for name in TimeZoneDatabase::bundled().available().filter(|name| name.as_str() != "Factory") {
            let rules = rules(name.as_str());
            let schedule = schedule("* * * * *", name.as_str(), &[]);
            for change in changes(&rules, "2000-01-02T00:00:00Z", "2040-01-01T00:00:00Z") {
                let [before, after] = [change - 1, change]
                    .map(|at| i64::from(rules.to_offset(Timestamp::from_second(at).unwrap()).seconds()));
                let edges = [change + before, change + after, change + i64::midpoint(before, after)];
                for edge in edges.iter().flat_map(|edge| [-60, 0, 60].map(|by| edge.div_euclid(60) * 60 + by)) {
                    let start = Instant::from_unix(read(&rules, civil(edge)));
                    assert_eq!(schedule.latest_start(start), Some(start), "{name} {}", civil(edge));
                    assert_eq!(schedule.next_start(start.saturating_add(-1)), Some(start), "{name} {}", civil(edge));
                }
                // The second time of an overlap has no starts.
                let overlap = (before - after).max(0);
                let last = Instant::from_unix(change - 60);
                assert_eq!(schedule.next_start(last), Some(Instant::from_unix(change + overlap)), "{name} {last}");
            }
        }
    }

    proptest! {
        #![proptest_config(config(256))]

        /// Where both mean the same: croner on civil times, one by one.
        #[test]
        fn civil_starts_are_those_of_croner(text in expression(), from in instant()) {
            let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).sloppy_ranges(true);
            let theirs = parser.build().parse(&text).unwrap();
            let ours = schedule(&text, "UTC", &[]);
            let mut at = from;
            for _ in 0..10 {
                let start = civil(at.as_unix());
                let expected = theirs.find_next_occurrence(&start, false);
                let Some(next) = ours.next_start(at) else {
                    prop_assert!(Cron::parse(&text).unwrap().never_occurs() && expected.is_err());
                    break;
                };
                prop_assert_eq!(civil(next.as_unix()), expected.unwrap(), "after {}", at);
                at = next;
            }
        }

        #[test]
        fn nothing_is_between_a_start_and_the_next(
            text in prop_oneof![expression(), frequent()],
            zone in select(&ZONES[..]),
            at in instant(),
            left_out in vec(0..40_i64, 0..5),
        ) {
            let except: Vec<_> = left_out.iter().map(|days| CivilDate::from_instant(at.saturating_add(days * 86_400))).collect();
            let schedule = schedule(&text, zone, &except);
            let next = schedule.next_start(at);
            prop_assert_eq!(next.is_none(), Cron::parse(&text).unwrap().never_occurs());
            if let Some(next) = next {
                prop_assert!(next > at);
                prop_assert_eq!(schedule.latest_start(next), Some(next));
                prop_assert_eq!(schedule.latest_start(next.saturating_add(-1)), schedule.latest_start(at));
            }
            if let Some(latest) = schedule.latest_start(at) {
                prop_assert!(latest <= at);
                prop_assert_eq!(schedule.next_start(latest), next);
                prop_assert_eq!(schedule.next_start(latest.saturating_add(-1)), Some(latest));
            }
        }
    }

    proptest! {
        #![proptest_config(config(48))]

        /// Every minute of twelve days, read one by one, against what is found around a change.
        #[test]
        fn around_a_change_it_is_what_every_minute_says(
            text in frequent(),
            zone in select(&ZONES[1..]),
            which in any::<prop::sample::Index>(),
            left_out in vec(0..6_i64, 0..3),
            step in 400..900_i64,
        ) {
            let rules = rules(zone);
            let changes = changes(&rules, "2005-01-01T00:00:00Z", "2035-01-01T00:00:00Z");
            let change = *which.get(&changes);
            let utc = schedule(&text, "UTC", &[]);
            let except: Vec<_> =
                left_out.iter().map(|days| CivilDate::from_instant(Instant::from_unix(change + (days - 3) * 86_400))).collect();
            let schedule = schedule(&text, zone, &except);
            let begin = change.div_euclid(60) * 60 - 6 * 86_400;
            let minutes = (begin..begin + 12 * 86_400).step_by(60).map(Instant::from_unix);
            let starts: BTreeSet<_> = minutes
                .filter(|minute| utc.latest_start(*minute) == Some(*minute) && !except.contains(&CivilDate::from_instant(*minute)))
                .map(|minute| read(&rules, civil(minute.as_unix())))
                .collect();
            let (Some(first), Some(last)) = (starts.first(), starts.last()) else { return Ok(()) };
            let from = (change - 3 * 86_400).max(*first);
            let until = (change + 3 * 86_400).min(*last);
            if from >= until {
                return Ok(());
            }
            let near = starts.range(from..until).flat_map(|start| [start - 1, *start, start + 1]);
            for at in (from..until).step_by(step.try_into().unwrap()).chain(near) {
                if (*first..*last).contains(&at) {
                    agrees(&schedule, &starts, at)?;
                }
            }
        }
    }
}
