//! What the tasks share, and what each gets of it.

use std::sync::Arc;

use crate::{
    access_review::Answers,
    admissions::Admissions,
    clock::Clock,
    confirm::Confirm,
    events::Events,
    hpa_loop,
    listed::Part,
    queues::Queues,
    reached::{self, Readings},
    request::Requests,
    settings::CurrentSettings,
    state::State,
    status_loop,
    watch::{Hpas, Overrides},
};

/// What the tasks share; each gets what it needs of it.
#[derive(Clone)]
pub struct Shared {
    pub clock: Clock,
    pub settings: CurrentSettings,
    pub state: Arc<State>,
    pub queues: Queues,
    pub requests: Requests,
    pub answers: Arc<Answers>,
    pub readings: Arc<Readings>,
    pub events: Events,
    pub admissions: Admissions,
    pub dry_run: bool,
}

impl Shared {
    pub fn hpa_loop(&self, confirm: Confirm) -> hpa_loop::Deps {
        let Self { clock, settings, state, queues, requests, answers, readings: _, events, admissions, dry_run } =
            self.clone();
        hpa_loop::Deps { clock, settings, state, queues, requests, confirm, answers, events, admissions, dry_run }
    }

    pub fn status_loop(&self) -> status_loop::Deps {
        let Self { clock, settings, state, queues, requests, answers, readings, events, admissions, dry_run: _ } =
            self.clone();
        status_loop::Deps { clock, settings, state, queues, requests, answers, readings, events, admissions }
    }

    pub fn reached(&self) -> reached::Deps {
        let Self {
            clock,
            settings: _,
            state,
            queues,
            requests,
            answers: _,
            readings,
            events: _,
            admissions: _,
            dry_run: _,
        } = self.clone();
        reached::Deps { clock, state, queues, readings, requests }
    }

    pub fn hpas(&self, namespace: Option<&str>, is_listed: Part) -> Hpas {
        let Self { clock, state, queues, readings, .. } = self.clone();
        Hpas::new(state, queues, readings, clock, namespace.map(Into::into), is_listed)
    }

    pub fn overrides(&self, namespace: Option<&str>, is_listed: Part) -> Overrides {
        let Self {
            clock,
            settings,
            state,
            queues,
            requests: _,
            answers,
            readings: _,
            events: _,
            admissions: _,
            dry_run: _,
        } = self.clone();
        Overrides::new(state, queues, answers, settings, clock, namespace.map(Into::into), is_listed)
    }
}
