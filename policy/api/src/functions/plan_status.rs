//! `planStatus`: what does the status of this `AutoscalerOverride` say, and is it to be deleted?

use hpa_override_core::{AutoscalerOverrideStatus, Instant, MayPatch, ParsedOverride, Settings};
use hpa_override_plan::{HpaPlan, TargetView, plan_hpa, plan_status};
use serde::Serialize;
use serde_json::Value;

use super::Function;
use crate::{
    argument::Argument,
    error::{Error, ErrorCode},
};

/// The most that the number of HPAs times that of overrides may be: each HPA is planned with all of the overrides.
pub const MOST_PAIRS: usize = 1_000_000;

pub(crate) struct PlanStatus<'a> {
    object: &'a Value,
    hpas: &'a [Value],
    overrides: Vec<ParsedOverride>,
    may_patch: MayPatch,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    status: Option<AutoscalerOverrideStatus>,
    delete: bool,
    next_transition: Option<Instant>,
}

impl<'a> Function<'a> for PlanStatus<'a> {
    const NAME: &'static str = "planStatus";
    const KEYS: &'static [&'static str] = &["object", "hpas", "overrides", "mayPatch"];
    type Answer = Answer;

    fn parse(argument: &Argument<'a>) -> Result<Self, Error> {
        let (overrides, hpas) = (argument.overrides()?, argument.list("hpas")?);
        if hpas.len().saturating_mul(overrides.len()) > MOST_PAIRS {
            let sentence =
                "their number times that of the overrides is over 1000000; leave out what does not matter to it";
            return Err(Error::new("hpas", ErrorCode::JsonInvalid, sentence));
        }
        Ok(Self { object: argument.at("object"), hpas, overrides, may_patch: argument.may_patch()? })
    }

    fn answer(&self, settings: &Settings, now: Instant) -> Result<Answer, Error> {
        let may_patch = |_: &ParsedOverride| self.may_patch;
        let ovr = ParsedOverride::parse(self.object, now);
        // Only this override's eligibility is kept: that of all overrides on every HPA would fill the memory.
        let plan = |hpa| {
            let mut plan = plan_hpa(hpa, &self.overrides, settings, &may_patch, now, None);
            plan.eligibility.retain(|id, _| *id == ovr.id);
            plan
        };
        let plans: Vec<HpaPlan> = self.hpas.iter().map(plan).collect();
        let view = |(hpa, plan)| TargetView { hpa, plan, problem: None };
        let targets: Vec<TargetView<'_>> = self.hpas.iter().zip(&plans).map(view).collect();
        let plan = plan_status(self.object, &ovr, &targets, settings, &may_patch, now);
        Ok(Answer { status: plan.status, delete: plan.delete, next_transition: plan.next_transition })
    }
}
