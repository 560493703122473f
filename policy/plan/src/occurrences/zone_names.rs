//! The names of time zones that the core knows are those of the embedded data.

use std::{env, fs};

use hpa_override_core::value::cron::Zone;
use jiff::tz::TimeZoneDatabase;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src/value/cron/zone_names.txt");

fn names() -> Vec<String> {
    let database = TimeZoneDatabase::bundled();
    database.available().map(|name| name.as_str().to_owned()).filter(|name| name != "Factory").collect()
}

/// The file as it should be.
fn generated() -> String {
    let split = |name: String| match name.rsplit_once('/') {
        Some((area, place)) => (format!("{area}/"), place.to_owned()),
        None => (String::new(), name),
    };
    let mut names: Vec<_> = names().into_iter().map(split).collect();
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
    let command = "WRITE_ZONE_NAMES=1 cargo test -p hpa-override-plan --lib zone_names";
    assert!(
        fs::read_to_string(PATH).unwrap() == generated(),
        "zone_names.txt is not up to date; regenerate with: {command}"
    );
}

#[test]
fn every_name_is_known() {
    for name in names() {
        assert_eq!(Zone::parse(&name).map(|zone| zone.to_string()), Some(name));
    }
}
