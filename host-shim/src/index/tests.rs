mod memory;
mod random_histories;

use rstest::rstest;
use serde_json::{Value, json};

use std::sync::Arc;

use super::*;
use hpa_override_core::Selector;

fn key(text: &str) -> Key {
    Arc::new(Id::parse(text).unwrap())
}

fn keys<const N: usize>(texts: [&str; N]) -> BTreeSet<Key> {
    texts.map(key).into()
}

fn labels(labels: &[(&str, &str)]) -> Labels {
    labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn named(target: &str) -> Target {
    let id = Id::parse(target).unwrap();
    Target::Named { namespace: id.namespace, name: id.name }
}

fn selected(namespace: &str, selector: &Value) -> Target {
    Target::Selected { namespace: namespace.into(), selector: Selector::parse(selector).unwrap() }
}

fn tier(value: &str) -> Target {
    selected("shop", &json!({"matchLabels": {"tier": value}}))
}

/// Three HPAs in one namespace, one in another.
fn index() -> Index {
    let mut index = Index::default();
    index.put_hpa(&key("shop/web"), &labels(&[("app", "web"), ("tier", "front")]));
    index.put_hpa(&key("shop/cart"), &labels(&[("app", "cart"), ("tier", "back")]));
    index.put_hpa(&key("shop/bare"), &labels(&[]));
    index.put_hpa(&key("pay/web"), &labels(&[("app", "web"), ("tier", "front")]));
    index
}

#[rstest]
#[case::name(Some(named("shop/web")), &["shop/web"])]
#[case::name_elsewhere(Some(named("pay/web")), &["pay/web"])]
#[case::name_of_none(Some(named("shop/none")), &[])]
#[case::label(Some(tier("front")), &["shop/web"])]
#[case::label_of_none(Some(tier("middle")), &[])]
#[case::two_labels(Some(selected("shop", &json!({"matchLabels": {"app": "web", "tier": "back"}}))), &[])]
#[case::one_of(Some(selected("shop", &json!({"matchExpressions": [
    {"key": "tier", "operator": "In", "values": ["front", "back", "front"]}]}))), &["shop/cart", "shop/web"])]
#[case::exists(Some(selected("shop", &json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}))),
    &["shop/cart", "shop/web"])]
#[case::absent(Some(selected("shop", &json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}))),
    &["shop/bare"])]
#[case::none_of(Some(selected("shop", &json!({"matchExpressions": [
    {"key": "tier", "operator": "NotIn", "values": ["front"]}]}))), &["shop/bare", "shop/cart"])]
#[case::required_and_not(Some(selected("shop", &json!({"matchLabels": {"tier": "front"}, "matchExpressions": [
    {"key": "app", "operator": "NotIn", "values": ["web"]}]}))), &[])]
#[case::empty(Some(selected("shop", &json!({}))), &[])]
#[case::unreadable(None, &[])]
fn an_override_and_its_targets_find_each_other(#[case] target: Option<Target>, #[case] expected: &[&str]) {
    let expected: Vec<Key> = expected.iter().map(|text| key(text)).collect();
    let mut index = index();
    let concerned = index.put_override(&key("ops/ovr"), target);
    assert_eq!(concerned, expected.iter().cloned().collect());
    assert_eq!(index.targets_of(&key("ops/ovr")), expected);
    for hpa in ["shop/web", "shop/cart", "shop/bare", "pay/web"].map(key) {
        let of_hpa = if expected.contains(&hpa) { vec![key("ops/ovr")] } else { Vec::new() };
        assert_eq!(index.overrides_of(&hpa), of_hpa, "{hpa}");
    }
}

#[test]
fn an_override_of_a_name_waits_for_its_hpa() {
    let mut index = Index::<RandomState>::default();
    assert_eq!(index.put_override(&key("ops/ovr"), Some(named("shop/web"))), keys([]));
    assert_eq!(index.put_hpa(&key("shop/web"), &labels(&[])), keys(["ops/ovr"]));
    assert_eq!(index.targets_of(&key("ops/ovr")), [key("shop/web")]);
    assert_eq!(index.remove_hpa(&key("shop/web")), keys(["ops/ovr"]));
    assert_eq!(index.targets_of(&key("ops/ovr")), []);
    assert_eq!(index.overrides_of(&key("shop/web")), [], "it is not there");
}

#[test]
fn a_new_label_concerns_the_overrides_before_and_after() {
    let mut index = index();
    index.put_override(&key("ops/front"), Some(tier("front")));
    index.put_override(&key("ops/back"), Some(tier("back")));
    index.put_override(&key("ops/web"), Some(named("shop/web")));
    let back = labels(&[("app", "web"), ("tier", "back")]);
    assert_eq!(index.put_hpa(&key("shop/web"), &back), keys(["ops/back", "ops/front", "ops/web"]));
    assert_eq!(index.put_hpa(&key("shop/web"), &back), keys(["ops/back", "ops/web"]), "nothing changed");
    assert_eq!(index.targets_of(&key("ops/back")), [key("shop/cart"), key("shop/web")]);
    assert_eq!(index.targets_of(&key("ops/front")), []);
}

#[test]
fn a_new_target_concerns_the_hpas_before_and_after() {
    let mut index = index();
    assert_eq!(index.put_override(&key("ops/ovr"), Some(tier("front"))), keys(["shop/web"]));
    assert_eq!(index.put_override(&key("ops/ovr"), Some(tier("back"))), keys(["shop/cart", "shop/web"]));
    assert_eq!(index.put_override(&key("ops/ovr"), Some(tier("back"))), keys(["shop/cart"]), "nothing changed");
    assert_eq!(index.put_override(&key("ops/ovr"), Some(named("pay/web"))), keys(["pay/web", "shop/cart"]));
    assert_eq!(index.put_override(&key("ops/ovr"), None), keys(["pay/web"]), "it can no longer be read");
    assert_eq!(index.remove_override(&key("ops/ovr")), keys([]));
    assert_eq!(index.overrides_of(&key("pay/web")), []);
}

#[test]
fn several_overrides_of_one_hpa_are_found_in_order() {
    let mut index = index();
    for ovr in ["z/a", "a/b", "a/a"] {
        index.put_override(&key(ovr), Some(tier("front")));
    }
    assert_eq!(index.overrides_of(&key("shop/web")), ["a/a", "a/b", "z/a"].map(key));
    assert_eq!(index.remove_override(&key("a/b")), keys(["shop/web"]));
    assert_eq!(index.overrides_of(&key("shop/web")), ["a/a", "z/a"].map(key));
}

#[test]
fn what_is_gone_leaves_nothing_behind() {
    let mut index = index();
    index.put_override(&key("ops/front"), Some(tier("front")));
    index.put_override(&key("ops/web"), Some(named("shop/web")));
    for hpa in ["shop/web", "shop/cart", "shop/bare", "pay/web"] {
        index.remove_hpa(&key(hpa));
    }
    index.remove_override(&key("ops/front"));
    index.remove_override(&key("ops/web"));
    assert!(index.hpas.is_empty() && index.overrides.is_empty(), "{index:?}");
}

/// A service's own override selects it by two labels, one of which all have. Whatever comes first, an HPA is compared with
/// few of them, and an override with one HPA.
#[rstest]
#[case::overrides_first(true)]
#[case::hpas_first(false)]
fn a_label_that_all_have_is_not_searched(#[case] overrides_first: bool) {
    let name = |number: usize| format!("web-{number}");
    let put_overrides = |index: &mut Index| {
        for number in 0..1000 {
            let both = json!({"matchLabels": {"a-tier": "front", "app": name(number)}});
            index.put_override(&key(&format!("shop/{}", name(number))), Some(selected("shop", &both)));
        }
    };
    let put_hpas = |index: &mut Index| {
        for number in 0..1000 {
            let both = labels(&[("a-tier", "front"), ("app", &name(number))]);
            index.put_hpa(&key(&format!("shop/{}", name(number))), &both);
        }
    };
    let mut index = Index::default();
    let order: [&dyn Fn(&mut Index); 2] =
        if overrides_first { [&put_overrides, &put_hpas] } else { [&put_hpas, &put_overrides] };
    for put in order {
        put(&mut index);
    }
    let hpa = index.hpas.get(&key("shop/web-7")).unwrap();
    let places = index.places.of_labels("shop", hpa);
    let compared: usize = places.iter().map(|place| index.overrides.count(*place)).sum();
    assert!(compared <= 3, "an HPA is compared with {compared} overrides");
    let ovr = index.overrides.get(&key("shop/web-7")).unwrap();
    let places = ovr.narrowest(&index.places, |place| index.hpas.count(place));
    assert_eq!(places.iter().map(|place| index.hpas.count(*place)).sum::<usize>(), 1);
    assert_eq!(index.targets_of(&key("shop/web-7")), [key("shop/web-7")]);
}
