//! A policy's verdict, and the answer that the API server gets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the guest answers to `validate`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Verdict {
    accepted: bool,
    message: Option<String>,
    code: Option<u16>,
    pub(super) mutated_object: Option<Value>,
    audit_annotations: Option<BTreeMap<String, String>>,
    warnings: Option<Vec<String>>,
}

/// What the API server is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReviewResponse {
    api_version: &'static str,
    kind: &'static str,
    response: AdmissionResponse,
}

impl From<AdmissionResponse> for ReviewResponse {
    fn from(response: AdmissionResponse) -> Self {
        Self { api_version: "admission.k8s.io/v1", kind: "AdmissionReview", response }
    }
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdmissionResponse {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_annotations: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<String>>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

impl AdmissionResponse {
    pub(super) fn new(uid: &str, verdict: Verdict, patch: Option<json_patch::Patch>) -> Self {
        let says = verdict.message.is_some() || verdict.code.is_some();
        Self {
            uid: uid.to_owned(),
            allowed: verdict.accepted,
            patch_type: patch.as_ref().map(|_| "JSONPatch"),
            patch: patch.map(|patch| STANDARD.encode(patch.to_string())),
            status: says.then_some(Status { message: verdict.message, code: verdict.code }),
            audit_annotations: verdict.audit_annotations,
            warnings: verdict.warnings,
        }
    }

    pub(crate) fn accept(uid: &str) -> Self {
        Self { uid: uid.to_owned(), allowed: true, ..Self::default() }
    }

    pub(super) fn reject(uid: &str, message: String, code: Option<u16>) -> Self {
        let status = Some(Status { message: Some(message), code });
        Self { uid: uid.to_owned(), status, ..Self::default() }
    }

    pub(super) fn mutates(&self) -> bool {
        self.patch.is_some()
    }

    /// A refusal in place of a mutation; warnings and annotations stay.
    pub(super) fn refuse_instead(self, message: String) -> Self {
        let status = Some(Status { message: Some(message), code: None });
        Self { allowed: false, patch: None, patch_type: None, status, ..self }
    }
}
