//! `cargo xtask codegen`: files that are made from others and committed, so that a reader and a cluster need no tools.
//!
//! Each has one row in [`GENERATED`]. Nobody edits them by hand: `--check`, which every change has to pass, compares.

mod artifacthub;
mod policies;
mod region;

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// A committed file and what makes it.
struct Generated {
    /// Below the root.
    path: &'static str,
    /// Its whole content.
    make: fn(&Workspace) -> Result<String>,
}

/// The next generated file is the next row.
const GENERATED: &[Generated] = &[
    Generated { path: "crd/crd.yaml", make: custom_resource_definition },
    Generated { path: "docs/codes.md", make: table_of_codes },
    Generated { path: README, make: |workspace| with_settings(workspace, README) },
    Generated { path: POLICY_README, make: |workspace| with_settings(workspace, POLICY_README) },
    Generated { path: "artifacthub-pkg.yml", make: artifacthub::package },
    Generated { path: "deploy/kubewarden/guard.yaml", make: |workspace| policies::clusterwide(workspace, "guard") },
    Generated { path: "deploy/kubewarden/merge.yaml", make: |workspace| policies::clusterwide(workspace, "merge") },
    Generated {
        path: "deploy/kubewarden/namespaced/guard.yaml",
        make: |workspace| policies::namespaced(workspace, "guard"),
    },
    Generated {
        path: "deploy/kubewarden/namespaced/merge.yaml",
        make: |workspace| policies::namespaced(workspace, "merge"),
    },
    Generated { path: "deploy/kustomize/policies/guard.yaml", make: |workspace| policies::copied(workspace, "guard") },
    Generated { path: "deploy/kustomize/policies/merge.yaml", make: |workspace| policies::copied(workspace, "merge") },
];

const README: &str = "README.md";
const POLICY_README: &str = "policy/wapc/README.md";

fn custom_resource_definition(workspace: &Workspace) -> Result<String> {
    workspace.cargo("run --quiet -p hpa-override-crd --features schema --bin crdgen").stdout()
}

fn table_of_codes(workspace: &Workspace) -> Result<String> {
    workspace.cargo("run --quiet -p hpa-override-core --example codes").stdout()
}

/// Written by hand, but for the table of the settings.
fn with_settings(workspace: &Workspace, path: &str) -> Result<String> {
    let table = workspace.cargo("run --quiet -p hpa-override-core --example settings").stdout()?;
    region::replaced(&workspace.read(path)?, &table)
}

/// Writes what differs, and says for each file which it was.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    for Generated { path, make } in GENERATED {
        let content = make(workspace).with_context(|| format!("cannot make {path}"))?;
        let place = workspace.root.join(path);
        if is(&place, &content) {
            println!("codegen: {path} is up to date");
            continue;
        }
        fs::write(&place, content).with_context(|| format!("cannot write {path}"))?;
        println!("codegen: {path} written");
    }
    Ok(())
}

/// Names every file that is not what it would be written as.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut stale = Vec::new();
    for Generated { path, make } in GENERATED {
        let content = make(workspace).with_context(|| format!("cannot make {path}"))?;
        if !is(&workspace.root.join(path), &content) {
            stale.push(*path);
        }
    }
    if stale.is_empty() {
        println!("codegen: up to date ({})", GENERATED.len());
        return Ok(());
    }
    bail!("not up to date: {}; regenerate with: cargo xtask codegen", stale.join(", "))
}

fn is(place: &Path, content: &str) -> bool {
    fs::read(place).is_ok_and(|there| there == content.as_bytes())
}
