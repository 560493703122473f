//! Whether this replica lives, whether it is ready, and its numbers at this moment.
//!
//! It lives unless it makes no progress, whatever the API server does: to be started anew would not help that. It is ready
//! when it knows all objects and has the rights that it needs; a replica that does not lead is ready, too.

use std::{sync::Arc, time::Duration};

use crate::{
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
}

/// One thing that is looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, if anything is.
    pub failure: Option<String>,
}

impl Health {
    /// Whether it makes progress.
    pub fn live(&self) -> Vec<Check> {
        vec![
            self.progress("progress-hpas", &self.queues.hpas),
            self.progress("progress-statuses", &self.queues.statuses),
        ]
    }

    /// Whether it knows the cluster, and may do its work.
    pub fn ready(&self) -> Vec<Check> {
        let missing = self.permissions.missing();
        let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
        let permissions = (!missing.is_empty()).then(|| format!("missing: {}", missing.join(", ")));
        vec![
            self.is_listed(HPA.plural),
            self.is_listed(OVERRIDE.plural),
            Check { name: "permissions", failure: permissions },
        ]
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
            lease_age: self.leadership.left(now.steady()).map(|left| RENEW_DEADLINE.saturating_sub(left)),
            listed: [HPA.plural, OVERRIDE.plural].map(|plural| (plural, self.listed.is_complete(plural))),
            rights_missing: self.permissions.missing().len(),
        }
    }

    fn progress(&self, name: &'static str, queue: &Queue) -> Check {
        // Before, nothing is looked at.
        let has_begun = [HPA.plural, OVERRIDE.plural].iter().all(|plural| self.listed.is_complete(plural));
        let stuck = queue.stuck_for(self.clock.now().steady());
        let is_stuck = has_begun && stuck >= STUCK_AFTER;
        Check {
            name,
            failure: is_stuck.then(|| format!("objects wait, and nothing was done for {} s", stuck.as_secs())),
        }
    }

    fn is_listed(&self, plural: &'static str) -> Check {
        let is_listed = self.listed.is_complete(plural);
        Check {
            name: plural,
            failure: (!is_listed).then(|| "not all are listed yet; the log says why, if it takes long".into()),
        }
    }
}
