//! The override that the flags of `set` and `hold` describe.

use hpa_override_core::{GROUP, Instant, KIND, VERSION};
use hpa_override_crd::{Amount, Duration};
use serde_json::{Map, Value, json};

/// What an override says, but for its target.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// `spec.minReplicas`.
    pub min: Option<String>,
    /// `spec.maxReplicas`.
    pub max: Option<String>,
    /// `spec.mode`.
    pub mode: Option<String>,
    /// `spec.priority`.
    pub priority: Option<i32>,
    /// `spec.startsAt`.
    pub from: Instant,
    /// `spec.expiresAt`.
    pub until: Instant,
    /// `spec.returnOver`.
    pub return_over: Option<Duration>,
    /// `spec.reason`.
    pub reason: Option<String>,
    /// `spec.ttlAfterFinished`.
    pub ttl: Duration,
}

/// What is overridden.
#[derive(Clone, Debug)]
pub enum Target {
    /// An HPA by its name.
    Hpa(String),
    /// HPAs by their labels.
    Selector(Value),
}

impl Wanted {
    /// The override in that namespace.
    pub fn object(&self, namespace: &str, name: &str, target: &Target, labels: &[(&str, &str)]) -> Value {
        let Self { min, max, mode, priority, from, until, return_over, reason, ttl } = self;
        let mut spec = Map::new();
        match target {
            Target::Hpa(name) => spec.insert("hpa".into(), json!(name)),
            Target::Selector(selector) => spec.insert("selector".into(), selector.clone()),
        };
        let given = [
            ("minReplicas", min.as_deref().map(amount)),
            ("maxReplicas", max.as_deref().map(amount)),
            ("mode", mode.as_ref().map(|mode| json!(mode))),
            ("priority", priority.map(|priority| json!(priority))),
            ("startsAt", Some(json!(from))),
            ("expiresAt", Some(json!(until))),
            ("returnOver", return_over.map(|over| json!(over.to_string()))),
            ("reason", reason.as_ref().map(|reason| json!(reason))),
            ("ttlAfterFinished", Some(json!(ttl.to_string()))),
        ];
        spec.extend(given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        let mut metadata =
            Map::from_iter([("name".to_owned(), json!(name)), ("namespace".to_owned(), json!(namespace))]);
        if !labels.is_empty() {
            let labels: Map<_, _> = labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
            metadata.insert("labels".into(), labels.into());
        }
        json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": KIND, "metadata": metadata, "spec": spec})
    }
}

/// A whole number as one, anything else as it is: `+5` and `010` are no amounts, which the core says.
fn amount(text: &str) -> Value {
    let is_amount = text.parse::<Amount>().is_ok();
    text.parse::<i64>().ok().filter(|_| is_amount).map_or_else(|| json!(text), |number| json!(number))
}

/// Letters and digits that are not taken for each other, without vowels, as in the names that the API server makes.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A name that begins with `stem` and is most likely free.
pub fn generated_name(stem: &str) -> String {
    let letter = |_| char::from(*fastrand::choice(LETTERS).unwrap_or(&b'x'));
    let end: String = (0..5).map(letter).collect();
    let stem: String = stem.chars().take(200).collect();
    format!("{}-{end}", stem.trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use hpa_override_core::{MayPatch, Request, Settings, review_override};

    use super::*;

    #[test]
    fn what_it_makes_is_admitted() {
        let from: Instant = "2026-11-27T06:00:00Z".parse().unwrap();
        let wanted = Wanted {
            min: Some("10".into()),
            max: Some("150%".into()),
            mode: Some("Raise".into()),
            priority: Some(3),
            from,
            until: from.saturating_add(7200),
            return_over: "10m".parse().ok(),
            reason: Some("INC-1".into()),
            ttl: "7d".parse().unwrap(),
        };
        let object = wanted.object("shop", "web-x", &Target::Hpa("web".into()), &[("a", "b")]);
        assert_eq!(
            object,
            json!({
                "apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride",
                "metadata": {"name": "web-x", "namespace": "shop", "labels": {"a": "b"}},
                "spec": {"hpa": "web", "minReplicas": 10, "maxReplicas": "150%", "mode": "Raise", "priority": 3,
                         "startsAt": "2026-11-27T06:00:00Z", "expiresAt": "2026-11-27T08:00:00Z", "returnOver": "10m",
                         "reason": "INC-1", "ttlAfterFinished": "7d"},
            })
        );
        let review =
            review_override(&object, None, &Request::default(), &Settings::default(), from, MayPatch::NotAsked);
        assert!(review.report.is_clean() && review.report.warnings.is_empty(), "{:?}", review.report);
    }

    #[test]
    fn a_generated_name_is_valid_for_any_stem() {
        for stem in ["web", "a.b.", &"x".repeat(253)] {
            let name = generated_name(stem);
            assert!(hpa_override_core::value::names::is_subdomain(&name), "{name}");
        }
    }
}
