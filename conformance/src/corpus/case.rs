//! A case, as its file has it. An unknown key or a wrong type is an error with its line.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use hpa_override_core::{Instant, MayPatch};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// One case: the keys of all kinds. What a kind needs, and what it may expect, [`Case::parse`] checks.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    #[serde(rename = "title")]
    _title: String,
    pub(super) kind: String,
    #[serde(default = "first_instant")]
    pub(super) now: Instant,
    #[serde(default)]
    pub(super) settings: Map<String, Value>,
    #[serde(default)]
    pub(super) hpa: Map<String, Value>,
    pub(super) remembered: Option<String>,
    #[serde(default)]
    pub(super) overrides: Vec<Value>,
    #[serde(default)]
    pub(super) request: Request,
    pub(super) old: Option<Value>,
    #[serde(default, alias = "new")]
    pub(super) object: Map<String, Value>,
    #[serde(default, deserialize_with = "may_patch")]
    pub(super) may_patch: MayPatch,
    pub(super) function: Option<String>,
    #[serde(default)]
    pub(super) argument: Option<Value>,
    #[serde(default)]
    pub(super) expect: Map<String, Value>,
}

/// The user of a write, and how it was sent. Neither the field manager nor a dry run decides anything.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Request {
    pub(super) user: String,
    pub(super) groups: Vec<String>,
    #[serde(rename = "fieldManager")]
    _field_manager: String,
    pub(super) sub_resource: String,
    #[serde(rename = "dryRun")]
    _dry_run: bool,
}

/// Every kind with the keys that it needs, and those of `expect` that it may have.
const KINDS: [(&str, &[&str], &[&str]); 4] = [
    (
        "plan",
        &["now", "hpa", "overrides", "expect"],
        &["bounds", "desired", "nextTransition", "phases", "record", "timeline"],
    ),
    (
        "admitHpa",
        &["now", "new", "expect"],
        &["minReplicas", "maxReplicas", "desired", "changed", "warnings", "record", "annotations", "managers"],
    ),
    ("reviewOverride", &["now", "object", "expect"], &["allowed", "errors", "warnings", "requestedBy"]),
    ("question", &["function", "argument"], &[]),
];

impl Case {
    /// Reads the case in that file.
    pub fn read(file: &Path) -> Result<Self> {
        Self::parse(&fs::read_to_string(file).context("failed to read the file")?)
    }

    /// Reads a case. The error says what is wrong with it, and in which line.
    pub fn parse(text: &str) -> Result<Self> {
        let case: Self = serde_saphyr::from_str(text).context("not a case")?;
        let kind = case.kind.as_str();
        let Some((_, needs, expects)) = KINDS.iter().find(|(name, ..)| *name == kind) else {
            bail!("kind `{kind}` is not plan, admitHpa, reviewOverride or question");
        };
        let keys: Map<String, Value> = serde_saphyr::from_str(text).context("not a case")?;
        let missing = needs.iter().find(|key| !keys.contains_key(**key));
        ensure!(missing.is_none(), "the kind `{kind}` needs the keys {}", needs.join(", "));
        let unknown = case.expect.keys().find(|key| !expects.contains(&key.as_str()));
        ensure!(unknown.is_none(), "the kind `{kind}` can expect {}", expects.join(", "));
        Ok(case)
    }
}

fn first_instant() -> Instant {
    Instant::MIN
}

/// YAML 1.1 takes `yes` and `no` for booleans.
fn may_patch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MayPatch, D::Error> {
    let given = Value::deserialize(deserializer)?;
    let word = match &given {
        Value::Bool(true) => "yes",
        Value::Bool(false) => "no",
        other => other.as_str().unwrap_or_default(),
    };
    MayPatch::parse(word).ok_or_else(|| {
        serde::de::Error::custom(format!("mayPatch {given} is not yes, no, unavailable, error or notAsked"))
    })
}
