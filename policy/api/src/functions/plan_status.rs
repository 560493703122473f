//! `planStatus`: what does the status of this `AutoscalerOverride` say, and is it to be deleted?

use std::iter;

use hpa_override_core::{AutoscalerOverrideStatus, Instant, MayPatch, ParsedOverride, Settings};
use hpa_override_plan::{HpaView, OnTarget, ScaleReading, TargetSummary, plan_hpa, plan_status};
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
    /// In the order of the HPAs; those at the end may be missing.
    readings: Vec<Option<ScaleReading>>,
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
    const KEYS: &'static [&'static str] = &["object", "hpas", "overrides", "mayPatch", "readings"];
    type Answer = Answer;

    fn parse(argument: &Argument<'a>) -> Result<Self, Error> {
        let (overrides, hpas) = (argument.overrides()?, argument.list("hpas")?);
        if hpas.len().saturating_mul(overrides.len()) > MOST_PAIRS {
            let sentence =
                "their number times that of the overrides is over 1000000; leave out what does not matter to it";
            return Err(Error::new("hpas", ErrorCode::JsonInvalid, sentence));
        }
        let (may_patch, readings) = (argument.may_patch()?, readings(argument.list("readings")?)?);
        Ok(Self { object: argument.at("object"), hpas, overrides, may_patch, readings })
    }

    fn answer(&self, settings: &Settings, now: Instant) -> Result<Answer, Error> {
        let may_patch = |_: &ParsedOverride| self.may_patch;
        let ovr = ParsedOverride::parse(self.object, now);
        let overrides: Vec<_> = self.overrides.iter().collect();
        let readings = self.readings.iter().map(Option::as_ref).chain(iter::repeat(None));
        let mut summary = TargetSummary::never_asking();
        for (hpa, reading) in self.hpas.iter().zip(readings) {
            let hpa = HpaView::parse(hpa);
            let plan = plan_hpa(&hpa, &overrides, settings, &may_patch, now, None);
            summary.set(&hpa, OnTarget::new(&ovr, &hpa, &plan, None));
            if let Some((reading, bounds)) = reading.zip(hpa.bounds()) {
                summary.note_reading(&hpa, reading.clone(), bounds);
            }
        }
        let old = self.object.get("status");
        summary.recall(old);
        let plan = plan_status(old, &ovr, &summary, settings, &may_patch, now);
        Ok(Answer { status: plan.status, delete: plan.delete, next_transition: plan.next_change })
    }
}

fn readings(list: &[Value]) -> Result<Vec<Option<ScaleReading>>, Error> {
    let read = |(at, value): (usize, &Value)| match value {
        Value::Null => Ok(None),
        given => reading(given).map(Some).ok_or_else(|| {
            let sentence =
                "not a reading; it has `replicas` and mostly `readyReplicas`, or `notFound`, or `unreadable`";
            Error::new(&format!("readings[{at}]"), ErrorCode::TypeInvalid, sentence)
        }),
    };
    list.iter().enumerate().map(read).collect()
}

/// `{"replicas": 12, "readyReplicas": 8}`, the second only where it is known; `{"notFound": true}`; or
/// `{"unreadable": "why"}`.
fn reading(value: &Value) -> Option<ScaleReading> {
    let map = value.as_object()?;
    let number = |key: &str| map.get(key)?.as_i64().filter(|number| *number >= 0);
    let keys: Vec<&str> = map.keys().map(String::as_str).collect();
    match keys[..] {
        ["replicas"] => Some(ScaleReading::Replicas { replicas: number("replicas")?, ready: None }),
        ["readyReplicas", "replicas"] => {
            Some(ScaleReading::Replicas { replicas: number("replicas")?, ready: Some(number("readyReplicas")?) })
        }
        ["notFound"] if map.get("notFound")?.as_bool()? => Some(ScaleReading::NotFound),
        ["unreadable"] => Some(ScaleReading::Unreadable(map.get("unreadable")?.as_str()?.into())),
        _ => None,
    }
}
