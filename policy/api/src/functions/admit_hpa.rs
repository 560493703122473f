//! `admitHpa`: what becomes of this write to an HPA?

use hpa_override_core::{Admission, Instant, Request, Settings, admit_hpa};
use serde::Serialize;
use serde_json::Value;

use super::Function;
use crate::{argument::Argument, error::Error};

pub(crate) struct AdmitHpa<'a> {
    object: &'a Value,
    old: Option<&'a Value>,
    request: Request,
}

#[derive(Serialize)]
pub(crate) struct Answer {
    object: Option<Value>,
    warnings: Vec<String>,
}

impl<'a> Function<'a> for AdmitHpa<'a> {
    const NAME: &'static str = "admitHpa";
    const KEYS: &'static [&'static str] = &["object", "old", "request"];
    type Answer = Answer;

    fn parse(argument: &Argument<'a>) -> Result<Self, Error> {
        Ok(Self { object: argument.at("object"), old: argument.old()?, request: argument.request()? })
    }

    fn answer(&self, settings: &Settings, now: Instant) -> Result<Answer, Error> {
        let Self { object, old, request } = self;
        let Admission { object, warnings, audit: _ } = admit_hpa(*old, object, request, settings, now);
        Ok(Answer { object, warnings })
    }
}
