//! The workspace's `Cargo.toml` is the one source of the version.

use std::{fs, path::Path};

use crate::files::{root, text, yaml};

#[test]
fn the_metadata_states_none() {
    assert!(!text("policy/wapc/metadata.yml").contains("io.kubewarden.policy.version:"));
}

#[test]
fn artifact_hub_gets_this_one() {
    assert_eq!(yaml("artifacthub-pkg.yml")["version"], env!("CARGO_PKG_VERSION"));
}

/// Wherever an image, a module or a download of ours is named with a version, it is this one.
#[test]
fn nothing_that_is_shipped_or_read_states_another() {
    let mut stated = Vec::new();
    for place in ["deploy", "docs", "README.md", "policy/wapc/README.md", "artifacthub-pkg.yml"] {
        gather(&root().join(place), &mut stated);
    }
    assert!(stated.len() >= 9, "{stated:?}");
    let this = env!("CARGO_PKG_VERSION");
    let others: Vec<_> = stated.iter().filter(|(_, version)| version != this).collect();
    assert!(others.is_empty(), "not {this}: {others:?}");
}

fn gather(place: &Path, stated: &mut Vec<(String, String)>) {
    if place.is_dir() {
        for entry in fs::read_dir(place).unwrap() {
            gather(&entry.unwrap().path(), stated);
        }
        return;
    }
    let Ok(text) = fs::read_to_string(place) else { return };
    for line in text.lines() {
        stated.extend(version(line).map(|version| (format!("{}: {line}", place.display()), version)));
    }
}

/// The version in `…hpa-override…:v1.2.3`, in `…hpa-override/…/v1.2.3/…` and in `newTag: v1.2.3`; the `v` may be missing.
fn version(line: &str) -> Option<String> {
    let is_tag = line.trim_start().starts_with("newTag:");
    let words = line.split_whitespace().filter(|word| is_tag || word.contains("hpa-override"));
    let parts = words.flat_map(|word| word.split([':', '/', '"', '\'', '`', ')', '>']));
    let is_version = |part: &&str| {
        let numbers: Vec<_> = part.split('.').collect();
        numbers.len() == 3 && numbers.iter().all(|number| number.parse::<u32>().is_ok())
    };
    parts.map(|part| part.strip_prefix('v').unwrap_or(part)).find(is_version).map(Into::into)
}

#[test]
fn a_version_is_seen_wherever_it_stands() {
    let seen = |line| version(line).unwrap_or_default();
    assert_eq!(seen("  module: registry://ghcr.io/hpa-override/policies/hpa-override:v1.2.3"), "1.2.3");
    assert_eq!(
        seen("  url: https://github.com/hpa-override/hpa-override/releases/download/v1.2.3/policy.wasm"),
        "1.2.3"
    );
    assert_eq!(seen("    newTag: \"1.2.3\""), "1.2.3");
    assert_eq!(seen("hpa-override is tested on Kubernetes 1.37.2"), "");
}
