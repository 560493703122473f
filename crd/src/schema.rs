//! What the schema says beyond types: sizes, patterns, and rules in CEL with the core's sentences.
//!
//! It never refuses what the core admits: `cargo xtask agree` asks both. What it leaves to the core is in
//! docs/reference/core-only.md. A pattern is for editors and pipelines; the API server prints it as it is, so that a rule
//! beside it says the same with a sentence. Where a type, an enum or a format is violated it evaluates no rule at all.

use kube_core::{Message, Reason, Rule};

use crate::sentences;

/// The name of an HPA: a DNS subdomain, as Kubernetes has it.
pub(crate) const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// The name of a namespace: a DNS label.
pub(crate) const LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// An amount that is text. That its number fits int32 is a rule.
pub(crate) const AMOUNT: &str = "^([1-9][0-9]{0,9}%?|desired[+-][1-9][0-9]{0,9}|current([+-][1-9][0-9]{0,9}%?)?)$";
/// A duration. That the sum is above zero and not above the longest are rules.
pub(crate) const DURATION: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";
/// An instant, in any year. `format: date-time` alone would take lower case, and offsets of 99 hours.
pub(crate) const INSTANT: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\
                                  T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?\
                                  (Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// Rules on the spec, never at the root: there they would be evaluated on every status write, and an object that was stored
/// under an older schema could get no status.
pub(crate) fn of_spec() -> Vec<Rule> {
    let immutable = ["hpa", "selector", "namespace"].map(immutable);
    let rules = [
        required("has(self.hpa) || has(self.selector)", sentences::TARGET_MISSING),
        forbidden("!has(self.hpa) || !has(self.selector)", sentences::TWO_TARGETS),
        required("has(self.minReplicas) || has(self.maxReplicas)", sentences::NO_BOUNDS),
        min_above_max(),
        forbidden("!has(self.expiresAt) || !has(self.duration) || has(self.schedule)", sentences::TWO_ENDS),
        required("!has(self.schedule) || has(self.duration)", sentences::DURATION_REQUIRED).field_path(".duration"),
        ttl_needs_absolute_end(),
    ];
    rules.into_iter().chain(immutable).collect()
}

fn immutable(field: &str) -> Rule {
    // `namespace` is a word that CEL keeps to itself.
    let name = if field == "namespace" { "__namespace__" } else { field };
    let (new, old) = (format!("self.{name}"), format!("oldSelf.{name}"));
    let rule = format!("has({new}) == has({old}) && (!has({new}) || {new} == {old})");
    forbidden(&rule, sentences::immutable(field).as_str()).field_path(format!(".{field}"))
}

/// Of two literal amounts, also of those that are text.
fn min_above_max() -> Rule {
    let rule = "!has(self.minReplicas) || !has(self.maxReplicas) || \
                !string(self.minReplicas).matches('^[0-9]+$') || !string(self.maxReplicas).matches('^[0-9]+$') || \
                int(self.minReplicas) <= int(self.maxReplicas)";
    let [min, max] = ["self.minReplicas", "self.maxReplicas"].map(|amount| inserted(&format!("string({amount})")));
    forbidden(rule, expression(&sentences::min_above_max(min, max))).field_path(".minReplicas")
}

fn ttl_needs_absolute_end() -> Rule {
    let rule = "!has(self.ttlAfterFinished) || has(self.expiresAt) || \
                has(self.startsAt) && has(self.duration) && !has(self.schedule)";
    forbidden(rule, sentences::TTL_NEEDS_ABSOLUTE_END).field_path(".ttlAfterFinished")
}

/// A selector has a requirement.
pub(crate) fn of_selector() -> Vec<Rule> {
    let rule = "has(self.matchLabels) && self.matchLabels.size() > 0 || \
                has(self.matchExpressions) && self.matchExpressions.size() > 0";
    vec![required(rule, sentences::SELECTOR_EMPTY)]
}

/// What is no amount. Ten digits may be more than int32; more digits, and leading zeros, the pattern refuses.
///
/// The oldest server counts the cost of a rule on an int-or-string as though it could be of any length (kubernetes#132837):
/// it has room for this.
pub(crate) fn of_amount() -> Vec<Rule> {
    let fits = "!self.matches('[0-9]{10}') || int(self.find('[0-9]{10}')) <= 2147483647";
    let sentence = sentences::not_an_amount(quoted("string(self)"));
    vec![Rule::new(format!("type(self) == int || {} && ({fits})", matches(AMOUNT))).message(expression(&sentence))]
}

/// What is no name of an HPA.
pub(crate) fn of_hpa() -> Vec<Rule> {
    vec![Rule::new(matches(SUBDOMAIN)).message(expression(&sentences::not_an_hpa(quoted("self"))))]
}

/// What is no name of a namespace.
pub(crate) fn of_namespace() -> Vec<Rule> {
    vec![Rule::new(matches(LABEL)).message(expression(&sentences::not_a_namespace(quoted("self"))))]
}

/// Above zero and at most 36500 days.
pub(crate) fn of_duration() -> Vec<Rule> {
    let rule = format!("{} && self.matches('[1-9]') && {}", matches(DURATION), is_at_most(36_500 * 86_400));
    vec![Rule::new(rule).message(expression(&sentences::not_a_duration(quoted("self"))))]
}

/// A pattern as a rule. In CEL a backslash in a text is one only where it is raw.
fn matches(pattern: &str) -> String {
    format!("self.matches(r'{pattern}')")
}

/// The sum of a duration. Numbers of eleven digits are too large in any unit, and might not fit an integer; a unit that is
/// not given counts 0.
fn is_at_most(seconds: i64) -> String {
    let number = |unit: char| format!("int('0' + self.find('[0-9]+{unit}').replace('{unit}', ''))");
    let [d, h, m, s] = ['d', 'h', 'm', 's'].map(number);
    format!("!self.matches('[1-9][0-9]{{10}}') && {d} * 86400 + {h} * 3600 + {m} * 60 + {s} <= {seconds}")
}

fn required(rule: &str, sentence: &str) -> Rule {
    Rule::new(rule).message(sentence).reason(Reason::FieldValueRequired)
}

fn forbidden(rule: &str, sentence: impl Into<Message>) -> Rule {
    Rule::new(rule).message(sentence).reason(Reason::FieldValueForbidden)
}

/// A sentence, in which values are [`inserted`], as an expression.
fn expression(sentence: &str) -> Message {
    Message::Expression(format!("'{sentence}'"))
}

fn inserted(value: &str) -> String {
    format!("' + {value} + '")
}

fn quoted(value: &str) -> String {
    format!("`{}`", inserted(value))
}
