//! Layers to bounds: what stands on the HPA when the owner wants one thing and overrides another.

use hpa_override_crd::Instant;

use crate::{
    amount::Amount,
    bounds::{Bound, Bounds},
    id::Id,
    layer::Layer,
    rebase::is_echo,
    record::Record,
};

/// Folds the layers over what the owner wants, from the lowest precedence to the highest. Where a layer leaves
/// min > max, the bound that it gave wins and the other follows: the person's number is what happens.
#[must_use]
pub fn composed<'a>(desired: Bounds, layers: impl DoubleEndedIterator<Item = &'a Layer>) -> Bounds {
    layers.rev().fold(desired, laid_over)
}

fn laid_over(below: Bounds, layer: &Layer) -> Bounds {
    let given = |bound| layer.amount(bound).map(Amount::replicas);
    let (min, max) = (given(Bound::Min), given(Bound::Max));
    let with_max = max.map_or(below, |max| below.with(Bound::Max, max));
    min.map_or(with_max, |min| with_max.with(Bound::Min, min))
}

/// The override that leaves nothing of the layer at `index` (highest precedence first): the highest above it without
/// which it would count. None where it does count.
#[must_use]
pub fn superseded_by(desired: Bounds, layers: &[Layer], index: usize) -> Option<&Id> {
    let all: Vec<&Layer> = layers.iter().collect();
    if counts(desired, &all, index) {
        return None;
    }
    let without = |above: usize| {
        let mut fewer = all.clone();
        fewer.remove(above);
        counts(desired, &fewer, index - 1)
    };
    let winner = (0..index).find(|above| without(*above)).unwrap_or(0);
    layers.get(winner).map(|layer| &layer.by)
}

/// Whether a layer is the top one, or changes something: taken away from all, or laid under those above it alone.
fn counts(desired: Bounds, layers: &[&Layer], index: usize) -> bool {
    let of = |keep: &dyn Fn(usize) -> bool| {
        composed(desired, layers.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, layer)| *layer))
    };
    index == 0 || of(&|at| at != index) != of(&|_| true) || of(&|at| at < index) != of(&|at| at <= index)
}

/// The record once the owner is heard to want `desired` and `layers` are in force at `t`, after `standing` came in.
/// `asOf` moves only where something else does.
#[must_use]
pub fn settle(record: &Record, desired: Bounds, layers: Vec<Layer>, t: Instant, standing: Bounds) -> Record {
    let effective = composed(desired, layers.iter());
    let mut ours = record.ours.clone();
    for bound in Bound::BOTH {
        let echo = Some(standing.get(bound)).filter(|number| is_echo(record, bound, *number));
        ours.put(bound, effective.get(bound), desired.get(bound), echo);
    }
    let mut next = Record { desired, effective, ours, layers, ..record.clone() };
    if next != *record {
        next.as_of = t;
    }
    next
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// Layers named a, b, c …, highest precedence first.
    fn layers(amounts: &[(Option<i32>, Option<i32>)]) -> Vec<Layer> {
        let layer = |((min, max), name): (&(Option<i32>, Option<i32>), char)| {
            let by = format!("shop/{name}");
            let value = json!({"by": by, "uid": by, "mode": "Set", "minReplicas": min, "maxReplicas": max});
            Layer::read(value).unwrap()
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
        let bounds = composed(Bounds::new(2, 5).unwrap(), layers.iter());
        assert_eq!(bounds, Bounds::new(expected.0, expected.1).unwrap());
    }

    #[test]
    fn the_owners_zero_is_kept_where_no_layer_speaks() {
        let layers = layers(&[(None, Some(3))]);
        assert_eq!(composed(Bounds::new(0, 5).unwrap(), layers.iter()), Bounds::new(0, 3).unwrap());
    }

    #[rstest]
    #[case::the_top_never_is(&[(Some(2), Some(5)), (Some(3), None)], 0, None)]
    #[case::wholly_covered(&[(Some(10), Some(20)), (Some(7), Some(9))], 1, Some("shop/a"))]
    #[case::shows_through(&[(Some(10), None), (Some(7), Some(30))], 1, None)]
    #[case::covered_by_two(&[(Some(10), None), (None, Some(20)), (Some(7), Some(9))], 2, Some("shop/a"))]
    #[case::only_one_of_two_covers(&[(Some(3), None), (Some(10), Some(20)), (None, Some(9))], 2, Some("shop/b"))]
    fn superseded(#[case] amounts: &[(Option<i32>, Option<i32>)], #[case] index: usize, #[case] winner: Option<&str>) {
        let layers = layers(amounts);
        let by = superseded_by(Bounds::new(2, 5).unwrap(), &layers, index).map(ToString::to_string);
        assert_eq!(by.as_deref(), winner);
    }
}
