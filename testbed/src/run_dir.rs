//! The folder of one running control plane: certificates, data, logs.
//!
//! It lies under `target/testbed/run/` and is named after the process. It is removed when dropped; those that a killed
//! process left behind (or a `static`, which is never dropped) are removed by the next one that starts. It refuses to
//! touch a folder whose process runs, or that is marked to be kept.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use nix::sys::signal::kill;
use nix::unistd::Pid;

const KEEP: &str = "keep";
/// Set to anything, this environment variable keeps all folders, for a look at the logs.
const KEEP_VARIABLE: &str = "HPA_OVERRIDE_TESTBED_KEEP";

#[derive(Debug)]
pub(crate) struct RunDir(PathBuf);

impl RunDir {
    pub(crate) fn create(parent: &Path) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        std::fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
        remove_abandoned(parent);
        let path = parent.join(format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        // A left-over of an earlier process with the same id.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).with_context(|| format!("failed to create {}", path.display()))?;
        let run_dir = Self(path);
        if std::env::var_os(KEEP_VARIABLE).is_some() {
            run_dir.write(KEEP, "")?;
        }
        Ok(run_dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file of that name and returns where it is.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        write(&path, content)?;
        Ok(path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if self.0.join(KEEP).exists() {
            crate::say(&format!("testbed: kept {}", self.0.display()));
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Whoever reads meanwhile sees the whole file, the old one or the new one: tests side by side share kubeconfigs.
pub(crate) fn write(path: &Path, content: &str) -> Result<()> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let part = path.with_extension(format!("part-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let written = std::fs::write(&part, content).and_then(|()| std::fs::rename(&part, path));
    written.with_context(|| format!("failed to write {}", path.display()))
}

/// Best effort: what cannot be removed now is tried again at the next start.
fn remove_abandoned(parent: &Path) {
    let folders = std::fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path());
    for folder in folders.filter(|folder| !is_alive(folder) && !folder.join(KEEP).exists()) {
        let _ = std::fs::remove_dir_all(&folder);
    }
}

/// Whether the process runs after which the folder is named.
fn is_alive(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let id = name.split('-').next().and_then(|id| id.parse().ok());
    id.is_some_and(|id| kill(Pid::from_raw(id), None).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_process_that_is_gone_is_removed_and_no_other() {
        let parent = std::env::temp_dir().join(format!("hpa-override-run-dir-{}", std::process::id()));
        let abandoned = parent.join(format!("{}-0", i32::MAX));
        std::fs::create_dir_all(&abandoned).unwrap();
        let [first, second] = [RunDir::create(&parent).unwrap(), RunDir::create(&parent).unwrap()];
        assert!(!abandoned.exists() && first.path().exists() && second.path().exists());
        std::fs::remove_dir_all(parent).unwrap();
    }
}
