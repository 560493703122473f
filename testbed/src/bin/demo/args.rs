//! What the demonstration is told: where the programs are, and whether to stay.
//!
//! It refuses to start with half of the product: what is missing is named together with the command that makes it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// Shows an override on a real control plane on this machine. `cargo xtask demo` builds all that it needs.
#[derive(clap::Parser)]
#[command(name = "demo")]
pub(crate) struct Args {
    /// The controller; default: `host-shim` beside this program.
    #[arg(long)]
    controller: Option<PathBuf>,
    /// The admission module; default: dist/policy.wasm of this checkout.
    #[arg(long)]
    module: Option<PathBuf>,
    /// Leave the control plane up at the end, and print kubeconfigs for it.
    #[arg(long)]
    pub(crate) keep: bool,
}

/// What is shown, found and there.
pub(crate) struct Programs {
    pub(crate) controller: PathBuf,
    pub(crate) module: PathBuf,
}

impl Args {
    pub(crate) fn programs(&self) -> Result<Programs> {
        let controller = self.controller.clone().map_or_else(beside_this, Ok)?;
        let module = self.module.clone().unwrap_or_else(in_dist);
        present("controller", &controller, "cargo build -p hpa-override-host-shim")?;
        present("admission module", &module, "cargo xtask dist")?;
        Ok(Programs { controller, module })
    }
}

fn beside_this() -> Result<PathBuf> {
    let this = std::env::current_exe().context("failed to find this program")?;
    Ok(this.with_file_name(format!("host-shim{}", std::env::consts::EXE_SUFFIX)))
}

fn in_dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/policy.wasm")
}

fn present(what: &str, path: &Path, command: &str) -> Result<()> {
    ensure!(
        path.is_file(),
        "there is no {what} at {}; `{command}` builds it, and `cargo xtask demo` does all of it",
        path.display()
    );
    Ok(())
}
