//! A member of the workspace as one static program for each processor, cross-compiled by zig's C compiler: there is C in `ring` and
//! `mimalloc`.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{command::Command, dist, workspace::Workspace};

/// The package and its program.
pub(super) const PACKAGE: &str = "hpa-override-host-shim";
pub(super) const PROGRAM: &str = "host-shim";

/// A processor, as container images and as Rust name it.
#[derive(Clone, Copy)]
pub(super) struct Platform {
    pub(super) architecture: &'static str,
    pub(super) target: &'static str,
}

pub(super) const PLATFORMS: [Platform; 2] = [
    Platform { architecture: "amd64", target: "x86_64-unknown-linux-musl" },
    Platform { architecture: "arm64", target: "aarch64-unknown-linux-musl" },
];

/// Python packages, which bring zig.
const ZIG: [&str; 2] = ["cargo-zigbuild==0.24.1", "ziglang==0.15.2"];

/// Builds a program of a package; where it is.
pub(super) fn build(workspace: &Workspace, platform: Platform, package: &str, program: &str) -> Result<PathBuf> {
    dist::ensure_target(platform.target)?;
    let zig = zig(workspace)?;
    let path = env::join_paths([zig].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())))?;
    let build = workspace.cargo("zigbuild --release --locked --target").arg(platform.target).arg("-p").arg(package);
    let build = build.variable("PATH", path).variable("CARGO_ENCODED_RUSTFLAGS", dist::without_paths());
    build.artifact(program)
}

/// The folder with cargo-zigbuild and the Python that finds zig.
fn zig(workspace: &Workspace) -> Result<PathBuf> {
    let room = workspace.target.join("tools").join(ZIG.join("-").replace("==", "-"));
    // Written last: an installation that was cut off is made anew.
    let done = room.join("done");
    if !done.exists() {
        println!("package: installing {} from PyPI, once, into {}", ZIG.join(" and "), workspace.shown(&room));
        install(&room).context("cannot install zig, which compiles the C code; is Python 3 with venv installed?")?;
        fs::write(&done, "").with_context(|| format!("cannot write {}", done.display()))?;
    }
    Ok(room.join("bin"))
}

fn install(room: &Path) -> Result<()> {
    Command::new("python3").words("-m venv --clear").arg(room).quietly()?;
    let pip = Command::new(room.join("bin/pip")).words("install --quiet --disable-pip-version-check");
    pip.args(ZIG.map(OsString::from)).quietly()
}
