//! The webhook's own certificate: every replica presents what the Secret holds, and the one that leads renews it and tells the
//! API servers whom to trust.
//!
//! ```text
//!   Secret ──► Stored ──► present
//!               ├──► bundle ──► caBundle of both configurations (the leader)
//!               └──► next step ──► Secret (the leader)
//! ```

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hpa_override_core::Id;
use kube::{
    api::{GetParams, Patch, PatchParams},
    core::Request,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    certificate::{Certificate, Pem},
    stored::{Step, Stored},
};
use crate::{
    admissions::CONFIGURATIONS_PATH,
    clock::Clock,
    error::{Class, Failure},
    leadership::Leadership,
    request::{Requests, built},
    write::Write,
};

/// Of the Secret: one of another type is somebody else's, and left alone. The type of a Secret cannot be changed.
const TYPE: &str = "hpa-override.dev/webhook-certificate";
/// Our configurations. `deploy/kustomize/webhook` makes them.
pub const CONFIGURATIONS: [&str; 2] = ["hpa-override-guard", "hpa-override-merge"];
/// With this annotation cert-manager writes `caBundle`.
const INJECTED: &str = "cert-manager.io/inject-ca-from";

/// How long a certificate lives, and how soon it follows what others do.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// In seconds.
    life: i64,
    /// API servers notice another `caBundle` within moments.
    trusted_for: Duration,
    /// How often Secret and configurations are read. Somebody may have made them anew.
    look_every: Duration,
}

/// How often the Secret is read until there is a certificate.
const FIRST_LOOK_EVERY: Duration = Duration::from_secs(1);

impl Times {
    /// A year, or for tests as many seconds; then the rest is as much shorter.
    pub fn new(life: Option<u32>) -> Self {
        let (year, minute) = (365 * 24 * 3600, Duration::from_mins(1));
        let life = life.map_or(year, i64::from);
        let part = Duration::from_secs(u64::try_from(life).unwrap_or_default()) / 12;
        Self { life, trusted_for: part.min(minute), look_every: (part / 6).min(minute / 6) }
    }
}

/// Presents and renews the certificate.
pub struct Renewal {
    pub requests: Requests,
    pub leadership: Leadership,
    pub clock: Clock,
    pub certificate: Certificate,
    /// The Secret.
    pub secret: Id,
    /// By which name or address API servers reach the webhook.
    pub host: String,
    pub times: Times,
}

/// What is remembered from one look to the next.
#[derive(Default)]
struct Seen {
    presented: Option<Pem>,
    /// Which bundle all configurations hold, and since when they are known to.
    trusted: Option<(String, Instant)>,
    /// What was last logged to be wrong, so that it is logged once.
    wrong: Option<String>,
}

impl Renewal {
    /// For as long as the process runs.
    pub async fn run(self) {
        let mut seen = Seen::default();
        loop {
            match self.look(&mut seen).await {
                Ok(Some(step)) => {
                    tracing::info!(secret = %self.secret, "{}", said(step));
                    continue;
                }
                Ok(None) => seen.wrong = None,
                Err(error) => {
                    let wrong = format!("{error:#}");
                    if seen.wrong.as_ref() != Some(&wrong) {
                        tracing::warn!(secret = %self.secret, error = wrong, "the certificate of the webhook is not renewed");
                        seen.wrong = Some(wrong);
                    }
                }
            }
            let has_none = self.certificate.expires().is_none();
            sleep(if has_none { FIRST_LOOK_EVERY } else { self.times.look_every }).await;
        }
    }

    /// Presents what the Secret holds; the leader does the next step.
    async fn look(&self, seen: &mut Seen) -> anyhow::Result<Option<Step>> {
        let (version, stored) = self.read().await?;
        if let Some(pem) = stored.presented.as_ref().filter(|pem| seen.presented.as_ref() != Some(pem)) {
            match pem.parse() {
                Ok(presented) => self.certificate.present(presented),
                // The leader makes another.
                Err(error) => tracing::warn!(%error, secret = %self.secret, "the Secret holds no certificate"),
            }
            seen.presented = Some(pem.clone());
        }
        if !self.leadership.is_held(self.clock.now().steady()) {
            seen.trusted = None;
            return Ok(None);
        }
        let told = self.tell(&stored.bundle(), seen).await;
        let now = self.clock.now();
        let trusted = seen.trusted.as_ref().map(|(_, since)| now.steady().saturating_duration_since(*since));
        let is_trusted = trusted.is_some_and(|trusted| trusted >= self.times.trusted_for);
        let next = stored.next(&self.host, self.times.life, now.instant(), is_trusted);
        let step = match next.context("failed to make a certificate")? {
            None => None,
            Some((then, step)) => {
                self.store(&version, &then).await.context("failed to store the next certificate")?;
                Some(step)
            }
        };
        // Only now: a certificate is made whether or not it can be told whom to trust.
        told.map(|()| step)
    }

    /// The version of the Secret, and what it holds.
    async fn read(&self) -> anyhow::Result<(String, Stored)> {
        let request = Request::new(self.path()).get(&self.secret.name, &GetParams::default());
        let secret = match self.requests.read_json(built(request)?).await {
            Ok(secret) => secret,
            Err(failure) if failure.class() == Class::NotFound => {
                bail!("there is no Secret {}; apply the manifests of the webhook", self.secret)
            }
            Err(failure) => return Err(failure).context("failed to read the Secret"),
        };
        let is_ours = secret.get("type").and_then(Value::as_str) == Some(TYPE);
        ensure!(is_ours, "the Secret {} is not of type `{TYPE}`: it is left alone", self.secret);
        let version = secret.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        Ok((version.into(), Stored::read(&secret)))
    }

    async fn store(&self, version: &str, then: &Stored) -> Result<(), Failure> {
        let patch = Patch::Merge(json!({"metadata": {"resourceVersion": version}, "data": then.data()}));
        let request = Request::new(self.path()).patch(&self.secret.name, &PatchParams::default(), &patch);
        self.requests.write(Write::Installation, built(request)?).await.map(drop)
    }

    /// Writes the bundle into the configurations that hold another.
    async fn tell(&self, bundle: &str, seen: &mut Seen) -> anyhow::Result<()> {
        if bundle.is_empty() {
            return Ok(());
        }
        if seen.trusted.as_ref().is_some_and(|(trusted, _)| trusted != bundle) {
            seen.trusted = None;
        }
        let mut changed = false;
        for name in CONFIGURATIONS {
            let told = self.tell_one(name, &STANDARD.encode(bundle)).await;
            changed |= told
                .inspect_err(|_| seen.trusted = None)
                .with_context(|| format!("failed to write the authority into MutatingWebhookConfiguration {name}"))?;
        }
        if changed || seen.trusted.is_none() {
            seen.trusted = Some((bundle.into(), self.clock.now().steady()));
        }
        Ok(())
    }

    /// Whether it had to be written.
    async fn tell_one(&self, name: &str, bundle: &str) -> anyhow::Result<bool> {
        let request = Request::new(CONFIGURATIONS_PATH).get(name, &GetParams::default());
        let configuration = self.requests.read_json(built(request)?).await?;
        let annotations = configuration.pointer("/metadata/annotations");
        let is_injected = annotations.is_some_and(|annotations| annotations.get(INJECTED).is_some());
        ensure!(
            !is_injected,
            "its annotation `{INJECTED}` says that cert-manager does: start with `--webhook-cert-dir`"
        );
        let webhooks = configuration.get("webhooks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut patch = Vec::new();
        for (index, webhook) in webhooks.iter().enumerate() {
            if webhook.pointer("/clientConfig/caBundle").and_then(Value::as_str) != Some(bundle) {
                // The order may have changed since.
                patch.push(
                    json!({"op": "test", "path": format!("/webhooks/{index}/name"), "value": webhook.get("name")}),
                );
                patch.push(
                    json!({"op": "add", "path": format!("/webhooks/{index}/clientConfig/caBundle"), "value": bundle}),
                );
            }
        }
        if patch.is_empty() {
            return Ok(false);
        }
        let patch: json_patch::Patch = serde_json::from_value(Value::Array(patch))?;
        let params = PatchParams::default();
        let request = Request::new(CONFIGURATIONS_PATH).patch(name, &params, &Patch::<()>::Json(patch));
        self.requests.write(Write::Installation, built(request)?).await?;
        tracing::info!("wrote whom to trust into MutatingWebhookConfiguration {name}");
        Ok(true)
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.secret.namespace)
    }
}

fn said(step: Step) -> &'static str {
    match step {
        Step::Made => "made a certificate for the webhook",
        Step::Prepared => "made the next certificate of the webhook: it is presented once API servers trust it",
        Step::Changed => "the next certificate of the webhook takes the place of the last",
        Step::Dropped => "an authority that has expired is no longer trusted",
    }
}
