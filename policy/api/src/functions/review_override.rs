//! `reviewOverride`: may this `AutoscalerOverride` exist?

use hpa_override_core::{Instant, MayPatch, Report, Request, Review, Settings, review_override};
use serde::Serialize;
use serde_json::Value;

use super::Function;
use crate::{argument::Argument, error::Error};

pub(crate) struct ReviewOverride<'a> {
    object: &'a Value,
    old: Option<&'a Value>,
    request: Request,
    may_patch: MayPatch,
}

#[derive(Serialize)]
pub(crate) struct Answer {
    report: Report,
    object: Option<Value>,
}

impl<'a> Function<'a> for ReviewOverride<'a> {
    const NAME: &'static str = "reviewOverride";
    const KEYS: &'static [&'static str] = &["object", "old", "request", "mayPatch"];
    type Answer = Answer;

    fn parse(argument: &Argument<'a>) -> Result<Self, Error> {
        let (object, old) = (argument.at("object"), argument.old()?);
        Ok(Self { object, old, request: argument.request()?, may_patch: argument.may_patch()? })
    }

    fn answer(&self, settings: &Settings, now: Instant) -> Result<Answer, Error> {
        let Self { object, old, request, may_patch } = self;
        let Review { report, object, audit: _ } = review_override(object, *old, request, settings, now, *may_patch);
        Ok(Answer { report, object })
    }
}
