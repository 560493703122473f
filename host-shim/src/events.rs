//! Publishes Kubernetes Events on overrides and HPAs. A lost event is logged and changes nothing.

use hpa_override_core::{Id, MANAGER};
use hpa_override_plan::{About, Event};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event as KubeEvent, EventType, Recorder, Reporter},
};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    apply::within_time,
    object::{Hpa, HpaKind, OverrideKind, reference},
};

/// The API server's limit on a note, in bytes.
const LONGEST_NOTE: usize = 1024;

/// An event to be published, and the object that it is about.
#[derive(Debug)]
pub struct PendingEvent {
    event: Event,
    about: ObjectReference,
}

impl PendingEvent {
    /// An event of a plan for an HPA.
    pub fn from_hpa_plan(event: Event, hpa: &Hpa) -> Self {
        let about = match &event.about {
            About::Hpa => reference::<HpaKind>(hpa.namespace(), hpa.name(), hpa.uid()),
            About::Override(id, uid) => about_override(id, uid),
        };
        Self { event, about }
    }

    /// An event of a plan for a status.
    pub fn from_status_plan(event: Event) -> Option<Self> {
        let About::Override(id, uid) = &event.about else { return None };
        let about = about_override(id, uid);
        Some(Self { event, about })
    }
}

fn about_override(id: &Id, uid: &str) -> ObjectReference {
    reference::<OverrideKind>(&id.namespace, &id.name, uid)
}

/// Publishes events until the last sender is gone.
pub async fn publish(client: Client, mut pending: UnboundedReceiver<PendingEvent>) {
    let recorder = Recorder::new(client, Reporter::from(MANAGER));
    while let Some(PendingEvent { mut event, about }) = pending.recv().await {
        event.note.truncate(event.note.floor_char_boundary(LONGEST_NOTE));
        tracing::info!(
            reason = event.reason,
            kind = about.kind.as_deref(),
            namespace = about.namespace.as_deref(),
            name = about.name.as_deref(),
            "{}",
            event.note
        );
        if let Err(error) = within_time(recorder.publish(&kube_event(event), &about)).await {
            tracing::warn!(%error, "failed to publish an event");
        }
    }
}

fn kube_event(event: Event) -> KubeEvent {
    KubeEvent {
        type_: if event.warning { EventType::Warning } else { EventType::Normal },
        reason: event.reason.into(),
        note: Some(event.note),
        action: event.reason.into(),
        secondary: None,
    }
}
