//! The webhook's own certificate: every replica presents what the Secret holds, and the one that leads renews it and writes
//! into the configurations whom the API servers are to trust.
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
    error::Class,
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
    /// How often Secret and configurations are read while something is to be done, and otherwise: somebody may have made them
    /// anew.
    look_every: [Duration; 2],
}

/// How often the Secret is read until there is a certificate.
const FIRST_LOOK_EVERY: Duration = Duration::from_secs(1);

impl Times {
    /// A year, or for tests as many seconds; then the rest is as much shorter.
    pub fn new(life: Option<u32>) -> Self {
        let (year, minute) = (365 * 24 * 3600, Duration::from_mins(1));
        let life = life.map_or(year, i64::from);
        let part = Duration::from_secs(u64::try_from(life).unwrap_or_default()) / 12;
        let soon = (part / 6).min(minute / 6);
        Self { life, trusted_for: part.min(minute), look_every: [soon, part.min(minute)] }
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

/// What a look has found.
enum Looked {
    /// A step is done.
    Done,
    /// Something is to be done soon.
    Waits,
    /// Nothing is to be done for long.
    Settled,
}

/// What became of one configuration.
enum Configured {
    Changed,
    Unchanged,
    Missing,
}

/// What is remembered from one look to the next.
#[derive(Default)]
struct Seen {
    presented: Option<Pem>,
    /// What the Secret last held.
    last: Option<Stored>,
    /// The configurations that are not there.
    missing: Vec<&'static str>,
    /// Which bundle all configurations hold, and since when they are known to.
    trusted: Option<(String, Instant)>,
    /// What was last logged to be wrong, so that it is logged once.
    wrong: Option<String>,
}

impl Seen {
    /// Says what is wrong, where that is something else than before.
    fn say(&mut self, wrong: Option<anyhow::Error>, secret: &Id) {
        let wrong = wrong.map(|error| format!("{error:#}"));
        if wrong != self.wrong
            && let Some(error) = &wrong
        {
            tracing::warn!(%secret, error, "the certificate of the webhook is not renewed");
        }
        self.wrong = wrong;
    }
}

impl Renewal {
    /// For as long as the process runs.
    pub async fn run(self) {
        let mut seen = Seen::default();
        loop {
            let looked = self.look(&mut seen).await;
            let [soon, later] = self.times.look_every;
            let pause = match &looked {
                _ if self.certificate.expires().is_none() => FIRST_LOOK_EVERY,
                // The next step may follow.
                Ok(Looked::Done) => FIRST_LOOK_EVERY,
                Ok(Looked::Settled) => later,
                Ok(Looked::Waits) | Err(_) => soon,
            };
            seen.say(looked.err(), &self.secret);
            sleep(pause).await;
        }
    }

    /// Presents what the Secret holds; the leader does the next step.
    async fn look(&self, seen: &mut Seen) -> anyhow::Result<Looked> {
        let (version, stored) = self.read().await?;
        if let Some(pem) = stored.presented.as_ref().filter(|pem| seen.presented.as_ref() != Some(pem)) {
            match pem.parse() {
                Ok(presented) => self.certificate.present(presented),
                // The leader makes another.
                Err(error) => tracing::warn!(%error, secret = %self.secret, "the Secret holds no certificate"),
            }
            seen.presented = Some(pem.clone());
        }
        if !stored.is_lost() {
            seen.last = Some(stored.clone());
        }
        if !self.leadership.is_held(self.clock.now().steady()) {
            seen.trusted = None;
            return Ok(if stored.is_renewed() { Looked::Settled } else { Looked::Waits });
        }
        if stored.is_lost()
            && let Some(last) = &seen.last
        {
            return self.store(&version, last, Step::Restored).await;
        }
        let configured = self.configure(&stored.bundle(), seen).await;
        let now = self.clock.now();
        let trusted = seen.trusted.as_ref().map(|(_, since)| now.steady().saturating_duration_since(*since));
        let is_trusted = trusted.is_some_and(|trusted| trusted >= self.times.trusted_for);
        let next = stored.next(&self.host, self.times.life, now.instant(), is_trusted);
        // Whether or not the configurations could be written.
        if let Some((then, step)) = next.context("failed to make a certificate")? {
            self.store(&version, &then, step).await?;
            return configured.map(|()| Looked::Done);
        }
        configured.map(|()| if is_trusted { Looked::Settled } else { Looked::Waits })
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

    async fn store(&self, version: &str, then: &Stored, step: Step) -> anyhow::Result<Looked> {
        let patch = Patch::Merge(json!({"metadata": {"resourceVersion": version}, "data": then.data()}));
        let request = Request::new(self.path()).patch(&self.secret.name, &PatchParams::default(), &patch);
        let written = self.requests.write(Write::Installation, built(request)?).await;
        written.context("failed to store the certificate")?;
        tracing::info!(secret = %self.secret, "{}", said(step));
        Ok(Looked::Done)
    }

    /// Writes the bundle into the configurations that hold another. One that is not there keeps nothing back.
    async fn configure(&self, bundle: &str, seen: &mut Seen) -> anyhow::Result<()> {
        if bundle.is_empty() {
            return Ok(());
        }
        if seen.trusted.as_ref().is_some_and(|(trusted, _)| trusted != bundle) {
            seen.trusted = None;
        }
        let (mut changed, mut missing, mut failed) = (false, Vec::new(), Vec::new());
        for name in CONFIGURATIONS {
            match self.configure_one(name, &STANDARD.encode(bundle)).await {
                Ok(Configured::Changed) => changed = true,
                Ok(Configured::Unchanged) => {}
                Ok(Configured::Missing) => missing.push(name),
                Err(error) => failed.push(format!("MutatingWebhookConfiguration {name}: {error:#}")),
            }
        }
        if missing != seen.missing && !missing.is_empty() {
            let missing = missing.join(", ");
            tracing::warn!(
                "the API server asks the webhook in part only: there is no MutatingWebhookConfiguration {missing}"
            );
        }
        seen.missing = missing;
        if !failed.is_empty() {
            seen.trusted = None;
            bail!("failed to write whom to trust into {}", failed.join("; "));
        }
        if changed || seen.trusted.is_none() {
            seen.trusted = Some((bundle.into(), self.clock.now().steady()));
        }
        Ok(())
    }

    async fn configure_one(&self, name: &str, bundle: &str) -> anyhow::Result<Configured> {
        let request = Request::new(CONFIGURATIONS_PATH).get(name, &GetParams::default());
        let configuration = match self.requests.read_json(built(request)?).await {
            Err(failure) if failure.class() == Class::NotFound => return Ok(Configured::Missing),
            configuration => configuration?,
        };
        let annotations = configuration.pointer("/metadata/annotations");
        let is_injected = annotations.is_some_and(|annotations| annotations.get(INJECTED).is_some());
        ensure!(
            !is_injected,
            "its annotation `{INJECTED}` says that cert-manager does: start with `--webhook-cert-dir`"
        );
        let webhooks = configuration.get("webhooks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut patch = Vec::new();
        for (index, webhook) in webhooks.iter().enumerate() {
            let reached = host_of(webhook).unwrap_or_default();
            ensure!(
                reached == self.host,
                "it asks `{reached}`, and this is `{}`: it is another installation's, or `--webhook-host` is to name that",
                self.host
            );
            if webhook.pointer("/clientConfig/caBundle").and_then(Value::as_str) != Some(bundle) {
                let place = format!("/webhooks/{index}/clientConfig/caBundle");
                patch.push(json!({"op": "add", "path": place, "value": bundle}));
            }
        }
        if patch.is_empty() {
            return Ok(Configured::Unchanged);
        }
        let version = configuration.pointer("/metadata/resourceVersion");
        patch.insert(0, json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}));
        let patch: json_patch::Patch = serde_json::from_value(Value::Array(patch))?;
        let params = PatchParams::default();
        let request = Request::new(CONFIGURATIONS_PATH).patch(name, &params, &Patch::<()>::Json(patch));
        self.requests.write(Write::Installation, built(request)?).await?;
        tracing::info!("wrote whom to trust into MutatingWebhookConfiguration {name}");
        Ok(Configured::Changed)
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.secret.namespace)
    }
}

/// By which name or address a configuration asks.
fn host_of(webhook: &Value) -> Option<String> {
    let config = webhook.get("clientConfig")?;
    if let Some(url) = config.get("url") {
        let url: http::Uri = url.as_str()?.parse().ok()?;
        return Some(url.host()?.trim_matches(['[', ']']).to_owned());
    }
    let text = |key: &str| config.get("service")?.get(key)?.as_str();
    Some(format!("{}.{}.svc", text("name")?, text("namespace")?))
}

fn said(step: Step) -> &'static str {
    match step {
        Step::Made => "made a certificate for the webhook",
        Step::Prepared => "made the next certificate of the webhook: it is presented once API servers trust it",
        Step::Changed => "the next certificate of the webhook takes the place of the last",
        Step::Dropped => "an authority that has expired is no longer trusted",
        Step::Restored => "stored the certificate of the webhook again, which somebody had removed",
    }
}

#[cfg(test)]
mod tests;
