//! Archives whose bytes depend on their content alone: entries in order of their paths, without times and owners.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::workspace::read;

/// Files by their path in the archive.
#[derive(Clone, Default)]
pub(super) struct Archive(BTreeMap<PathBuf, (u32, Vec<u8>)>);

impl Archive {
    /// Adds a file that everybody may read.
    pub(super) fn file(&mut self, path: impl Into<PathBuf>, bytes: Vec<u8>) {
        self.0.insert(path.into(), (0o644, bytes));
    }

    /// Adds a program.
    pub(super) fn program(&mut self, path: impl Into<PathBuf>, bytes: Vec<u8>) {
        self.0.insert(path.into(), (0o755, bytes));
    }

    /// The files of a folder, below `prefix`.
    pub(super) fn folder(folder: &Path, prefix: &str) -> Result<Self> {
        let place = || format!("cannot list {}", folder.display());
        let mut archive = Self::default();
        for entry in fs::read_dir(folder).with_context(place)? {
            let entry = entry.with_context(place)?;
            archive.file(Path::new(prefix).join(entry.file_name()), read(&entry.path())?);
        }
        Ok(archive)
    }

    /// As tar, with gzip.
    pub(super) fn to_tar_gz(&self) -> Result<Vec<u8>> {
        let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        encoder.write_all(&self.to_tar()?)?;
        Ok(encoder.finish()?)
    }

    fn to_tar(&self) -> Result<Vec<u8>> {
        let mut builder = Builder::new(Vec::new());
        for (path, (mode, bytes)) in &self.0 {
            let mut header = Header::new_ustar();
            header.set_entry_type(EntryType::Regular);
            header.set_mode(*mode);
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(u64::try_from(bytes.len())?);
            builder.append_data(&mut header, path, bytes.as_slice())?;
        }
        Ok(builder.into_inner()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_in_which_files_are_added_does_not_matter() {
        let archive = |names: [&str; 2]| {
            let mut archive = Archive::default();
            for name in names {
                archive.file(name, name.into());
            }
            archive.to_tar_gz().unwrap()
        };
        assert_eq!(archive(["a", "b"]), archive(["b", "a"]));
        assert_ne!(archive(["a", "b"]), archive(["a", "c"]));
    }

    #[test]
    fn an_entry_has_a_mode_and_neither_time_nor_owner() {
        let mut archive = Archive::default();
        archive.program("host-shim", b"program".to_vec());
        let tar = archive.to_tar().unwrap();
        let mut read = tar::Archive::new(tar.as_slice());
        let entry = read.entries().unwrap().next().unwrap().unwrap();
        let header = entry.header();
        let found = (header.mode().unwrap(), header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap());
        assert_eq!((entry.path().unwrap().as_ref(), found), (Path::new("host-shim"), (0o755, 0, 0, 0)));
    }
}
