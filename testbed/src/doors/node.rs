//! The doors on Node: a process that reads questions and writes answers, a line each.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Door, Outcome};

const JCO: &str = "jco";

/// A door on Node.
#[derive(Debug)]
pub struct Node {
    name: &'static str,
    pipes: Mutex<Pipes>,
    process: Child,
}

#[derive(Debug)]
struct Pipes {
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Node {
    /// The npm package in that folder.
    ///
    /// # Errors
    /// When Node cannot be started.
    pub fn javascript(package: &Path) -> Result<Self> {
        Self::start("javascript", &package.join("index.js"))
    }

    /// The component in that folder, as jco translates it.
    ///
    /// # Errors
    /// When Node cannot be started.
    pub fn jco(folder: &Path) -> Result<Self> {
        Self::start(JCO, &folder.join("component.js"))
    }

    fn start(name: &'static str, door: &Path) -> Result<Self> {
        ensure!(door.exists(), "there is no {}", door.display());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doors").join(format!("{name}.mjs"));
        let args: [&OsStr; 2] = [script.as_ref(), door.as_ref()];
        let process = Command::new("node").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = process.context("cannot start `node`")?;
        let (questions, answers) = process.stdin.take().zip(process.stdout.take()).context("no pipes")?;
        let pipes = Mutex::new(Pipes { questions, answers: BufReader::new(answers) });
        Ok(Self { name, pipes, process })
    }
}

impl Door for Node {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_typed(&self) -> bool {
        self.name == JCO
    }

    fn ask(&self, function: &str, argument: &Value) -> Result<Option<Outcome>> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let question = json!({ "function": function, "argument": argument });
        writeln!(pipes.questions, "{question}").context("Node has ended")?;
        let mut line = String::new();
        pipes.answers.read_line(&mut line)?;
        let mut told: Value = serde_json::from_str(&line).context("Node has ended, or gives no JSON")?;
        if let Some(answer) = told.get_mut("answer") {
            return Ok(Some(Ok(answer.take())));
        }
        Ok(told.get_mut("error").map(|error| Err(error.take())))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
