//! An `AdmissionReview` of `admission.k8s.io/v1`, in and out.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hpa_override_core::{Call, Question, Refusal, Settings, Subject, UnreadableCall, Verdict, question_of};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// Values in a review: decoded, each takes many times the bytes that it has there. Of an HPA of 3 kB there are 150.
const MOST_VALUES: usize = 100_000;

/// What is asked.
#[derive(Debug)]
pub(super) struct Review {
    uid: String,
    call: Result<Call, UnreadableCall>,
}

/// A body that cannot be answered as a review.
#[derive(Debug, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the body is no {KIND}: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the body is no {KIND} of {API_VERSION}, but `{kind}` of `{api_version}`")]
    Other { kind: String, api_version: String },
    #[error("the {KIND} has more than {MOST_VALUES} values")]
    TooManyValues,
}

#[derive(Deserialize)]
struct Head {
    kind: String,
    #[serde(rename = "apiVersion")]
    api_version: String,
    request: RequestHead,
}

#[derive(Deserialize)]
struct RequestHead {
    uid: String,
    kind: Option<KindHead>,
}

#[derive(Deserialize)]
struct KindHead {
    #[serde(default)]
    group: String,
    kind: String,
}

impl Review {
    /// Reads a body. What it says of the objects may be unreadable: then that is answered.
    ///
    /// # Errors
    /// When it is no review, or one without an identifier to answer to.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let Head { kind, api_version, request: RequestHead { uid, kind: of } } = serde_json::from_slice(body)?;
        if kind != KIND || api_version != API_VERSION {
            return Err(Malformed::Other { kind, api_version });
        }
        if of.is_some_and(|of| Subject::of(&of.group, &of.kind) == Subject::Other) {
            return Ok(Self { uid, call: Ok(Call::of_another_kind()) });
        }
        if body.iter().filter(|byte| matches!(byte, b'{' | b'[' | b',')).count() > MOST_VALUES {
            return Err(Malformed::TooManyValues);
        }
        Ok(Self { uid, call: Call::parse(body).map(|(call, _)| call) })
    }

    /// What is to be decided.
    pub(super) fn call(&self) -> &Result<Call, UnreadableCall> {
        &self.call
    }

    /// What has to be asked of the cluster first.
    pub(super) fn question(&self, settings: &Settings) -> Option<Question> {
        question_of(self.call.as_ref().ok()?, settings)
    }

    /// The answer. What is stored in place of what was sent is said as a patch of exactly what differs.
    pub(super) fn answer(&self, verdict: Verdict) -> Vec<u8> {
        let Verdict { refusal, object, warnings, audit } = verdict;
        let mut response = Map::new();
        let mut put = |key: &str, value: Value| drop(response.insert(key.into(), value));
        put("uid", self.uid.as_str().into());
        put("allowed", refusal.is_none().into());
        if let Some(Refusal { message, code }) = refusal {
            put("status", json!({ "message": message, "code": code }));
        }
        let sent = self.call.as_ref().ok().and_then(|call| call.object.as_ref());
        let patch = sent.zip(object.as_ref()).map(|(sent, stored)| json_patch::diff(sent, stored));
        if let Some(patch) = patch.filter(|patch| !patch.is_empty()) {
            put("patchType", "JSONPatch".into());
            put("patch", STANDARD.encode(json!(patch).to_string()).into());
        }
        if !warnings.is_empty() {
            put("warnings", warnings.into());
        }
        if let annotations @ Value::Object(_) = audit.into_annotations() {
            put("auditAnnotations", annotations);
        }
        json!({ "apiVersion": API_VERSION, "kind": KIND, "response": response }).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests;
