//! Bounds that a limit of the platform team cuts, for people: an override is active, and yet another number is effective.

use std::cmp::Ordering;

use hpa_override_core::{Bound, Clamps, Record, composed};

/// What the limits in a record make of the bounds that its layers give, in a sentence about each bound that they cut; none
/// where they cut nothing. A gradual return is left out: it ends by itself.
///
/// `UpOnly` raises a bound to what the owner wants, and the other two lower none below that: so one limit decides.
pub(crate) fn cut_bounds(record: &Record) -> Option<String> {
    if record.limits.is_empty() {
        return None;
    }
    let Record { desired, limits, .. } = record;
    let given = composed(*desired, record.layers.iter(), &Clamps::default());
    let limited = limits.clamp(*desired, given);
    let cut = |bound: Bound| {
        let (given, limited) = (given.get(bound), limited.get(bound));
        let (is, by) = match given.cmp(&limited) {
            Ordering::Equal => return None,
            Ordering::Less => ("raised", "directions UpOnly"),
            Ordering::Greater if limits.highest_by_factor(*desired) == Some(limited) => ("limited", "maxFactor"),
            Ordering::Greater => ("limited", "replicaCeiling"),
        };
        Some(format!("{} {given} is {is} to {limited} by {by}", bound.field()))
    };
    match Bound::BOTH.map(cut) {
        [Some(min), Some(max)] => Some(format!("{min}, {max}")),
        [min, max] => min.or(max),
    }
}

/// The same for the status of an override with `targets` targets, on `count` of which it is active and a bound is cut: of the
/// first of these the name of the HPA and the sentence.
pub(crate) fn cut_on_targets(targets: usize, (count, name, sentence): (usize, &str, &str)) -> String {
    if targets == 1 {
        return sentence.into();
    }
    format!("limits cut bounds on {count} of {targets} targets; {name}: {sentence}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn record(limits: &Value, layers: &Value) -> Record {
        let record = json!({"v": 1, "asOf": "2026-11-27T06:00:00Z", "desired": {"minReplicas": 2, "maxReplicas": 5},
                            "effective": {"minReplicas": 2, "maxReplicas": 5}, "limits": limits, "layers": layers});
        Record::parse(&record.to_string()).unwrap()
    }

    #[rstest]
    #[case::no_limit(json!({}), (40, 900), &[])]
    #[case::within(json!({"ceiling": 900, "factor": 180, "upOnly": true}), (40, 900), &[])]
    #[case::ceiling(json!({"ceiling": 500}), (40, 900), &["maxReplicas 900 is limited to 500 by replicaCeiling"])]
    #[case::ceiling_on_both(json!({"ceiling": 30}), (40, 900),
        &["minReplicas 40 is limited to 30 by replicaCeiling", "maxReplicas 900 is limited to 30 by replicaCeiling"])]
    #[case::no_further_than_the_owner(json!({"ceiling": 1}), (3, 7),
        &["minReplicas 3 is limited to 2 by replicaCeiling", "maxReplicas 7 is limited to 5 by replicaCeiling"])]
    #[case::factor(json!({"factor": 10}), (40, 900), &["maxReplicas 900 is limited to 50 by maxFactor"])]
    #[case::the_lower_of_two(json!({"factor": 10, "ceiling": 60}), (40, 900),
        &["maxReplicas 900 is limited to 50 by maxFactor"])]
    #[case::the_other_is_lower(json!({"factor": 10, "ceiling": 45}), (40, 900),
        &["maxReplicas 900 is limited to 45 by replicaCeiling"])]
    #[case::up_only(json!({"upOnly": true}), (1, 3),
        &["minReplicas 1 is raised to 2 by directions UpOnly", "maxReplicas 3 is raised to 5 by directions UpOnly"])]
    #[case::each_by_another(json!({"upOnly": true, "ceiling": 50}), (1, 60),
        &["minReplicas 1 is raised to 2 by directions UpOnly", "maxReplicas 60 is limited to 50 by replicaCeiling"])]
    fn sentences(#[case] limits: Value, #[case] (min, max): (i32, i32), #[case] expected: &[&str]) {
        let expected = (!expected.is_empty()).then(|| expected.join(", "));
        let layer = json!({"by": "shop/a", "uid": "u", "mode": "Set", "minReplicas": min, "maxReplicas": max});
        assert_eq!(cut_bounds(&record(&limits, &json!([layer]))), expected);
    }

    #[test]
    fn what_the_owner_wants_is_never_cut() {
        assert_eq!(cut_bounds(&record(&json!({"ceiling": 1, "factor": 1, "upOnly": true}), &json!([]))), None);
    }

    #[rstest]
    #[case::the_only_target(1, 1, "a")]
    #[case::one_of_many(3, 1, "limits cut bounds on 1 of 3 targets; web: a")]
    #[case::two_of_many(3, 2, "limits cut bounds on 2 of 3 targets; web: a")]
    fn on_targets(#[case] targets: usize, #[case] count: usize, #[case] expected: &str) {
        assert_eq!(cut_on_targets(targets, (count, "web", "a")), expected);
    }
}
