//! `cargo xtask chart`: the Helm chart in the hands of real Helm, of the two versions that people have.
//!
//! Helm is built from the modules pinned in `testbed/tools/helm`: that takes minutes the first time.

use anyhow::Result;

use crate::{go, workspace::Workspace};

const TOOLS: &str = "testbed/tools/helm";
const HELMS: [(&str, &str); 2] = [("helm", "helm.sh/helm/v4/cmd/helm"), ("helm3", "helm.sh/helm/v3/cmd/helm")];
const TEST: &str = "test -p hpa-override-host-shim --test chart -- --ignored --nocapture --test-threads=2";

/// Fails where Helm or the API server refuses a variant, wrong values pass, or an installation does not live through install,
/// upgrade, rollback, test and uninstall.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    for (name, package) in HELMS {
        let helm = go::program(workspace, TOOLS, package, name)?;
        workspace.cargo(TEST).variable("HPA_OVERRIDE_HELM", helm).run()?;
    }
    println!("chart: as expected with Helm 4 and Helm 3");
    Ok(())
}
