//! The steps of `cargo xtask test`, each a command or two that a person could type.
//!
//! Those over the whole workspace take all features, so that they share one build of the dependencies; what that
//! unification could hide is what `every crate alone` is for.

use anyhow::{Result, ensure};

use super::{Step, binaries, deny, imports};
use crate::{
    codegen,
    dist::{self, BARE, COMPONENT, POLICY, WASI},
    kubeconform, programs, promise,
    workspace::Workspace,
};

/// Crates that would bring a runtime or a client into the admission module.
const NOT_IN_THE_MODULE: [&str; 3] = ["tokio", "hyper", "kube-client"];

/// Members that are built alone anyway: those of `dist`, and xtask to run this.
const BUILT_ALONE: [&str; 4] = [POLICY, COMPONENT, "hpa-override-js", "xtask"];

/// In the order in which they run.
pub(super) const STEPS: &[Step] = &[
    ("format", |workspace| workspace.cargo("fmt --all --check").run()),
    ("imports", imports::run),
    ("module dependencies", module_dependencies),
    ("dependencies", deny::run),
    ("lints", |workspace| workspace.cargo("clippy --workspace --all-targets --all-features -- -D warnings").run()),
    ("lints of WebAssembly", lints_of_webassembly),
    ("generated files", codegen::check),
    ("promise", promise::check),
    ("kubeconform", kubeconform::run),
    ("WebAssembly", dist::run),
    ("tests", binaries::run),
    ("cases", programs::pass_cases),
    ("documentation", documentation),
    ("every crate alone", every_crate_alone),
];

fn module_dependencies(workspace: &Workspace) -> Result<()> {
    let tree = workspace.cargo("tree -e normal --prefix none -p").arg(POLICY).arg("--target").arg(WASI);
    let command = tree.to_string();
    println!("$ {command}");
    let found = unwanted(&tree.stdout()?);
    ensure!(found.is_empty(), "{POLICY} must not depend on {}; see what brings it in: {command}", found.join(", "));
    Ok(())
}

fn unwanted(tree: &str) -> Vec<&'static str> {
    let has = |name: &&str| tree.lines().any(|line| line.split_whitespace().next() == Some(name));
    NOT_IN_THE_MODULE.into_iter().filter(|name| has(name)).collect()
}

/// What is compiled there only is seen there only.
fn lints_of_webassembly(workspace: &Workspace) -> Result<()> {
    for (package, target) in [(POLICY, WASI), (COMPONENT, BARE)] {
        dist::ensure_target(target)?;
        let clippy = workspace.cargo("clippy -p").arg(package).arg("--target").arg(target);
        clippy.words("-- -D warnings").run()?;
    }
    Ok(())
}

/// Beside the examples, dev-dependencies count as they do for the lints: nothing is checked a second time.
fn documentation(workspace: &Workspace) -> Result<()> {
    let doc = workspace.cargo("doc --workspace --all-features --no-deps --lib --bins --examples");
    doc.variable("RUSTDOCFLAGS", "-D warnings").run()
}

fn every_crate_alone(workspace: &Workspace) -> Result<()> {
    let members = workspace.members().filter(|member| !BUILT_ALONE.contains(member));
    members.into_iter().try_for_each(|member| workspace.cargo("check -p").arg(member).run())
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
