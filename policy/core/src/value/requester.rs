//! The requester of an override: the user who created it or last changed its spec. The guard policy writes it to the object
//! as the annotation `hpa-override.dev/requested-by`; the controller asks about that user again.

use hpa_override_crd::REQUESTED_BY_ANNOTATION;
use serde::Serialize;
use serde_json::Value;

use super::request::Request;

/// A user, as the API server authenticates it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requester {
    /// The user.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
}

impl Requester {
    /// The requester named by the annotation of an `AutoscalerOverride`; none where it is missing or names no user. Names over
    /// 1024 bytes or with control characters count as none: without the guard policy anybody may write the annotation.
    #[must_use]
    pub fn from_annotation(object: &Value) -> Option<Self> {
        let text = object.get("metadata")?.get("annotations")?.get(REQUESTED_BY_ANNOTATION)?.as_str()?;
        let stamp: Value = serde_json::from_str(text).ok()?;
        let user = stamp.get("user")?.as_str().filter(is_name)?;
        let groups = stamp.get("groups").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Some(Self {
            user: user.into(),
            groups: groups.iter().filter_map(Value::as_str).filter(is_name).map(Into::into).collect(),
        })
    }

    /// The requester of an admission request.
    #[must_use]
    pub fn from_request(request: &Request) -> Self {
        Self { user: request.user.clone(), groups: request.groups.clone() }
    }

    /// The text of the annotation, canonical: `{"user":…,"groups":[…]}`. Groups that would make it longer than 16 KiB are left
    /// out, from the first of them on: fewer rights, never more.
    #[must_use]
    pub fn to_annotation(&self) -> String {
        let text = |groups| {
            let stamped = Self { user: self.user.clone(), groups };
            serde_json::to_string(&stamped).unwrap_or_default()
        };
        let mut left = LONGEST_STAMP.saturating_sub(text(Vec::new()).len());
        let fits = |group: &&String| {
            // With the comma before it, which the first one does not need.
            let length = serde_json::to_string(group).map_or(usize::MAX, |quoted| quoted.len().saturating_add(1));
            let is_in = length <= left;
            left = left.saturating_sub(length);
            is_in
        };
        text(self.groups.iter().take_while(fits).cloned().collect())
    }
}

/// The longest annotation, in bytes: all annotations of an object may have 256 KiB.
const LONGEST_STAMP: usize = 16 * 1024;

/// In bytes; far above any name in use.
const LONGEST_NAME: usize = 1024;

fn is_name(name: &&str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control)
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
    #[case::a_control_character(json!("{\"user\":\"alice\\nERROR\"}"), None)]
    #[case::a_very_long_name(json!(format!(r#"{{"user":"{}"}}"#, "a".repeat(1025))), None)]
    #[case::nobody(json!(r#"{"user":"","groups":["devs"]}"#), None)]
    #[case::no_user(json!(r#"{"groups":["devs"]}"#), None)]
    #[case::garbage(json!("alice"), None)]
    #[case::no_text(json!({"user": "alice"}), None)]
    fn the_annotation_names_the_requester(#[case] stamp: Value, #[case] expected: Option<(&str, &[&str])>) {
        let object = json!({"metadata": {"annotations": {REQUESTED_BY_ANNOTATION: stamp}}});
        let named = Requester::from_annotation(&object);
        let expected = expected.map(|(user, groups)| Requester {
            user: user.into(),
            groups: groups.iter().map(ToString::to_string).collect(),
        });
        assert_eq!(named, expected);
    }

    #[rstest]
    #[case::all(160, 160)]
    #[case::those_that_fit(200, 163)]
    fn groups_beyond_16_kib_are_left_out(#[case] given: usize, #[case] kept: usize) {
        let group = |number: usize| format!("{number:04}{}", "g".repeat(93));
        let alice = Requester { user: "alice".into(), groups: (0..given).map(group).collect() };
        let text = alice.to_annotation();
        assert!(text.len() <= 16_384 && (given == kept || text.len() > 16_384 - 100), "{}", text.len());
        let object = json!({"metadata": {"annotations": {REQUESTED_BY_ANNOTATION: text}}});
        assert_eq!(Requester::from_annotation(&object).unwrap().groups, (0..kept).map(group).collect::<Vec<_>>());
    }

    #[test]
    fn an_annotation_is_read_back() {
        let alice = Requester { user: "alice".into(), groups: vec!["devs".into(), "all \"users\"".into()] };
        let object = json!({"metadata": {"annotations": {REQUESTED_BY_ANNOTATION: alice.to_annotation()}}});
        assert_eq!(Requester::from_annotation(&object), Some(alice));
    }
}
