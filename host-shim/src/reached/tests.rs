use hpa_override_plan::MOST_READS_PER_SECOND;
use serde_json::json;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn hpa(name: &str, asked: i64) -> Arc<Hpa> {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
    let hpa = json!({"metadata": {"namespace": "shop", "name": name, "uid": name}, "spec": {"scaleTargetRef": target},
                     "status": {"desiredReplicas": asked}});
    Arc::new(serde_json::from_value(hpa).unwrap())
}

fn ovr(name: &str) -> Override {
    serde_json::from_value(json!({"metadata": {"namespace": "shop", "name": name, "uid": name}})).unwrap()
}

fn bounds(min: i32) -> Bounds {
    Bounds::new(min, 60).unwrap()
}

fn plan(hpas: &[Arc<Hpa>], min: i32) -> ReachedPlan {
    let read = hpas.iter().map(|hpa| (hpa.name().to_owned(), bounds(min))).collect();
    ReachedPlan { read, ..ReachedPlan::default() }
}

fn pods(ready: i64) -> ScaleReading {
    ScaleReading::Replicas { replicas: 40, ready: Some(ready) }
}

/// Some targets that the override `a` wants to be within 40-60.
fn wanted(count: usize, now: Instant) -> (Readings, Vec<Arc<Hpa>>) {
    let (readings, hpas) = (Readings::default(), (0..count).map(|index| hpa(&format!("web-{index:04}"), 40)).collect());
    let hpas: Vec<Arc<Hpa>> = hpas;
    readings.want(&ovr("a"), plan(&hpas, 40), &hpas, now);
    (readings, hpas)
}

fn now() -> Instant {
    Moment::now().steady()
}

/// When the reads happen until `end`, each answered at once by what `answer` gives for its number.
fn reads(
    readings: &Readings,
    mut at: Instant,
    end: Instant,
    answer: impl Fn(usize) -> Result<ScaleReading, String>,
) -> Vec<(Instant, String)> {
    let mut done = Vec::new();
    while at < end {
        match readings.take_due(at) {
            Ok(due) => {
                readings.note(&due, answer(done.len()), at);
                done.push((at, due.hpa));
            }
            Err(Some(wait)) => at += wait,
            Err(None) => break,
        }
    }
    done
}

#[test]
fn a_target_is_read_less_and_less_often_while_nothing_changes() {
    let start = now();
    let (readings, _) = wanted(1, start);
    let done = reads(&readings, start, start + 3600 * SECOND, |_| Ok(pods(12)));
    let seconds: Vec<_> = done.iter().map(|(at, _)| at.duration_since(start).as_secs()).collect();
    assert_eq!(seconds[..9], [0, 5, 15, 35, 75, 155, 315, 615, 915]);
    assert_eq!(seconds.len(), 17, "in one hour");
    let changing = wanted(1, start).0;
    let done = reads(&changing, start, start + 60 * SECOND, |count| Ok(pods(i64::try_from(count).unwrap())));
    assert_eq!(done.len(), 12, "every 5 s while pods start");
    let unanswered = wanted(1, start).0;
    assert_eq!(
        reads(&unanswered, start, start + 60 * SECOND, |_| Err("503".into())).len(),
        4,
        "a failed read is no change"
    );
}

#[test]
fn at_most_fifty_reads_in_any_second() {
    let start = now();
    let (readings, hpas) = wanted(2000, start);
    let done = reads(&readings, start, start + 300 * SECOND, |_| Ok(pods(12)));
    let most = usize::try_from(MOST_READS_PER_SECOND).unwrap();
    for window in done.windows(most + 1) {
        assert!(window[most].0.duration_since(window[0].0) >= SECOND, "{window:?}");
    }
    let first: BTreeSet<_> = done[..2000].iter().map(|(_, hpa)| hpa.as_str()).collect();
    assert_eq!(first.len(), hpas.len(), "none is read twice before all were read once");
    assert_eq!(done[1999].0.duration_since(start).as_secs(), 39);
    println!("2000 targets, nothing changes: {} reads in the first 300 s", done.len());
}

#[test]
fn the_status_is_planned_again_only_where_a_reading_is_news() {
    let start = now();
    let (readings, hpas) = wanted(1, start);
    readings.want(&ovr("b"), plan(&hpas, 40), &hpas, start);
    let mut at = start;
    let mut note = |reading| {
        let due = loop {
            match readings.take_due(at) {
                Ok(due) => break due,
                Err(wait) => at += wait.unwrap(),
            }
        };
        let reported = readings.note(&due, reading, at);
        reported.into_iter().map(|ovr| ovr.name).collect::<Vec<_>>()
    };
    let both = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(note(Err("503".into())), both, "nothing was read: why is news");
    assert_eq!(note(Err("timeout".into())), Vec::<String>::new(), "why else is not");
    assert_eq!(note(Ok(pods(12))), both);
    assert_eq!(note(Ok(pods(13))), Vec::<String>::new(), "another number alone");
    assert_eq!(note(Err("503".into())), Vec::<String>::new(), "the last reading holds");
    assert_eq!(note(Ok(pods(40))), both);
    assert_eq!(note(Ok(ScaleReading::NotFound)), both);
    assert_eq!(note(Ok(ScaleReading::Unreadable("a".into()))), both);
    assert_eq!(note(Ok(ScaleReading::Unreadable("b".into()))), both, "in other words");
    assert_eq!(readings.reading(&hpas[0]), Some((ScaleReading::Unreadable("b".into()), bounds(40))));
}

#[test]
fn other_bounds_are_read_for_at_once() {
    let start = now();
    let (readings, hpas) = wanted(1, start);
    reads(&readings, start, start + 100 * SECOND, |_| Ok(pods(12)));
    let at = start + 100 * SECOND;
    readings.want(&ovr("a"), plan(&hpas, 40), &hpas, at);
    assert_eq!(readings.take_due(at), Err(Some(55 * SECOND)), "the same bounds: when it is due");
    let due = readings.take_due(at + 55 * SECOND).unwrap();
    readings.want(&ovr("a"), plan(&hpas, 50), &hpas, at + 56 * SECOND);
    assert_eq!(readings.note(&due, Ok(pods(40)), at + 57 * SECOND), [], "it was read for bounds that are over");
    assert_eq!(readings.reading(&hpas[0]), None);
    assert_eq!(readings.take_due(at + 57 * SECOND).unwrap().bounds, bounds(50));
}

#[test]
fn where_the_hpa_asks_for_something_else_it_is_read_soon() {
    let start = now();
    let (readings, hpas) = wanted(1, start);
    reads(&readings, start, start + 100 * SECOND, |_| Ok(pods(12)));
    let (at, asks) = (start + 100 * SECOND, [hpa(hpas[0].name(), 41)]);
    readings.want(&ovr("a"), plan(&asks, 40), &asks, at);
    assert_eq!(readings.take_due(at), Err(Some(5 * SECOND)));
}

#[test]
fn what_nobody_wants_is_not_read() {
    let start = now();
    let (readings, hpas) = wanted(2, start);
    readings.want(&ovr("b"), plan(&hpas, 40), &hpas, start);
    readings.want(&ovr("a"), plan(&hpas[..1], 40), &hpas, start);
    readings.forget(&ovr("b"));
    let read: BTreeSet<_> =
        reads(&readings, start, start + 60 * SECOND, |_| Ok(pods(12))).into_iter().map(|(_, hpa)| hpa).collect();
    assert_eq!(read, BTreeSet::from([hpas[0].uid().to_owned()]));
    readings.want(&ovr("a"), ReachedPlan::default(), &hpas, start);
    assert_eq!(readings.take_due(start + 3600 * SECOND), Err(None));
    assert_eq!(readings.so_far(&ovr("a")), Some(ReachedSoFar::default()));
    readings.forget(&ovr("a"));
    assert_eq!((readings.so_far(&ovr("a")), readings.state().targets.len()), (None, 0));
}

#[test]
fn after_a_fresh_list_nothing_is_read_for_overrides_that_are_gone() {
    let start = now();
    let (readings, hpas) = wanted(2, start);
    readings.want(&ovr("b"), plan(&hpas[..1], 40), &hpas, start);
    readings.keep_only(&[Arc::new(ovr("b"))]);
    assert_eq!((readings.so_far(&ovr("a")), readings.state().targets.len()), (None, 1));
    let read: BTreeSet<_> =
        reads(&readings, start, start + 60 * SECOND, |_| Ok(pods(12))).into_iter().map(|(_, hpa)| hpa).collect();
    assert_eq!(read, BTreeSet::from([hpas[0].uid().to_owned()]));
}

#[test]
fn a_target_that_is_wanted_anew_while_it_is_read_is_due_once() {
    let start = now();
    let (readings, hpas) = wanted(1, start);
    let due = readings.take_due(start).unwrap();
    readings.forget(&ovr("a"));
    readings.want(&ovr("a"), plan(&hpas, 40), &hpas, start);
    readings.note(&due, Ok(pods(12)), start + SECOND);
    assert_eq!(readings.state().due.len(), 1);
}
