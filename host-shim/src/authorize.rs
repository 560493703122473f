//! Asks the cluster whether who asked for an override may patch its target: the guard's question once more, before the
//! override starts acting. What is acting already is not asked about.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hpa_override_core::{MayPatch, Question};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams};

use crate::{
    apply::within_time,
    context::Moment,
    error::Failure,
    object::{HpaKind, Kind},
};

/// The latest answers, so that a burst of starts asks once.
#[derive(Debug, Default)]
pub struct Answers(Mutex<BTreeMap<Question, Answer>>);

#[derive(Clone, Copy, Debug)]
struct Answer {
    may_patch: MayPatch,
    at: Moment,
}

impl Answer {
    /// How long it is taken for true. A right that is gone must not start anything for long; one that is given may wait.
    fn holds_for(&self) -> Duration {
        match self.may_patch {
            MayPatch::Yes => Duration::from_secs(5),
            MayPatch::No => Duration::from_secs(30),
            MayPatch::Unavailable | MayPatch::Error | MayPatch::NotAsked => Duration::from_secs(10),
        }
    }

    /// How long it still is, at `moment`; none where it is too old.
    fn holds_at(&self, moment: Moment) -> Option<Duration> {
        self.holds_for().checked_sub(moment.since(self.at)).filter(|rest| !rest.is_zero())
    }
}

impl Answers {
    /// The answer, not older than it may be, and for how long it holds.
    pub async fn to(&self, question: &Question, client: &Client, moment: Moment) -> (MayPatch, Duration) {
        let known = self.known().get(question).and_then(|known| Some((known.may_patch, known.holds_at(moment)?)));
        if let Some(known) = known {
            return known;
        }
        let answer = Answer { may_patch: ask(question, client).await, at: moment };
        let mut known = self.known();
        known.retain(|_, known| known.holds_at(moment).is_some());
        known.insert(question.clone(), answer);
        (answer.may_patch, answer.holds_for())
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Question, Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(question: &Question, client: &Client) -> MayPatch {
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    let answer = within_time(reviews.create(&PostParams::default(), &review(question))).await;
    let (may_patch, complaint) = read(answer);
    if let Some(complaint) = complaint {
        let Question { user, namespace, .. } = question;
        tracing::warn!("failed to find out whether `{user}` may patch HPAs in namespace {namespace}: {complaint}");
    }
    may_patch
}

/// The answer, and what is to be logged of one that is none.
fn read(answer: Result<SubjectAccessReview, Failure>) -> (MayPatch, Option<String>) {
    let status = match answer {
        Ok(review) => review.status.unwrap_or_default(),
        Err(failure) => return (MayPatch::Unavailable, Some(failure.to_string())),
    };
    match (status.allowed, status.evaluation_error) {
        (true, _) => (MayPatch::Yes, None),
        (false, None) => (MayPatch::No, None),
        (false, Some(error)) => (MayPatch::Error, Some(error)),
    }
}

fn review(question: &Question) -> SubjectAccessReview {
    let Question { user, groups, namespace, name } = question.clone();
    let attributes = ResourceAttributes {
        group: Some(HpaKind::GROUP.into()),
        version: Some(HpaKind::VERSION.into()),
        resource: Some(HpaKind::PLURAL.into()),
        verb: Some("patch".into()),
        namespace: Some(namespace),
        name,
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        user: Some(user),
        groups: Some(groups),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    SubjectAccessReview { spec, ..SubjectAccessReview::default() }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::authorization::v1::SubjectAccessReviewStatus;

    use super::*;

    fn answered(allowed: bool, error: Option<&str>) -> SubjectAccessReview {
        let status = SubjectAccessReviewStatus {
            allowed,
            evaluation_error: error.map(Into::into),
            ..SubjectAccessReviewStatus::default()
        };
        SubjectAccessReview { status: Some(status), ..SubjectAccessReview::default() }
    }

    #[test]
    fn only_a_plain_yes_is_one() {
        assert_eq!(read(Ok(answered(true, None))), (MayPatch::Yes, None));
        assert_eq!(read(Ok(answered(true, Some("one of two authorizers failed")))), (MayPatch::Yes, None));
        assert_eq!(read(Ok(answered(false, None))), (MayPatch::No, None));
        assert_eq!(read(Ok(answered(false, Some("role not found")))), (MayPatch::Error, Some("role not found".into())));
        assert_eq!(read(Ok(SubjectAccessReview::default())), (MayPatch::No, None));
        let late = "no answer from the API server within 10 s";
        assert_eq!(read(Err(Failure::Timeout(10))), (MayPatch::Unavailable, Some(late.into())));
    }

    #[test]
    fn a_no_is_asked_again_after_half_a_minute_and_a_yes_sooner() {
        let at = Moment::now();
        let holds = |may_patch, secs| Answer { may_patch, at }.holds_at(at.after(Duration::from_secs(secs)));
        assert_eq!(holds(MayPatch::Yes, 4), Some(Duration::from_secs(1)));
        assert_eq!(holds(MayPatch::Yes, 5), None);
        assert_eq!(holds(MayPatch::No, 29), Some(Duration::from_secs(1)));
        assert_eq!(holds(MayPatch::No, 30), None);
        assert_eq!(holds(MayPatch::Unavailable, 10), None);
    }
}
