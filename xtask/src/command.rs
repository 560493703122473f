//! Commands of other programs, such that a person can repeat what failed.
//!
//! It goes through no shell: what is printed can be pasted into one, what is run are plain arguments.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command as Process, ExitCode, ExitStatus, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// One command line, with the variables set for it and the folder that it runs in.
pub(crate) struct Command(Process);

impl Command {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut process = Process::new(program);
        // What cargo set for xtask: build scripts read such variables (`ring`'s does), so that left in, all that depends
        // on theirs would be built anew whenever `cargo test` and `cargo xtask test` alternate.
        let is_about_xtask = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in env::vars_os().filter(|(name, _)| is_about_xtask(&name.to_string_lossy())) {
            process.env_remove(name);
        }
        Self(process)
    }

    /// `cargo`, in the workspace's root.
    pub(crate) fn cargo(root: &Path) -> Self {
        let mut command = Self::new("cargo");
        command.0.current_dir(root);
        command
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.0.arg(arg);
        self
    }

    /// Arguments without spaces, written as one would type them.
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.0.args(words.split_whitespace());
        self
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = OsString>) -> Self {
        self.0.args(args);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Prints the command, runs it with this terminal, and fails if it does.
    pub(crate) fn run(mut self) -> Result<()> {
        println!("$ {self}");
        let status = self.0.status().with_context(|| self.cannot_start())?;
        self.succeeded(status)
    }

    /// What it prints; its errors go to this terminal.
    pub(crate) fn stdout(mut self) -> Result<String> {
        let output = self.0.stderr(Stdio::inherit()).output().with_context(|| self.cannot_start())?;
        self.succeeded(output.status)?;
        String::from_utf8(output.stdout).with_context(|| format!("`{self}` printed something that is not UTF-8"))
    }

    /// What it prints, whether it succeeds or not; its errors go to this terminal.
    pub(crate) fn answer(mut self) -> Result<String> {
        let output = self.0.stderr(Stdio::inherit()).output().with_context(|| self.cannot_start())?;
        String::from_utf8(output.stdout).with_context(|| format!("`{self}` printed something that is not UTF-8"))
    }

    /// Runs without output; a failure carries the first line of its standard error.
    pub(crate) fn quietly(mut self) -> Result<()> {
        let output = self.0.output().with_context(|| self.cannot_start())?;
        let errors = String::from_utf8_lossy(&output.stderr);
        self.succeeded(output.status).with_context(|| errors.lines().next().unwrap_or("no message").to_owned())
    }

    /// For a cargo command that builds: runs it; where cargo put the file of that name.
    pub(crate) fn artifact(self, name: &str) -> Result<PathBuf> {
        println!("$ {self}");
        let messages = self.words("--message-format json-render-diagnostics").stdout()?;
        find(&messages, name).with_context(|| format!("the build succeeded, but cargo names no file `{name}`"))
    }

    /// Prints the command and runs it in place of this process, so that signals and the exit code are its own. Returns
    /// only an error.
    pub(crate) fn become_it(mut self) -> Result<ExitCode> {
        println!("$ {self}");
        Err(self.0.exec()).with_context(|| self.cannot_start())
    }

    fn cannot_start(&self) -> String {
        format!("cannot start `{}`; is it installed and on PATH?", self.0.get_program().display())
    }

    fn succeeded(&self, status: ExitStatus) -> Result<()> {
        ensure!(status.success(), "a command failed ({status}); repeat it with: {self}");
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.0.get_envs() {
            value.map_or(Ok(()), |value| write!(f, "{}={} ", name.display(), quoted(value)))?;
        }
        write!(f, "{}", quoted(self.0.get_program()))?;
        self.0.get_args().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

/// The word as a shell takes it.
fn quoted(word: &OsStr) -> String {
    let (word, plain) = (word.to_string_lossy(), |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c));
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Cargo's messages stand one a line, of many kinds; those about artifacts list files.
fn find(messages: &str, name: &str) -> Option<PathBuf> {
    let parsed = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    parsed.flat_map(|message| message.filenames).find(|path| path.file_name().is_some_and(|there| there == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_found_among_cargos_messages() {
        let messages = r#"{"reason":"build-script-executed"}
{"reason":"compiler-artifact","filenames":["/t/libserde.rlib"]}
{"reason":"compiler-artifact","filenames":["/t/policy.wasm","/t/libpolicy.rlib"]}"#;
        assert_eq!(find(messages, "policy.wasm"), Some(PathBuf::from("/t/policy.wasm")));
        assert_eq!(find(messages, "other.wasm"), None);
    }

    #[test]
    fn what_is_printed_can_be_pasted_and_what_cargo_sets_for_xtask_is_not_passed_on() {
        let command = Command::new("cargo").words("doc --no-deps").variable("RUSTDOCFLAGS", "-D warnings").arg("it's");
        assert_eq!(command.to_string(), r"RUSTDOCFLAGS='-D warnings' cargo doc --no-deps 'it'\''s'");
        let printed = Command::new("env").stdout().unwrap();
        assert!(!printed.contains("CARGO_PKG_"), "{printed}");
    }
}
