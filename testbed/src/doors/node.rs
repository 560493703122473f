//! The doors on Node: a process that reads questions and writes answers, a line each.

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

use super::{Door, Outcome};

const JCO: &str = "jco";

/// No answer takes that long, on any machine.
const LONGEST: Duration = Duration::from_mins(1);

/// A door on Node.
#[derive(Debug)]
pub struct Node {
    name: &'static str,
    talk: Mutex<Talk>,
}

#[derive(Debug)]
struct Talk {
    process: Child,
    answers: mpsc::Receiver<String>,
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
        let lines = BufReader::new(process.stdout.take().context("no pipe")?).lines();
        let (sender, answers) = mpsc::channel();
        // Reading cannot be given up, waiting for what was read can.
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Ok(Self { name, talk: Mutex::new(Talk { process, answers }) })
    }
}

impl Talk {
    /// A line for a line.
    fn ask(&mut self, question: &Value) -> Result<String> {
        let questions = self.process.stdin.as_mut().context("no pipe")?;
        writeln!(questions, "{question}").context("Node has ended")?;
        match self.answers.recv_timeout(LONGEST) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("Node has ended"),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.process.kill()?;
                bail!("no answer within {} s, so Node was ended", LONGEST.as_secs())
            }
        }
    }
}

impl Door for Node {
    fn name(&self) -> &'static str {
        self.name
    }

    /// In JavaScript the settings to validate are the whole argument: there is no place for another key.
    fn is_typed(&self, function: &str) -> bool {
        self.name == JCO || function == "validateSettings"
    }

    fn ask(&self, function: &str, argument: &Value) -> Result<Option<Outcome>> {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let line = talk.ask(&json!({ "function": function, "argument": argument }))?;
        let mut told: Value = serde_json::from_str(&line).context("Node gives no JSON")?;
        if let Some(text) = told.get("text").and_then(Value::as_str) {
            // Another order of keys, or no JSON at all, is no answer that native gives.
            let answer: Value = serde_json::from_str(text).unwrap_or_default();
            let written = answer.to_string();
            return Ok(Some(if written == text { Ok(answer) } else { Err(json!({ "text": text })) }));
        }
        let mut part = |key: &str| told.get_mut(key).map(Value::take);
        let outcome = part("answer").map(Ok).or_else(|| part("error").map(Err));
        outcome.context("the door gives neither answer nor error").map(Some)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
