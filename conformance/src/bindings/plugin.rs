//! The kubectl plugin, asked as a pipeline asks it: files in, JSON out. `validate` gives the report of a review, `preview` a
//! timeline.

#![expect(clippy::indexing_slicing, reason = "JSON that lacks a key is null there; nothing is indexed by a number")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result, ensure};
use hpa_override_core::{GROUP, Instant, KIND, VERSION};
use serde_json::{Value, json};

use super::Binding;
use crate::{Outcome, Question};

/// The plugin's program.
#[derive(Debug)]
pub struct Plugin {
    program: PathBuf,
    folder: PathBuf,
}

impl Plugin {
    /// That program.
    pub fn new(program: &Path) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        ensure!(program.exists(), "there is no {}", program.display());
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("hpa-override-plugin-{}-{number}", process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { program: program.to_owned(), folder })
    }

    /// A file with that content, whose name an option takes.
    fn file(&self, name: &str, content: &Value) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, content.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    fn run(&self, mut command: Command) -> Result<Value> {
        let output = command.output().with_context(|| format!("cannot start {}", self.program.display()))?;
        serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Binding for Plugin {
    fn name(&self) -> &'static str {
        "plugin"
    }

    /// It is asked about whole objects, with valid settings, in files of the kinds that they are of.
    fn expected(&self, Question { function, argument }: &Question, native: &Outcome) -> Option<String> {
        let is_whole = |object: &Value| object["metadata"]["namespace"].is_string();
        instant(&argument["now"])?;
        let answer = native.as_ref().ok()?;
        match function.as_str() {
            "reviewOverride" => {
                let is_written = argument["request"]["subResource"].as_str().unwrap_or_default().is_empty();
                (is_written && is_whole(&argument["object"])).then(|| answer["report"].to_string())
            }
            "timeline" => {
                let overrides = argument["overrides"].as_array().into_iter().flatten();
                let is_asked = argument["remembered"].is_null() && instant(&argument["until"]).is_some();
                let are_whole = is_whole(&argument["hpa"]) && overrides.into_iter().all(is_whole);
                (is_asked && are_whole).then(|| answer.to_string())
            }
            _ => None,
        }
    }

    fn answer(&self, Question { function, argument }: &Question) -> Result<String> {
        let mut command = Command::new(&self.program);
        let now = instant(&argument["now"]).context("no instant")?;
        command.arg(if function == "timeline" { "preview" } else { "validate" }).arg("--at").arg(now);
        if let Some(answer) = argument["mayPatch"].as_str() {
            command.arg("--may-patch").arg(answer);
        } else {
            command.arg("--may-patch=notAsked");
        }
        command.arg(format!("--as={}", argument["request"]["user"].as_str().unwrap_or_default()));
        if !argument["settings"].is_null() {
            command.arg("--settings").arg(self.file("settings.json", &argument["settings"])?);
        }
        command.arg("--output=json").arg("--filename");
        if function == "timeline" {
            let overrides: Vec<Value> = argument["overrides"].as_array().into_iter().flatten().map(with_kind).collect();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": overrides});
            command.arg(self.file("overrides.json", &list)?).arg("--hpa").arg(self.file("hpa.json", &argument["hpa"])?);
            command.arg("--until").arg(instant(&argument["until"]).context("no instant")?);
            return Ok(self.run(command)?.to_string());
        }
        command.arg(self.file("override.json", &with_kind(&argument["object"]))?);
        if !argument["old"].is_null() {
            command.arg("--old").arg(self.file("old.json", &argument["old"])?);
        }
        let answer = self.run(command)?;
        Ok(answer.pointer("/0/report").context("no report")?.to_string())
    }
}

/// By it the plugin finds overrides among other documents.
fn with_kind(object: &Value) -> Value {
    let mut object = object.clone();
    object["apiVersion"] = json!(format!("{GROUP}/{VERSION}"));
    object["kind"] = json!(KIND);
    object
}

/// As the plugin takes it.
fn instant(value: &Value) -> Option<String> {
    let instant: Option<Instant> = match value {
        Value::String(text) => text.parse().ok(),
        number => number.as_i64().map(Instant::from_unix),
    };
    instant.map(|instant| instant.to_string())
}
