//! Asks the cluster whether who asked for an override may patch its target: the guard's question once more, before the
//! override starts acting. What is acting already is not asked about.
//!
//! ```text
//!   a plan with an open question ──► Answers ──► serve: ask, a few at once ──► Answers ──► the loops look again
//! ```
//! No loop ever waits for an answer: an authorizer that hangs keeps starts waiting, and no end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{Stream, StreamExt};
use hpa_override_core::{MayPatch, Override as Reading, Question};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams, runtime::reflector::ObjectRef};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    apply::within_time,
    context::{Context, Moment},
    error::Failure,
    object::{Hpa, HpaKind, Kind},
    watch::notify_about,
};

/// Questions under way at once.
const CONCURRENCY: usize = 8;
/// A right that is gone must not start anything for long.
const YES_HOLDS: Duration = Duration::from_secs(5);
/// After how long a no is asked again, and twice as long each further time.
const NO_HOLDS: Duration = Duration::from_secs(30);
/// The same where there was no answer.
const NOTHING_HOLDS: Duration = Duration::from_secs(10);
/// Longer than that nobody waits who is given the right, or has the cluster back.
const LONGEST: Duration = Duration::from_mins(5);

/// What is known of questions.
#[derive(Debug, Default)]
pub struct Answers(Mutex<BTreeMap<Question, Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Whether it is being asked.
    asking: bool,
    latest: Option<Answer>,
}

/// An answer, and how often in a row it was the same.
#[derive(Clone, Copy, Debug)]
struct Answer {
    may_patch: MayPatch,
    at: Moment,
    times: u32,
}

impl Answer {
    fn holds_for(&self) -> Duration {
        let first = match self.may_patch {
            MayPatch::Yes => return YES_HOLDS,
            MayPatch::No => NO_HOLDS,
            MayPatch::Unavailable | MayPatch::Error | MayPatch::NotAsked => NOTHING_HOLDS,
        };
        (first * 2_u32.saturating_pow(self.times.min(8))).min(LONGEST)
    }

    /// How long it still is, at `moment`; none where it is too old.
    fn rest(&self, moment: Moment) -> Option<Duration> {
        self.holds_for().checked_sub(moment.since(self.at)).filter(|rest| !rest.is_zero())
    }
}

impl Answers {
    /// The answer to a question, and when it has to be looked at again; whether it is to be asked now, which is true once
    /// until it is [`note`](Self::note)d. An old yes is none; an old no stays one until there is another answer.
    fn look(&self, question: &Question, moment: Moment) -> (Option<(MayPatch, Option<Duration>)>, bool) {
        let mut questions = self.questions();
        let known = questions.entry(question.clone()).or_default();
        let rest = known.latest.and_then(|latest| latest.rest(moment));
        let ask = rest.is_none() && !known.asking;
        known.asking |= ask;
        let answer = known.latest.filter(|latest| rest.is_some() || latest.may_patch != MayPatch::Yes);
        (answer.map(|answer| (answer.may_patch, rest)), ask)
    }

    fn note(&self, question: &Question, may_patch: MayPatch, at: Moment) {
        let mut questions = self.questions();
        questions
            .retain(|_, known| known.asking || known.latest.is_some_and(|latest| at.since(latest.at) < 2 * LONGEST));
        let known = questions.entry(question.clone()).or_default();
        let before = known.latest.filter(|before| before.may_patch == may_patch);
        let times = before.map_or(0, |before| before.times.saturating_add(1));
        *known = Known { asking: false, latest: Some(Answer { may_patch, at, times }) };
    }

    /// Forgets an answer: whoever changes an override, or is given the right and changes it, need not wait.
    pub fn forget(&self, question: &Question) {
        if let Some(known) = self.questions().get_mut(question) {
            known.latest = None;
        }
    }

    fn questions(&self) -> MutexGuard<'_, BTreeMap<Question, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts what is known into the overrides that it is about, and has the rest asked; how soon to look again, where somebody
/// is kept from starting.
pub fn answer<'a>(
    questions: impl IntoIterator<Item = &'a Question>,
    overrides: &mut [Reading],
    context: &Context,
    moment: Moment,
) -> Option<Duration> {
    let mut again = None;
    for question in questions {
        let (answer, ask) = context.answers.look(question, moment);
        if ask {
            // A closed queue means that the controller is stopping.
            let _stopping = context.questions.send(question.clone());
        }
        let Some((may_patch, rest)) = answer else { continue };
        for ovr in overrides.iter_mut() {
            if Question::about(ovr, &context.settings).as_ref() == Some(question) {
                ovr.may_patch = may_patch;
            }
        }
        again = again.into_iter().chain(rest.filter(|_| may_patch != MayPatch::Yes)).min();
    }
    again
}

/// Asks each of the questions, and has both loops look at those concerned once there is an answer.
pub async fn serve(
    context: Arc<Context>,
    questions: impl Stream<Item = Question>,
    hpa_queue: UnboundedSender<ObjectRef<Hpa>>,
) {
    questions
        .for_each_concurrent(CONCURRENCY, |question| {
            let (context, hpa_queue) = (&context, &hpa_queue);
            async move {
                let may_patch = ask(&question, &context.client).await;
                context.answers.note(&question, may_patch, Moment::now());
                notify_about(context, &question, hpa_queue);
            }
        })
        .await;
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

    fn question() -> Question {
        Question { user: "alice".into(), groups: vec![], namespace: "shop".into(), name: None }
    }

    fn after(at: Moment, seconds: u64) -> Moment {
        at.after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_question_is_asked_once_until_there_is_an_answer() {
        let (answers, at) = (Answers::default(), Moment::now());
        assert_eq!(answers.look(&question(), at), (None, true));
        assert_eq!(answers.look(&question(), after(at, 60)), (None, false));
        answers.note(&question(), MayPatch::Yes, after(at, 60));
        let rest = Some(Duration::from_secs(1));
        assert_eq!(answers.look(&question(), after(at, 64)), (Some((MayPatch::Yes, rest)), false));
        assert_eq!(answers.look(&question(), after(at, 65)), (None, true), "an old yes is none");
    }

    #[test]
    fn a_no_stays_one_and_is_asked_again_less_and_less_often() {
        let (answers, mut at) = (Answers::default(), Moment::now());
        for holds in [30, 60, 120, 240, 300, 300] {
            answers.note(&question(), MayPatch::No, at);
            let rest = Some(Duration::from_secs(1));
            assert_eq!(answers.look(&question(), after(at, holds - 1)), (Some((MayPatch::No, rest)), false));
            at = after(at, holds);
            assert_eq!(answers.look(&question(), at), (Some((MayPatch::No, None)), true));
        }
        answers.note(&question(), MayPatch::Unavailable, at);
        assert_eq!(answers.look(&question(), after(at, 10)), (Some((MayPatch::Unavailable, None)), true));
    }

    #[test]
    fn what_is_forgotten_is_asked_at_once() {
        let (answers, at) = (Answers::default(), Moment::now());
        answers.note(&question(), MayPatch::No, at);
        answers.forget(&question());
        assert_eq!(answers.look(&question(), at), (None, true));
        answers.forget(&question());
        assert_eq!(answers.look(&question(), at), (None, false), "it is being asked");
    }
}
