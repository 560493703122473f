//! A case, as its file has it. What is unknown or of the wrong type is an error with its line.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use hpa_override_core::{Instant, MayPatch};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

/// One case.
#[derive(Debug)]
pub enum Case {
    /// What the controller would leave on the HPA, and where everybody stands.
    Plan(Box<Plan>),
    /// A write to an HPA.
    Admit(Box<Admit>),
    /// A write to an `AutoscalerOverride`.
    Review(Box<Review>),
    /// Any question, to which every door answers as native does.
    Question(Question),
}

/// Kind `plan`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "kind")]
    _kind: String,
    pub now: Instant,
    #[serde(default)]
    pub settings: Map<String, Value>,
    #[serde(deserialize_with = "object")]
    pub hpa: Value,
    pub remembered: Option<String>,
    pub overrides: Vec<Value>,
    #[serde(default, deserialize_with = "may_patch")]
    pub may_patch: MayPatch,
    pub expect: PlanExpect,
}

/// What is expected of a plan. What is absent is not compared; null means none.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanExpect {
    pub bounds: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "given")]
    pub desired: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    pub next_transition: Option<Value>,
    pub phases: Option<BTreeMap<String, String>>,
    pub record: Option<Map<String, Value>>,
    #[serde(default)]
    pub timeline: Vec<Moment>,
}

/// The bounds that are right at an instant.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Moment {
    pub at: Instant,
    pub min_replicas: Option<Value>,
    pub max_replicas: Option<Value>,
}

/// Kind `admitHpa`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Admit {
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "kind")]
    _kind: String,
    pub now: Instant,
    #[serde(default)]
    pub settings: Map<String, Value>,
    #[serde(default)]
    pub request: Request,
    pub old: Option<Value>,
    #[serde(deserialize_with = "object")]
    pub new: Value,
    pub expect: AdmitExpect,
}

/// What is expected of an admission.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdmitExpect {
    #[serde(default, deserialize_with = "given")]
    pub min_replicas: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    pub max_replicas: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    pub desired: Option<Value>,
    pub changed: Option<bool>,
    pub warnings: Option<usize>,
    pub record: Option<Map<String, Value>>,
    pub annotations: Option<Vec<String>>,
    pub managers: Option<Vec<String>>,
}

/// Kind `reviewOverride`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Review {
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "kind")]
    _kind: String,
    pub now: Instant,
    #[serde(default)]
    pub settings: Map<String, Value>,
    #[serde(default)]
    pub request: Request,
    pub old: Option<Value>,
    #[serde(deserialize_with = "object")]
    pub object: Value,
    #[serde(default, deserialize_with = "may_patch")]
    pub may_patch: MayPatch,
    pub expect: ReviewExpect,
}

/// What is expected of a review.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewExpect {
    pub allowed: Option<bool>,
    pub errors: Option<Vec<Finding>>,
    pub warnings: Option<Vec<Finding>>,
    pub requested_by: Option<String>,
}

/// Kind `question`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "kind")]
    _kind: String,
    pub function: String,
    pub argument: Value,
}

/// An error or a warning, without its sentence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub path: String,
    pub code: String,
}

/// Who writes, and how.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Request {
    pub user: String,
    pub groups: Vec<String>,
    pub field_manager: String,
    pub sub_resource: String,
    pub dry_run: bool,
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

/// A Kubernetes object is a map.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Map::deserialize(deserializer).map(Value::Object)
}

/// Null is a value here: none is expected.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// What is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            kind: String,
        }
        let Head { kind } = parsed(text)?;
        Ok(match kind.as_str() {
            "plan" => Self::Plan(parsed(text)?),
            "admitHpa" => Self::Admit(parsed(text)?),
            "reviewOverride" => Self::Review(parsed(text)?),
            "question" => Self::Question(parsed(text)?),
            other => bail!("kind `{other}` is not plan, admitHpa, reviewOverride or question"),
        })
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_saphyr::from_str(text).context("not a case")
}
