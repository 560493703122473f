//! The settings: one document for the guard policy and the controller. All mistakes in it are reported at once.

use hpa_override_crd::Duration;
use serde_json::{Map, Value};

use super::{bounds::replicas, names::is_label, text::cut};

const DEFAULT_CONTROLLER_USER: &str = "system:serviceaccount:hpa-override:hpa-override-controller";
const DEFAULT_MAX_PRIORITY: i64 = 1000;

/// The end of an override that names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultEnd {
    /// That long after its start.
    After(Duration),
    /// When it is deleted.
    Never,
}

/// Which way overrides may move a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// Up and down.
    Both,
    /// Never below what the owner wants.
    UpOnly,
}

/// Whether an override may target another namespace than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossNamespace {
    /// No.
    Deny,
    /// Where the requester may patch the target.
    Authorized,
    /// Yes.
    Allow,
}

/// What the platform team sets: limits, defaults, and the user of the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `defaultDuration`: the end of an override that names none. Default: 24h, or `maxDuration` where that is shorter.
    pub default_end: DefaultEnd,
    /// `maxDuration`: the longest time from start to end. Default: none.
    pub max_duration: Option<Duration>,
    /// `maxPriority`: the highest priority allowed. Default: 1000.
    pub max_priority: i64,
    /// `requireReason`: whether an override must say why. Default: false.
    pub require_reason: bool,
    /// `protectedNamespaces`: namespaces whose HPAs nobody may override. Default: kube-system.
    pub protected_namespaces: Vec<String>,
    /// `replicaCeiling`: no override raises a bound above it, unless the owner wants it there. Default: none.
    pub replica_ceiling: Option<i32>,
    /// `directions`: whether overrides may lower a bound below what the owner wants. Default: Both.
    pub directions: Directions,
    /// `unguardedNamespaces`: namespaces excluded from admission; overrides in them are never active. Default: none.
    pub unguarded_namespaces: Vec<String>,
    /// `crossNamespace`: whether an override may target another namespace. Default: Deny.
    pub cross_namespace: CrossNamespace,
    /// `authorizeRequester`: whether the requester must be allowed to patch the target, within one namespace too. Default:
    /// false.
    pub authorize_requester: bool,
    /// `overrideOwnedHpas`: whether HPAs with a controller owner may be overridden. Default: false.
    pub override_owned_hpas: bool,
    /// `controllerUser`: the user as whom the controller writes.
    pub controller_user: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_end: DefaultEnd::After(Duration::DAY),
            max_duration: None,
            max_priority: DEFAULT_MAX_PRIORITY,
            require_reason: false,
            protected_namespaces: vec!["kube-system".into()],
            replica_ceiling: None,
            directions: Directions::Both,
            unguarded_namespaces: Vec::new(),
            cross_namespace: CrossNamespace::Deny,
            authorize_requester: false,
            override_owned_hpas: false,
            controller_user: DEFAULT_CONTROLLER_USER.into(),
        }
    }
}

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
    pub const ALL: [Setting; 12] = [
        Setting {
            key: "replicaCeiling",
            kind: "whole number from 1",
            default: None,
            meaning: "no override raises a bound above it, unless the owner wants it there",
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
            key: "controllerUser",
            kind: "name of a user",
            default: Some(DEFAULT_CONTROLLER_USER),
            meaning: "the user as whom the controller writes",
        },
    ];

    /// Reads the document; absent or null is an empty one.
    ///
    /// # Errors
    /// Every unknown key, wrong type and contradiction, each in a sentence that names the key.
    pub fn parse(document: &Value) -> Result<Self, Vec<String>> {
        let empty = Map::new();
        let map = match document {
            Value::Null => &empty,
            Value::Object(map) => map,
            _ => return Err(vec!["the settings are not an object".into()]),
        };
        let mut errors = Vec::new();
        let mut settings = Self::default();
        for (key, value) in map {
            if let Err(expected) = settings.set(key, value) {
                errors.push(format!("{}: {expected}", cut(key)));
            }
        }
        settings.fit_default(map.contains_key("defaultDuration"), &mut errors);
        if errors.is_empty() { Ok(settings) } else { Err(errors) }
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), String> {
        match key {
            "defaultDuration" if value == "Never" => self.default_end = DefaultEnd::Never,
            "defaultDuration" => self.default_end = DefaultEnd::After(duration(value)?),
            "maxDuration" => self.max_duration = Some(duration(value)?),
            "maxPriority" => {
                let priority = value.as_i64().filter(|number| i32::try_from(*number).is_ok());
                self.max_priority = priority.ok_or("not a whole number of 32 bits")?;
            }
            "requireReason" => self.require_reason = truth(value)?,
            "replicaCeiling" => {
                let ceiling = replicas(value).filter(|ceiling| *ceiling >= 1);
                self.replica_ceiling = Some(ceiling.ok_or("not a whole number from 1 to 2147483647")?);
            }
            "directions" => {
                self.directions = match value.as_str() {
                    Some("Both") => Directions::Both,
                    Some("UpOnly") => Directions::UpOnly,
                    _ => return Err("not `Both` or `UpOnly`".into()),
                }
            }
            "protectedNamespaces" => self.protected_namespaces = names(value)?,
            "unguardedNamespaces" => self.unguarded_namespaces = names(value)?,
            "crossNamespace" => {
                self.cross_namespace = match value.as_str() {
                    Some("Deny") => CrossNamespace::Deny,
                    Some("Authorized") => CrossNamespace::Authorized,
                    Some("Allow") => CrossNamespace::Allow,
                    _ => return Err("not `Deny`, `Authorized` or `Allow`".into()),
                }
            }
            "authorizeRequester" => self.authorize_requester = truth(value)?,
            "overrideOwnedHpas" => self.override_owned_hpas = truth(value)?,
            "controllerUser" => {
                let user = value.as_str().filter(|user| !user.is_empty());
                self.controller_user = user.ok_or("not the name of a user")?.into();
            }
            _ => return Err("unknown setting".into()),
        }
        Ok(())
    }

    /// A default that is given must fit `maxDuration`; one that is not given is shortened to it.
    fn fit_default(&mut self, given: bool, errors: &mut Vec<String>) {
        let Some(longest) = self.max_duration else { return };
        match self.default_end {
            DefaultEnd::After(default) if default <= longest => {}
            _ if !given => self.default_end = DefaultEnd::After(longest),
            DefaultEnd::After(default) => {
                errors.push(format!("defaultDuration: {default} is longer than maxDuration {longest}"));
            }
            DefaultEnd::Never => errors.push(format!("defaultDuration: `Never` contradicts maxDuration {longest}")),
        }
    }
}

fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "not true or false".into())
}

fn duration(value: &Value) -> Result<Duration, String> {
    let text = value.as_str().ok_or("not a duration: it must be text")?;
    text.parse().map_err(|error| format!("`{}` is not a duration; {error}", cut(text)))
}

fn names(value: &Value) -> Result<Vec<String>, String> {
    let name = |item: &Value| item.as_str().filter(|name| is_label(name)).map(Into::into);
    let names = value.as_array().and_then(|items| items.iter().map(name).collect());
    names.ok_or_else(|| "not a list of names of namespaces".into())
}

#[cfg(test)]
mod tests;
