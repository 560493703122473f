//! `completion`: scripts for shells.

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
};

use clap_complete::env::Shells;

use crate::failure::{Failure, Outcome};

/// The name of the program on the PATH.
const PROGRAM: &str = "kubectl-hpa_override";
/// kubectl looks for this program, and asks it for what can follow.
const KUBECTL_HOOK: &str = "#!/bin/sh
# Put this on the PATH as kubectl_complete-hpa_override, executable: kubectl's own completion asks it.
exec kubectl-hpa_override __complete \"$@\"
";

/// Print a completion script
///
/// `kubectl` prints the program by which kubectl's own completion finds this plugin: put it on the PATH as
/// kubectl_complete-hpa_override. The others complete kubectl-hpa_override itself; both know the names in the cluster.
#[derive(Debug, clap::Args)]
pub struct CompletionArgs {
    /// kubectl, bash, zsh, fish or powershell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Shell {
    Kubectl,
    Bash,
    Zsh,
    Fish,
    Powershell,
}

/// Prints it.
pub fn run(args: &CompletionArgs) -> Outcome {
    let failed = |error: std::io::Error| Failure::new(format!("failed to print the script: {error}"));
    let shell = match args.shell {
        Shell::Kubectl => {
            stdout().write_all(KUBECTL_HOOK.as_bytes()).map_err(failed)?;
            return Ok(ExitCode::SUCCESS);
        }
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Powershell => "powershell",
    };
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or_else(|| Failure::new(format!("there is no script for {shell}")))?;
    completer.write_registration("COMPLETE", PROGRAM, PROGRAM, PROGRAM, &mut stdout()).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
