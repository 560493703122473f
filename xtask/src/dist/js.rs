//! The npm package, in `dist/js/`: bindings made by the library behind wasm-bindgen's command, around them `package/`.
//!
//! ```text
//!   hpa_override_bg.wasm ◄─ hpa_override.js ◄─ index.js, index.d.ts ◄─ whoever imports `hpa-override`
//! ```

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

use super::{build, optimise, package, say, write};
use crate::workspace::{Workspace, read};

const PACKAGE: &str = "hpa-override-js";
/// Written by hand; `package.json` lacks the version.
const FILES: &str = "policy/js/package";
const NAME: &str = "hpa_override";

/// Builds, binds, optimises, packs.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let built = build::bare(workspace, PACKAGE)?;
    say("JavaScript module built", built.len());
    let room = workspace.target.join("xtask").join("js");
    bind(&built, &room).context("cannot make the JavaScript bindings")?;
    let bound = read(&room.join(format!("{NAME}_bg.wasm")))?;
    let smaller = optimise::smaller(workspace, "js", &bound)?;
    say(&smaller.how, smaller.module.len());
    let folder = package(workspace);
    write(workspace, &folder.join(format!("{NAME}_bg.wasm")), &smaller.module)?;
    write(workspace, &folder.join(format!("{NAME}.js")), &read(&room.join(format!("{NAME}.js")))?)?;
    hand_written(workspace, &folder)
}

/// Modules for browsers, which Node takes as well.
fn bind(module: &[u8], room: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_bytes(NAME, module.to_vec()).web(true)?.typescript(false).omit_default_module_path(true);
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen.generate(room)
}

fn hand_written(workspace: &Workspace, folder: &Path) -> Result<()> {
    let files = workspace.root.join(FILES);
    for name in ["index.js", "index.d.ts", "README.md"] {
        write(workspace, &folder.join(name), &read(&files.join(name))?)?;
    }
    write(workspace, &folder.join("LICENSE"), &read(&workspace.root.join("LICENSE"))?)?;
    let manifest = versioned(&read(&files.join("package.json"))?, workspace.version_of(PACKAGE)?);
    write(workspace, &folder.join("package.json"), manifest.context("package.json is not as it should be")?.as_bytes())
}

/// The version has one source: the workspace.
fn versioned(manifest: &[u8], version: &str) -> Result<String> {
    let mut manifest: serde_json::Map<String, Value> = serde_json::from_slice(manifest)?;
    let own = manifest.insert("version".into(), version.into());
    anyhow::ensure!(own.is_none(), "it has a version, which comes from the workspace's Cargo.toml; remove that line");
    Ok(serde_json::to_string_pretty(&manifest)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = include_str!("../../../policy/js/package/package.json");

    #[test]
    fn the_version_is_the_workspaces() {
        let manifest: Value = serde_json::from_str(&versioned(MANIFEST.as_bytes(), "1.2.3").unwrap()).unwrap();
        assert_eq!((&manifest["version"], &manifest["name"]), (&"1.2.3".into(), &"hpa-override".into()));
        assert_eq!(manifest["license"], env!("CARGO_PKG_LICENSE"));
    }

    #[test]
    fn a_version_of_its_own_is_refused() {
        let error = versioned(br#"{"version":"9.9.9"}"#, "1.2.3").unwrap_err().to_string();
        assert!(error.starts_with("it has a version"), "{error}");
    }
}
