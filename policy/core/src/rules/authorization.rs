//! Authorization: whether the requester of an override must be allowed to patch its target, and the question to the cluster
//! that finds out. A host asks the question; the rule here decides by the answer.

use crate::{
    override_spec::ParsedOverride,
    value::{
        finding::{Code, Finding},
        request::MayPatch,
        requester::Requester,
        settings::{CrossNamespace, Settings},
    },
};

/// Whether a user may patch HPAs: a `SubjectAccessReview` in our terms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// The user.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// The namespace of the HPAs.
    pub namespace: String,
    /// The name of the HPA; none: any in that namespace.
    pub name: Option<String>,
}

impl Question {
    /// The question about the requester of `ovr`; none where the settings need no answer or the requester is not known.
    #[must_use]
    pub fn about(ovr: &ParsedOverride, settings: &Settings) -> Option<Self> {
        if !needs_authorization(ovr, settings) {
            return None;
        }
        let Requester { user, groups } = ovr.requester.clone()?;
        let name = if ovr.selector.is_absent() { ovr.hpa.value().cloned() } else { None };
        Some(Self { user, groups, namespace: ovr.target_namespace()?.into(), name })
    }
}

/// Whether the requester must be allowed to patch the target: in another namespace under `Authorized`, in the override's own
/// where `authorizeRequester` is set.
fn needs_authorization(ovr: &ParsedOverride, settings: &Settings) -> bool {
    match ovr.target_namespace() {
        None => false,
        Some(namespace) if namespace == ovr.id.namespace => settings.authorize_requester,
        Some(_) => settings.cross_namespace == CrossNamespace::Authorized,
    }
}

/// Refuses an override whose requester may not patch the target, or where that is not known: every answer but `Yes`, each
/// with a sentence of its own.
#[must_use]
pub fn check_authorization(ovr: &ParsedOverride, settings: &Settings, may_patch: MayPatch) -> Option<Finding> {
    if !needs_authorization(ovr, settings) {
        return None;
    }
    let namespace = ovr.target_namespace()?;
    let (path, target) = match (ovr.selector.is_absent(), ovr.hpa.value()) {
        (false, _) => ("spec.selector", format!("HorizontalPodAutoscalers in namespace `{namespace}`")),
        (true, Some(name)) => ("spec.hpa", format!("HorizontalPodAutoscaler {namespace}/{name}")),
        (true, None) => return None,
    };
    let who = ovr.requester.as_ref().map_or("the requester", |requester| &requester.user);
    let unknown = |why| format!("it is not known whether `{who}` may patch {target}: {why}");
    let (code, sentence) = match may_patch {
        MayPatch::Yes => return None,
        MayPatch::No => {
            let sentence = format!("`{who}` may not patch {target}, and so may not override it; ask its owner");
            (Code::NotAuthorized, sentence)
        }
        MayPatch::Unavailable => (Code::AuthorizationUnavailable, unknown(UNAVAILABLE)),
        MayPatch::Error => (Code::AuthorizationUnavailable, unknown("the cluster answered with an error; try again")),
        MayPatch::NotAsked if ovr.requester.is_none() => {
            let sentence =
                format!("the override does not name its requester, who must be allowed to patch {target}; {ANEW}");
            (Code::AuthorizationUnavailable, sentence)
        }
        MayPatch::NotAsked => (Code::AuthorizationUnavailable, unknown("the cluster has not been asked yet")),
    };
    Some(Finding::new(path, code, sentence))
}

const UNAVAILABLE: &str = "the cluster could not be asked; try again, and ask the platform team if that lasts";
const ANEW: &str = "create it anew where the guard policy is installed, which writes hpa-override.dev/requested-by";
