//! The folder of one running control plane: certificates, data, logs.
//!
//! It lies under `target/testbed/run/`. It is removed when dropped; those that a killed process left behind (or a
//! `static`, which is never dropped) are removed by the next one that starts, which sees by the lock that nobody lives
//! there. It refuses to touch a folder that is locked or marked to be kept.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};

const LOCK: &str = "lock";
const KEEP: &str = "keep";

/// Set to anything, this environment variable keeps all folders, for a look at the logs.
pub(crate) const KEEP_VARIABLE: &str = "HPA_OVERRIDE_TESTBED_KEEP";

#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    _lock: File,
    keep: bool,
}

impl RunDir {
    pub(crate) fn create(parent: &Path, keep: bool) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        std::fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
        // One at a time, in all processes: a folder that is not locked yet looks abandoned.
        let _turn = locked(&parent.join(LOCK))?;
        remove_abandoned(parent);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{}-{number}", std::process::id()));
        Self::lay_out(path, keep || std::env::var_os(KEEP_VARIABLE).is_some())
    }

    fn lay_out(path: PathBuf, keep: bool) -> Result<Self> {
        // A left-over of an earlier process with the same id.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).with_context(|| format!("failed to create {}", path.display()))?;
        let lock = locked(&path.join(LOCK))?;
        if keep {
            write(&path.join(KEEP), "")?;
        }
        Ok(Self { path, _lock: lock, keep })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of that name and returns where it is.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        write(&path, content)?;
        Ok(path)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if self.keep {
            crate::say(&format!("testbed: kept {}", self.path.display()));
        } else {
            let _ = std::fs::remove_dir_all(&self.path);
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

/// The file, made and locked until it is dropped; waits for whoever has it.
fn locked(path: &Path) -> Result<File> {
    let file = File::create(path).and_then(|file| file.lock().map(|()| file));
    file.with_context(|| format!("failed to lock {}", path.display()))
}

/// Best effort: what cannot be removed now is tried again at the next start.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if is_abandoned(&path) {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

fn is_abandoned(path: &Path) -> bool {
    let unlocked = File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
    unlocked && !path.join(KEEP).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_the_folder_of_another_who_begins_as_well() {
        let parent = std::env::temp_dir().join(format!("hpa-override-run-dir-{}", std::process::id()));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let folder = RunDir::create(&parent, false).unwrap();
                        folder.write("certificate", "").unwrap();
                    }
                });
            }
        });
        std::fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn what_nobody_lives_in_is_removed() {
        let parent = std::env::temp_dir().join(format!("hpa-override-abandoned-{}", std::process::id()));
        let abandoned = parent.join("1-0");
        std::fs::create_dir_all(&abandoned).unwrap();
        File::create(abandoned.join(LOCK)).unwrap();
        let living = RunDir::create(&parent, false).unwrap();
        assert!(!abandoned.exists() && living.path().exists());
        std::fs::remove_dir_all(parent).unwrap();
    }
}
