//! Every request in `test_data/` is answered as the tables in its README say, on any day, natively and by the module, and
//! `e2e.bats` expects the same of kwctl.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::panic, reason = "tests")]

mod changes;
mod common;
mod session;

use std::{collections::BTreeSet, fs, sync::Arc};

use changes::changes;
use common::{MODULE, Sample, payload, samples, test_data};
use hpa_override_core::{Code, MayPatch};
use hpa_override_policy::{may_patch, validate};
use hpa_override_testbed::{HostCalls, NoHostCalls};
use serde_json::{Value, json};
use session::Session;

const A_DAY: &str = "2027-03-01T12:00:00Z";

#[test]
fn the_tables_are_what_the_policy_answers() {
    let (written, rows) = (written(), rows(|sample| natively(sample, A_DAY)));
    assert!(written == rows, "the tables in test_data/README.md are not what the policy answers:\n{}", rows.join("\n"));
}

#[test]
fn the_module_answers_the_same_on_the_engine_of_policy_server() {
    assert_eq!(rows(|sample| Answered { answer: by_the_module(sample), ..natively(sample, A_DAY) }), written());
}

#[test]
fn the_answers_do_not_depend_on_the_day() {
    let rows = |day| rows(|sample| natively(sample, day));
    assert_eq!(rows("2025-01-01T00:00:00Z"), rows("2097-12-31T23:59:59Z"));
}

#[test]
fn every_code_and_every_decision_is_shown() {
    let audits: Vec<Value> =
        samples().into_values().map(|sample| natively(&sample, A_DAY).answer["audit_annotations"].take()).collect();
    let words = |key: &str| {
        let texts = audits.iter().filter_map(|audit| audit[key].as_str());
        texts.flat_map(|text| text.split(' ')).map(Into::into).collect::<BTreeSet<String>>()
    };
    let codes = Code::ALL.iter().map(|code| json!(code).as_str().unwrap().to_owned());
    assert_eq!(words("codes"), codes.collect());
    let decisions = "accepted ended letThrough merged notChecked ownershipReturned recordKept recordRemoved rejected released \
                     unchanged";
    assert_eq!(words("decision"), decisions.split(' ').map(Into::into).collect());
}

/// A test in `e2e.bats` is `ask NAME`, then what is expected: `refused`, `accepted` or `mutated`, and parts of the
/// messages, in single quotes.
#[test]
fn the_tests_for_kwctl_ask_about_every_request_and_expect_what_the_policy_answers() {
    let mut samples = samples();
    let script = fs::read_to_string(test_data().join("../e2e.bats")).unwrap();
    for test in script.split("\n@test ").skip(1) {
        let (_, test) = test.split_once("\n\task ").unwrap();
        let (name, expected) = test.split_once([';', '\n']).unwrap();
        let sample = samples.remove(name).unwrap_or_else(|| panic!("no such request, or asked twice: {name}"));
        let answer = natively(&sample, A_DAY).answer;
        let (accepted, mutated) = (answer["accepted"] == true, !answer["mutated_object"].is_null());
        let verb = match (accepted, mutated) {
            (false, _) => "refused",
            (true, false) => "accepted",
            (true, true) => "mutated",
        };
        assert_eq!(expected.split_whitespace().next(), Some(verb), "{name}");
        let (messages, parts) = (messages(&answer), expected.split('\'').skip(1).step_by(2).collect::<Vec<_>>());
        assert!(messages.iter().all(|text| parts.iter().any(|part| text.contains(part))), "{name}: {messages:?}");
        assert!(parts.iter().all(|part| messages.iter().any(|text| text.contains(part))), "{name}: {parts:?}");
    }
    assert!(samples.is_empty(), "not in e2e.bats: {:?}", samples.keys());
}

/// A request, answered.
struct Answered {
    answer: Value,
    /// What the cluster answered, where it was asked.
    cluster: Option<MayPatch>,
}

fn natively(sample: &Sample, day: &str) -> Answered {
    let session = sample.session.as_deref().map(Session::parse);
    let mut cluster = None;
    let ask = |question: &_| {
        let session = session.as_ref().unwrap_or_else(|| panic!("the cluster is asked, and there is no session"));
        let answer = may_patch(question, |request| session.call("kubewarden", "kubernetes", "can_i", request));
        cluster = Some(answer);
        answer
    };
    let answer = validate(&payload(&sample.request, &sample.settings), day.parse().unwrap(), ask);
    assert!(session.is_none_or(|session| session.is_over()), "more is recorded than asked");
    Answered { answer: serde_json::from_slice(&answer).unwrap(), cluster }
}

fn by_the_module(sample: &Sample) -> Value {
    let session = sample.session.as_deref().map(|text| Arc::new(Session::parse(text)));
    let host: Arc<dyn HostCalls> = match &session {
        Some(session) => Arc::clone(session) as _,
        None => Arc::new(NoHostCalls),
    };
    let module = MODULE.clone().with_host_calls(host);
    let answer = module.validate(&json!({"request": sample.request, "settings": sample.settings})).unwrap();
    assert!(session.is_none_or(|session| session.is_over()), "more is recorded than asked");
    answer
}

fn written() -> Vec<String> {
    let readme = fs::read_to_string(test_data().join("README.md")).unwrap();
    readme.lines().filter(|line| line.starts_with("| `")).map(Into::into).collect()
}

/// The requests that need nothing else, then those with settings, then those that ask the cluster, too.
fn rows(ask: impl Fn(&Sample) -> Answered) -> Vec<String> {
    let mut samples: Vec<_> = samples().into_iter().collect();
    samples.sort_by_key(|(_, sample)| (sample.session.is_some(), sample.settings != json!({})));
    samples.iter().map(|(name, sample)| row(name, sample, &ask(sample))).collect()
}

fn row(name: &str, sample: &Sample, Answered { answer, cluster }: &Answered) -> String {
    let settings = (sample.settings != json!({})).then(|| format!("`{}`", sample.settings));
    let allowed = if answer["accepted"] == true { "yes" } else { "no" };
    let changed = changes(&sample.request, answer).join(", ");
    let given = settings.into_iter().chain(cluster.map(|cluster| cluster.as_str().into()));
    let rest = [allowed.into(), changed, audit(answer), messages(answer).join("<br>")];
    let cells: Vec<String> = [format!("`{name}`")].into_iter().chain(given).chain(rest).collect();
    format!("| {} |", cells.join(" | "))
}

/// Messages as a client sees them: of a refusal, and warnings.
fn messages(answer: &Value) -> Vec<String> {
    let message = answer["message"].as_str().map(|message| format!("{}: {message}", answer["code"]));
    let warnings = answer["warnings"].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned());
    message.into_iter().chain(warnings).collect()
}

/// The audit annotations, the decision first; a reason that is the message is not repeated.
fn audit(answer: &Value) -> String {
    let annotations = &answer["audit_annotations"];
    let others = ["codes", "desired", "effective", "overrides", "until"];
    let part = |key: &&str| annotations[*key].as_str().map(|text| format!("{key} {text}"));
    let decision = annotations["decision"].as_str().map(Into::into);
    decision.into_iter().chain(others.iter().filter_map(part)).collect::<Vec<String>>().join("; ")
}
