//! How much memory and time an index of many takes. One case in a process, since memory that was freed is used again:
//!
//! ```text
//! cargo test --release -p hpa-override-host-shim in_one_namespace -- --ignored --nocapture
//! ```

use super::*;

const MANY: usize = 100_000;

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn five_labels(number: usize) -> Labels {
    let (name, team) = (format!("service-{number}"), format!("team-{}", number % 40));
    let labels = [
        ("app.kubernetes.io/name", &*name),
        ("app.kubernetes.io/instance", &name),
        ("app.kubernetes.io/managed-by", "Helm"),
        ("team", &team),
        ("tier", ["front", "middle", "back"][number % 3]),
    ];
    super::labels(&labels)
}

/// Which are there anyway, shared with the state.
fn some_keys(namespaces: usize) -> Vec<Key> {
    (0..MANY).map(|number| key(&format!("namespace-{}/service-{number}", number % namespaces))).collect()
}

fn report(what: &str, bytes: usize, microseconds: u32) {
    println!("{what}: {} bytes, {:.1} µs of CPU", bytes / MANY, f64::from(microseconds) / 1e5);
}

/// CPU time of this process in microseconds, in steps of ten thousand.
fn cpu() -> u32 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let user_and_system = stat.rsplit(')').next().unwrap().split(' ').skip(12).take(2);
    user_and_system.map(|ticks| ticks.parse::<u32>().unwrap() * 10_000).sum()
}

fn measured(act: impl FnOnce()) -> (usize, u32) {
    let (memory, time) = (resident(), cpu());
    act();
    (resident().saturating_sub(memory), cpu() - time)
}

#[rstest]
#[case::in_one_namespace(1)]
#[case::in_a_hundred(100)]
#[case::each_in_its_own(MANY)]
#[ignore = "measures"]
fn memory_of_many(#[case] namespaces: usize) {
    let (hpas, overrides) = (some_keys(namespaces), some_keys(namespaces));
    let mut index = Index::<RandomState>::default();
    println!("{MANY} HPAs with five labels in {namespaces} namespaces");
    let put_hpas = |index: &mut Index| {
        for (number, hpa) in hpas.iter().enumerate() {
            index.put_hpa(hpa, &five_labels(number));
        }
    };
    let (bytes, time) = measured(|| put_hpas(&mut index));
    report("HPA", bytes, time);
    let put_overrides = |index: &mut Index| {
        for ovr in &overrides {
            let target = Target::Named { namespace: ovr.namespace.clone(), name: ovr.name.clone() };
            index.put_override(ovr, Some(target));
        }
    };
    let (bytes, time) = measured(|| put_overrides(&mut index));
    report("override by name", bytes, time);
    let (bytes, time) = measured(|| put_hpas(&mut index));
    report("HPA listed again", bytes, time);
    let select = |index: &mut Index| {
        for (number, ovr) in overrides.iter().enumerate() {
            let both = json!({"matchLabels": {"tier": "front", "app.kubernetes.io/name": format!("service-{number}")}});
            index.put_override(ovr, Some(selected(&ovr.namespace, &both)));
        }
    };
    let (bytes, time) = measured(|| select(&mut index));
    report("the same by a selector instead", bytes, time);
    let all = overrides.iter().map(|ovr| index.targets_of(ovr).len()).sum::<usize>();
    assert_eq!(all, MANY.div_ceil(3));
    let front = json!({"matchLabels": {"tier": "front"}});
    let wide = measured(|| drop(index.put_override(&key("ops/wide"), Some(selected("namespace-0", &front)))));
    println!(
        "an override of {} HPAs: {:.0} ms of CPU",
        index.targets_of(&key("ops/wide")).len(),
        f64::from(wide.1) / 1e3
    );
}
