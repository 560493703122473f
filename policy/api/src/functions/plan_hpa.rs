//! `planHpa`: what is to be written to this HPA?

use std::collections::BTreeMap;

use hpa_override_core::{Id, Instant, MayPatch, ParsedOverride, Phase, Settings};
use hpa_override_plan::{About, Event, HpaPlan, HpaView, plan_hpa};
use serde::Serialize;
use serde_json::Value;

use super::Function;
use crate::{argument::Argument, error::Error};

pub(crate) struct PlanHpa<'a> {
    hpa: &'a Value,
    overrides: Vec<ParsedOverride>,
    may_patch: MayPatch,
    remembered: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    patch: Option<Value>,
    confirm: bool,
    remember: Option<String>,
    reverted_by: Option<String>,
    events: Vec<EventAnswer>,
    next_transition: Option<Instant>,
    phases: BTreeMap<Id, Phase>,
}

#[derive(Serialize)]
struct EventAnswer {
    about: AboutAnswer,
    warning: bool,
    reason: &'static str,
    note: String,
}

#[derive(Serialize)]
enum AboutAnswer {
    Hpa,
    Override(Id, String),
}

impl<'a> Function<'a> for PlanHpa<'a> {
    const NAME: &'static str = "planHpa";
    const KEYS: &'static [&'static str] = &["hpa", "overrides", "mayPatch", "remembered"];
    type Answer = Answer;

    fn parse(argument: &Argument<'a>) -> Result<Self, Error> {
        let (hpa, overrides) = (argument.at("hpa"), argument.overrides()?);
        Ok(Self { hpa, overrides, may_patch: argument.may_patch()?, remembered: argument.remembered()? })
    }

    fn answer(&self, settings: &Settings, now: Instant) -> Result<Answer, Error> {
        let Self { hpa, overrides, may_patch, remembered } = self;
        let overrides: Vec<_> = overrides.iter().collect();
        Ok(Answer::new(plan_hpa(&HpaView::parse(hpa), &overrides, settings, &|_| *may_patch, now, *remembered)))
    }
}

impl Answer {
    fn new(plan: HpaPlan) -> Self {
        // Ends to confirm, what to wait for, what an altered response undoes and what a release looks like are for a controller.
        let HpaPlan {
            questions: _,
            patch,
            confirm,
            remember,
            owner_change: _,
            reverted_by,
            is_released: _,
            released: _,
            events,
            next_transition,
            next_end: _,
            waits_for_status: _,
            ends_since: _,
            eligibility,
        } = plan;
        Self {
            patch,
            confirm,
            remember,
            reverted_by,
            events: events.into_iter().map(EventAnswer::new).collect(),
            next_transition,
            phases: eligibility.into_iter().map(|(id, found)| (id, found.phase)).collect(),
        }
    }
}

impl EventAnswer {
    fn new(Event { about, warning, reason, note }: Event) -> Self {
        let about = match about {
            About::Hpa => AboutAnswer::Hpa,
            About::Override(id, uid) => AboutAnswer::Override(id, uid),
        };
        Self { about, warning, reason, note }
    }
}
