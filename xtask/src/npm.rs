//! npm packages that a command here needs, each in a folder of its own below `target/xtask`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::command::Command;

/// Where npm puts them.
const PACKAGES: &str = "node_modules";

/// The folder of a package, given as `name@version`; installed first where it is not there, once. It comes whole: what was
/// cut off lies beside, and is begun anew.
pub(crate) fn installed(room: &Path, package: &str) -> Result<PathBuf> {
    let name = package.rsplit_once('@').map_or(package, |(name, _)| name);
    let (folder, part) = (room.join(PACKAGES), room.join("part"));
    if !folder.exists() {
        println!("installing {package} from npm, once, into {}", room.display());
        install(&part, package)?;
        fs::rename(part.join(PACKAGES), &folder)
            .with_context(|| format!("cannot put in place {}", folder.display()))?;
    }
    Ok(folder.join(name))
}

fn install(room: &Path, package: &str) -> Result<()> {
    let _ = fs::remove_dir_all(room);
    fs::create_dir_all(room).with_context(|| format!("cannot make the folder {}", room.display()))?;
    let npm = Command::new("npm")
        .words("install --no-save --no-audit --no-fund --no-update-notifier --ignore-scripts --loglevel=error")
        .words("--fetch-retries=1 --fetch-retry-mintimeout=1000 --prefix");
    npm.arg(room).arg(package).quietly()
}
