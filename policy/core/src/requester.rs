//! Who asks for an override. The guard stamps it on the object; by the stamp the controller asks again whether he may
//! patch the target himself.

use hpa_override_crd::REQUESTED_BY_ANNOTATION;
use serde::Serialize;
use serde_json::Value;

use crate::{limits::asks_for_authorization, object::annotation, request::Request, settings::Settings, spec::Override};

/// A user, as the API server knows him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requester {
    /// The user.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
}

impl Requester {
    /// Who is stamped on an `AutoscalerOverride`; nobody where the stamp is missing or names no user. Names that no line of a
    /// log could hold are nobody's: where there is no guard, anybody writes a stamp.
    #[must_use]
    pub fn stamped(object: &Value) -> Option<Self> {
        let stamp: Value = serde_json::from_str(annotation(object, REQUESTED_BY_ANNOTATION)?).ok()?;
        let user = stamp.get("user")?.as_str().filter(is_name)?;
        let groups = stamp.get("groups").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Some(Self {
            user: user.into(),
            groups: groups.iter().filter_map(Value::as_str).filter(is_name).map(Into::into).collect(),
        })
    }

    /// Who makes this request.
    pub(crate) fn of(request: &Request) -> Self {
        Self { user: request.user.clone(), groups: request.groups.clone() }
    }

    /// The stamp, canonical: `{"user":…,"groups":[…]}`.
    pub(crate) fn stamp(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// In bytes; far above any name in use.
const LONGEST_NAME: usize = 1024;

fn is_name(name: &&str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control)
}

/// Whether somebody may patch HPAs: what has to be known of who asks for an override, where the settings want that.
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
    /// The question about who asks for `ovr`; none where the settings want no answer, or nobody is known to ask about.
    #[must_use]
    pub fn about(ovr: &Override, settings: &Settings) -> Option<Self> {
        let asked = ovr.requester.as_ref().filter(|_| asks_for_authorization(ovr, settings));
        let Requester { user, groups } = asked.cloned()?;
        Some(Self {
            user,
            groups,
            namespace: ovr.target_namespace()?.into(),
            name: ovr.hpa.value().filter(|_| ovr.selector.is_absent()).cloned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::canonical(json!(r#"{"user":"alice","groups":["devs"]}"#), Some(("alice", &["devs"][..])))]
    #[case::no_groups(json!(r#"{"user":"alice"}"#), Some(("alice", &[][..])))]
    #[case::groups_that_are_none(json!(r#"{"user":"alice","groups":["devs",7]}"#), Some(("alice", &["devs"][..])))]
    #[case::a_line_of_a_log(json!("{\"user\":\"alice\\nERROR\"}"), None)]
    #[case::a_very_long_name(json!(format!(r#"{{"user":"{}"}}"#, "a".repeat(1025))), None)]
    #[case::nobody(json!(r#"{"user":"","groups":["devs"]}"#), None)]
    #[case::no_user(json!(r#"{"groups":["devs"]}"#), None)]
    #[case::garbage(json!("alice"), None)]
    #[case::no_text(json!({"user": "alice"}), None)]
    fn who_is_stamped(#[case] stamp: Value, #[case] expected: Option<(&str, &[&str])>) {
        let object = json!({"metadata": {"annotations": {REQUESTED_BY_ANNOTATION: stamp}}});
        let stamped = Requester::stamped(&object);
        let expected = expected.map(|(user, groups)| Requester {
            user: user.into(),
            groups: groups.iter().map(ToString::to_string).collect(),
        });
        assert_eq!(stamped, expected);
    }

    #[test]
    fn a_stamp_is_read_back() {
        let alice = Requester { user: "alice".into(), groups: vec!["devs".into(), "all \"users\"".into()] };
        let object = json!({"metadata": {"annotations": {REQUESTED_BY_ANNOTATION: alice.stamp()}}});
        assert_eq!(Requester::stamped(&object), Some(alice));
    }
}
