//! What a program or module is made of: `CycloneDX`, by cargo-cyclonedx.

use std::{collections::HashSet, fs};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{cargo_tool, command::Command, workspace::Workspace};

const VERSION: &str = "0.5.9";
/// The name that the tool is asked to give its files.
const FILE: &str = "sbom-of-package";

/// Of the crates that a package needs to run on that target. It has neither a time but the commit's, nor a random number.
pub(super) fn of(workspace: &Workspace, package: &str, target: &str) -> Result<String> {
    let manifest = workspace.manifest_of(package)?;
    let made = make(workspace, package, target);
    let text = fs::read_to_string(manifest.with_file_name(FILE).with_extension("json"));
    // It writes one beside the manifest of each member of the workspace.
    for manifest in workspace.manifests() {
        let path = manifest.with_file_name(FILE).with_extension("json");
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    made?;
    let text = text.with_context(|| format!("cargo-cyclonedx has written nothing for {package}"))?;
    // It names members by their folders.
    let text = text.replace(&format!("path+file://{}", workspace.root.display()), "path+file:///src");
    let mut bom = serde_json::from_str(&text).context("cargo-cyclonedx has not written JSON")?;
    keep(&mut bom, &linked(workspace, package, target)?);
    check(&bom, workspace).with_context(|| format!("the SBOM of {package} is not as it should be"))?;
    Ok(serde_json::to_string_pretty(&bom)? + "\n")
}

fn make(workspace: &Workspace, package: &str, target: &str) -> Result<()> {
    let program = cargo_tool::program(workspace, "cargo-cyclonedx", VERSION, cargo_tool::FAST_ENOUGH)?;
    let time = workspace.git("log -1 --format=%ct").stdout()?;
    let command = Command::new(program).words("cyclonedx --format json --spec-version 1.5 --no-build-deps --target");
    let command = command.arg(target).arg("--override-filename").arg(FILE);
    let command = command.arg("--manifest-path").arg(workspace.manifest_of(package)?);
    command.variable("SOURCE_DATE_EPOCH", time.trim()).quietly()
}

/// The crates that are linked, as name and version. The tool counts the features that any member of the workspace wants.
fn linked(workspace: &Workspace, package: &str, target: &str) -> Result<HashSet<(String, String)>> {
    let tree = workspace.cargo("tree --locked --edges normal --prefix none --format {p} --package").arg(package);
    let tree = tree.arg("--target").arg(target).stdout()?;
    Ok(tree.lines().filter_map(name_and_version).collect())
}

/// Of a line of `cargo tree`, like `serde v1.0.0 (*)`.
fn name_and_version(line: &str) -> Option<(String, String)> {
    let (name, rest) = line.split_once(" v")?;
    Some((name.into(), rest.split(' ').next()?.into()))
}

/// Removes what is not linked, and what depends on it.
fn keep(bom: &mut Value, linked: &HashSet<(String, String)>) {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |of: &mut Value, key: &str| match of.get_mut(key).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let mut components = list(bom, "components");
    components.retain(|crate_| linked.contains(&(text(crate_, "name"), text(crate_, "version"))));
    let mut kept: HashSet<String> = components.iter().map(|crate_| text(crate_, "bom-ref")).collect();
    kept.extend(bom.pointer("/metadata/component/bom-ref").and_then(Value::as_str).map(ToOwned::to_owned));
    let mut dependencies = list(bom, "dependencies");
    dependencies.retain(|dependency| kept.contains(&text(dependency, "ref")));
    for dependency in &mut dependencies {
        if let Some(on) = dependency.get_mut("dependsOn").and_then(Value::as_array_mut) {
            on.retain(|on| on.as_str().is_some_and(|on| kept.contains(on)));
        }
    }
    if let Some(bom) = bom.as_object_mut() {
        bom.insert("components".into(), components.into());
        bom.insert("dependencies".into(), dependencies.into());
    }
}

/// It names what it is about, what that is made of, and not where it was made.
fn check(bom: &Value, workspace: &Workspace) -> Result<()> {
    ensure!(bom.pointer("/metadata/component/name").is_some(), "it does not say what it is about");
    ensure!(bom.get("components").and_then(Value::as_array).is_some_and(|all| !all.is_empty()), "it lists nothing");
    let root = workspace.root.display().to_string();
    ensure!(!bom.to_string().contains(&root), "it names the folder {root}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_linked_is_not_listed() {
        let mut bom = json!({
            "metadata": {"component": {"bom-ref": "root"}},
            "components": [{"bom-ref": "a", "name": "a", "version": "1.0.0"}, {"bom-ref": "b", "name": "b", "version": "2.0.0"}],
            "dependencies": [{"ref": "root", "dependsOn": ["a", "b"]}, {"ref": "a"}, {"ref": "b", "dependsOn": ["a"]}],
        });
        keep(&mut bom, &["root v0.1.0 (/src)", "a v1.0.0 (*)"].into_iter().filter_map(name_and_version).collect());
        assert_eq!(bom["components"], json!([{"bom-ref": "a", "name": "a", "version": "1.0.0"}]));
        assert_eq!(bom["dependencies"], json!([{"ref": "root", "dependsOn": ["a"]}, {"ref": "a"}]));
    }
}
