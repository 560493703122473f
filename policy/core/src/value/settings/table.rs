//! The settings as the documentation lists them.

use super::{DEFAULT_CONTROLLER_USER, Settings};

/// A setting as the documentation lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in the document.
    pub key: &'static str,
    /// What its value is.
    pub kind: &'static str,
    /// The value, in YAML, that it has where it is left out.
    pub default: Option<&'static str>,
    /// What it does, in Markdown.
    pub meaning: &'static str,
}

impl Settings {
    /// Every setting, in the order of the documentation.
    pub const ALL: [Setting; 14] = [
        Setting {
            key: "replicaCeiling",
            kind: "whole number from 1",
            default: None,
            meaning: "no override raises a bound above it, unless the owner wants it there",
        },
        Setting {
            key: "maxFactor",
            kind: "whole number from 1",
            default: None,
            meaning: "no override raises a bound above that many times the `maxReplicas` that the owner wants",
        },
        Setting {
            key: "directions",
            kind: "`Both` or `UpOnly`",
            default: Some("Both"),
            meaning: "`UpOnly` = no override lowers a bound below what the owner wants",
        },
        Setting {
            key: "defaultDuration",
            kind: "duration or `Never`",
            default: Some("24h"),
            meaning: "the end of an override that names none, counted from its start; `Never` = until it is deleted. \
                      Left out, it is `maxDuration` where that is shorter",
        },
        Setting {
            key: "maxDuration",
            kind: "duration",
            default: None,
            meaning: "longest time from start to end, or of an occurrence; `returnOver` counts too",
        },
        Setting {
            key: "maxPriority",
            kind: "whole number",
            default: Some("1000"),
            meaning: "highest `priority` allowed",
        },
        Setting {
            key: "requireReason",
            kind: "`true` or `false`",
            default: Some("false"),
            meaning: "whether `reason` must be given",
        },
        Setting {
            key: "protectedNamespaces",
            kind: "list of names",
            default: Some("[kube-system]"),
            meaning: "namespaces in which no HPA is overridden",
        },
        Setting {
            key: "unguardedNamespaces",
            kind: "list of names",
            default: Some("[]"),
            meaning: "namespaces that are excluded from admission: overrides in them are never active",
        },
        Setting {
            key: "crossNamespace",
            kind: "`Deny`, `Authorized` or `Allow`",
            default: Some("Deny"),
            meaning: "whether an override may target another namespace; `Authorized` = where the requester may patch the \
                      target",
        },
        Setting {
            key: "authorizeRequester",
            kind: "`true` or `false`",
            default: Some("false"),
            meaning: "whether the requester must be allowed to patch the target within one namespace, too; across namespaces \
                      only `crossNamespace` decides, and `Allow` asks nothing",
        },
        Setting {
            key: "overrideOwnedHpas",
            kind: "`true` or `false`",
            default: Some("false"),
            meaning: "whether HPAs with a controller owner, like KEDA's, may be overridden; use it only with the merge \
                      policy",
        },
        Setting {
            key: "namespaces",
            kind: "list of rules",
            default: Some("[]"),
            meaning: "limits by the namespace of the target: the first rule whose `match` fits it (`*` = any text) counts, with \
                      any of `replicaCeiling`, `maxFactor`, `directions`, `defaultDuration`, `maxDuration`, `maxPriority` and \
                      `requireReason`; what a rule leaves out is inherited, a `defaultDuration` at most its `maxDuration`",
        },
        Setting {
            key: "controllerUser",
            kind: "name of a user",
            default: Some(DEFAULT_CONTROLLER_USER),
            meaning: "the user as whom the controller writes",
        },
    ];
}
