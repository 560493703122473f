mod kept_up;
mod scenes;

use std::mem::size_of;

use rstest::rstest;

use self::scenes::{Scene, pods};
use super::*;
use crate::{on_target::Decision, reached::state::State};

/// The summary of one target, `web`.
fn one(scene: Scene) -> TargetSummary {
    let mut summary = TargetSummary::default();
    let (hpa, found) = scene.of("web");
    summary.set(&hpa, found);
    summary
}

#[rstest]
#[case::the_same(Scene::Active, Scene::Active, false)]
#[case::a_patch_is_due(Scene::Active, Scene::Due, true)]
#[case::a_write_failed(Scene::Active, Scene::Failed, true)]
#[case::superseded(Scene::Active, Scene::Superseded, true)]
#[case::other_bounds(Scene::Active, Scene::OtherBounds, true)]
#[case::another_workload(Scene::Active, Scene::OtherWorkload, true)]
#[case::a_status_that_explains_nothing_said(Scene::Active, Scene::Disabled, false)]
fn news(#[case] before: Scene, #[case] after: Scene, #[case] expected: bool) {
    let mut summary = one(before);
    let (hpa, found) = after.of("web");
    assert_eq!(summary.set(&hpa, found), expected);
}

#[test]
fn a_status_that_explains_what_is_missing_is_news() {
    let (hpa, _) = Scene::Active.of("web");
    let mut summary = one(Scene::Active);
    assert!(summary.note_reading(&hpa, pods(0), hpa.bounds().unwrap()));
    let (disabled, found) = Scene::Disabled.of("web");
    assert!(summary.set(&disabled, found));
    assert!(!summary.note_reading(&disabled, pods(1), hpa.bounds().unwrap()), "another number");
    assert!(summary.note_reading(&hpa, pods(1), hpa.bounds().unwrap()), "it is disabled no more");
}

#[test]
fn an_older_plan_that_is_made_again_is_news() {
    let mut summary = one(Scene::Active);
    let (hpa, mut found) = Scene::Active.of("web");
    found.decision.planned_until = Some(Instant::MAX);
    assert!(summary.set(&hpa, found), "it may have held a status back");
}

#[test]
fn what_was_never_there_is_no_target() {
    let mut summary = one(Scene::Active);
    let (hpa, _) = Scene::Active.of("api");
    assert!(!summary.remove("api") && !summary.note_reading(&hpa, pods(3), hpa.bounds().unwrap()));
    assert!(summary.remove("web") && !summary.remove("web"));
    assert_eq!((summary.overview().len(), &*summary.overview().counts), (0, &Counts::default()));
}

#[rstest]
#[case::nothing_was_read(&[], true, State::Unreadable)]
#[case::something_was_read(&[pods(0)], false, State::Missing)]
#[case::it_failed_before(&[ScaleReading::Unreadable("a".into())], false, State::Unreadable)]
#[case::it_was_not_there(&[ScaleReading::NotFound], false, State::Unreadable)]
fn a_failed_read_counts_where_nothing_was_read(
    #[case] before: &[ScaleReading],
    #[case] news: bool,
    #[case] expected: State,
) {
    let mut summary = one(Scene::Active);
    let (hpa, bounds) = (Scene::Active.of("web").0, Scene::Active.of("web").0.bounds().unwrap());
    for reading in before {
        summary.note_reading(&hpa, reading.clone(), bounds);
    }
    let is_news = summary.note_reading(&hpa, ScaleReading::Unreadable("b".into()), bounds);
    assert_eq!((is_news, summary.overview().least_reached().map(|(_, kept)| kept.state())), (news, Some(expected)));
}

#[test]
fn a_reading_of_another_workload_does_not_count() {
    let (other, bounds) = (Scene::OtherWorkload.of("web").0, Scene::Active.of("web").0.bounds().unwrap());
    let mut summary = one(Scene::Active);
    assert!(!summary.note_reading(&other, pods(15), bounds));
    let (hpa, found) = Scene::OtherWorkload.of("web");
    summary.set(&hpa, found);
    assert!(summary.note_reading(&other, pods(0), bounds));
    let (hpa, found) = Scene::Active.of("web");
    summary.set(&hpa, found);
    assert!(summary.overview().is_any_unread());
}

#[test]
fn bounds_that_are_reverted_and_written_again_stay_reached() {
    let (hpa, found) = Scene::Active.of("web");
    let mut summary = one(Scene::Active);
    assert!(summary.note_reading(&hpa, pods(15), hpa.bounds().unwrap()));
    let (reverted, due) = Scene::Reverted.of("web");
    summary.set(&reverted, due);
    summary.set(&hpa, found.clone());
    assert_eq!((summary.overview().not_reached(), summary.to_read().count()), (0, 0));
    let (contested, failed) = Scene::Contested.of("web");
    summary.set(&contested, failed);
    summary.set(&hpa, found);
    assert_eq!((summary.overview().not_reached(), summary.to_read().count()), (1, 1), "it was reported as not applied");
}

#[test]
fn the_old_status_is_asked_once_for_each_target() {
    let reached = |status: &str| {
        serde_json::json!({"conditions": [{"type": "Reached", "status": status,
        "lastTransitionTime": "2026-11-27T06:30:00Z"}]})
    };
    let mut summary = one(Scene::Due);
    summary.recall(Some(&reached("True")));
    let (hpa, found) = Scene::Active.of("web");
    summary.set(&hpa, found);
    assert_eq!(summary.overview().not_reached(), 1, "while it was about to change nothing was asked");
    summary.recall(Some(&reached("True")));
    assert_eq!(summary.overview().not_reached(), 0);
    let mut summary = one(Scene::Active);
    summary.recall(Some(&reached("False")));
    summary.recall(Some(&reached("True")));
    assert_eq!(summary.overview().not_reached(), 1);
}

#[test]
fn targets_share_their_sentences() {
    let mut summary = TargetSummary::default();
    for name in ["a", "b", "c"] {
        let (hpa, found) = Scene::Failed.of(name);
        summary.set(&hpa, found);
    }
    let decisions: Vec<_> = summary.targets.values().map(|kept| &kept.found.decision).collect();
    for [one, other] in decisions.array_windows() {
        let shares = |sentence: fn(&Decision) -> *const u8| sentence(one) == sentence(other);
        assert!(shares(|found| found.eligibility.as_ref().unwrap().message.as_ptr()));
        assert!(shares(|found| found.problem.as_ref().unwrap().message.as_ptr()));
        assert!(shares(|found| found.cut.as_ref().unwrap().as_ptr()));
    }
}

/// Ten thousand targets of one override are to take about 3 MB.
#[test]
fn a_target_is_small() {
    assert!(size_of::<Kept>() <= 192, "{}", size_of::<Kept>());
}

#[test]
fn all_of_a_start_is_announced_once() {
    let [first, second] = [1, 2].map(Instant::from_unix);
    let mut summary = TargetSummary::default();
    for (start, expected) in
        [(None, None), (Some(first), Some(first)), (None, Some(first)), (Some(second), Some(second))]
    {
        summary.note_announced(start);
        assert_eq!(summary.overview().announced(), expected);
    }
}
