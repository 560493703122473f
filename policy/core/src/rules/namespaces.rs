//! Rules about namespaces. They bind while an override is active, too.

use crate::{
    override_spec::ParsedOverride,
    value::{
        finding::{Code, Finding},
        settings::{CrossNamespace, Settings},
    },
};

/// Every rule about namespaces that the override breaks.
#[must_use]
pub fn check_namespaces(ovr: &ParsedOverride, settings: &Settings) -> Vec<Finding> {
    [protected(ovr, settings), cross_namespace_denied(ovr, settings), unguarded(ovr, settings)]
        .into_iter()
        .flatten()
        .collect()
}

fn protected(ovr: &ParsedOverride, settings: &Settings) -> Option<Finding> {
    let namespace = ovr.target_namespace()?;
    is_among(&settings.protected_namespaces, namespace).then(|| {
        let sentence =
            format!("namespace `{namespace}` is protected: its HorizontalPodAutoscalers cannot be overridden");
        finding(Code::NamespaceProtected, sentence)
    })
}

fn cross_namespace_denied(ovr: &ParsedOverride, settings: &Settings) -> Option<Finding> {
    let namespace = ovr.target_namespace()?;
    (namespace != ovr.id.namespace && settings.cross_namespace == CrossNamespace::Deny).then(|| {
        let sentence = format!("namespace `{namespace}` is not this override's own; create the override there");
        finding(Code::CrossNamespaceDenied, sentence)
    })
}

fn unguarded(ovr: &ParsedOverride, settings: &Settings) -> Option<Finding> {
    let own = &ovr.id.namespace;
    is_among(&settings.unguarded_namespaces, own).then(|| {
        let sentence = format!("namespace `{own}` is excluded from admission, so overrides in it are never active");
        finding(Code::UnguardedNamespace, sentence)
    })
}

fn is_among(names: &[String], namespace: &str) -> bool {
    names.iter().any(|name| name == namespace)
}

fn finding(code: Code, sentence: String) -> Finding {
    Finding::new("spec.namespace", code, sentence)
}
