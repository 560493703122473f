//! The lever, without a connection.

#![allow(clippy::indexing_slicing, reason = "tests")]

use super::{Lever, Stop, Turn};
use http::Method;

const WEB: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web";
const OTHER: &str = "/apis/autoscaling/v2/namespaces/other/horizontalpodautoscalers/web";

fn turns(stop: Option<Stop>) -> Vec<Turn> {
    let lever = Lever::default();
    lever.watch_writes("shop", stop);
    let requests = [(Method::GET, WEB), (Method::PATCH, OTHER), (Method::PATCH, WEB), (Method::PATCH, WEB)];
    let turns = requests.iter().chain(&requests[..2]).map(|(method, path)| lever.turn(method, path));
    turns.collect()
}

#[test]
fn only_writes_of_that_namespace_count() {
    let lever = Lever::default();
    lever.watch_writes("shop", None);
    lever.turn(&Method::PATCH, OTHER);
    lever.turn(&Method::GET, WEB);
    lever.turn(&Method::PATCH, WEB);
    assert_eq!(lever.writes(), 1);
}

#[test]
fn questions_about_rights_can_be_held() {
    let (lever, asked) = (Lever::default(), "/apis/authorization.k8s.io/v1/subjectaccessreviews");
    lever.mute_access_reviews(true);
    let turns = |path| lever.turn(&Method::POST, path);
    assert_eq!([turns(asked), turns(WEB)], [Turn::Hold, Turn::Forward]);
    lever.mute_access_reviews(false);
    assert_eq!(turns(asked), Turn::Forward);
}

#[test]
fn stops_at_the_write_told() {
    use Turn::{Forward, ForwardAndHold, Hold};
    assert_eq!(turns(None), [Forward; 6]);
    assert_eq!(turns(Some(Stop::Before(2))), [Forward, Forward, Forward, Hold, Hold, Hold]);
    assert_eq!(turns(Some(Stop::After(1))), [Forward, Forward, ForwardAndHold, Forward, Forward, Forward]);
}

#[test]
fn holds_from_when_it_is_reached_until_it_resumes() {
    let lever = Lever::default();
    lever.watch_writes("shop", Some(Stop::After(1)));
    lever.turn(&Method::PATCH, WEB);
    lever.reached();
    assert_eq!(lever.turn(&Method::GET, OTHER), Turn::Hold);
    lever.resume();
    assert_eq!(lever.turn(&Method::PATCH, WEB), Turn::Forward);
}

#[test]
fn a_stall_is_counted_and_outlasts_the_next_stop() {
    let lever = Lever::default();
    let begun = lever.stalls();
    lever.stall();
    lever.watch_writes("shop", None);
    assert_ne!(lever.stalls(), begun, "what has begun is stalled");
    assert_eq!(lever.turn(&Method::GET, WEB), Turn::Forward, "what comes is not");
}
