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
fn known_names(#[case] name: &str) {
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
#[case::the_zone_that_means_none("Factory")]
#[case::file_of_some_systems("posixrules")]
#[case::folder_of_some_systems("right/Europe/Rome")]
#[case::unknown("Etc/Unknown")]
fn unknown_names(#[case] name: &str) {
    assert_eq!(Zone::parse(name), None);
}

#[test]
fn the_default_is_one_of_them() {
    assert_eq!((Zone::parse("UTC"), Zone::default()), (Some(Zone::UTC), Zone::UTC));
}
