//! What the loop works with.

use std::sync::Arc;

use crate::{
    access_review::Answers, admissions::Admissions, clock::Clock, confirm::Confirm, events::Events, queues::Queues,
    request::Requests, settings::CurrentSettings, state::State,
};

/// What the loop works with.
#[derive(Clone)]
pub struct Deps {
    pub clock: Clock,
    pub settings: CurrentSettings,
    pub state: Arc<State>,
    pub queues: Queues,
    pub requests: Requests,
    pub confirm: Confirm,
    pub answers: Arc<Answers>,
    pub events: Events,
    pub admissions: Admissions,
    /// Whether no HPA is written: what would be is said instead.
    pub dry_run: bool,
}
