//! The settings: one document for the guard policy and the controller. Every mistake in it is told at once.

use hpa_override_crd::Duration;
use serde_json::{Map, Value};

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

/// What the platform team sets.
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
            controller_user: DEFAULT_CONTROLLER_USER.into(),
        }
    }
}

impl Settings {
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
                errors.push(format!("{key}: {expected}"));
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
            "requireReason" => self.require_reason = value.as_bool().ok_or("not true or false")?,
            "protectedNamespaces" => self.protected_namespaces = names(value)?,
            "crossNamespace" if value == "Deny" => {}
            "crossNamespace" => return Err("only `Deny` is supported".into()),
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

fn duration(value: &Value) -> Result<Duration, String> {
    let text = value.as_str().ok_or("not a duration: it must be text")?;
    text.parse().map_err(|error| format!("`{text}` is not a duration; {error}"))
}

fn names(value: &Value) -> Result<Vec<String>, String> {
    let name = |item: &Value| item.as_str().map(Into::into);
    value.as_array().and_then(|items| items.iter().map(name).collect()).ok_or_else(|| "not a list of names".into())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::nothing(json!(null))]
    #[case::empty(json!({}))]
    #[case::the_defaults_written_out(json!({
        "defaultDuration": "24h", "maxPriority": 1000, "requireReason": false, "protectedNamespaces": ["kube-system"],
        "crossNamespace": "Deny", "controllerUser": DEFAULT_CONTROLLER_USER,
    }))]
    fn defaults(#[case] document: Value) {
        assert_eq!(Settings::parse(&document), Ok(Settings::default()));
    }

    #[test]
    fn the_default_is_shortened_to_the_longest() {
        let settings = Settings::parse(&json!({"maxDuration": "1h"})).unwrap();
        assert_eq!(settings.default_end, DefaultEnd::After("1h".parse().unwrap()));
    }

    #[test]
    fn every_mistake_is_told() {
        let document = json!({
            "defaultDuration": "1.5h", "maxDuration": 5, "maxPriority": "9", "requireReason": "no",
            "protectedNamespaces": "kube-system", "crossNamespace": "Allow", "controllerUser": "", "replicas": 3,
        });
        assert_eq!(
            Settings::parse(&document),
            Err(vec![
                "controllerUser: not the name of a user".into(),
                "crossNamespace: only `Deny` is supported".into(),
                "defaultDuration: `1.5h` is not a duration; write it like `90m` or `1d12h`: whole numbers with d, h, m, s \
                 in that order, above zero and at most 36500d"
                    .into(),
                "maxDuration: not a duration: it must be text".into(),
                "maxPriority: not a whole number of 32 bits".into(),
                "protectedNamespaces: not a list of names".into(),
                "replicas: unknown setting".into(),
                "requireReason: not true or false".into(),
            ])
        );
    }

    #[rstest]
    #[case::longer(json!({"defaultDuration": "2h", "maxDuration": "1h"}), "defaultDuration: 2h is longer than maxDuration 1h")]
    #[case::never(json!({"defaultDuration": "Never", "maxDuration": "1h"}), "defaultDuration: `Never` contradicts maxDuration 1h")]
    #[case::no_object(json!([]), "the settings are not an object")]
    fn contradictions(#[case] document: Value, #[case] error: &str) {
        assert_eq!(Settings::parse(&document), Err(vec![error.into()]));
    }
}
