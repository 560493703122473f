//! The host in Rust of docs/embedding.md: it is the program that runs, and it prints what the page says.

use crate::{dist, read, root, run};

const MOST_LINES: usize = 25;

#[test]
fn the_page_shows_the_program_that_runs() {
    let page = read("docs/embedding.md");
    let (_, rest) = page.split_once("```rust\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    assert_eq!(shown, read("conformance/src/bin/embed.rs").split_once("\n\n").unwrap().1);
    assert!(shown.lines().count() <= MOST_LINES);
}

#[test]
fn it_prints_what_the_page_says() {
    dist("hpa-override.component.wasm");
    assert_eq!(run(&root(), env!("CARGO_BIN_EXE_embed"), &[]), (true, "10 to 15 pods\n".into()));
}

#[test]
fn a_host_of_ones_own_is_built_with_the_wasmtime_that_is_tested() {
    let page = read("docs/embedding.md");
    let (_, rest) = page.split_once("\nwasmtime = \"").unwrap();
    let (version, _) = rest.split_once('"').unwrap();
    assert!(read("Cargo.toml").contains(&format!("\nwasmtime = {{ version = \"{version}\"")), "{version}");
}
