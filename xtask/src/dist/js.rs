//! The npm package, in `dist/js/`: bindings made by the library behind wasm-bindgen's command, around them `package/`.
//!
//! ```text
//!   hpa_override_bg.wasm ◄─ hpa_override.js ◄─ index.js, index.d.ts ◄─ whoever imports `hpa-override`
//! ```

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

use super::{Limit, bare, optimise, package, say, write};
use crate::workspace::{Workspace, read};

const PACKAGE: &str = "hpa-override-js";
/// Written by hand; `package.json` lacks the version.
const FILES: &str = "policy/js/package";
const NAME: &str = "hpa_override";
/// As docs/embedding.md promises.
const LIMIT: Limit = Limit { what: "the WebAssembly of the package", package: PACKAGE, raw: 670_000, gzip: 270_000 };

/// Builds, binds, optimises, packs.
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let built = bare(workspace, PACKAGE)?;
    say("JavaScript module built", built.len());
    let room = workspace.target.join("xtask").join("js");
    bind(&built, &room).context("cannot make the JavaScript bindings")?;
    let bound = read(&room.join(format!("{NAME}_bg.wasm")))?;
    let smaller = optimise::smaller(workspace, "js", &bound)?;
    say(&smaller.how, smaller.module.len());
    LIMIT.check(&smaller.module, smaller.optimised)?;
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
    let manifest = String::from_utf8(read(&files.join("package.json"))?)?;
    let manifest =
        versioned(&manifest, workspace.version_of(PACKAGE)?).context("package.json is not as it should be")?;
    write(workspace, &folder.join("package.json"), manifest.as_bytes())
}

/// The version has one source: the workspace. All else stays as written: the order in `exports` has a meaning.
fn versioned(manifest: &str, version: &str) -> Result<String> {
    let read: Value = serde_json::from_str(manifest)?;
    ensure!(
        read.get("version").is_none(),
        "it has a version, which comes from the workspace's Cargo.toml; remove that line"
    );
    let rest = manifest.strip_prefix('{').context("it does not begin with a brace")?;
    Ok(format!("{{\n  \"version\": \"{version}\",{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_workspaces_and_no_other() {
        let manifest: Value = serde_json::from_str(&versioned(r#"{"name":"n"}"#, "1.2.3").unwrap()).unwrap();
        assert_eq!((&manifest["version"], &manifest["name"]), (&"1.2.3".into(), &"n".into()));
        let error = versioned(r#"{"version":"9.9.9"}"#, "1.2.3").unwrap_err().to_string();
        assert!(error.starts_with("it has a version"), "{error}");
    }
}
