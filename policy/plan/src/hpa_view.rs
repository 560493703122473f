//! What plans read of an HPA, parsed once: so that the object itself need not be kept, and a change of it that plans do not
//! read is found by one comparison.
//!
//! It refuses to hold more: metrics, behavior and the rest of the status are dropped. managedFields are large and rarely
//! needed, so they stay text.

mod found_record;
mod managed_fields;
mod wanted;

use std::sync::Arc;

use hpa_override_core::{
    Bounds, Id, Instant, Labels, RELEASE_ANNOTATION, Record, UnreadableRecord,
    hpa::raw::{annotation, has_controller, labels_of, name_of, resource_version},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use self::{found_record::FoundRecord, managed_fields::ManagedFields};
use crate::{hpa_status::HpaStatus, scale_target::ScaleTarget};

/// What plans read of one version of an HPA.
///
/// ```
/// use hpa_override_plan::HpaView;
/// use serde_json::json;
///
/// let hpa = json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5}});
/// let view = HpaView::parse(&hpa);
/// assert_eq!((view.id().name.as_str(), view.bounds().is_some()), ("web", true));
/// assert!(view.is_untouched());
/// ```
#[derive(Clone, Debug)]
pub struct HpaView {
    id: Id,
    uid: Box<str>,
    resource_version: Option<Box<str>>,
    labels: Labels,
    bounds: Option<Bounds>,
    record: FoundRecord,
    /// The release marker, where it is there: whether it says `true`, as admission takes it.
    release_marker: Option<bool>,
    has_controller: bool,
    managed_fields: ManagedFields,
    scaling: Scaling,
}

/// What an HPA says of what it scales: from this sentences about replicas are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scaling {
    pub(crate) target: Option<Arc<ScaleTarget>>,
    pub(crate) status: HpaStatus,
}

impl HpaView {
    /// Reads an HPA as it comes. Total: what is absent or of another type is empty.
    #[must_use]
    pub fn parse(hpa: &Value) -> Self {
        Self::with(hpa, ManagedFields::parse(hpa))
    }

    /// Reads an HPA from the text that the API server sends: the same, but nothing is built for what is not read.
    ///
    /// # Errors
    /// When it is not JSON, or a number that is read is beyond what JSON numbers can hold here.
    pub fn parse_text(text: &str) -> serde_json::Result<Self> {
        let hpa = wanted::read(text, &wanted::HPA)?;
        Ok(Self::with(&hpa, ManagedFields::read(&hpa, || managed_fields_of(text))))
    }

    fn with(hpa: &Value, managed_fields: ManagedFields) -> Self {
        let (namespace, name) = name_of(hpa);
        let uid = hpa.get("metadata").and_then(|metadata| metadata.get("uid")).and_then(Value::as_str);
        Self {
            id: Id { namespace: namespace.into(), name: name.into() },
            uid: uid.unwrap_or_default().into(),
            resource_version: resource_version(hpa).and_then(Value::as_str).map(Into::into),
            labels: labels_of(hpa),
            bounds: Bounds::from_hpa(hpa),
            record: FoundRecord::parse(hpa),
            release_marker: annotation(hpa, RELEASE_ANNOTATION).map(|value| value == "true"),
            has_controller: has_controller(hpa),
            managed_fields,
            scaling: Scaling { target: ScaleTarget::from_hpa(hpa).map(Arc::new), status: HpaStatus::parse(hpa) },
        }
    }

    /// Namespace and name.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// `metadata.uid`; empty before the API server has given one.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// `metadata.resourceVersion`; empty where there is none.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        self.resource_version.as_deref().unwrap_or_default()
    }

    /// `metadata.resourceVersion`; none where there is none.
    pub(crate) fn version(&self) -> Option<&str> {
        self.resource_version.as_deref()
    }

    /// The labels.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The bounds in `spec`; none where the API server would refuse them.
    #[must_use]
    pub fn bounds(&self) -> Option<Bounds> {
        self.bounds
    }

    /// The record; none where the annotation is absent. It was parsed when the view was made.
    #[must_use]
    pub fn record(&self) -> Option<Result<&Record, UnreadableRecord>> {
        self.record.get()
    }

    /// The record, where it can be read.
    pub(crate) fn readable_record(&self) -> Option<&Record> {
        self.record().and_then(Result::ok)
    }

    /// Whether the annotation is this very text.
    pub(crate) fn has_record_text(&self, text: &str) -> bool {
        self.record.is_text(text)
    }

    /// Whether an override that the record names is over at `now`, by the end that stands there.
    #[must_use]
    pub fn has_ended_by(&self, now: Instant) -> bool {
        let layers = self.readable_record().map(|record| record.layers.as_slice()).unwrap_or_default();
        layers.iter().filter_map(|layer| layer.until).any(|until| until <= now)
    }

    /// What it scales; none where it names nothing.
    #[must_use]
    pub fn scale_target(&self) -> Option<&ScaleTarget> {
        self.scaling.target.as_deref()
    }

    /// `status.currentReplicas` and `status.desiredReplicas`: how many replicas it asked for before its last step, and asks
    /// for since.
    #[must_use]
    pub fn asked_for(&self) -> [Option<i64>; 2] {
        self.scaling.status.asked_for().map(|number| number.map(Into::into))
    }

    /// Whether nothing of ours is on it: no record, no release marker, no entry in managedFields. While no override targets
    /// it, and no record of it is remembered, its plan is empty.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.record().is_none() && self.release_marker.is_none() && !self.managed_fields.has_our_entry()
    }

    /// Whether a plan for either decides the same, aside from what depends on the status ([`Self::has_status_like`]), from
    /// the version that it patches, and from the ownership that it returns: a patch is always planned from the latest view.
    #[must_use]
    pub fn plans_like(&self, other: &Self) -> bool {
        self.uid == other.uid
            && self.id == other.id
            && self.bounds == other.bounds
            && self.labels == other.labels
            && self.release_marker == other.release_marker
            && self.has_controller == other.has_controller
            && self.scaling.target == other.scaling.target
            && self.managed_fields.has_same_owner(&other.managed_fields)
            && self.record == other.record
    }

    /// Whether what is read of the status is the same: the numbers that it asks for, and the conditions that allow `current`
    /// to be captured or say why replicas are missing.
    #[must_use]
    pub fn has_status_like(&self, other: &Self) -> bool {
        self.scaling.status == other.scaling.status
    }

    /// Whether it has a controller owner.
    pub(crate) fn has_controller(&self) -> bool {
        self.has_controller
    }

    /// Whether it carries the release marker.
    pub(crate) fn has_release_marker(&self) -> bool {
        self.release_marker.is_some()
    }

    /// Whether the release marker asks an admission to release it.
    pub(crate) fn is_to_be_released(&self) -> bool {
        self.release_marker == Some(true)
    }

    /// Who owns which field.
    pub(crate) fn managed_fields(&self) -> &ManagedFields {
        &self.managed_fields
    }

    /// What it says of what it scales.
    pub(crate) fn scaling(&self) -> &Scaling {
        &self.scaling
    }

    /// What `current` is when an override becomes active on it; none while its status does not say.
    pub(crate) fn current_replicas(&self) -> Option<i32> {
        self.scaling.status.current_replicas()
    }
}

/// The text of `metadata.managedFields`; empty where there is none.
fn managed_fields_of(text: &str) -> &str {
    #[derive(Deserialize)]
    struct Object<'a> {
        #[serde(borrow)]
        metadata: Metadata<'a>,
    }
    #[derive(Deserialize)]
    struct Metadata<'a> {
        #[serde(borrow, rename = "managedFields")]
        managed_fields: &'a RawValue,
    }
    serde_json::from_str::<Object<'_>>(text).map_or("", |object| object.metadata.managed_fields.get())
}

#[cfg(test)]
mod tests;
