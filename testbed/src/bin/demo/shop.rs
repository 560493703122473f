//! The namespace where it happens, and the ways in which its people act.
//!
//! People use the real kubectl, each with their own rights; what it answers is shown as it is. The demonstration itself
//! only reads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::hpa::{holds_a_bound, ownership, text, we_own_a_bound};
use hpa_override_testbed::{AuditEvent, AuditLog, CONTROLLER_USER, Identity, World, apply_yaml, wait_for};
use jiff::SignedDuration;
use kube::Client;
use kube::api::ListParams;
use serde_json::Value;

use crate::timeline::Timeline;
use crate::watch_log::{DEPLOYMENT, HPA, OVERRIDE, Type, WatchLog, api_of};

/// An ordinary user, who may create overrides.
pub(crate) const ALICE: &str = "alice";
/// The GitOps tool, as user and as field manager.
pub(crate) const ARGOCD: &str = "argocd";
/// Name of the Deployment and of its HPA.
const WEB: &str = "web";
/// Name of the override.
pub(crate) const CAMPAIGN: &str = "campaign";
/// For what usually takes milliseconds, or one period of the HPA controller; this machine may be busy.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);
/// For what is done at once or at an instant: usually within milliseconds, this machine may be busy.
pub(crate) const AT_ONCE: SignedDuration = SignedDuration::from_secs(1);

/// The namespace `shop` and a view of it.
pub(crate) struct Shop<'a> {
    pub(crate) timeline: &'a Timeline,
    pub(crate) log: WatchLog,
    world: &'a World,
    folder: PathBuf,
    client: Client,
    last: Mutex<String>,
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
        for (user, kind) in [(ALICE, OVERRIDE), (ARGOCD, HPA)] {
            // The API server knows new roles a moment later.
            let api = api_of(&world.plane().client(&Identity::user(user)).await?, kind)?;
            let what = format!("{user} to have the rights given");
            wait_for(&what, LIMIT, async || Ok(api.list(&ListParams::default()).await.map(drop)?)).await?;
        }
        let (log, folder) = (WatchLog::start(&client, timeline)?, world.plane().folder().to_owned());
        Ok(Self { timeline, log, world, folder, client, last: Mutex::default() })
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
        self.timeline.did("Git", &format!("web.yaml holds a Deployment and an HPA {min}-{max}"));
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
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        self.timeline.quote(if *last == text { "(the same answer)" } else { &text });
        text.clone_into(&mut last);
        Ok(Answer { success: output.status.success(), text })
    }

    /// What the GitOps tool does at every sync.
    pub(crate) fn sync(&self, forced: bool) -> Result<Answer> {
        let force = if forced { " --force-conflicts" } else { "" };
        self.kubectl(ARGOCD, &format!("apply --server-side --field-manager={ARGOCD}{force} -f web.yaml"))
    }

    async fn get(&self, kind: Type, name: &str) -> Result<Value> {
        Ok(serde_json::to_value(api_of(&self.client, kind)?.get(name).await?)?)
    }

    pub(crate) async fn hpa(&self) -> Result<Value> {
        self.get(HPA, WEB).await
    }

    pub(crate) async fn campaign(&self) -> Result<Value> {
        self.get(OVERRIDE, CAMPAIGN).await
    }

    /// The replicas of the Deployment.
    pub(crate) async fn replicas(&self) -> Result<i64> {
        let deployment = self.get(DEPLOYMENT, WEB).await?;
        deployment.pointer("/spec/replicas").and_then(Value::as_i64).context("no spec.replicas")
    }

    /// The names of all overrides.
    pub(crate) async fn overrides(&self) -> Result<Vec<String>> {
        let list = api_of(&self.client, OVERRIDE)?.list(&ListParams::default()).await?;
        Ok(list.items.into_iter().filter_map(|ovr| ovr.metadata.name).collect())
    }

    /// Waits until the HPA is as `check` wants it; its error says what it is instead.
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

    /// The field managers of the HPA, where they are as before and no bound is ours.
    pub(crate) async fn same_owners(&self, before: &Value) -> Result<String> {
        let hpa = self.hpa().await?;
        let (now, then) = (ownership(&hpa), ownership(before));
        ensure!(now == then && !we_own_a_bound(&hpa), "{} where {} was", Value::from(now), Value::from(then));
        Ok(describe_owners(&hpa))
    }

    /// The audit log from now on.
    pub(crate) fn audit(&self) -> Result<AuditLog> {
        self.world.plane().audit().from_now()
    }
}

/// The field managers in a line: their name, how they wrote, and whether a bound is theirs.
pub(crate) fn describe_owners(hpa: &Value) -> String {
    let owners = ownership(hpa).into_iter().map(|entry| {
        let bounds = if holds_a_bound(&entry) { ", both bounds" } else { "" };
        format!("{} ({}{bounds})", text(&entry, "/manager"), text(&entry, "/operation"))
    });
    owners.collect::<Vec<_>>().join(", ")
}

/// The controller's writes to the HPA. One that met a conflict wrote nothing.
pub(crate) fn controller_writes(audit: &AuditLog) -> Result<Vec<AuditEvent>> {
    let writes = audit.writes_by(CONTROLLER_USER)?;
    Ok(writes.into_iter().filter(|event| is_about_web(event) && event.code == 200).collect())
}

/// Whether a request is about the HPA or its status.
pub(crate) fn is_about_web(event: &AuditEvent) -> bool {
    event.is_about("horizontalpodautoscalers", "shop", WEB)
}
