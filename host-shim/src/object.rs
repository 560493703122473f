//! Objects as the API server returns them, read once into what plans need of them. Unknown fields are not lost: writes are
//! merge patches, and an object that cannot be read never stops the others.

use std::sync::Arc;

use hpa_override_core::{Id, Instant, ParsedOverride};
use k8s_openapi::api::core::v1::ObjectReference;
use serde_json::Value;

/// Namespace and name of an object, shared by all that refer to it.
pub type Key = Arc<Id>;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// API group.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// As `kind` of an object names it.
    pub name: &'static str,
    /// Plural resource name.
    pub plural: &'static str,
}

/// `autoscaling/v2` HorizontalPodAutoscaler.
pub const HPA: Kind =
    Kind { group: "autoscaling", version: "v2", name: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers" };

/// `hpa-override.dev/v1` AutoscalerOverride.
pub const OVERRIDE: Kind = Kind {
    group: hpa_override_core::GROUP,
    version: hpa_override_core::VERSION,
    name: hpa_override_core::KIND,
    plural: hpa_override_core::PLURAL,
};

impl Kind {
    /// The path of the objects in a namespace, or in all.
    pub fn path(self, namespace: Option<&str>) -> String {
        let Self { group, version, plural, .. } = self;
        match namespace {
            Some(namespace) => format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}"),
            None => format!("/apis/{group}/{version}/{plural}"),
        }
    }

    /// A reference to an object, for an event.
    pub fn reference(self, id: &Id, uid: &str) -> ObjectReference {
        ObjectReference {
            api_version: Some(format!("{}/{}", self.group, self.version)),
            kind: Some(self.name.into()),
            namespace: Some(id.namespace.clone()),
            name: Some(id.name.clone()),
            uid: Some(uid.into()),
            ..ObjectReference::default()
        }
    }
}

/// An override, read once.
#[derive(Debug)]
pub struct Override {
    /// What it says.
    pub parsed: ParsedOverride,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `status` as compact JSON: it is read only to plan the next one.
    pub status: Option<Box<str>>,
}

impl Override {
    /// Reads the object; `now` stands for a creation time that it lacks.
    pub fn parse(object: &Value, now: Instant) -> Self {
        let version = object.get("metadata").and_then(|metadata| metadata.get("resourceVersion"));
        Self {
            parsed: ParsedOverride::parse(object, now),
            resource_version: version.and_then(Value::as_str).unwrap_or_default().into(),
            status: object.get("status").map(|status| status.to_string().into()),
        }
    }

    /// Its key.
    pub fn key(&self) -> Key {
        Arc::new(self.parsed.id.clone())
    }
}

/// The name of the pod that this process runs in, or of the machine.
pub fn host_name() -> String {
    std::env::var("HOSTNAME").unwrap_or_else(|_| "host-shim".into())
}

/// Whether one `metadata.resourceVersion` is later than another: the API server's are rising numbers.
pub fn is_later(version: &str, than: &str) -> bool {
    version.parse::<u64>().ok() > than.parse::<u64>().ok()
}
