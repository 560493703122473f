//! The rights that the controller needs, and who it is to the API server: asked at the start, and again after an answer that
//! says that a right is missing, until all are there. `deploy/rbac` grants them.
//!
//! Nothing waits for the answers: a cluster that does not answer such questions is served as well as it can be.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use hpa_override_core::{Id, Settings};
use kube::{api::PostParams, core::Request};
use serde_json::{Value, json};
use tokio::time::sleep_until;

use crate::{
    admissions::MERGES,
    clock::Clock,
    error::Failure,
    leader::LeaseName,
    object::{HPA, OVERRIDE},
    request::{Requests, built},
    scope::Scope,
    settings::CurrentSettings,
    webhook::CONFIGURATIONS,
};

/// How soon the questions are asked again, while a right is missing or where answers keep saying that one is.
const AGAIN: Duration = Duration::from_secs(10);
/// The longest pause, where nothing is missing without which nothing works.
const LONGEST: Duration = Duration::from_mins(1);

/// A right, as RBAC has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    /// None: in all namespaces.
    namespace: Option<String>,
    /// Of one object alone.
    name: Option<String>,
    /// Whether nothing works without it.
    is_needed: bool,
}

/// Verb, group, resource, subresource, and whether nothing works without it.
const RIGHTS: [(&str, &str, &str, &str, bool); 14] = [
    // Without it an override is listed, which costs the API server more.
    ("get", OVERRIDE.group, OVERRIDE.plural, "", false),
    ("list", OVERRIDE.group, OVERRIDE.plural, "", true),
    ("watch", OVERRIDE.group, OVERRIDE.plural, "", true),
    ("patch", OVERRIDE.group, OVERRIDE.plural, "status", true),
    ("delete", OVERRIDE.group, OVERRIDE.plural, "", false),
    ("get", HPA.group, HPA.plural, "", true),
    ("list", HPA.group, HPA.plural, "", true),
    ("watch", HPA.group, HPA.plural, "", true),
    ("patch", HPA.group, HPA.plural, "", true),
    ("get", "apps", "deployments", "", false),
    ("get", "apps", "statefulsets", "", false),
    ("get", "apps", "replicasets", "", false),
    ("create", "events.k8s.io", "events", "", false),
    ("patch", "events.k8s.io", "events", "", false),
];

/// What the webhook needs to make and renew its certificate, of the Secret and of both configurations.
const RENEWAL_VERBS: [&str; 2] = ["get", "patch"];

/// What the replicas need to elect a leader.
const LEASE_RIGHTS: [(&str, bool); 3] = [("get", true), ("create", false), ("update", true)];

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource, subresource, namespace, name, is_needed: _ } = self;
        write!(f, "{verb} {resource}")?;
        if !subresource.is_empty() {
            write!(f, "/{subresource}")?;
        }
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        if let Some(name) = name {
            write!(f, " `{name}`")?;
        }
        match namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

impl Right {
    fn review(&self) -> Value {
        let Self { verb, group, resource, subresource, namespace, name, is_needed: _ } = self;
        json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "subresource": subresource, "namespace": namespace,
                "name": name,
            }},
        })
    }
}

/// What the rights are for.
#[derive(Debug, Default)]
pub struct Needs {
    /// The namespaces that are served.
    pub scope: Scope,
    /// The Lease, where a leader is elected.
    pub lease: Option<LeaseName>,
    /// The Secret of the webhook's own certificate, where it makes one.
    pub secret: Option<Id>,
}

/// The rights that a controller needs which serves that.
fn needed(needs: &Needs, settings: &Settings) -> Vec<Right> {
    let Needs { scope, lease, secret } = needs;
    let right = |namespace: Option<&str>, (verb, group, resource, subresource, is_needed)| {
        let namespace = namespace.map(Into::into);
        Right { verb, group, resource, subresource, namespace, name: None, is_needed }
    };
    let mut rights: Vec<_> =
        scope.parts().into_iter().flat_map(|namespace| RIGHTS.map(|parts| right(namespace, parts))).collect();
    let looked_at = MERGES.into_iter().filter(|name| secret.is_none() || !CONFIGURATIONS.contains(name));
    rights.extend(looked_at.map(|name| {
        let parts = ("get", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", false);
        Right { name: Some(name.into()), ..right(None, parts) }
    }));
    if settings.asks_about_requesters() {
        rights.push(right(None, ("create", "authorization.k8s.io", "subjectaccessreviews", "", true)));
    }
    if let Some(Id { namespace, name }) = secret {
        rights.extend(RENEWAL_VERBS.map(|verb| {
            let right = right(Some(namespace), (verb, "", "secrets", "", true));
            Right { name: Some(name.clone()), ..right }
        }));
        rights.extend(CONFIGURATIONS.into_iter().flat_map(|name| {
            RENEWAL_VERBS.map(|verb| {
                let parts = (verb, "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "", true);
                Right { name: Some(name.into()), ..right(None, parts) }
            })
        }));
    }
    if let Some(LeaseName { namespace, name }) = lease {
        rights.extend(LEASE_RIGHTS.map(|(verb, is_needed)| {
            let right = right(Some(namespace), (verb, "coordination.k8s.io", "leases", "", is_needed));
            // RBAC cannot hold `create` to a name.
            Right { name: (verb != "create").then(|| name.clone()), ..right }
        }));
    }
    rights
}

/// Which rights are missing, and whose they are, as far as that is known. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    missing: Arc<Mutex<Vec<Right>>>,
    user: Arc<OnceLock<String>>,
}

impl Permissions {
    /// The rights that are missing and without which nothing works.
    pub fn missing(&self) -> Vec<Right> {
        self.rights().iter().filter(|right| right.is_needed).cloned().collect()
    }

    /// As whom the API server knows this process; none: it is not known yet.
    pub fn user(&self) -> Option<String> {
        self.user.get().cloned()
    }

    fn rights(&self) -> std::sync::MutexGuard<'_, Vec<Right>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, for as long as the process runs.
    pub async fn run(self, requests: Requests, needs: Needs, settings: CurrentSettings, clock: Clock) {
        let mut changes = settings.changes();
        let (mut is_known, mut next, mut pause) = (false, clock.now().steady(), AGAIN);
        loop {
            sleep_until(next).await;
            let settings = settings.now();
            if !is_known {
                is_known = self.say_who(&requests, &settings).await;
            }
            let needed = needed(&needs, &settings);
            let asked = self.ask(&requests, &needed).await;
            let is_answered = asked.is_ok();
            let is_news = match asked {
                Ok(missing) => self.note(missing),
                Err(failure) => {
                    tracing::debug!(error = %failure, "failed to ask for the rights of the controller");
                    true
                }
            };
            let is_able = is_known && is_answered && self.missing().is_empty();
            // A right that is left out on purpose is met again and again.
            pause = if is_news || !is_able { AGAIN } else { (pause * 2).min(LONGEST) };
            next = clock.now().steady() + pause;
            if is_able {
                tokio::select! {
                    () = requests.forbidden() => {}
                    // The sender lives as long as this function.
                    _changed = changes.changed() => (is_known, next) = (false, clock.now().steady()),
                }
            }
        }
    }

    async fn ask(&self, requests: &Requests, needed: &[Right]) -> Result<Vec<Right>, Failure> {
        let mut missing = Vec::new();
        for right in needed {
            let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
            let answer = ask(requests, path, &right.review()).await?;
            if answer.pointer("/status/allowed") == Some(&Value::Bool(false)) {
                missing.push(right.clone());
            }
        }
        Ok(missing)
    }

    /// Whether something else is missing than before.
    fn note(&self, missing: Vec<Right>) -> bool {
        let mut known = self.rights();
        if *known == missing {
            return false;
        }
        if missing.is_empty() {
            tracing::info!("the controller has all rights that it needs");
        } else {
            let list = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            tracing::warn!(
                "the controller lacks rights: {list}; apply `deploy/rbac`, and with `--webhook` the manifests of the webhook"
            );
        }
        *known = missing;
        true
    }

    /// Says so where the account is not the one that the admission policies take for the controller. Whether it is known.
    async fn say_who(&self, requests: &Requests, settings: &Settings) -> bool {
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let answer = match ask(requests, "/apis/authentication.k8s.io/v1/selfsubjectreviews", &body).await {
            Ok(answer) => answer,
            Err(failure) => {
                tracing::debug!(error = %failure, "failed to ask who the controller is");
                return false;
            }
        };
        let Some(user) = answer.pointer("/status/userInfo/username").and_then(Value::as_str) else { return false };
        let expected = &settings.controller_user;
        if user == expected {
            tracing::info!(user, "the API server knows the controller as");
        } else {
            tracing::warn!(
                user,
                "the controller runs as `{user}`, and the settings say `controllerUser: {expected}`: the merge policy takes \
                 its writes for an owner's; run it as that account, or name this one in the settings of both policies and of \
                 the controller"
            );
        }
        self.user.get_or_init(|| user.into());
        true
    }
}

/// A question by POST, which writes nothing: every replica asks.
async fn ask(requests: &Requests, path: &str, body: &Value) -> Result<Value, Failure> {
    let request = Request::new(path).create(&PostParams::default(), body.to_string().into_bytes());
    requests.read_json(built(request)?).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> LeaseName {
        LeaseName { namespace: "ops".into(), name: "hpa-override".into() }
    }

    #[test]
    fn a_right_is_said_as_rbac_has_it() {
        let needs = Needs { scope: Scope::new(vec!["shop".into()]), lease: Some(lease()), secret: None };
        let rights = needed(&needs, &Settings::default());
        let texts: Vec<_> = rights.iter().map(ToString::to_string).collect();
        assert_eq!(texts.first().unwrap(), "get autoscaleroverrides.hpa-override.dev in namespace shop");
        assert_eq!(texts[3], "patch autoscaleroverrides/status.hpa-override.dev in namespace shop");
        assert_eq!(texts.last().unwrap(), "update leases.coordination.k8s.io `hpa-override` in namespace ops");
    }

    #[test]
    fn each_namespace_that_is_served_needs_them() {
        let count = |namespaces: &[&str]| {
            let namespaces: Vec<_> = namespaces.iter().map(ToString::to_string).collect();
            needed(&Needs { scope: Scope::new(namespaces), ..Needs::default() }, &Settings::default()).len()
        };
        assert_eq!([count(&[]), count(&["a"]), count(&["a", "b"])], [16, 16, 30]);
    }

    #[test]
    fn requesters_are_asked_about_only_where_the_settings_want_it() {
        let settings = Settings { authorize_requester: true, ..Settings::default() };
        let rights = needed(&Needs::default(), &settings);
        assert_eq!(rights.last().unwrap().to_string(), "create subjectaccessreviews.authorization.k8s.io");
    }

    #[test]
    fn a_webhook_that_makes_its_certificate_needs_the_secret_and_the_configurations() {
        let secret = Some(Id { namespace: "ops".into(), name: "hpa-override-webhook".into() });
        let rights = needed(&Needs { secret, ..Needs::default() }, &Settings::default());
        let texts: Vec<_> = rights.iter().skip(RIGHTS.len() + 1).map(ToString::to_string).collect();
        let of = "mutatingwebhookconfigurations.admissionregistration.k8s.io";
        assert_eq!(
            texts,
            [
                "get secrets `hpa-override-webhook` in namespace ops".into(),
                "patch secrets `hpa-override-webhook` in namespace ops".into(),
                format!("get {of} `hpa-override-guard`"),
                format!("patch {of} `hpa-override-guard`"),
                format!("get {of} `hpa-override-merge`"),
                format!("patch {of} `hpa-override-merge`"),
            ]
        );
    }
}
