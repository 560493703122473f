//! The settings: one document for the guard policy and the controller. All mistakes in it are reported at once.
//!
//! ```text
//!   read ──► limits ──► namespace_rule ──► settings ──► table (for the documentation)
//!                 pattern ──┘
//! ```

use serde_json::{Map, Value};

use self::{
    limits::Limits,
    namespace_rule::NamespaceRule,
    read::{names, truth},
};
use super::text::cut;

pub mod limits;
pub mod namespace_rule;
pub mod pattern;
mod read;
pub mod table;

pub use self::{
    limits::{DefaultEnd, Directions},
    table::Setting,
};

const DEFAULT_CONTROLLER_USER: &str = "system:serviceaccount:hpa-override:hpa-override-controller";

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
    /// The limits of the namespaces that match no rule.
    pub limits: Limits,
    /// `namespaces`: other limits, by the namespace of the target; the first rule that matches counts. Default: none.
    pub namespaces: Vec<NamespaceRule>,
    /// `protectedNamespaces`: namespaces whose HPAs nobody may override. Default: kube-system.
    pub protected_namespaces: Vec<String>,
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
            limits: Limits::default(),
            namespaces: Vec::new(),
            protected_namespaces: vec!["kube-system".into()],
            unguarded_namespaces: Vec::new(),
            cross_namespace: CrossNamespace::Deny,
            authorize_requester: false,
            override_owned_hpas: false,
            controller_user: DEFAULT_CONTROLLER_USER.into(),
        }
    }
}

impl Settings {
    /// The limits of the HPAs in `namespace`; where the namespace is not known, those of the namespaces that match no rule.
    ///
    /// ```
    /// use hpa_override_core::Settings;
    /// use serde_json::json;
    ///
    /// let document = json!({"replicaCeiling": 500, "namespaces": [{"match": "dev-*", "replicaCeiling": 20}]});
    /// let settings = Settings::parse(&document).unwrap();
    /// assert_eq!(settings.limits_in(Some("dev-alice")).replica_ceiling, Some(20));
    /// assert_eq!(settings.limits_in(Some("shop")).replica_ceiling, Some(500));
    /// ```
    #[must_use]
    pub fn limits_in(&self, namespace: Option<&str>) -> &Limits {
        let matches = |namespace| self.namespaces.iter().find(|rule| rule.pattern.matches(namespace));
        namespace.and_then(matches).map_or(&self.limits, |rule| &rule.limits)
    }

    /// Whether there are overrides whose requester must be allowed to patch the target, so that the cluster has to be asked.
    #[must_use]
    pub fn asks_about_requesters(&self) -> bool {
        self.authorize_requester || self.cross_namespace == CrossNamespace::Authorized
    }

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
        for (key, value) in map.iter().filter(|(key, _)| *key != "namespaces") {
            if let Err(expected) = settings.set(key, value) {
                errors.push(format!("{}: {expected}", cut(key)));
            }
        }
        // They inherit the default as it is written.
        if let Some(rules) = map.get("namespaces") {
            settings.namespaces = namespace_rule::parse(rules, &settings.limits, &mut errors);
        }
        let fit = settings.limits.fit_default(map.contains_key("defaultDuration"));
        errors.extend(fit.err().map(|error| format!("defaultDuration: {error}")));
        if errors.is_empty() { Ok(settings) } else { Err(errors) }
    }

    /// Sets one setting other than `namespaces`.
    fn set(&mut self, key: &str, value: &Value) -> Result<(), String> {
        match key {
            _ if self.limits.set(key, value)? => {}
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
}

#[cfg(test)]
mod tests;
