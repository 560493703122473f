//! Layers to bounds: what the owner wants and what overrides give, folded into one pair.

use hpa_override_crd::Mode;

use super::{clamps::Clamps, layer::Layer};
use crate::value::{
    bounds::{Bound, Bounds},
    id::Id,
};

/// The bounds that the layers make of what the owner wants. `layers` come highest precedence first, as in the record, and
/// are folded from the lowest to the highest; the limits apply last.
///
/// Amounts are resolved against `desired`, or the number of replicas that the layer has captured, never against a layer
/// below. A bound that a layer does not give stays as it is below. Where a layer leaves min > max, the bound that it gave
/// wins and the other follows; where it gave both, max rises to min.
///
/// # Guarantees
/// The result is a valid pair; without layers it is `desired`; min is 0 only where `desired` has 0 and no Set or Raise layer gives min.
/// It depends on the arguments alone. The rules with examples are in docs/language.md.
///
/// ```
/// use hpa_override_core::{Bounds, Clamps, Layer, composed};
/// use serde_json::json;
///
/// let layer = json!({"by": "shop/a", "uid": "u", "mode": "Set", "minReplicas": 40});
/// let layer = Layer::parse(layer).unwrap();
/// let desired = Bounds::new(2, 5).unwrap();
/// assert_eq!(composed(desired, [&layer].into_iter(), &Clamps::default()).to_string(), "40-40");
/// ```
#[must_use]
pub fn composed<'a>(desired: Bounds, layers: impl DoubleEndedIterator<Item = &'a Layer>, limits: &Clamps) -> Bounds {
    limits.clamp(desired, layers.rev().fold(desired, |below, layer| applied(below, layer, desired)))
}

fn applied(below: Bounds, layer: &Layer, desired: Bounds) -> Bounds {
    let given = |bound| {
        let (below, number) = (below.get(bound), layer.resolved(bound, desired)?);
        Some(match layer.mode {
            Mode::Set => number,
            Mode::Raise => below.max(number),
            Mode::Cap => below.min(number),
        })
    };
    let with_max = given(Bound::Max).map_or(below, |max| below.with(Bound::Max, max));
    given(Bound::Min).map_or(with_max, |min| with_max.with(Bound::Min, min))
}

/// The override that supersedes the layer at `index` (highest precedence first): the highest above it without which it
/// would change something. None where it is not superseded.
#[must_use]
pub fn superseded_by<'a>(desired: Bounds, layers: &'a [Layer], limits: &Clamps, index: usize) -> Option<&'a Id> {
    let all: Vec<&Layer> = layers.iter().collect();
    if matters(desired, &all, limits, index) {
        return None;
    }
    let without = |above: usize| {
        let mut fewer = all.clone();
        fewer.remove(above);
        matters(desired, &fewer, limits, index - 1)
    };
    let winner = (0..index).find(|above| without(*above)).unwrap_or(0);
    layers.get(winner).map(|layer| &layer.by)
}

/// Whether a layer is the top one, or changes something: removed from all layers, or added below those above it alone.
fn matters(desired: Bounds, layers: &[&Layer], limits: &Clamps, index: usize) -> bool {
    let of = |keep: &dyn Fn(usize) -> bool| {
        let kept = layers.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, layer)| *layer);
        composed(desired, kept, limits)
    };
    index == 0 || of(&|at| at != index) != of(&|_| true) || of(&|at| at < index) != of(&|at| at <= index)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    /// Layers named a, b, c …, highest precedence first.
    fn layers(amounts: &[(Option<i32>, Option<i32>)]) -> Vec<Layer> {
        let layer = |((min, max), name): (&(Option<i32>, Option<i32>), char)| {
            let by = format!("shop/{name}");
            let value = json!({"by": by, "uid": by, "mode": "Set", "minReplicas": min, "maxReplicas": max});
            Layer::parse(value).unwrap()
        };
        amounts.iter().zip('a'..='z').map(layer).collect()
    }

    #[rstest]
    #[case::none(&[], (2, 5))]
    #[case::both(&[(Some(10), Some(20))], (10, 20))]
    #[case::min_alone_raises_max(&[(Some(40), None)], (40, 40))]
    #[case::max_alone_lowers_min(&[(None, Some(1))], (1, 1))]
    #[case::higher_wins(&[(Some(10), Some(20)), (Some(7), Some(9))], (10, 20))]
    #[case::absent_bound_shows_what_is_below(&[(Some(10), None), (Some(7), Some(30))], (10, 30))]
    #[case::repair_after_each_layer(&[(None, Some(3)), (Some(40), None)], (3, 3))]
    fn compose(#[case] amounts: &[(Option<i32>, Option<i32>)], #[case] expected: (i32, i32)) {
        let layers = layers(amounts);
        let bounds = composed(Bounds::new(2, 5).unwrap(), layers.iter(), &Clamps::default());
        assert_eq!(bounds, Bounds::new(expected.0, expected.1).unwrap());
    }

    #[test]
    fn the_owners_zero_is_kept_where_no_layer_gives_min() {
        let layers = layers(&[(None, Some(3))]);
        assert_eq!(composed(Bounds::new(0, 5).unwrap(), layers.iter(), &Clamps::default()), Bounds::new(0, 3).unwrap());
    }

    #[rstest]
    #[case::the_top_never_is(&[(Some(2), Some(5)), (Some(3), None)], 0, None)]
    #[case::wholly_covered(&[(Some(10), Some(20)), (Some(7), Some(9))], 1, Some("shop/a"))]
    #[case::shows_through(&[(Some(10), None), (Some(7), Some(30))], 1, None)]
    #[case::covered_by_two(&[(Some(10), None), (None, Some(20)), (Some(7), Some(9))], 2, Some("shop/a"))]
    #[case::only_one_of_two_covers(&[(Some(3), None), (Some(10), Some(20)), (None, Some(9))], 2, Some("shop/b"))]
    fn superseded(#[case] amounts: &[(Option<i32>, Option<i32>)], #[case] index: usize, #[case] winner: Option<&str>) {
        let layers = layers(amounts);
        let by = superseded_by(Bounds::new(2, 5).unwrap(), &layers, &Clamps::default(), index).map(ToString::to_string);
        assert_eq!(by.as_deref(), winner);
    }

    /// Layers given as mode, minReplicas, maxReplicas; highest precedence first.
    fn in_modes(given: &[(&str, Value, Value)]) -> Vec<Layer> {
        let layer = |((mode, min, max), name): (&(&str, Value, Value), char)| {
            let by = format!("shop/{name}");
            let value = json!({"by": by, "uid": by, "mode": mode, "minReplicas": min, "maxReplicas": max});
            Layer::parse(value).unwrap()
        };
        given.iter().zip('a'..='z').map(layer).collect()
    }

    const NONE: Value = Value::Null;

    #[rstest]
    #[case::raise_above(&[("Raise", json!(4), json!(9))], (4, 9))]
    #[case::raise_below(&[("Raise", json!(1), json!(3))], (2, 5))]
    #[case::raise_min_lifts_max(&[("Raise", json!(7), NONE)], (7, 7))]
    #[case::cap_below(&[("Cap", json!(1), json!(3))], (1, 3))]
    #[case::cap_above(&[("Cap", json!(4), json!(9))], (2, 5))]
    #[case::cap_max_lowers_min(&[("Cap", NONE, json!(1))], (1, 1))]
    #[case::relative(&[("Set", json!("desired+5"), json!("300%"))], (7, 15))]
    #[case::relative_to_the_owner_not_to_what_is_below(&[("Set", json!("desired+1"), NONE), ("Set", json!(50), json!(60))], (3, 60))]
    #[case::gave_both_and_max_rises(&[("Set", json!("desired+8"), json!("desired+1"))], (10, 10))]
    #[case::cap_over_raise(&[("Cap", NONE, json!(6)), ("Raise", json!(8), json!(20))], (6, 6))]
    #[case::raise_over_cap(&[("Raise", json!(8), NONE), ("Cap", NONE, json!(3))], (8, 8))]
    fn modes(#[case] given: &[(&str, Value, Value)], #[case] expected: (i32, i32)) {
        let layers = in_modes(given);
        let bounds = composed(Bounds::new(2, 5).unwrap(), layers.iter(), &Clamps::default());
        assert_eq!(bounds, Bounds::new(expected.0, expected.1).unwrap());
    }

    #[rstest]
    #[case::ceiling(json!({"ceiling": 30}), (10, 40), (10, 30))]
    #[case::ceiling_on_both(json!({"ceiling": 30}), (35, 40), (30, 30))]
    #[case::never_below_the_owner(json!({"ceiling": 3}), (35, 40), (3, 5))]
    #[case::up_only(json!({"upOnly": true}), (1, 3), (2, 5))]
    #[case::up_only_per_bound(json!({"upOnly": true}), (1, 9), (2, 9))]
    #[case::both(json!({"ceiling": 30, "upOnly": true}), (1, 40), (2, 30))]
    #[case::factor(json!({"factor": 4}), (10, 40), (10, 20))]
    #[case::factor_on_both(json!({"factor": 4}), (30, 40), (20, 20))]
    #[case::factor_then_ceiling(json!({"factor": 4, "ceiling": 15}), (30, 40), (15, 15))]
    #[case::factor_below_the_ceiling(json!({"factor": 4, "ceiling": 30}), (30, 40), (20, 20))]
    fn within_limits(#[case] limits: Value, #[case] set: (i32, i32), #[case] expected: (i32, i32)) {
        let limits = Clamps::parse(&limits).unwrap();
        let layers = layers(&[(Some(set.0), Some(set.1))]);
        let bounds = composed(Bounds::new(2, 5).unwrap(), layers.iter(), &limits);
        assert_eq!(bounds, Bounds::new(expected.0, expected.1).unwrap());
    }

    #[rstest]
    #[case::a_raise_below(&[("Set", json!(10), json!(20)), ("Raise", json!(5), NONE)], 1, Some("shop/a"))]
    #[case::a_raise_that_would_matter_alone(&[("Raise", json!(4), NONE), ("Raise", json!(3), NONE)], 1, Some("shop/a"))]
    #[case::a_cap_that_matters(&[("Raise", json!(3), NONE), ("Cap", NONE, json!(4))], 1, None)]
    fn superseded_in_modes(#[case] given: &[(&str, Value, Value)], #[case] index: usize, #[case] winner: Option<&str>) {
        let layers = in_modes(given);
        let by = superseded_by(Bounds::new(2, 5).unwrap(), &layers, &Clamps::default(), index);
        assert_eq!(by.map(ToString::to_string).as_deref(), winner);
    }
}
