//! The queues and timers of both loops, and what is queued after a change.

use std::sync::Arc;

use crate::{
    object::Key,
    queue::{Priority, Queue},
    state::Change,
    timers::Timers,
};

/// Where work is queued. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Queues {
    /// HPAs to plan for.
    pub hpas: Queue,
    /// Overrides whose status is to be planned.
    pub statuses: Queue,
    /// When the next plan for each HPA differs from the last.
    pub transitions: Arc<Timers>,
    /// When an override of each HPA ends next.
    pub ends: Arc<Timers>,
    /// When the next status of each override differs from the last, whatever its targets do.
    pub status_transitions: Arc<Timers>,
}

impl Queues {
    /// Queues what a change concerns.
    pub fn notify(&self, change: Change) {
        let Change { hpas, priority, statuses, changed: _ } = change;
        for key in hpas {
            self.hpas.add(&key, priority);
        }
        self.notify_statuses(statuses);
    }

    /// No more is taken from the queues.
    pub fn close(&self) {
        self.hpas.close();
        self.statuses.close();
    }

    /// Queues the statuses of overrides.
    pub fn notify_statuses(&self, statuses: Vec<Key>) {
        for key in statuses {
            self.statuses.add(&key, Priority::Status);
        }
    }
}
