//! The bindings on Node: a process that reads questions and writes answers, a line each.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Binding, as_native};
use crate::{Outcome, Question, text};

const JCO: &str = "jco";

/// No answer takes that long, on any machine.
const LONGEST: Duration = Duration::from_mins(1);

/// A binding on Node.
#[derive(Debug)]
pub struct Node {
    name: &'static str,
    process: Mutex<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    answers: mpsc::Receiver<String>,
}

impl Node {
    /// The npm package in that folder.
    pub fn javascript(package: &Path) -> Result<Self> {
        Self::start("javascript", &package.join("index.js"))
    }

    /// The component in that folder, as jco translates it.
    pub fn jco(folder: &Path) -> Result<Self> {
        Self::start(JCO, &folder.join("component.js"))
    }

    fn start(name: &'static str, binding: &Path) -> Result<Self> {
        ensure!(binding.exists(), "there is no {}", binding.display());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bindings").join(format!("{name}.mjs"));
        let args: [&OsStr; 2] = [script.as_ref(), binding.as_ref()];
        let child = Command::new("node").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.context("cannot start `node`")?;
        let lines = BufReader::new(child.stdout.take().context("no pipe")?).lines();
        let (sender, answers) = mpsc::channel();
        // A read has no time-out, waiting for what was read has.
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Ok(Self { name, process: Mutex::new(Process { child, answers }) })
    }

    fn ask(&self, Question { function, argument }: &Question) -> Result<Outcome> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let line = process.ask(&json!({ "function": function, "argument": argument }))?;
        let mut answer: Value = serde_json::from_str(&line).context("Node gives no JSON")?;
        if let Some(text) = answer.get("text").and_then(Value::as_str) {
            // Another order of keys, or no JSON at all, is no answer that native gives.
            let answer: Value = serde_json::from_str(text).unwrap_or_default();
            let written = answer.to_string();
            return Ok(if written == text { Ok(answer) } else { Err(json!({ "text": text })) });
        }
        let mut part = |key: &str| answer.get_mut(key).map(Value::take);
        let outcome = part("answer").map(Ok).or_else(|| part("error").map(Err));
        outcome.context("the binding gives neither answer nor error")
    }
}

impl Process {
    /// A line for a line.
    fn ask(&mut self, question: &Value) -> Result<String> {
        let questions = self.child.stdin.as_mut().context("no pipe")?;
        writeln!(questions, "{question}").context("Node has ended")?;
        match self.answers.recv_timeout(LONGEST) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("Node has ended"),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.child.kill()?;
                bail!("no answer within {} s, so Node was ended", LONGEST.as_secs())
            }
        }
    }
}

impl Binding for Node {
    fn name(&self) -> &'static str {
        self.name
    }

    /// In JavaScript the settings to validate are the whole argument: there is no place for another key.
    fn expected(&self, question: &Question, native: &Outcome) -> Option<String> {
        as_native(self.name == JCO || question.function == "validateSettings", question, native)
    }

    fn answer(&self, question: &Question) -> Result<String> {
        self.ask(question).map(|outcome| text(&outcome))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
