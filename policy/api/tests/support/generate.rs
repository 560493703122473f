//! Strategies. Owners' numbers (20 to 39 million, and 1) and overrides' numbers (2 to 9 and 50 to 69 million and a bit, and
//! the steps of a gradual return, and what runs, 5,050,011) never meet, so that a number shows whose it is; a law says so where they are to meet.

use hpa_override_core::{Amount, Clamps, Duration, Id, Layer, Mode};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::{
    history::{Act, Finale, Limit},
    owner::{Kind, Manifest, Tampering, Write},
    world::{End, Wish},
};

/// An owner's number.
fn owned(millions: std::ops::Range<i32>) -> impl Strategy<Value = i32> {
    millions.prop_map(owners_number)
}

/// That many millions.
pub fn owners_number(millions: i32) -> i32 {
    millions * 1_000_000
}

/// An override's number.
fn given(millions: std::ops::Range<i32>) -> impl Strategy<Value = i32> {
    millions.prop_map(|millions| owners_number(millions) + 70_707)
}

pub fn manifest() -> impl Strategy<Value = Manifest> {
    (owned(20..30), owned(30..40)).prop_map(|(min, max)| Manifest { min: Some(min), max })
}

/// One that may leave the lower bound to the default.
fn any_manifest() -> impl Strategy<Value = Manifest> {
    (option::weighted(0.8, owned(20..30)), owned(30..40)).prop_map(|(min, max)| Manifest { min, max })
}

type Amounts = (Option<Amount>, Option<Amount>);

fn literals() -> impl Strategy<Value = Amounts> {
    let literals = prop_oneof![
        (given(2..6), given(6..10)).prop_map(|(min, max)| (Some(min), Some(max))),
        (given(50..60), given(60..70)).prop_map(|(min, max)| (Some(min), Some(max))),
        (given(2..6), given(60..70)).prop_map(|(min, max)| (Some(min), Some(max))),
        prop_oneof![given(2..10), given(50..60)].prop_map(|min| (Some(min), None)),
        prop_oneof![given(2..10), given(50..60)].prop_map(|max| (None, Some(max))),
    ];
    literals.prop_map(|(min, max)| (min.map(Amount::Literal), max.map(Amount::Literal)))
}

fn relatives() -> impl Strategy<Value = Amounts> {
    let of_desired = [Amount::Percent(61), Amount::Percent(137), Amount::More(700_007), Amount::Fewer(900_009)];
    let of_current = [
        Amount::Current,
        Amount::CurrentMore(700_007),
        Amount::CurrentFewer(900_009),
        Amount::CurrentMorePercent(1_137),
        Amount::CurrentFewerPercent(39),
    ];
    let relative = || select([&of_desired[..], &of_current].concat());
    prop_oneof![
        relative().prop_map(|min| (Some(min), None)),
        relative().prop_map(|max| (None, Some(max))),
        (relative(), relative()).prop_map(|(min, max)| (Some(min), Some(max))),
    ]
}

pub fn wish() -> impl Strategy<Value = Wish> {
    wish_of(prop_oneof![3 => literals(), 1 => relatives()])
}

/// A wish whose numbers do not move with the owner's.
pub fn literal_wish() -> impl Strategy<Value = Wish> {
    wish_of(literals())
}

fn wish_of(amounts: impl Strategy<Value = Amounts>) -> impl Strategy<Value = Wish> {
    let crons = select(vec!["*/7 * * * *", "3,40 * * * *", "0 */2 * * *"]);
    let end = prop_oneof![
        Just(End::Default),
        (30..4000_i64).prop_map(End::After),
        (-600..4000_i64).prop_map(End::At),
        (crons, 30..4000_i64).prop_map(|(cron, seconds)| End::Recurring(cron, seconds)),
    ];
    let mode = select(vec![Mode::Set, Mode::Set, Mode::Raise, Mode::Cap]);
    let return_over = option::weighted(0.4, 5..3000_i64);
    (amounts, mode, -1..=1, option::weighted(0.3, -300..900_i64), end, return_over).prop_map(
        |((min, max), mode, priority, starts_in, end, return_over)| Wish {
            min,
            max,
            mode,
            priority,
            starts_in,
            end,
            return_over,
            suspended: false,
        },
    )
}

fn tampering(manager: &'static str) -> impl Strategy<Value = Write> {
    select(vec![Tampering::Remove, Tampering::Garble, Tampering::Forge])
        .prop_map(move |how| Write::Tamper { manager, how })
}

fn interference(manager: &'static str) -> impl Strategy<Value = Write> {
    prop_oneof![tampering(manager), Just(Write::Release { manager })]
}

fn update(manager: &'static str) -> impl Strategy<Value = Write> {
    prop_oneof![
        Just(Write::Replace { manager }),
        Just(Write::Echo { manager }),
        Just(Write::Edit { manager }),
        (0..2_usize).prop_map(move |bound| Write::PatchOne { manager, bound }),
    ]
}

/// What an owner of a kind writes.
fn write(kind: Kind) -> BoxedStrategy<Write> {
    let apply = any::<bool>().prop_map(|force| Write::Apply { manager: "argocd", force });
    match kind {
        Kind::Applies => prop_oneof![4 => apply, 1 => interference("argocd")].boxed(),
        Kind::AppliesClientSide => {
            prop_oneof![4 => Just(Write::ClientSideApply), 1 => interference("kubectl-client-side-apply")].boxed()
        }
        Kind::Updates => prop_oneof![4 => update("kubectl"), 1 => interference("kubectl")].boxed(),
        Kind::Mixed => prop_oneof![
            2 => apply,
            2 => update("keda"),
            1 => update("kubectl"),
            1 => Just(Write::ClientSideApply),
            1 => interference("mallory"),
        ]
        .boxed(),
    }
}

fn act(write: BoxedStrategy<Write>, numbers: BoxedStrategy<Manifest>) -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => (write, option::of(numbers)).prop_map(|(write, manifest)| Act::Owner(write, manifest)),
        3 => Just(Act::Step),
        3 => Just(Act::Settle),
        1 => Just(Act::Crash),
        1 => (1..2000_i64).prop_map(Act::Advance),
        2 => Just(Act::ToTransition),
        2 => wish().prop_map(Act::Add),
        1 => (0..4_usize).prop_map(Act::Delete),
        1 => (0..4_usize, wish()).prop_map(|(index, wish)| Act::Edit(index, wish)),
        1 => (0..4_usize).prop_map(Act::Suspend),
        1 => limit().prop_map(Act::Limit),
    ]
}

/// Numbers that a factor makes of an owner's do not meet an owner's of the same bound.
fn limit() -> impl Strategy<Value = Limit> {
    let parts = (option::of(Just(33_333_333)), option::of(1..=2_i32), any::<bool>(), any::<bool>());
    parts.prop_map(|(ceiling, factor, up_only, by_namespace)| Limit { ceiling, factor, up_only, by_namespace })
}

/// New bounds of an owner: one of them, or both, small or large.
pub fn any_change() -> impl Strategy<Value = [Option<i32>; 2]> {
    let number = || prop_oneof![owned(1..4), owned(20..40), owned(80..90)];
    prop_oneof![
        number().prop_map(|min| [Some(min), None]),
        number().prop_map(|max| [None, Some(max)]),
        (number(), number()).prop_map(|(a, b)| [Some(a.min(b)), Some(a.max(b))]),
    ]
}

pub fn any_kind() -> impl Strategy<Value = Kind> {
    select(vec![Kind::Applies, Kind::AppliesClientSide, Kind::Updates, Kind::Mixed])
}

/// A wish for both bounds, as they are, at once.
pub fn wish_for_both() -> impl Strategy<Value = Wish> {
    let numbers = prop_oneof![(given(2..6), given(6..10)), (given(50..60), given(60..70))];
    numbers.prop_map(|(min, max)| Wish {
        min: Some(Amount::Literal(min)),
        max: Some(Amount::Literal(max)),
        ..first_wish()
    })
}

/// A manifest whose numbers may be an override's.
pub fn bold_manifest() -> impl Strategy<Value = Manifest> {
    let pair = prop_oneof![(given(2..6), given(6..10)), (owned(20..30), owned(30..40)), (given(50..60), given(60..70))];
    pair.prop_map(|(min, max)| Manifest { min: Some(min), max })
}

/// A history of an owner that declares by kubectl's last-applied-configuration what it wants. Without releases: after one,
/// until the controller has planned again, admission is not called, and a value of ours is an echo.
pub fn any_declared_history() -> impl Strategy<Value = (Manifest, Vec<Act>, Finale)> {
    let write = prop_oneof![4 => Just(Write::ClientSideApply), 1 => tampering("kubectl-client-side-apply")];
    let acts = vec(act(write.boxed(), bold_manifest().boxed()), 1..16);
    (bold_manifest(), acts, select(vec![Finale::Deleted, Finale::Expired]))
}

/// A history: the kind of owner, its first manifest, what happens, how it ends.
pub fn any_history(may_drop_min: bool) -> impl Strategy<Value = (Kind, Manifest, Vec<Act>, Finale)> {
    let numbers = move || if may_drop_min { any_manifest().boxed() } else { manifest().boxed() };
    any_kind().prop_flat_map(move |kind| {
        let acts = (wish(), vec(act(write(kind), numbers()), 1..16));
        let acts = acts.prop_map(|(first, rest)| [vec![Act::Add(first)], rest].concat());
        (Just(kind), numbers(), acts, select(vec![Finale::Deleted, Finale::Expired]))
    })
}

pub fn first_wish() -> Wish {
    Wish {
        min: Some(Amount::Literal(10)),
        max: Some(Amount::Literal(15)),
        mode: Mode::Set,
        priority: 0,
        starts_in: None,
        end: End::Default,
        return_over: None,
        suspended: false,
    }
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        (1..100_i32).prop_map(Amount::Literal),
        (1..300_i32).prop_map(Amount::Percent),
        (1..100_i32).prop_map(Amount::More),
        (1..100_i32).prop_map(Amount::Fewer),
        Just(Amount::Current),
        (1..100_i32).prop_map(Amount::CurrentMore),
        (1..100_i32).prop_map(Amount::CurrentFewer),
        (1..300_i32).prop_map(Amount::CurrentMorePercent),
        (1..300_i32).prop_map(Amount::CurrentFewerPercent),
    ]
}

pub fn layer() -> impl Strategy<Value = Layer> {
    let pair = prop_oneof![
        amount().prop_map(|min| (Some(min), None)),
        amount().prop_map(|max| (None, Some(max))),
        (amount(), amount()).prop_map(|(min, max)| (Some(min), Some(max))),
    ];
    (pair, select(vec![Mode::Set, Mode::Raise, Mode::Cap]), 0..50_i32).prop_map(
        |((min_replicas, max_replicas), mode, current)| {
            let amounts = [min_replicas, max_replicas];
            Layer {
                by: Id { namespace: "shop".into(), name: "web".into() },
                uid: "u".into(),
                generation: Some(1),
                priority: 0,
                mode,
                min_replicas,
                max_replicas,
                current: amounts.into_iter().flatten().any(Amount::uses_current).then_some(current),
                until: None,
                return_over: None,
                unknown: Map::new(),
            }
        },
    )
}

pub fn clamps() -> impl Strategy<Value = Clamps> {
    (option::of(1..100_i32), option::of(1..10_i32), any::<bool>()).prop_map(|(ceiling, factor, up_only)| Clamps {
        ceiling,
        factor,
        up_only,
        unknown: Map::new(),
    })
}

/// A record with one layer at least, as JSON.
pub fn record() -> impl Strategy<Value = Value> {
    let instant = || (0..2_000_000_000_i64).prop_map(|seconds| super::start().saturating_add(seconds).to_string());
    let pair = || (0..50_i32, 1..50_i32).prop_map(|(min, more)| json!({"minReplicas": min, "maxReplicas": min + more}));
    let ours = vec(1..50_i32, 1..8);
    let layer = (layer(), option::of(instant())).prop_map(|(layer, until)| {
        let mut layer = json!(layer);
        if let Some(until) = until {
            layer["until"] = until.into();
        }
        layer
    });
    let returning = (instant(), 1..90_000_i64, 1..50_i32).prop_map(|(at, over, from)| {
        let over = format!("{over}s").parse::<Duration>().unwrap();
        json!({"by": "shop/b", "from": {"maxReplicas": from}, "at": at, "over": over})
    });
    let parts = (instant(), pair(), pair(), ours, vec(layer, 1..4), option::of(returning), clamps());
    parts.prop_map(|(as_of, desired, effective, ours, layers, returning, limits)| {
        let record = json!({"v": 1, "rev": 3, "asOf": as_of, "desired": desired, "effective": effective, "ours": {"minReplicas": ours},
               "layers": layers, "owners": [{"manager": "argocd", "operation": "Apply", "apiVersion": "autoscaling/v2",
                                            "fields": ["maxReplicas", "minReplicas"]}]});
        let mut record = record;
        if let Some(returning) = returning {
            record["gradualReturn"] = returning;
        }
        if limits != Clamps::default() {
            record["limits"] = json!(limits);
        }
        record
    })
}

/// Any small JSON value, with meaningful ones more often than chance would have them.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1..3_i64).prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
        any::<String>().prop_map(Value::from),
        select(vec!["9000-12-31T23:59:59Z", "2000-01-01T00:00:00Z", "36500d", "2147483647", "a/b", "{}", "true"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[a-zA-Z.:]{0,12}", inner), 0..3).prop_map(|items| Value::Object(items.into_iter().collect())),
        ]
    })
}

/// Which node of a document is replaced, and by what.
pub fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, Value)>> {
    vec((any::<prop::sample::Index>(), any_json()), 0..4)
}

/// The document with nodes replaced; nodes inside JSON texts (the record) count too.
pub fn mutated(mut document: Value, mutations: &[(prop::sample::Index, Value)]) -> Value {
    for (index, value) in mutations {
        let mut left = index.index(count(&document));
        replace(&mut document, &mut left, value);
    }
    document
}

fn inside(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|value: &Value| value.is_object())
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        Value::String(text) => inside(text).map_or(0, |value| count(&value)),
        _ => 0,
    }
}

/// Replaces the node that `left` nodes precede; `left` is spent on the way.
fn replace(value: &mut Value, left: &mut usize, by: &Value) -> bool {
    if *left == 0 {
        *value = by.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, left, by)),
        Value::Object(map) => map.values_mut().any(|item| replace(item, left, by)),
        Value::String(text) => {
            let Some(mut document) = inside(text) else { return false };
            let done = replace(&mut document, left, by);
            if done {
                *text = document.to_string();
            }
            done
        }
        _ => false,
    }
}
