//! Commands of other programs, such that a person can repeat what failed.
//!
//! It goes through no shell: what is printed can be pasted into one, what is run are plain arguments.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    process::{Command as Process, ExitStatus, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// One command line, with the variables set for it and the folder that it runs in.
pub(crate) struct Command {
    program: OsString,
    args: Vec<OsString>,
    variables: Vec<(String, OsString)>,
    folder: Option<OsString>,
}

impl Command {
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        Self { program: program.into(), args: Vec::new(), variables: Vec::new(), folder: None }
    }

    /// `cargo`, in the workspace's root.
    pub(crate) fn cargo(root: &Path) -> Self {
        let mut command = Self::new("cargo");
        command.folder = Some(root.into());
        command
    }

    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Arguments without spaces, written as one would type them.
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.args.extend(words.split_whitespace().map(OsString::from));
        self
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = OsString>) -> Self {
        self.args.extend(args);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Says the command, runs it with this terminal, and fails if it does.
    pub(crate) fn run(&self) -> Result<()> {
        println!("$ {self}");
        let status = self.process().status().with_context(|| self.cannot_start())?;
        self.succeeded(status)
    }

    /// What it prints; its errors go to this terminal.
    pub(crate) fn stdout(&self) -> Result<String> {
        let output = self.process().stderr(Stdio::inherit()).output().with_context(|| self.cannot_start())?;
        self.succeeded(output.status)?;
        String::from_utf8(output.stdout).with_context(|| format!("`{self}` printed something that is not UTF-8"))
    }

    /// Runs without output; a failure carries the first line of its standard error.
    pub(crate) fn quietly(&self) -> Result<()> {
        let output = self.process().output().with_context(|| self.cannot_start())?;
        let errors = String::from_utf8_lossy(&output.stderr);
        self.succeeded(output.status).with_context(|| errors.lines().next().unwrap_or("no message").to_owned())
    }

    /// For a cargo command that builds: runs it; where cargo put the file of that name.
    pub(crate) fn artifact(self, name: &str) -> Result<PathBuf> {
        println!("$ {self}");
        let messages = self.words("--message-format json-render-diagnostics").stdout()?;
        find(&messages, name).with_context(|| format!("the build succeeded, but cargo names no file `{name}`"))
    }

    /// Runs it in place of this process, so that signals and the exit code are its own. Returns only an error.
    #[cfg(unix)]
    pub(crate) fn become_it(&self) -> Result<std::process::ExitCode> {
        use std::os::unix::process::CommandExt;
        Err(self.process().exec()).with_context(|| self.cannot_start())
    }

    /// Runs it and passes its exit code on.
    #[cfg(not(unix))]
    pub(crate) fn become_it(&self) -> Result<std::process::ExitCode> {
        let status = self.process().status().with_context(|| self.cannot_start())?;
        Ok(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1).into())
    }

    fn process(&self) -> Process {
        let mut process = Process::new(&self.program);
        for (name, _) in env::vars_os().filter(|(name, _)| is_about_xtask(name)) {
            process.env_remove(name);
        }
        process.args(&self.args).envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            process.current_dir(folder);
        }
        process
    }

    fn cannot_start(&self) -> String {
        format!("cannot start `{}`; is it installed and on PATH?", self.program.display())
    }

    fn succeeded(&self, status: ExitStatus) -> Result<()> {
        if status.success() {
            return Ok(());
        }
        bail!("a command failed ({status}); repeat it with: {self}")
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(f, "{name}={} ", quoted(&value.to_string_lossy()))?;
        }
        write!(f, "{}", quoted(&self.program.to_string_lossy()))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(&arg.to_string_lossy())))
    }
}

/// Whether cargo set it for xtask, whose package it names. Build scripts read such variables (`ring`'s does): left in, all
/// that depends on theirs would be built anew whenever `cargo test` and `cargo xtask test` alternate.
fn is_about_xtask(variable: &OsStr) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// The word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
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
{"reason":"compiler-artifact","filenames":["/t/policy.wasm","/t/libpolicy.rlib"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(find(messages, "policy.wasm"), Some(PathBuf::from("/t/policy.wasm")));
        assert_eq!(find(messages, "other.wasm"), None);
    }

    #[test]
    fn what_is_printed_can_be_pasted() {
        let command = Command::new("cargo").words("doc --no-deps").variable("RUSTDOCFLAGS", "-D warnings").arg("it's");
        assert_eq!(command.to_string(), r"RUSTDOCFLAGS='-D warnings' cargo doc --no-deps 'it'\''s'");
    }

    #[test]
    fn what_cargo_sets_for_xtask_is_not_passed_on() {
        let printed = Command::new("env").stdout().unwrap();
        assert!(env::var_os("CARGO_PKG_NAME").is_some() && printed.contains("CARGO"), "{printed}");
        assert!(!printed.contains("CARGO_PKG_") && !printed.contains("CARGO_MANIFEST_"), "{printed}");
    }
}
