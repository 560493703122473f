//! Asks the cluster whether the requester of an override may patch its target: the guard's question once more, before the
//! override becomes active. It is not asked about an active override.
//!
//! ```text
//!   a plan with an open question ──► Answers ──► run: ask, a few at once ──► Answers ──► the loops plan again
//! ```
//! No loop waits for an answer: an authorizer that hangs delays starts, but no end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use hpa_override_core::{MayPatch, ParsedOverride, Question, Settings};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{api::PostParams, core::Request};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    clock::{Clock, Moment},
    error::Failure,
    object::{HPA, Key},
    queue::Priority,
    queues::Queues,
    request::{Requests, built},
    write::Write,
};

/// Questions asked at once.
const CONCURRENCY: usize = 8;
/// Short, since an override must not start by a right that is gone.
const YES_HOLDS: Duration = Duration::from_secs(5);
/// After how long the question is asked again after a no; each further time twice as long.
const NO_HOLDS: Duration = Duration::from_secs(30);
/// The same where there was no answer.
const NO_ANSWER_HOLDS: Duration = Duration::from_secs(10);
/// A requester who is given the right waits no longer than that.
const LONGEST: Duration = Duration::from_mins(5);

/// The questions asked so far, with their latest answers.
#[derive(Debug)]
pub struct Answers {
    questions: Mutex<BTreeMap<Question, Asked>>,
    to_ask: UnboundedSender<Question>,
}

/// What is planned again once there is an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    /// An HPA.
    Hpa(Key),
    /// The status of an override.
    Status(Key),
}

#[derive(Debug, Default)]
struct Asked {
    /// Whether it is being asked.
    asking: bool,
    latest: Option<Answer>,
    /// Who wants to know.
    waiting: BTreeSet<Waiting>,
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
            MayPatch::Unavailable | MayPatch::Error | MayPatch::NotAsked => NO_ANSWER_HOLDS,
        };
        (first * 2_u32.saturating_pow(self.times.min(8))).min(LONGEST)
    }

    /// How long it still holds at `moment`; none where it is too old.
    fn remaining(&self, moment: Moment) -> Option<Duration> {
        self.holds_for().checked_sub(moment.since(self.at)).filter(|left| !left.is_zero())
    }
}

impl Answers {
    /// No answers yet, and the questions to be asked.
    pub fn new() -> (Self, UnboundedReceiver<Question>) {
        let (to_ask, questions) = unbounded_channel();
        (Self { questions: Mutex::default(), to_ask }, questions)
    }

    /// What is known about the questions of a plan. Those without a valid answer are being asked; once there is one, what is
    /// `waiting` is planned again.
    pub fn known<'a>(
        &self,
        questions: impl IntoIterator<Item = &'a Question>,
        waiting: &Waiting,
        moment: Moment,
    ) -> KnownAnswers {
        let mut known = KnownAnswers::default();
        for question in questions {
            let (answer, ask) = self.look_up(question, waiting, moment);
            if ask {
                // A closed queue means that the controller is stopping.
                let _stopping = self.to_ask.send(question.clone());
            }
            let Some((may_patch, left)) = answer else { continue };
            known.by_question.insert(question.clone(), may_patch);
            if may_patch != MayPatch::Yes {
                known.plan_again_in = known.plan_again_in.into_iter().chain(left).min();
            }
        }
        known
    }

    /// The answer to a question, and how long it holds; whether the question is to be asked now, which is true once until
    /// an answer is [`note`](Self::note)d. An old yes counts as no answer; an old no holds until there is another answer.
    fn look_up(
        &self,
        question: &Question,
        waiting: &Waiting,
        moment: Moment,
    ) -> (Option<(MayPatch, Option<Duration>)>, bool) {
        let mut questions = self.questions();
        let asked = questions.entry(question.clone()).or_default();
        asked.waiting.insert(waiting.clone());
        let left = asked.latest.and_then(|latest| latest.remaining(moment));
        let ask = left.is_none() && !asked.asking;
        asked.asking |= ask;
        let answer = asked.latest.filter(|latest| left.is_some() || latest.may_patch != MayPatch::Yes);
        (answer.map(|answer| (answer.may_patch, left)), ask)
    }

    /// Notes an answer; what waits for it.
    pub fn note(&self, question: &Question, may_patch: MayPatch, at: Moment) -> BTreeSet<Waiting> {
        let mut questions = self.questions();
        questions
            .retain(|_, asked| asked.asking || asked.latest.is_some_and(|latest| at.since(latest.at) < 2 * LONGEST));
        let asked = questions.entry(question.clone()).or_default();
        let before = asked.latest.filter(|before| before.may_patch == may_patch);
        let times = before.map_or(0, |before| before.times.saturating_add(1));
        let waiting = std::mem::take(&mut asked.waiting);
        *asked = Asked { asking: false, latest: Some(Answer { may_patch, at, times }), waiting: BTreeSet::new() };
        waiting
    }

    /// Forgets an answer: a requester who is given the right and changes the override need not wait.
    pub fn forget(&self, question: &Question) {
        if let Some(asked) = self.questions().get_mut(question) {
            asked.latest = None;
        }
    }

    fn questions(&self) -> MutexGuard<'_, BTreeMap<Question, Asked>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answers that a plan is made with.
#[derive(Debug, Default)]
pub struct KnownAnswers {
    by_question: BTreeMap<Question, MayPatch>,
    /// How soon to plan again: the first of the answers that block an override expires then.
    pub plan_again_in: Option<Duration>,
}

impl KnownAnswers {
    /// Whether the requester of `ovr` may patch its target, as far as that is known.
    pub fn may_patch(&self, ovr: &ParsedOverride, settings: &Settings) -> MayPatch {
        let question = Question::about(ovr, settings);
        question.and_then(|question| self.by_question.get(&question).copied()).unwrap_or_default()
    }
}

/// Asks each of the questions; once there is an answer, what waits for it is planned again.
pub async fn run(
    answers: Arc<Answers>,
    questions: UnboundedReceiver<Question>,
    requests: Requests,
    queues: Queues,
    clock: Clock,
) {
    stream::unfold(questions, |mut questions| async { questions.recv().await.map(|question| (question, questions)) })
        .for_each_concurrent(CONCURRENCY, |question| {
            let (answers, requests, queues) = (&answers, &requests, &queues);
            async move {
                let may_patch = ask(&question, requests).await;
                for waiting in answers.note(&question, may_patch, clock.now()) {
                    match waiting {
                        Waiting::Hpa(key) => queues.hpas.add(&key, Priority::Begin),
                        Waiting::Status(key) => queues.statuses.add(&key, Priority::Status),
                    }
                }
            }
        })
        .await;
}

/// Asks for an answer to admission. It is no write: every replica asks.
pub async fn ask_now(question: &Question, requests: &Requests) -> MayPatch {
    let answer = async { decoded(requests.read_json(request(&review(question))?).await?) };
    note(question, answer.await)
}

async fn ask(question: &Question, requests: &Requests) -> MayPatch {
    let answer = async { decoded(requests.write_json(Write::Review, request(&review(question))?).await?) };
    note(question, answer.await)
}

fn note(question: &Question, answer: Result<SubjectAccessReview, Failure>) -> MayPatch {
    let (may_patch, problem) = read(answer);
    if let Some(problem) = problem {
        let Question { user, namespace, .. } = question;
        tracing::warn!("failed to find out whether `{user}` may patch HPAs in namespace {namespace}: {problem}");
    }
    may_patch
}

fn request(review: &SubjectAccessReview) -> Result<http::Request<Vec<u8>>, Failure> {
    let body = serde_json::to_vec(review).map_err(kube::Error::SerdeError)?;
    built(Request::new("/apis/authorization.k8s.io/v1/subjectaccessreviews").create(&PostParams::default(), body))
}

fn decoded(answer: Value) -> Result<SubjectAccessReview, Failure> {
    Ok(serde_json::from_value(answer).map_err(kube::Error::SerdeError)?)
}

/// The answer, and what to log where there is none.
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
        group: Some(HPA.group.into()),
        version: Some(HPA.version.into()),
        resource: Some(HPA.plural.into()),
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

    use hpa_override_core::Id;

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

    fn waiting() -> Waiting {
        Waiting::Status(Arc::new(Id::parse("shop/a").unwrap()))
    }

    fn after(at: Moment, seconds: u64) -> Moment {
        at.after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_question_is_asked_once_until_there_is_an_answer() {
        let (answers, at) = (Answers::new().0, Clock::System { offset: 0 }.now());
        assert_eq!(answers.look_up(&question(), &waiting(), at), (None, true));
        assert_eq!(answers.look_up(&question(), &waiting(), after(at, 60)), (None, false));
        answers.note(&question(), MayPatch::Yes, after(at, 60));
        let left = Some(Duration::from_secs(1));
        assert_eq!(answers.look_up(&question(), &waiting(), after(at, 64)), (Some((MayPatch::Yes, left)), false));
        assert_eq!(
            answers.look_up(&question(), &waiting(), after(at, 65)),
            (None, true),
            "an old yes counts as no answer"
        );
    }

    #[test]
    fn an_old_no_holds_and_the_question_is_asked_less_and_less_often() {
        let (answers, mut at) = (Answers::new().0, Clock::System { offset: 0 }.now());
        for holds in [30, 60, 120, 240, 300, 300] {
            answers.note(&question(), MayPatch::No, at);
            let left = Some(Duration::from_secs(1));
            assert_eq!(
                answers.look_up(&question(), &waiting(), after(at, holds - 1)),
                (Some((MayPatch::No, left)), false)
            );
            at = after(at, holds);
            assert_eq!(answers.look_up(&question(), &waiting(), at), (Some((MayPatch::No, None)), true));
        }
        answers.note(&question(), MayPatch::Unavailable, at);
        assert_eq!(
            answers.look_up(&question(), &waiting(), after(at, 10)),
            (Some((MayPatch::Unavailable, None)), true)
        );
    }

    #[test]
    fn a_question_is_asked_at_once_after_its_answer_is_forgotten() {
        let (answers, at) = (Answers::new().0, Clock::System { offset: 0 }.now());
        answers.note(&question(), MayPatch::No, at);
        answers.forget(&question());
        assert_eq!(answers.look_up(&question(), &waiting(), at), (None, true));
        answers.forget(&question());
        assert_eq!(answers.look_up(&question(), &waiting(), at), (None, false), "it is being asked");
    }
}
