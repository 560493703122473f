use rstest::rstest;

use super::*;

#[rstest]
#[case::the_default("UTC")]
#[case::area_and_place("Europe/Rome")]
#[case::three_parts("America/Argentina/Buenos_Aires")]
#[case::link("Asia/Calcutta")]
#[case::no_area("CET")]
#[case::signs("Etc/GMT+12")]
#[case::first("CST6CDT")]
#[case::last("US/Samoa")]
fn knows(#[case] name: &str) {
    assert_eq!(Zone::parse(name).map(|zone| zone.to_string()).as_deref(), Some(name));
}

#[rstest]
#[case::empty("")]
#[case::lower_case("europe/rome")]
#[case::upper_case("EUROPE/ROME")]
#[case::area("Europe")]
#[case::area_and_slash("Europe/")]
#[case::place("Rome")]
#[case::two_lines("Europe/Rome\nEurope/Samara")]
#[case::of_another_area("America/Rome")]
#[case::blank(" UTC")]
#[case::offset("+01:00")]
#[case::posix("CET-1CEST")]
#[case::local("Local")]
#[case::nobody_has_set_one("Factory")]
#[case::file_of_some_systems("posixrules")]
#[case::folder_of_some_systems("right/Europe/Rome")]
#[case::unknown("Etc/Unknown")]
fn does_not_know(#[case] name: &str) {
    assert_eq!(Zone::parse(name), None);
}

#[test]
fn the_default_is_one_of_them() {
    assert_eq!((Zone::parse("UTC"), Zone::default()), (Some(Zone::UTC), Zone::UTC));
}

#[cfg(feature = "zones")]
mod data {
    use std::{env, fs};

    use jiff::tz::TimeZoneDatabase;

    use super::*;

    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schedule/zone_names.txt");

    /// The file that [`NAMES`] should be.
    fn generated() -> String {
        let database = TimeZoneDatabase::bundled();
        let names = database.available().map(|name| name.as_str().to_owned()).filter(|name| name != "Factory");
        let split = |name: String| {
            name.rsplit_once('/')
                .map(|(area, place)| (format!("{area}/"), place.to_owned()))
                .unwrap_or((String::new(), name))
        };
        let mut names: Vec<_> = names.map(split).collect();
        names.sort();
        let mut text = String::new();
        let mut last = "";
        for (area, place) in &names {
            if area != last {
                text.extend([area, "\n"]);
                last = area;
            }
            text.extend([place, "\n"]);
        }
        text
    }

    #[test]
    fn the_names_are_those_of_the_data() {
        if env::var_os("WRITE_ZONE_NAMES").is_some() {
            fs::write(PATH, generated()).unwrap();
            return;
        }
        let command = "WRITE_ZONE_NAMES=1 cargo test -p hpa-override-core --features zones --lib zone";
        assert!(NAMES == generated(), "zone_names.txt is not up to date; regenerate with: {command}");
    }

    #[test]
    fn every_name_has_rules_of_its_own() {
        for zone in all() {
            let name = zone.to_string();
            assert!(TimeZoneDatabase::bundled().get(&name).is_ok(), "{name}");
            assert_eq!(Zone::parse(&name), Some(zone));
        }
    }
}
