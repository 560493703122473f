//! Strategies. Owners' numbers (20 to 39, and 1) and overrides' numbers (2 to 9, 50 to 69) never meet, so that a number
//! tells whose it is; where they are to meet, a law says so.

use hpa_override_core::{Amount, Id, Layer, Mode};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::{
    owner::{Kind, Manifest, Tampering, Write},
    story::{Act, Finale},
    world::{End, Wish},
};

pub fn manifest() -> impl Strategy<Value = Manifest> {
    (20..30, 30..40).prop_map(|(min, max)| Manifest { min: Some(min), max })
}

/// One that may leave the lower bound to the default.
fn any_manifest() -> impl Strategy<Value = Manifest> {
    (option::weighted(0.8, 20..30), 30..40).prop_map(|(min, max)| Manifest { min, max })
}

fn amounts() -> impl Strategy<Value = (Option<i32>, Option<i32>)> {
    prop_oneof![
        (2..=5, 6..=9).prop_map(|(min, max)| (Some(min), Some(max))),
        (50..60, 60..70).prop_map(|(min, max)| (Some(min), Some(max))),
        (2..=5, 60..70).prop_map(|(min, max)| (Some(min), Some(max))),
        prop_oneof![2..=9, 50..60].prop_map(|min| (Some(min), None)),
        prop_oneof![2..=9, 50..60].prop_map(|max| (None, Some(max))),
    ]
}

pub fn wish() -> impl Strategy<Value = Wish> {
    let end = prop_oneof![Just(End::Default), (30..4000_i64).prop_map(End::After), (-600..4000_i64).prop_map(End::At),];
    (amounts(), -1..=1, option::weighted(0.3, -300..900_i64), end)
        .prop_map(|((min, max), priority, starts_in, end)| Wish { min, max, priority, starts_in, end })
}

fn tampering(manager: &'static str) -> impl Strategy<Value = Write> {
    select(vec![Tampering::Remove, Tampering::Garble, Tampering::Forge])
        .prop_map(move |how| Write::Tamper { manager, how })
}

fn bad_manners(manager: &'static str) -> impl Strategy<Value = Write> {
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
        Kind::Applies => prop_oneof![4 => apply, 1 => bad_manners("argocd")].boxed(),
        Kind::AppliesClientSide => {
            prop_oneof![4 => Just(Write::ClientSideApply), 1 => bad_manners("kubectl-client-side-apply")].boxed()
        }
        Kind::Updates => prop_oneof![4 => update("kubectl"), 1 => bad_manners("kubectl")].boxed(),
        Kind::Mixed => prop_oneof![
            2 => apply,
            2 => update("keda"),
            1 => update("kubectl"),
            1 => Just(Write::ClientSideApply),
            1 => bad_manners("mallory"),
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
    ]
}

pub fn any_kind() -> impl Strategy<Value = Kind> {
    select(vec![Kind::Applies, Kind::AppliesClientSide, Kind::Updates, Kind::Mixed])
}

/// A wish for both bounds.
pub fn wish_for_both() -> impl Strategy<Value = Wish> {
    let numbers = prop_oneof![(2..=5, 6..=9), (50..60, 60..70)];
    numbers.prop_map(|(min, max)| Wish {
        min: Some(min),
        max: Some(max),
        priority: 0,
        starts_in: None,
        end: End::Default,
    })
}

/// A manifest whose numbers may be an override's.
pub fn bold_manifest() -> impl Strategy<Value = Manifest> {
    let pair = prop_oneof![(2..=5, 6..=9), (20..30, 30..40), (50..60, 60..70)];
    pair.prop_map(|(min, max)| Manifest { min: Some(min), max })
}

/// A story of an owner that says with kubectl's last-applied-configuration what it wants. Not of one that releases: once
/// it has, and until the controller has looked again, nobody asks admission, and a number of ours is an echo.
pub fn declared_story() -> impl Strategy<Value = (Manifest, Vec<Act>, Finale)> {
    let write = prop_oneof![4 => Just(Write::ClientSideApply), 1 => tampering("kubectl-client-side-apply")];
    let acts = vec(act(write.boxed(), bold_manifest().boxed()), 1..16);
    (bold_manifest(), acts, select(vec![Finale::Deleted, Finale::Expired]))
}

/// Everything that a story needs: the kind of owner, its first manifest, what happens, how it ends.
pub fn story(may_drop_min: bool) -> impl Strategy<Value = (Kind, Manifest, Vec<Act>, Finale)> {
    let numbers = move || if may_drop_min { any_manifest().boxed() } else { manifest().boxed() };
    any_kind().prop_flat_map(move |kind| {
        let acts = (wish(), vec(act(write(kind), numbers()), 1..16));
        let acts = acts.prop_map(|(first, rest)| [vec![Act::Add(first)], rest].concat());
        (Just(kind), numbers(), acts, select(vec![Finale::Deleted, Finale::Expired]))
    })
}

pub fn first_wish() -> Wish {
    Wish { min: Some(10), max: Some(15), priority: 0, starts_in: None, end: End::Default }
}

pub fn layer() -> impl Strategy<Value = Layer> {
    let amount = |number: Option<i32>| number.and_then(|number| Amount::read(&number.into()));
    let pair = prop_oneof![
        (1..100_i32).prop_map(|min| (Some(min), None)),
        (1..100_i32).prop_map(|max| (None, Some(max))),
        (1..100_i32, 0..50_i32).prop_map(|(min, more)| (Some(min), Some(min + more))),
    ];
    pair.prop_map(move |(min, max)| Layer {
        by: Id { namespace: "shop".into(), name: "web".into() },
        uid: "u".into(),
        mode: Mode::Set,
        min_replicas: amount(min),
        max_replicas: amount(max),
        until: None,
        unknown: Map::new(),
    })
}

/// A record with one layer at least, as JSON.
pub fn record() -> impl Strategy<Value = Value> {
    let instant = || (0..2_000_000_000_i64).prop_map(|seconds| super::dawn().saturating_add(seconds).to_string());
    let pair = || (0..50_i32, 1..50_i32).prop_map(|(min, more)| json!({"minReplicas": min, "maxReplicas": min + more}));
    let ours = vec(1..50_i32, 1..8);
    let layer = (pair(), option::of(instant())).prop_map(|(mut layer, until)| {
        layer["minReplicas"] = (layer["minReplicas"].as_i64().unwrap() + 1).into();
        layer["by"] = "shop/web".into();
        layer["uid"] = "u1".into();
        layer["mode"] = "Set".into();
        if let Some(until) = until {
            layer["until"] = until.into();
        }
        layer
    });
    (instant(), pair(), pair(), ours, vec(layer, 1..4)).prop_map(|(as_of, desired, effective, ours, layers)| {
        json!({"v": 1, "asOf": as_of, "desired": desired, "effective": effective, "ours": {"minReplicas": ours},
               "layers": layers, "owners": [{"manager": "argocd", "operation": "Apply", "apiVersion": "autoscaling/v2",
                                            "fields": ["maxReplicas", "minReplicas"]}]})
    })
}

/// Any small JSON value, with what matters here more often than chance would have it.
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
