//! Whether this replica lives, whether it is ready, and its numbers at this moment.
//!
//! It lives unless it makes no progress, whatever the API server does: to be started anew would not help that. It is ready
//! when it knows all objects and has the rights that it needs; a replica that does not lead is ready, too.

use std::{sync::Arc, time::Duration};

use hpa_override_core::Instant;
use tokio::time::Instant as SteadyInstant;

use crate::{
    admissions::Admissions,
    clock::Clock,
    leader::RENEW_DEADLINE,
    leadership::Leadership,
    listed::Listed,
    metrics::{Metrics, Snapshot},
    object::{HPA, OVERRIDE},
    permissions::Permissions,
    queue::Queue,
    queues::Queues,
    state::State,
    webhook::Certificate,
};

/// How long objects may wait while no look at any of them is over. A look waits for requests of 10 s, a few at most.
const STUCK_AFTER: Duration = Duration::from_mins(5);

/// What is looked at.
#[derive(Clone)]
pub struct Health {
    pub clock: Clock,
    pub state: Arc<State>,
    pub queues: Queues,
    pub listed: Listed,
    pub leadership: Leadership,
    pub permissions: Permissions,
    pub metrics: Metrics,
    /// Whether no HPA is written.
    pub dry_run: bool,
    pub admissions: Admissions,
    /// Where it answers admission, what it presents: then it is ready as soon as it can answer, since one that cannot list must
    /// not take admission away.
    pub certificate: Option<Certificate>,
}

/// One thing that is looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, if anything is.
    pub failure: Option<String>,
    /// Whether that is a failure of the probe.
    pub counts: bool,
}

impl Health {
    /// Whether it makes progress.
    pub fn live(&self) -> Vec<Check> {
        let Queues { hpas, statuses, .. } = &self.queues;
        // Statuses wait for as long as HPAs are to be written.
        vec![
            self.progress("progress-hpas", hpas, hpas.finished()),
            self.progress("progress-statuses", statuses, hpas.finished().max(statuses.finished())),
        ]
    }

    /// Whether it knows the cluster, and may do its work.
    pub fn ready(&self) -> Vec<Check> {
        let missing = self.permissions.missing();
        let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
        let permissions = (!missing.is_empty()).then(|| format!("missing: {}", missing.join(", ")));
        let counts = self.certificate.is_none();
        let mut checks = vec![
            self.is_listed(HPA.plural),
            self.is_listed(OVERRIDE.plural),
            Check { name: "permissions", failure: permissions, counts },
        ];
        checks.extend(self.certificate.as_ref().map(|certificate| self.can_answer(certificate)));
        checks
    }

    /// Whether clients of the webhook can accept its certificate.
    fn can_answer(&self, certificate: &Certificate) -> Check {
        let failure = match certificate.expires() {
            None => Some("there is none yet; the log says why, if it takes long".into()),
            Some(expires) if expires <= self.clock.now().instant() => Some(format!("it has expired at {expires}")),
            Some(_) => None,
        };
        Check { name: "webhook-certificate", failure, counts: true }
    }

    /// Its numbers.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.clock.now();
        let (mut census, mut overdue) = self.state.census(now);
        let leads = self.leadership.is_held(now.steady());
        let timers = [&self.queues.transitions, &self.queues.status_transitions];
        let mut next_transition = timers.iter().filter_map(|timers| timers.left(self.clock)).min();
        if !leads {
            // What was left of the last time that it led.
            census.problems.clear();
            (overdue, next_transition) = ([Duration::ZERO; 2], None);
        }
        Snapshot {
            census,
            overdue,
            next_transition,
            queues: [&self.queues.hpas, &self.queues.statuses].map(|queue| queue.waiting(now.steady())),
            leads,
            dry_run: leads && self.dry_run,
            lease_age: self.leadership.left(now.steady()).map(|left| RENEW_DEADLINE.saturating_sub(left)),
            listed: [HPA.plural, OVERRIDE.plural].map(|plural| (plural, self.listed.is_complete(plural))),
            rights_missing: self.permissions.missing().len(),
            admissions: self.admissions.count(),
            certificate_expires: self.certificate.as_ref().map(|certificate| {
                let seconds = certificate.expires().map_or(0, Instant::as_unix);
                Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
            }),
        }
    }

    /// Whether the objects of a queue wait, and nothing that they wait for is done.
    fn progress(&self, name: &'static str, queue: &Queue, finished: Option<SteadyInstant>) -> Check {
        let now = self.clock.now().steady();
        let waits_for = queue.waiting(now).1;
        let stuck = finished.map_or(waits_for, |finished| waits_for.min(now.saturating_duration_since(finished)));
        // Before, nothing is looked at.
        let has_begun = [HPA.plural, OVERRIDE.plural].iter().all(|plural| self.listed.is_complete(plural));
        let is_stuck = has_begun && stuck >= STUCK_AFTER;
        let failure = is_stuck.then(|| format!("objects wait, and nothing was done for {} s", stuck.as_secs()));
        Check { name, failure, counts: true }
    }

    fn is_listed(&self, plural: &'static str) -> Check {
        let is_listed = self.listed.is_complete(plural);
        Check {
            name: plural,
            failure: (!is_listed).then(|| "not all are listed yet; the log says why, if it takes long".into()),
            counts: self.certificate.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use hpa_override_core::Id;
    use tokio::time::advance;

    use super::*;
    use crate::{listed::Part, object::Key, queue::Priority, webhook::Presented};

    fn health() -> (Health, [Part; 2]) {
        let mut listed = Listed::default();
        let parts = [listed.add(HPA.plural), listed.add(OVERRIDE.plural)];
        let health = Health {
            clock: Clock::simulated("2026-11-27T06:00:00Z".parse().unwrap()),
            state: Arc::default(),
            queues: Queues::default(),
            listed,
            leadership: Leadership::alone(),
            permissions: Permissions::default(),
            metrics: Metrics::new(),
            dry_run: false,
            admissions: Admissions::default(),
            certificate: None,
        };
        (health, parts)
    }

    fn key(name: &str) -> Key {
        Arc::new(Id { namespace: "shop".into(), name: name.into() })
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_live_where_objects_wait_and_no_look_is_over() {
        let (health, parts) = health();
        let is_live = || health.live().iter().all(|check| check.failure.is_none());
        health.queues.hpas.add(&key("web"), Priority::Begin);
        health.queues.statuses.add(&key("a"), Priority::Status);
        advance(STUCK_AFTER).await;
        assert!(is_live(), "nothing is looked at before all is listed");
        for part in &parts {
            part.send_replace(true);
        }
        assert!(!is_live());
        drop(health.queues.hpas.next().await);
        assert!(is_live(), "statuses wait for HPAs");
        advance(STUCK_AFTER).await;
        assert!(!is_live());
        drop(health.queues.statuses.next().await);
        advance(STUCK_AFTER * 2).await;
        assert!(is_live(), "nothing waits");
    }

    #[test]
    fn it_is_ready_when_all_is_listed() {
        let (health, [hpas, overrides]) = health();
        let failing = || health.ready().into_iter().filter(|check| check.failure.is_some()).map(|check| check.name);
        assert_eq!(failing().collect::<Vec<_>>(), [HPA.plural, OVERRIDE.plural]);
        hpas.send_replace(true);
        assert_eq!(failing().collect::<Vec<_>>(), [OVERRIDE.plural]);
        overrides.send_replace(true);
        assert_eq!(failing().count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_answers_admission_is_ready_before_it_has_listed() {
        let certificate = Certificate::none();
        let health = Health { certificate: Some(certificate.clone()), ..health().0 };
        let failing = |counts: bool| {
            let checks = health.ready().into_iter();
            let failing = checks.filter(|check| check.failure.is_some() && check.counts == counts);
            failing.map(|check| check.name).collect::<Vec<_>>()
        };
        assert_eq!(failing(false), [HPA.plural, OVERRIDE.plural]);
        assert_eq!(failing(true), ["webhook-certificate"], "without a certificate nobody is answered");
        let expires = health.clock.now().instant().saturating_add(60);
        certificate.present(Presented::until(expires));
        assert_eq!(failing(true), [""; 0]);
        advance(Duration::from_mins(1)).await;
        assert_eq!(failing(true), ["webhook-certificate"]);
    }
}
