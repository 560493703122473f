//! The host in Rust of docs/embedding.md: it is the program that runs, and it prints what the page says.

use std::{fs, path::Path, process::Command};

const MOST_LINES: usize = 25;

#[test]
fn the_page_shows_the_program_that_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/embedding.md")).unwrap();
    let (_, rest) = page.split_once("```rust\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let program = fs::read_to_string(root.join("testbed/src/bin/embed.rs")).unwrap();
    assert_eq!(shown, program.split_once("\n\n").unwrap().1);
    assert!(shown.lines().count() <= MOST_LINES);
}

#[test]
fn it_prints_what_the_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    assert!(root.join("dist/hpa-override.component.wasm").exists(), "there is no component; run `cargo xtask dist`");
    let output = Command::new(env!("CARGO_BIN_EXE_embed")).current_dir(&root).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "10 to 15 pods\n");
}

#[test]
fn a_host_of_ones_own_is_built_with_the_wasmtime_that_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let (page, manifest) = (read("docs/embedding.md"), read("Cargo.toml"));
    let (_, rest) = page.split_once("\nwasmtime = \"").unwrap();
    let (version, _) = rest.split_once('"').unwrap();
    assert!(manifest.contains(&format!("\nwasmtime = {{ version = \"{version}\"")), "{version}");
}
