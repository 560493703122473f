//! `man`: writes the man pages, for packages.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Command;

use crate::failure::{Failure, Outcome};

/// Write the man pages into a folder
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Folder
    folder: PathBuf,
}

/// Writes those of `command`.
pub fn run(args: &ManArgs, command: Command) -> Outcome {
    let failed = |error: std::io::Error| {
        Failure::new(format!("failed to write man pages to {}: {error}", args.folder.display()))
    };
    fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(command, &args.folder).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
