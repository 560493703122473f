//! The steps of `cargo xtask test`, each a command or two that a person could type.
//!
//! Those over the whole workspace take all features, so that they share one build of the dependencies; what that
//! unification could hide is what `every crate alone` is for.

use anyhow::{Result, ensure};

use super::{Step, binaries, deny};
use crate::{
    cases, codegen,
    dist::{self, BARE, COMPONENT, POLICY, TARGET},
    workspace::Workspace,
};

/// Crates that would bring a runtime or a client into the admission module.
const NOT_IN_THE_MODULE: [&str; 3] = ["tokio", "hyper", "kube-client"];

/// In the order in which they run.
pub(super) const STEPS: &[Step] = &[
    Step { name: "format", run: format },
    Step { name: "module dependencies", run: module_dependencies },
    Step { name: "dependencies", run: deny::run },
    Step { name: "lints", run: lints },
    Step { name: "lints of WebAssembly", run: lints_of_webassembly },
    Step { name: "generated files", run: codegen::check },
    Step { name: "WebAssembly", run: dist::run },
    Step { name: "tests", run: binaries::run },
    Step { name: "cases", run: cases::pass },
    Step { name: "documentation", run: documentation },
    Step { name: "every crate alone", run: every_crate_alone },
];

fn format(workspace: &Workspace) -> Result<()> {
    workspace.cargo("fmt --all --check").run()
}

fn module_dependencies(workspace: &Workspace) -> Result<()> {
    let tree = workspace.cargo("tree -e normal --prefix none -p").arg(POLICY).arg("--target").arg(TARGET);
    println!("$ {tree}");
    let found = unwanted(&tree.stdout()?);
    ensure!(found.is_empty(), "{POLICY} must not depend on {}; see who brings it: {tree}", found.join(", "));
    Ok(())
}

fn unwanted(tree: &str) -> Vec<&'static str> {
    let has = |name: &&str| tree.lines().any(|line| line.split_whitespace().next() == Some(name));
    NOT_IN_THE_MODULE.into_iter().filter(|name| has(name)).collect()
}

fn lints(workspace: &Workspace) -> Result<()> {
    workspace.cargo("clippy --workspace --all-targets --all-features -- -D warnings").run()
}

/// What is compiled there only is seen there only.
fn lints_of_webassembly(workspace: &Workspace) -> Result<()> {
    for (package, target) in [(POLICY, TARGET), (COMPONENT, BARE)] {
        dist::ensure_target(target)?;
        let clippy = workspace.cargo("clippy -p").arg(package).arg("--target").arg(target);
        clippy.words("-- -D warnings").run()?;
    }
    Ok(())
}

fn documentation(workspace: &Workspace) -> Result<()> {
    let doc = workspace.cargo("doc --workspace --all-features --no-deps");
    doc.variable("RUSTDOCFLAGS", "-D warnings").run()
}

fn every_crate_alone(workspace: &Workspace) -> Result<()> {
    workspace.members().try_for_each(|member| workspace.cargo("check -p").arg(member).run())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_found_by_their_whole_name() {
        assert_eq!(unwanted("hyper-util v0.1.20\ntokio-util v0.7.0\nserde v1.0.229\n"), [""; 0]);
        assert_eq!(unwanted("serde v1.0.229\nkube-client v5.0.0\ntokio v1.48.0 (*)\n"), ["tokio", "kube-client"]);
    }
}
