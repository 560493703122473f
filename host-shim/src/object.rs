//! Objects as the API server returns them: raw, so that unknown fields survive and an invalid object never stops the
//! others.

use std::{borrow::Cow, marker::PhantomData};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Resource, api::ObjectMeta, runtime::reflector::ObjectRef};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A kind of object.
pub trait Kind: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// API group.
    const GROUP: &str;
    /// API version.
    const VERSION: &str;
    /// Kind.
    const KIND: &str;
    /// Plural resource name.
    const PLURAL: &str;
}

/// `autoscaling/v2` HorizontalPodAutoscaler.
#[derive(Clone, Debug)]
pub struct HpaKind;

impl Kind for HpaKind {
    const GROUP: &str = "autoscaling";
    const VERSION: &str = "v2";
    const KIND: &str = "HorizontalPodAutoscaler";
    const PLURAL: &str = "horizontalpodautoscalers";
}

/// `hpa-override.dev/v1` AutoscalerOverride.
#[derive(Clone, Debug)]
pub struct OverrideKind;

impl Kind for OverrideKind {
    const GROUP: &str = hpa_override_core::GROUP;
    const VERSION: &str = hpa_override_core::VERSION;
    const KIND: &str = hpa_override_core::KIND;
    const PLURAL: &str = hpa_override_core::PLURAL;
}

/// An object with its JSON as received.
#[derive(Clone, Debug)]
pub struct Object<K> {
    metadata: ObjectMeta,
    json: Value,
    kind: PhantomData<K>,
}

/// A HorizontalPodAutoscaler.
pub type Hpa = Object<HpaKind>;
/// An AutoscalerOverride.
pub type Override = Object<OverrideKind>;

impl<K: Kind> Object<K> {
    /// The object as received.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Its uid.
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Its key in a store.
    pub fn key(&self) -> ObjectRef<Self> {
        ObjectRef::from_obj(self)
    }

    /// Whether this is a later state of the object than `other`. The API server's versions are rising numbers.
    pub fn is_later_than(&self, other: &Self) -> bool {
        let version = |object: &Self| object.metadata.resource_version.as_ref()?.parse::<u64>().ok();
        version(self) > version(other)
    }
}

/// A reference to an object, for an event.
pub fn reference<K: Kind>(namespace: &str, name: &str, uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some(format!("{}/{}", K::GROUP, K::VERSION)),
        kind: Some(K::KIND.into()),
        namespace: Some(namespace.into()),
        name: Some(name.into()),
        uid: Some(uid.into()),
        ..ObjectReference::default()
    }
}

impl<'de, K> Deserialize<'de> for Object<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let metadata = json.get("metadata").map(ObjectMeta::deserialize).transpose().map_err(D::Error::custom)?;
        let metadata = ObjectMeta { managed_fields: None, ..metadata.unwrap_or_default() };
        Ok(Self { metadata, json, kind: PhantomData })
    }
}

impl<K: Kind> Resource for Object<K> {
    type DynamicType = ();
    type Scope = kube::core::NamespaceResourceScope;

    fn group(&(): &()) -> Cow<'_, str> {
        K::GROUP.into()
    }

    fn version(&(): &()) -> Cow<'_, str> {
        K::VERSION.into()
    }

    fn kind(&(): &()) -> Cow<'_, str> {
        K::KIND.into()
    }

    fn plural(&(): &()) -> Cow<'_, str> {
        K::PLURAL.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
