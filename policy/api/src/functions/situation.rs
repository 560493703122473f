//! `effectiveBounds`, `timeline`, `nextTransition`: one HPA and its overrides, previewed.

use std::collections::BTreeMap;

use hpa_override_core::{Bounds, Id, Instant, Layer, MOST_LAYERS, MayPatch, ParsedOverride, Phase, Settings};
use hpa_override_plan::{Point, Preview};
use serde::Serialize;
use serde_json::Value;

use super::Function;
use crate::{
    argument::Argument,
    error::{Error, ErrorCode},
};

/// The most instants that one timeline looks at, and so the most points of it; the answer says where it goes on. Of more
/// than [`MOST_LAYERS`] overrides there are fewer, in proportion: each override is checked at each instant.
pub const MOST_POINTS: usize = 1000;

const KEYS: [&str; 4] = ["hpa", "overrides", "mayPatch", "remembered"];

/// An HPA and its overrides.
struct Situation<'a> {
    hpa: &'a Value,
    overrides: Vec<ParsedOverride>,
    may_patch: MayPatch,
    remembered: Option<&'a str>,
}

impl<'a> Situation<'a> {
    fn parse(argument: &Argument<'a>) -> Result<Self, Error> {
        let (hpa, overrides) = (argument.at("hpa"), argument.overrides()?);
        Ok(Self { hpa, overrides, may_patch: argument.may_patch()?, remembered: argument.remembered()? })
    }

    /// Answers from the preview.
    fn preview<T>(
        &self,
        settings: &Settings,
        now: Instant,
        answer: impl FnOnce(&mut Preview<'_>) -> T,
    ) -> Result<T, Error> {
        let Self { hpa, overrides, may_patch, remembered } = self;
        let may_patch = |_: &ParsedOverride| *may_patch;
        let Some(mut preview) = Preview::new(hpa, overrides, settings, &may_patch, now, *remembered) else {
            let sentence =
                "its bounds cannot be read; minReplicas and maxReplicas must be a pair that the API server takes";
            return Err(Error::new("hpa.spec", ErrorCode::HpaInvalid, sentence));
        };
        Ok(answer(&mut preview))
    }
}

pub(crate) struct EffectiveBounds<'a>(Situation<'a>);

impl<'a> Function<'a> for EffectiveBounds<'a> {
    const NAME: &'static str = "effectiveBounds";
    const KEYS: &'static [&'static str] = &KEYS;
    type Answer = PointAnswer;

    fn parse(argument: &Argument<'a>) -> Result<Self, Error> {
        Situation::parse(argument).map(Self)
    }

    fn answer(&self, settings: &Settings, now: Instant) -> Result<PointAnswer, Error> {
        self.0.preview(settings, now, |preview| PointAnswer::new(preview.point()))
    }
}

pub(crate) struct Timeline<'a> {
    situation: Situation<'a>,
    until: Instant,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    points: Vec<PointAnswer>,
    goes_on_at: Option<Instant>,
}

impl<'a> Function<'a> for Timeline<'a> {
    const NAME: &'static str = "timeline";
    const KEYS: &'static [&'static str] = &["hpa", "overrides", "mayPatch", "remembered", "until"];
    type Answer = Span;

    fn parse(argument: &Argument<'a>) -> Result<Self, Error> {
        Ok(Self { situation: Situation::parse(argument)?, until: argument.instant("until")? })
    }

    fn answer(&self, settings: &Settings, now: Instant) -> Result<Span, Error> {
        let most = MOST_POINTS * MOST_LAYERS / self.situation.overrides.len().max(MOST_LAYERS);
        self.situation.preview(settings, now, |preview| {
            let points = preview.timeline(self.until, most).into_iter().map(PointAnswer::new).collect();
            Span { points, goes_on_at: preview.next_transition() }
        })
    }
}

pub(crate) struct NextTransition<'a>(Situation<'a>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Next {
    next_transition: Option<Instant>,
}

impl<'a> Function<'a> for NextTransition<'a> {
    const NAME: &'static str = "nextTransition";
    const KEYS: &'static [&'static str] = &KEYS;
    type Answer = Next;

    fn parse(argument: &Argument<'a>) -> Result<Self, Error> {
        Situation::parse(argument).map(Self)
    }

    fn answer(&self, settings: &Settings, now: Instant) -> Result<Next, Error> {
        self.0.preview(settings, now, |preview| Next { next_transition: preview.next_transition() })
    }
}

/// A [`Point`], as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PointAnswer {
    at: Instant,
    desired: Bounds,
    effective: Bounds,
    layers: Vec<Layer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gradual_return: Option<Id>,
    phases: BTreeMap<Id, Phase>,
}

impl PointAnswer {
    fn new(Point { at, desired, effective, layers, gradual_return, phases }: Point) -> Self {
        Self { at, desired, effective, layers, gradual_return, phases }
    }
}
