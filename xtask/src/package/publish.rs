//! `cargo xtask publish`: pushes what `cargo xtask package` has made to a registry, and writes what a release page says.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    binaries::PACKAGE,
    contents::LIST,
    registry::{self, Registry},
};
use crate::{
    chart,
    command::Command,
    workspace::{Workspace, read},
};

const CHANGELOG: &str = "CHANGELOG.md";

/// Where to push to.
#[derive(clap::Args)]
pub(crate) struct PublishArgs {
    /// The registry and the folder in it, for example ghcr.io/hpa-override; none: a registry of its own on this machine, to try it.
    registry: Option<String>,
}

#[derive(Deserialize)]
struct List {
    version: String,
    artifacts: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    bytes: Option<usize>,
    digest: String,
}

/// Pushes the image, the chart and the policy. Each is what `artifacts.json` lists and its tag is not taken, or nothing is pushed.
pub(crate) fn run(workspace: &Workspace, args: &PublishArgs) -> Result<()> {
    let folder = workspace.root.join("dist");
    let list =
        fs::read_to_string(folder.join(LIST)).context("cannot read dist/artifacts.json: run cargo xtask package")?;
    let list: List = serde_json::from_str(&list).context("cannot read dist/artifacts.json")?;
    let version = workspace.version_of(PACKAGE)?;
    ensure!(list.version == version, "dist/ holds version {}, not {version}: run cargo xtask package", list.version);
    for listed in &list.artifacts {
        verify(workspace, listed)?;
    }
    let notes = notes(&workspace.read(CHANGELOG)?, version).context("the changelog has no section of the version")?;
    fs::write(folder.join("notes.md"), notes).context("cannot write dist/notes.md")?;

    let (crane, helm) = (registry::crane(workspace)?, chart::helm(workspace)?);
    let tried = args.registry.is_none().then(|| Registry::start(crane.clone())).transpose()?;
    let registry = args.registry.as_deref().or(tried.as_ref().map(Registry::address)).unwrap_or_default();
    let digest = |reference: &str| Command::new(&crane).arg("digest").arg(reference).stdout();
    let [image, chart, policy] = [
        format!("{registry}/hpa-override:v{version}"),
        format!("{registry}/charts/hpa-override:{version}"),
        format!("{registry}/policies/hpa-override:v{version}"),
    ];
    if tried.is_none() {
        Command::new("kwctl")
            .arg("--version")
            .quietly()
            .context("the policy is pushed by kwctl, which does not run")?;
        for reference in [&image, &chart, &policy] {
            ensure!(
                Command::new(&crane).arg("digest").arg(reference).quietly().is_err(),
                "{reference} is there already"
            );
        }
    }
    Command::new(&crane).arg("push").arg(folder.join("image")).arg(&image).run()?;
    let push = Command::new(&helm).arg("push").arg(folder.join(format!("hpa-override-chart-{version}.tgz")));
    let push = push.arg(format!("oci://{registry}/charts"));
    if tried.is_some() { push.arg("--plain-http") } else { push }.run()?;
    let mut pushed = vec![image, chart];
    if tried.is_none() {
        Command::new("kwctl").arg("push").arg(folder.join("policy.wasm")).arg(format!("registry://{policy}")).run()?;
        pushed.push(policy);
    }
    let mut lines = String::new();
    for reference in pushed {
        let (name, _) = reference.rsplit_once(':').context("a reference has no tag")?;
        lines.extend([name, "@", digest(&reference)?.trim(), "\n"]);
    }
    print!("{lines}");
    fs::write(folder.join("pushed.txt"), lines).context("cannot write dist/pushed.txt")
}

/// Fails where it is not what is listed.
fn verify(workspace: &Workspace, listed: &Listed) -> Result<()> {
    let path = workspace.root.join("dist").join(&listed.name);
    let found = if listed.bytes.is_some() {
        format!("sha256:{:x}", Sha256::digest(read(&path)?))
    } else {
        let index: Value =
            serde_json::from_slice(&read(&path.join("index.json"))?).context("the image has no index")?;
        index.pointer("/manifests/0/digest").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if found != listed.digest {
        bail!("dist/{} is {found}, not {}: run cargo xtask package", listed.name, listed.digest);
    }
    Ok(())
}

/// What the changelog says of the version, or of what is not released yet.
fn notes(changelog: &str, version: &str) -> Option<String> {
    let sections: Vec<&str> = changelog.split("\n## ").skip(1).collect();
    let of = |name: &str| sections.iter().find(|section| section.starts_with(&format!("[{name}]")));
    let (_, text) = of(version).or_else(|| of("Unreleased"))?.split_once('\n')?;
    Some(text.trim().to_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_those_of_the_version_or_of_what_is_not_released() {
        let changelog = "# Changelog\n\n## [Unreleased]\n\n- new\n\n## [0.1.0] - 2026-12-01\n\n- first\n- second\n";
        assert_eq!(notes(changelog, "0.1.0").unwrap(), "- first\n- second\n");
        assert_eq!(notes(changelog, "0.2.0").unwrap(), "- new\n");
        assert_eq!(notes("# Changelog\n", "0.2.0"), None);
    }
}
