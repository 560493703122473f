//! `cargo xtask chart`: the Helm chart in the hands of real Helm, of the two versions that people have, and its README as
//! helm-docs writes it.
//!
//! They are built from the modules pinned below `testbed/tools`: that takes minutes the first time.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::{command::Command, go, kubeconform, workspace::Workspace};

const TOOLS: &str = "testbed/tools/helm";
/// A Helm's name here, and its package.
type Helm = (&'static str, &'static str);
const HELM: Helm = ("helm", "helm.sh/helm/v4/cmd/helm");
const HELM_3: Helm = ("helm3", "helm.sh/helm/v3/cmd/helm");
const TEST: &str = "test -p hpa-override-host-shim --test chart -- --ignored --nocapture --test-threads=2";

const DOCS: &str = "github.com/norwoodj/helm-docs/cmd/helm-docs";
/// A commit with the chart before: until the first tag, the first one.
const BEFORE: &str = "1a984a7";
/// Where the chart is.
pub(crate) const CHART: &str = "deploy/helm/hpa-override";

/// Fails where the README lacks a value, Helm or the API server refuses a variant, wrong values pass, or an installation does not
/// live through install, upgrade, rollback, test and uninstall.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    readme(workspace)?;
    let (kubeconform, before) = (kubeconform::program(workspace)?, chart_before(workspace)?);
    for helm in [HELM, HELM_3] {
        let helm = program(workspace, helm)?;
        let test = workspace.cargo(TEST).variable("HPA_OVERRIDE_HELM", helm);
        let test = test.variable("HPA_OVERRIDE_KUBECONFORM", &kubeconform);
        test.variable("HPA_OVERRIDE_PREVIOUS_CHART", &before).run()?;
    }
    println!("chart: as expected with Helm 4 and Helm 3");
    Ok(())
}

/// Helm 4, built first.
pub(crate) fn helm(workspace: &Workspace) -> Result<PathBuf> {
    program(workspace, HELM)
}

fn program(workspace: &Workspace, (name, package): Helm) -> Result<PathBuf> {
    go::program(workspace, TOOLS, package, name)
}

/// The chart as it was, in a folder of its own.
fn chart_before(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("xtask/chart-before");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let archive = folder.join("chart.tar");
    workspace.git("archive --output").arg(&archive).arg(BEFORE).arg(CHART).run()?;
    Command::new("tar").arg("-C").arg(&folder).arg("-xf").arg(&archive).run()?;
    Ok(folder.join(CHART))
}

fn readme(workspace: &Workspace) -> Result<()> {
    let docs = go::program(workspace, go::RELEASE_TOOLS, DOCS, "helm-docs")?;
    let root = workspace.root.join(CHART);
    let docs =
        || Command::new(&docs).words("--log-level warning --sort-values-order file --chart-search-root").arg(&root);
    let expected = docs().arg("--dry-run").stdout()?;
    let is_same = workspace.read(&format!("{CHART}/README.md"))?.trim_end() == expected.trim_end();
    ensure!(is_same, "{CHART}/README.md is not what its template and values.yaml give; write it with: {}", docs());
    Ok(())
}
