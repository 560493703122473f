use hpa_override_plan::MOST_READS_PER_SECOND;
use serde_json::json;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn hpa(name: &str, asked: i64) -> Arc<HpaView> {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
    let hpa = json!({"metadata": {"namespace": "shop", "name": name, "uid": name}, "spec": {"scaleTargetRef": target},
                     "status": {"desiredReplicas": asked}});
    Arc::new(HpaView::parse(&hpa))
}

fn key(name: &str) -> Key {
    Key::from(hpa(name, 0).id().clone())
}

fn bounds(min: i32) -> Bounds {
    Bounds::new(min, 60).unwrap()
}

fn within(hpas: &[Arc<HpaView>], min: i32) -> Vec<(Arc<HpaView>, Bounds)> {
    hpas.iter().map(|hpa| (hpa.clone(), bounds(min))).collect()
}

fn pods(ready: i64) -> ScaleReading {
    ScaleReading::Replicas { replicas: 40, ready: Some(ready) }
}

/// Some targets that the override `a` wants to be within 40-60.
fn wanted(count: usize, now: Instant) -> (Readings, Vec<Arc<HpaView>>) {
    let hpas: Vec<_> = (0..count).map(|index| hpa(&format!("web-{index:04}"), 40)).collect();
    let readings = Readings::default();
    readings.want(&key("a"), &within(&hpas, 40), now);
    (readings, hpas)
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
                done.push((at, due.hpa.name.clone()));
            }
            Err(Some(wait)) => at += wait,
            Err(None) => break,
        }
    }
    done
}

#[test]
fn a_target_is_read_less_and_less_often_while_nothing_changes() {
    let start = Instant::now();
    let (readings, _) = wanted(1, start);
    let done = reads(&readings, start, start + 3600 * SECOND, |_| Ok(pods(12)));
    let seconds: Vec<_> = done.iter().map(|(at, _)| at.duration_since(start).as_secs()).collect();
    assert_eq!(seconds[..9], [0, 5, 15, 35, 75, 155, 315, 615, 915]);
    assert_eq!(seconds.len(), 17, "in one hour");
    let changing = wanted(1, start).0;
    let done = reads(&changing, start, start + 60 * SECOND, |count| Ok(pods(i64::try_from(count).unwrap())));
    assert_eq!(done.len(), 12, "every 5 s while pods start");
    let unanswered = wanted(1, start).0;
    let done = reads(&unanswered, start, start + 60 * SECOND, |_| Err("503".into()));
    assert_eq!(done.len(), 4, "a failed read is no change");
}

#[test]
fn at_most_fifty_reads_in_any_second() {
    let start = Instant::now();
    let (readings, hpas) = wanted(2000, start);
    let done = reads(&readings, start, start + 300 * SECOND, |_| Ok(pods(12)));
    let most = usize::try_from(MOST_READS_PER_SECOND).unwrap();
    for window in done.windows(most + 1) {
        assert!(window[most].0.duration_since(window[0].0) >= SECOND, "{window:?}");
    }
    let first: BTreeSet<_> = done[..2000].iter().map(|(_, hpa)| hpa.as_str()).collect();
    assert_eq!(first.len(), hpas.len(), "none is read twice before all were read once");
    assert_eq!(done[1999].0.duration_since(start).as_secs(), 39);
}

#[test]
fn the_last_reading_holds_and_is_handed_on_each_time() {
    let start = Instant::now();
    let (readings, hpas) = wanted(1, start);
    readings.want(&key("b"), &within(&hpas, 40), start);
    let mut at = start;
    let mut note = |reading| {
        let due = loop {
            match readings.take_due(at) {
                Ok(due) => break due,
                Err(wait) => at += wait.unwrap(),
            }
        };
        readings.note(&due, reading, at)
    };
    let news = |reading| Some(News { reading, overrides: vec![key("a"), key("b")] });
    assert_eq!(note(Err("503".into())), news(ScaleReading::Unreadable("503".into())), "nothing was read: why is news");
    assert_eq!(note(Err("timeout".into())), news(ScaleReading::Unreadable("503".into())));
    assert_eq!(note(Ok(pods(12))), news(pods(12)));
    assert_eq!(note(Ok(pods(12))), news(pods(12)));
    assert_eq!(note(Err("503".into())), news(pods(12)), "a failed read is none");
    assert_eq!(note(Ok(ScaleReading::NotFound)), news(ScaleReading::NotFound));
}

#[test]
fn other_bounds_are_read_for_at_once() {
    let start = Instant::now();
    let (readings, hpas) = wanted(1, start);
    reads(&readings, start, start + 100 * SECOND, |_| Ok(pods(12)));
    let at = start + 100 * SECOND;
    readings.want(&key("a"), &within(&hpas, 40), at);
    assert_eq!(readings.take_due(at), Err(Some(55 * SECOND)), "the same bounds: when it is due");
    let due = readings.take_due(at + 55 * SECOND).unwrap();
    readings.want(&key("a"), &within(&hpas, 50), at + 56 * SECOND);
    assert_eq!(readings.note(&due, Ok(pods(40)), at + 57 * SECOND), None, "it was read for bounds that are over");
    assert_eq!(readings.take_due(at + 57 * SECOND).unwrap().bounds, bounds(50));
}

#[test]
fn for_another_override_it_is_read_at_once() {
    let start = Instant::now();
    let (readings, hpas) = wanted(1, start);
    reads(&readings, start, start + 100 * SECOND, |_| Ok(pods(12)));
    let at = start + 100 * SECOND;
    readings.want(&key("b"), &within(&hpas, 40), at);
    let due = readings.take_due(at).unwrap();
    let overrides = vec![key("a"), key("b")];
    assert_eq!(readings.note(&due, Ok(pods(12)), at), Some(News { reading: pods(12), overrides }));
}

#[test]
fn where_the_hpa_asks_for_something_else_it_is_read_soon() {
    let start = Instant::now();
    let (readings, _) = wanted(1, start);
    reads(&readings, start, start + 100 * SECOND, |_| Ok(pods(12)));
    let at = start + 100 * SECOND;
    readings.note_asked(&hpa("web-0000", 40), at);
    assert_eq!(readings.take_due(at), Err(Some(55 * SECOND)), "it asks for the same");
    readings.note_asked(&hpa("web-0000", 41), at);
    assert_eq!(readings.take_due(at), Err(Some(5 * SECOND)));
    readings.note_asked(&hpa("other", 41), at);
}

#[test]
fn what_nobody_wants_is_not_read() {
    let start = Instant::now();
    let (readings, hpas) = wanted(2, start);
    readings.want(&key("b"), &within(&hpas, 40), start);
    readings.want(&key("a"), &within(&hpas[..1], 40), start);
    readings.forget(&key("b"));
    let read: BTreeSet<_> =
        reads(&readings, start, start + 60 * SECOND, |_| Ok(pods(12))).into_iter().map(|(_, hpa)| hpa).collect();
    assert_eq!(read, BTreeSet::from(["web-0000".to_owned()]));
    readings.want(&key("a"), &[], start);
    assert_eq!(readings.take_due(start + 3600 * SECOND), Err(None));
    let left = readings.targets();
    assert_eq!((left.by_hpa.len(), left.by_override.len(), left.due.len()), (0, 0, 0));
}

#[test]
fn an_hpa_made_anew_is_read_at_once() {
    let start = Instant::now();
    let (readings, _) = wanted(1, start);
    reads(&readings, start, start + 100 * SECOND, |_| Ok(pods(12)));
    let anew = json!({"metadata": {"namespace": "shop", "name": "web-0000", "uid": "another"},
                      "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-0000"}}});
    let at = start + 100 * SECOND;
    readings.want(&key("a"), &[(Arc::new(HpaView::parse(&anew)), bounds(40))], at);
    assert!(readings.take_due(at).is_ok());
}

#[test]
fn a_target_that_is_wanted_anew_while_it_is_read_is_due_once() {
    let start = Instant::now();
    let (readings, hpas) = wanted(1, start);
    let due = readings.take_due(start).unwrap();
    readings.forget(&key("a"));
    readings.want(&key("a"), &within(&hpas, 40), start);
    readings.note(&due, Ok(pods(12)), start + SECOND);
    assert_eq!(readings.targets().due.len(), 1);
}
