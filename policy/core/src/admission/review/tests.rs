use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-27T06:00:00Z";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn object(spec: &Value) -> Value {
    json!({"metadata": {"namespace": "shop", "name": "black-friday"}, "spec": spec})
}

/// A spec in which nothing is wrong, with some fields put (null: removed).
fn spec(fields: &Value) -> Value {
    let mut spec = json!({"hpa": "web", "minReplicas": 10, "maxReplicas": 20, "duration": "1h"});
    for (key, value) in fields.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    spec
}

fn stored(spec: &Value, created: &str) -> Value {
    let mut object = object(spec);
    object["metadata"]["creationTimestamp"] = created.into();
    object["metadata"]["annotations"] = json!({REQUESTED_BY_ANNOTATION: stamp("alice")});
    object
}

fn stamp(user: &str) -> String {
    format!(r#"{{"user":"{user}","groups":["devs"]}}"#)
}

fn request() -> Request {
    Request { user: "bob".into(), groups: vec!["devs".into()], ..Request::default() }
}

fn created(spec: &Value, settings: &Settings) -> Review {
    review_override(&object(spec), None, &request(), settings, at(NOW), MayPatch::NotAsked)
}

fn strict() -> Settings {
    let document =
        json!({"maxDuration": "2h", "maxPriority": 10, "requireReason": true, "protectedNamespaces": ["shop"]});
    Settings::parse(&document).unwrap()
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{} {:?} {}", finding.path, finding.code, finding.message)).collect()
}

const INSTANT: &str = "write it like `2026-11-27T06:00:00Z` or `2026-11-27T07:00:00+01:00`, in the years 2000 to 9000";
const AMOUNT: &str = "is not an amount; write a whole number from 1 to 2147483647, or one relative to what the owner wants (`150%`, `desired+5`, `desired-5`) or to what runs (`current`, `current+5`, `current-50%`)";
const NAME: &str = "is not the name of a HorizontalPodAutoscaler; use lower-case letters, digits, `-` and `.`";

#[rstest]
#[case::target_missing(json!({"hpa": null}), "spec TargetMissing no target: set hpa to the name of a HorizontalPodAutoscaler, or selector to labels of some")]
#[case::no_bounds(json!({"minReplicas": null, "maxReplicas": null}),
    "spec NoBounds no bounds: set minReplicas, maxReplicas or both")]
#[case::two_ends(json!({"expiresAt": "2026-11-27T07:00:00Z"}), "spec TwoEnds two ends: keep either expiresAt or duration")]
#[case::hpa_name(json!({"hpa": "Web"}), &format!("spec.hpa NameInvalid `Web` {NAME}"))]
#[case::hpa_empty(json!({"hpa": ""}), &format!("spec.hpa NameInvalid `` {NAME}"))]
#[case::hpa_number(json!({"hpa": 5}), &format!("spec.hpa NameInvalid `5` {NAME}"))]
#[case::hpa_long(json!({"hpa": "a".repeat(254)}), &format!("spec.hpa NameInvalid `{}...` {NAME}", "a".repeat(80)))]
#[case::hpa_dots(json!({"hpa": "a..b"}), &format!("spec.hpa NameInvalid `a..b` {NAME}"))]
#[case::namespace_name(json!({"namespace": "shop.eu"}),
    "spec.namespace NameInvalid `shop.eu` is not the name of a namespace; use at most 63 lower-case letters, digits and `-`")]
#[case::other_namespace(json!({"namespace": "bank"}),
    "spec.namespace CrossNamespaceDenied namespace `bank` is not this override's own; create the override there")]
#[case::min_zero(json!({"minReplicas": 0}), &format!("spec.minReplicas AmountInvalid `0` {AMOUNT}"))]
#[case::min_negative(json!({"minReplicas": -1}), &format!("spec.minReplicas AmountInvalid `-1` {AMOUNT}"))]
#[case::max_beyond_int32(json!({"maxReplicas": 2_147_483_648_u32}), &format!("spec.maxReplicas AmountInvalid `2147483648` {AMOUNT}"))]
#[case::max_fraction(json!({"maxReplicas": 20.5}), &format!("spec.maxReplicas AmountInvalid `20.5` {AMOUNT}"))]
#[case::max_text(json!({"maxReplicas": "+5"}), &format!("spec.maxReplicas AmountInvalid `+5` {AMOUNT}"))]
#[case::min_above_max(json!({"minReplicas": 21}),
    "spec.minReplicas MinAboveMax minReplicas 21 is above maxReplicas 20; lower it or raise maxReplicas")]
#[case::start(json!({"startsAt": "2026-11-27T06Z"}), &format!("spec.startsAt InstantInvalid `2026-11-27T06Z` is not an instant; {INSTANT}"))]
#[case::end(json!({"expiresAt": "tomorrow", "duration": null}), &format!("spec.expiresAt InstantInvalid `tomorrow` is not an instant; {INSTANT}"))]
#[case::duration(json!({"duration": "1.5h"}),
    "spec.duration DurationInvalid `1.5h` is not a duration; write it like `90m` or `1d12h`: whole numbers with d, h, m, s \
     in that order, above zero and at most 36500d")]
#[case::end_before_start(json!({"startsAt": "2026-11-27T08:00:00Z", "expiresAt": "2026-11-27T08:00:00Z", "duration": null}),
    "spec.expiresAt EndBeforeStart the end 2026-11-27T08:00:00Z is not after the start 2026-11-27T08:00:00Z; \
     set expiresAt to an instant after startsAt")]
#[case::priority(json!({"priority": 1001}), "spec.priority PriorityTooHigh priority 1001 is above the 1000 allowed; lower it")]
fn one_error(#[case] fields: Value, #[case] error: &str) {
    let review = created(&spec(&fields), &Settings::default());
    assert_eq!(lines(&review.report.errors), [error]);
    assert_eq!(review.object, None);
}

#[rstest]
#[case::by_duration(json!({"duration": "2h1s"}), "spec.duration DurationTooLong from 2026-11-27T06:00:00Z to \
    2026-11-27T08:00:01Z is longer than the 2h allowed; end it earlier")]
#[case::by_end(json!({"duration": null, "expiresAt": "2026-11-27T08:00:01Z"}), "spec.expiresAt DurationTooLong from \
    2026-11-27T06:00:00Z to 2026-11-27T08:00:01Z is longer than the 2h allowed; end it earlier")]
#[case::from_its_start(json!({"startsAt": "2026-11-27T05:00:00Z", "duration": null, "expiresAt": "2026-11-27T07:00:01Z"}),
    "spec.expiresAt DurationTooLong from 2026-11-27T05:00:00Z to 2026-11-27T07:00:01Z is longer than the 2h allowed; \
    end it earlier")]
#[case::reason_blank(json!({"reason": " "}),
    "spec.reason ReasonRequired a reason is required; say why in reason, for example with the number of a ticket")]
#[case::priority(json!({"priority": 11}), "spec.priority PriorityTooHigh priority 11 is above the 10 allowed; lower it")]
fn limits(#[case] fields: Value, #[case] error: &str) {
    let settings = Settings { protected_namespaces: vec![], ..strict() };
    let mut spec = spec(&json!({"reason": "CHG-1234"}));
    for (key, value) in fields.as_object().unwrap() {
        spec[key] = value.clone();
    }
    assert_eq!(lines(&created(&spec, &settings).report.errors), [error]);
}

#[rstest]
#[case::exactly_the_longest(json!({"duration": "2h", "reason": "CHG-1234", "priority": 10}))]
#[case::by_default(json!({"duration": null, "reason": "CHG-1234"}))]
#[case::a_low_priority(json!({"reason": "CHG-1234", "priority": -2_147_483_648_i64}))]
fn within_limits(#[case] fields: Value) {
    let settings = Settings { protected_namespaces: vec![], ..strict() };
    assert_eq!(created(&spec(&fields), &settings).report.errors, []);
}

#[rstest]
#[case::by_absence(json!({"reason": "CHG-1234"}))]
#[case::by_name(json!({"reason": "CHG-1234", "namespace": "shop"}))]
fn protected(#[case] fields: Value) {
    let error = "spec.namespace NamespaceProtected namespace `shop` is protected: \
                 its HorizontalPodAutoscalers cannot be overridden";
    assert_eq!(lines(&created(&spec(&fields), &strict()).report.errors), [error]);
}

#[test]
fn all_errors_at_once() {
    let spec = json!({"namespace": "kube-system", "minReplicas": 30, "maxReplicas": 20, "priority": 11,
                      "startsAt": "2026-11-27T09:00:00Z", "expiresAt": "2026-11-27T08:00:00Z", "duration": "1w"});
    let settings = Settings { protected_namespaces: vec!["kube-system".into()], ..strict() };
    let codes: Vec<_> =
        created(&spec, &settings).report.errors.iter().map(|error| (error.path.clone(), error.code)).collect();
    let expected = [
        ("spec", Code::TargetMissing),
        ("spec", Code::TwoEnds),
        ("spec.duration", Code::DurationInvalid),
        ("spec.expiresAt", Code::EndBeforeStart),
        ("spec.minReplicas", Code::MinAboveMax),
        ("spec.namespace", Code::NamespaceProtected),
        ("spec.namespace", Code::CrossNamespaceDenied),
        ("spec.priority", Code::PriorityTooHigh),
        ("spec.reason", Code::ReasonRequired),
    ];
    assert_eq!(codes, expected.map(|(path, code)| (path.to_owned(), code)));
}

#[rstest]
#[case::a_start_that_cannot_be_read(json!({"startsAt": "soon", "duration": "3h"}), &[Code::InstantInvalid])]
#[case::two_ends(json!({"expiresAt": "2027-01-01T00:00:00Z", "duration": "3h"}), &[Code::TwoEnds])]
#[case::a_namespace_that_cannot_be_read(json!({"namespace": "KUBE-SYSTEM"}), &[Code::NameInvalid])]
fn what_is_not_known_is_not_checked(#[case] fields: Value, #[case] codes: &[Code]) {
    let mut settings = strict();
    settings.limits.require_reason = false;
    settings.protected_namespaces = vec!["kube-system".into()];
    let report = created(&spec(&fields), &settings).report;
    assert_eq!(report.errors.iter().map(|error| error.code).collect::<Vec<_>>(), codes);
    assert_eq!(report.warnings, []);
}

#[rstest]
#[case::nothing(json!({}), &[])]
#[case::by_default(json!({"duration": null}),
    &["spec EndsByDefault no end is given, so it ends at 2026-11-28T06:00:00Z; set expiresAt or duration to choose"])]
#[case::min_alone(json!({"maxReplicas": null}),
    &["spec.minReplicas RaisesMaxWithMin without maxReplicas, minReplicas 10 also raises the upper bound where that is lower"])]
#[case::max_alone(json!({"minReplicas": null}), &[])]
#[case::ended(json!({"duration": null, "expiresAt": "2026-11-27T05:59:59Z"}),
    &["spec.expiresAt AlreadyEnded its end 2026-11-27T05:59:59Z has passed, so it does nothing; \
      on an active override that means now"])]
#[case::ends_now(json!({"duration": null, "expiresAt": NOW}),
    &["spec.expiresAt AlreadyEnded its end 2026-11-27T06:00:00Z has passed, so it does nothing; \
      on an active override that means now"])]
#[case::ended_by_duration(json!({"startsAt": "2026-11-27T04:00:00Z"}),
    &["spec.duration AlreadyEnded its end 2026-11-27T05:00:00Z has passed, so it does nothing; \
      on an active override that means now"])]
#[case::ended_by_default(json!({"startsAt": "2026-11-26T06:00:00Z", "duration": null}), &[
    "spec EndsByDefault no end is given, so it ends at 2026-11-27T06:00:00Z; set expiresAt or duration to choose",
    "spec AlreadyEnded its end 2026-11-27T06:00:00Z has passed, so it does nothing; on an active override that means now"])]
fn warns(#[case] fields: Value, #[case] warnings: &[&str]) {
    let review = created(&spec(&fields), &Settings::default());
    assert_eq!(lines(&review.report.warnings), warnings);
    assert!(review.report.is_clean() && review.object.is_some());
}

#[test]
fn warns_of_no_end_at_all() {
    let settings = Settings::parse(&json!({"defaultDuration": "Never"})).unwrap();
    let report = created(&spec(&json!({"duration": null})), &settings).report;
    let warning = "spec NeverEnds no end is given, so it is active until it is deleted; set expiresAt or duration";
    assert_eq!((lines(&report.warnings), report.errors), (vec![warning.into()], vec![]));
}

/// A length that is not positive is no length.
#[test]
fn an_end_before_the_start_is_not_too_long() {
    let fields = json!({"duration": null, "startsAt": "2026-11-27T12:00:00Z", "expiresAt": "2026-11-27T09:50:30Z",
                        "returnOver": "24h", "reason": "CHG-1"});
    let settings = Settings { protected_namespaces: vec![], ..strict() };
    let report = created(&spec(&fields), &settings).report;
    assert_eq!(report.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::EndBeforeStart]);
}

#[test]
fn on_create_it_is_created_now_whatever_it_says() {
    let mut object = object(&spec(&json!({})));
    object["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z".into();
    let review = review_override(&object, None, &request(), &Settings::default(), at(NOW), MayPatch::NotAsked);
    assert_eq!(review.report, Report::default());
}

const HOUR_AGO: &str = "2026-11-27T05:00:00Z";

fn updated(old: &Value, new: &Value) -> Review {
    review_override(new, Some(old), &request(), &strict(), at(NOW), MayPatch::NotAsked)
}

#[test]
fn an_unchanged_spec_is_always_admitted() {
    let old = stored(&spec(&json!({"minReplicas": 99, "duration": "never"})), HOUR_AGO);
    let mut new = old.clone();
    new["metadata"]["labels"] = json!({"app": "web"});
    assert_eq!(
        updated(&old, &new),
        Review { report: Report::default(), object: None, audit: Audit::new("notChecked") }
    );
}

#[test]
fn one_that_is_being_deleted_is_always_admitted() {
    let (mut old, mut new) = (stored(&spec(&json!({})), HOUR_AGO), stored(&spec(&json!({"hpa": "other"})), HOUR_AGO));
    assert!(!updated(&old, &new).report.is_clean());
    new["metadata"]["deletionTimestamp"] = NOW.into();
    assert!(!updated(&old, &new).report.is_clean(), "a client cannot say so itself");
    old["metadata"]["deletionTimestamp"] = NOW.into();
    assert_eq!(updated(&old, &new).report, Report::default());
}

#[rstest]
#[case::hpa(json!({"hpa": "other"}), &["spec.hpa TargetImmutable hpa is immutable; delete this override and create \
    another for the other target"])]
#[case::hpa_removed(json!({"hpa": null}), &["spec TargetMissing no target: set hpa to the name of a HorizontalPodAutoscaler, or selector to labels of some",
    "spec.hpa TargetImmutable hpa is immutable; delete this override and create another for the other target"])]
#[case::namespace_named_that_was_implied(json!({"namespace": "shop"}), &["spec.namespace TargetImmutable namespace is \
    immutable; delete this override and create another for the other target"])]
#[case::other_fields(json!({"minReplicas": 11, "reason": "more"}), &[])]
fn the_target_is_immutable_as_written(#[case] fields: Value, #[case] errors: &[&str]) {
    let (old, new) = (stored(&spec(&json!({})), HOUR_AGO), stored(&spec(&fields), HOUR_AGO));
    let review = review_override(&new, Some(&old), &request(), &Settings::default(), at(NOW), MayPatch::NotAsked);
    assert_eq!(lines(&review.report.errors), errors);
}

#[rstest]
#[case::implied_start_named(json!({}), json!({"startsAt": HOUR_AGO}), None)]
#[case::implied_start_moved(json!({}), json!({"startsAt": NOW}), Some("it began at 2026-11-27T05:00:00Z, and a start \
    that has passed cannot be moved to 2026-11-27T06:00:00Z; set it back"))]
#[case::begun_start_removed(json!({"startsAt": NOW}), json!({"minReplicas": 11}), Some("it began at \
    2026-11-27T06:00:00Z, and a start that has passed cannot be moved to 2026-11-27T05:00:00Z; set it back"))]
#[case::future_start_moved(json!({"startsAt": "2026-11-27T06:00:01Z"}), json!({"startsAt": "2026-11-27T07:00:00Z"}), None)]
#[case::future_start_moved_into_the_past(json!({"startsAt": "2026-11-27T06:00:01Z"}), json!({"startsAt": HOUR_AGO}), None)]
#[case::a_start_written_otherwise(json!({"startsAt": HOUR_AGO}), json!({"startsAt": "2026-11-27T06:00:00.5+01:00"}), None)]
#[case::a_start_that_could_not_be_read(json!({"startsAt": "soon"}), json!({"startsAt": NOW}), None)]
fn a_start_that_has_passed_stays(#[case] before: Value, #[case] after: Value, #[case] error: Option<&str>) {
    let (old, new) = (stored(&spec(&before), HOUR_AGO), stored(&spec(&after), HOUR_AGO));
    let review = review_override(&new, Some(&old), &request(), &Settings::default(), at(NOW), MayPatch::NotAsked);
    let expected: Vec<String> = error.iter().map(|error| format!("spec.startsAt StartMoved {error}")).collect();
    assert_eq!(lines(&review.report.errors), expected);
}

#[test]
fn an_active_override_can_be_ended_by_an_end_in_the_past() {
    let old = stored(&spec(&json!({"reason": "CHG-1"})), HOUR_AGO);
    let new =
        stored(&spec(&json!({"reason": "CHG-1", "duration": null, "expiresAt": "2026-11-27T05:30:00Z"})), HOUR_AGO);
    let settings = Settings { protected_namespaces: vec![], ..strict() };
    let report = review_override(&new, Some(&old), &request(), &settings, at(NOW), MayPatch::NotAsked).report;
    assert_eq!(report.errors, []);
    assert_eq!(report.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), [Code::AlreadyEnded]);
}

fn stamp_on(review: &Review, sent: &Value) -> Option<String> {
    stamp_of(review.object.as_ref().unwrap_or(sent))
}

#[test]
fn the_requester_is_written_and_nothing_else_changes() {
    let mut sent = object(&spec(&json!({})));
    let review = review_override(&sent, None, &request(), &Settings::default(), at(NOW), MayPatch::NotAsked);
    sent["metadata"]["annotations"] = json!({REQUESTED_BY_ANNOTATION: r#"{"user":"bob","groups":["devs"]}"#});
    assert_eq!(review.object, Some(sent));
}

#[rstest]
#[case::on_create_forged(None, json!({}), Some("carol"), Some("bob"))]
#[case::on_a_change_of_spec(Some("alice"), json!({"minReplicas": 11}), Some("alice"), Some("bob"))]
#[case::kept(Some("alice"), json!({}), Some("alice"), Some("alice"))]
#[case::forged(Some("alice"), json!({}), Some("carol"), Some("alice"))]
#[case::removed(Some("alice"), json!({}), None, Some("alice"))]
#[case::forged_where_there_was_none(Some(""), json!({}), Some("carol"), None)]
#[case::its_own_spec_again(Some("bob"), json!({"minReplicas": 11}), Some("bob"), Some("bob"))]
fn requester(
    #[case] before: Option<&str>,
    #[case] fields: Value,
    #[case] sent: Option<&str>,
    #[case] after: Option<&str>,
) {
    let stamped = |user: Option<&str>, spec: &Value| {
        let mut object = stored(spec, HOUR_AGO);
        let stamp = user.filter(|user| !user.is_empty()).map(stamp);
        set_annotation(&mut object, REQUESTED_BY_ANNOTATION, stamp);
        object
    };
    let old = before.map(|user| stamped(Some(user), &spec(&json!({}))));
    let new = stamped(sent, &spec(&fields));
    let review = review_override(&new, old.as_ref(), &request(), &Settings::default(), at(NOW), MayPatch::NotAsked);
    assert_eq!(stamp_on(&review, &new), after.map(stamp));
    assert_eq!(review.object.is_some(), sent.map(stamp) != after.map(stamp), "no mutation where nothing changes");
}

/// What is said about a field beside one that is of another type: nothing that depends on it.
#[rstest]
#[case::reason(json!({"reason": 5}), json!({"requireReason": true}))]
#[case::schedule_with_two_ends(json!({"schedule": "0 8 * * *", "expiresAt": "2026-11-28T06:00:00Z"}), json!({}))]
#[case::schedule_without_an_end(json!({"schedule": "0 8 * * *", "duration": null}), json!({}))]
#[case::except(json!({"schedule": {"cron": "*/30 * * * *", "except": "2026-12-25"}}), json!({}))]
fn nothing_follows_from_a_field_of_another_type(#[case] fields: Value, #[case] settings: Value) {
    let review = created(&spec(&fields), &Settings::parse(&settings).unwrap());
    let codes: Vec<Code> = review.report.errors.iter().map(|finding| finding.code).collect();
    assert_eq!((codes, review.report.warnings), (vec![Code::FieldInvalid], vec![]));
}

#[test]
fn nothing_follows_from_a_spec_of_another_type() {
    let review = created(&json!("web"), &Settings::default());
    let codes: Vec<Code> = review.report.errors.iter().map(|finding| finding.code).collect();
    assert_eq!((codes, review.report.warnings), (vec![Code::FieldInvalid], vec![]));
}

#[test]
fn the_requester_is_that_of_the_request_and_not_the_one_stamped() {
    let settings = Settings::parse(&json!({"authorizeRequester": true})).unwrap();
    let (old, new) = (stored(&spec(&json!({})), NOW), stored(&spec(&json!({"maxReplicas": 21})), NOW));
    let review = review_override(&new, Some(&old), &request(), &settings, at(NOW), MayPatch::No);
    let message = "spec.hpa NotAuthorized `bob` may not patch HorizontalPodAutoscaler shop/web, and so may not override it; \
                   ask its owner";
    assert_eq!(lines(&review.report.errors), [message]);
}
