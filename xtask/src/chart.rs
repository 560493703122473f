//! `cargo xtask chart`: the Helm chart in the hands of real Helm, of the two versions that people have, and its README as
//! helm-docs writes it.
//!
//! They are built from the modules pinned below `testbed/tools`: that takes minutes the first time.

use anyhow::{Result, ensure};

use crate::{command::Command, go, workspace::Workspace};

const TOOLS: &str = "testbed/tools/helm";
const HELMS: [(&str, &str); 2] = [("helm", "helm.sh/helm/v4/cmd/helm"), ("helm3", "helm.sh/helm/v3/cmd/helm")];
const TEST: &str = "test -p hpa-override-host-shim --test chart -- --ignored --nocapture --test-threads=2";

const DOCS: (&str, &str) = ("testbed/tools/release", "github.com/norwoodj/helm-docs/cmd/helm-docs");
const CHART: &str = "deploy/helm/hpa-override";

/// Fails where the README lacks a value, Helm or the API server refuses a variant, wrong values pass, or an installation does not
/// live through install, upgrade, rollback, test and uninstall.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    readme(workspace)?;
    for (name, package) in HELMS {
        let helm = go::program(workspace, TOOLS, package, name)?;
        workspace.cargo(TEST).variable("HPA_OVERRIDE_HELM", helm).run()?;
    }
    println!("chart: as expected with Helm 4 and Helm 3");
    Ok(())
}

fn readme(workspace: &Workspace) -> Result<()> {
    let docs = go::program(workspace, DOCS.0, DOCS.1, "helm-docs")?;
    let root = workspace.root.join(CHART);
    let docs =
        || Command::new(&docs).words("--log-level warning --sort-values-order file --chart-search-root").arg(&root);
    let expected = docs().arg("--dry-run").stdout()?;
    let is_same = workspace.read(&format!("{CHART}/README.md"))?.trim_end() == expected.trim_end();
    ensure!(is_same, "{CHART}/README.md is not what its template and values.yaml give; write it with: {}", docs());
    Ok(())
}
