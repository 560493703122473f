//! The place where it happens, and the ways in which its people act.
//!
//! People use the real kubectl, each with rights of his own; what it answers is shown as it is. The demonstration
//! itself only reads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::{AuditEvent, AuditLog, CONTROLLER_USER, Identity, World, apply_yaml, wait_for};
use jiff::SignedDuration;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::Value;

use crate::facts::{describe_owners, owners, we_own_a_bound};
use crate::sightings::{Sightings, api_of};
use crate::timeline::Timeline;

/// An ordinary user, who may create overrides.
pub(crate) const ALICE: &str = "alice";
/// The GitOps tool, as user and as field manager.
pub(crate) const ARGOCD: &str = "argocd";
/// Where everything is.
pub(crate) const NAMESPACE: &str = "shop";
/// Name of the Deployment and of its HPA.
pub(crate) const WEB: &str = "web";
/// Name of the override.
pub(crate) const CAMPAIGN: &str = "campaign";
/// For what usually takes milliseconds, or one period of the HPA controller; this machine may be busy.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

/// What is done at once or at an instant: usually within milliseconds, this machine may be busy.
pub(crate) const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

/// The namespace `shop` and a view of it.
pub(crate) struct Shop<'a> {
    pub(crate) world: &'a World,
    pub(crate) timeline: &'a Timeline,
    pub(crate) sightings: Arc<Sightings>,
    folder: PathBuf,
    last: Mutex<String>,
    hpas: Api<DynamicObject>,
    deployments: Api<DynamicObject>,
    overrides: Api<DynamicObject>,
}

/// What kubectl answered.
pub(crate) struct Answer {
    pub(crate) success: bool,
    /// Standard output, then standard error.
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn succeeded(self) -> Result<Self> {
        ensure!(self.success, "kubectl failed: {}", self.text.trim_end());
        Ok(self)
    }

    /// The first line that holds the API server's Warning header.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.text.lines().find(|line| line.starts_with("Warning: "))
    }
}

impl<'a> Shop<'a> {
    /// Makes the namespace with its roles, and begins to watch.
    pub(crate) async fn open(world: &'a World, timeline: &'a Arc<Timeline>) -> Result<Self> {
        let client = world.plane().client(&Identity::Admin).await?;
        apply_yaml(&client, include_str!("manifests/shop.yaml"), "admin", false).await?;
        for (user, version, kind) in [
            (ALICE, "hpa-override.dev/v1", "AutoscalerOverride"),
            (ARGOCD, "autoscaling/v2", "HorizontalPodAutoscaler"),
        ] {
            wait_until_allowed(world, user, version, kind).await?;
        }
        let of = |version, kind| api_of(&client, version, kind, NAMESPACE);
        Ok(Self {
            world,
            timeline,
            sightings: Sightings::start(&client, NAMESPACE, timeline)?,
            folder: world.plane().folder().to_owned(),
            last: Mutex::default(),
            hpas: of("autoscaling/v2", "HorizontalPodAutoscaler")?,
            deployments: of("apps/v1", "Deployment")?,
            overrides: of("hpa-override.dev/v1", "AutoscalerOverride")?,
        })
    }

    /// A file of alice, for kubectl and for the reader.
    pub(crate) fn alice_writes(&self, name: &str, content: &str) -> Result<()> {
        self.write(name, content)?;
        self.timeline.did(ALICE, &format!("cat {name}"));
        self.timeline.quote(content);
        Ok(())
    }

    /// Git's manifest with these bounds.
    pub(crate) fn commit(&self, min: i32, max: i32) -> Result<()> {
        let web = include_str!("manifests/web.yaml");
        self.write("web.yaml", &web.replace("$MIN", &min.to_string()).replace("$MAX", &max.to_string()))?;
        self.timeline.did("Git", &format!("web.yaml holds a Deployment and an HPA {min}–{max}"));
        Ok(())
    }

    fn write(&self, name: &str, content: &str) -> Result<()> {
        std::fs::write(self.folder.join(name), content).with_context(|| format!("failed to write {name}"))
    }

    /// Runs kubectl as that user, and shows command and answer.
    pub(crate) fn kubectl(&self, user: &str, arguments: &str) -> Result<Answer> {
        let mut command = self.world.plane().kubectl(&Identity::user(user))?;
        command.args(arguments.split_whitespace()).current_dir(&self.folder);
        self.timeline.did(user, &format!("kubectl {arguments}"));
        let output = command.output().context("failed to run kubectl")?;
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        self.show(&text);
        Ok(Answer { success: output.status.success(), text })
    }

    /// An answer that comes again is not told again.
    fn show(&self, text: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.timeline.quote(if *last == text { "(the same answer)" } else { text });
        text.clone_into(&mut last);
    }

    /// What the GitOps tool does at every sync.
    pub(crate) fn sync(&self, forced: bool) -> Result<Answer> {
        let force = if forced { " --force-conflicts" } else { "" };
        self.kubectl(ARGOCD, &format!("apply --server-side --field-manager={ARGOCD}{force} -f web.yaml"))
    }

    pub(crate) async fn hpa(&self) -> Result<Value> {
        Ok(serde_json::to_value(self.hpas.get(WEB).await?)?)
    }

    /// Who owns what of the HPA, where that is as it was and no bound is ours.
    pub(crate) async fn same_owners(&self, before: &Value) -> Result<String> {
        let hpa = self.hpa().await?;
        let (now, then) = (owners(&hpa), owners(before));
        ensure!(now == then && !we_own_a_bound(&hpa), "{} where {} was", Value::from(now), Value::from(then));
        Ok(describe_owners(&hpa))
    }

    pub(crate) async fn deployment(&self) -> Result<Value> {
        Ok(serde_json::to_value(self.deployments.get(WEB).await?)?)
    }

    pub(crate) async fn campaign(&self) -> Result<Value> {
        Ok(serde_json::to_value(self.overrides.get(CAMPAIGN).await?)?)
    }

    /// The names of all overrides.
    pub(crate) async fn overrides(&self) -> Result<Vec<String>> {
        let list = self.overrides.list(&ListParams::default()).await?;
        Ok(list.items.into_iter().filter_map(|ovr| ovr.metadata.name).collect())
    }

    /// Waits until the HPA is as `check` wants it, which says otherwise what it is.
    pub(crate) async fn wait_hpa(
        &self,
        what: &str,
        limit: Duration,
        check: impl Fn(&Value) -> Result<()>,
    ) -> Result<Value> {
        wait_for(what, limit, async || {
            let hpa = self.hpa().await?;
            check(&hpa).map(|()| hpa)
        })
        .await
    }

    /// The audit log from now on.
    pub(crate) fn audit(&self) -> Result<AuditLog> {
        self.world.plane().audit().from_now()
    }
}

/// The controller's writes to the HPA. One that met a conflict wrote nothing.
pub(crate) fn controller_writes(audit: &AuditLog) -> Result<Vec<AuditEvent>> {
    let writes = audit.writes_by(CONTROLLER_USER)?;
    Ok(writes.into_iter().filter(|event| is_about_web(event) && event.code == 200).collect())
}

/// Whether a request is about the HPA or its status.
pub(crate) fn is_about_web(event: &AuditEvent) -> bool {
    event.is_about("horizontalpodautoscalers", NAMESPACE, WEB)
}

/// The API server hears of new roles a moment later.
async fn wait_until_allowed(world: &World, user: &str, version: &str, kind: &str) -> Result<()> {
    let client = world.plane().client(&Identity::user(user)).await?;
    let api = api_of(&client, version, kind, NAMESPACE)?;
    let what = format!("{user} to have the rights given");
    wait_for(&what, LIMIT, async || Ok(api.list(&ListParams::default()).await.map(drop)?)).await
}
