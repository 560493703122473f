//! The functions: for each a request, read from the argument, and an answer, written as JSON.

pub(crate) mod admit_hpa;
pub(crate) mod plan_hpa;
pub(crate) mod plan_status;
pub(crate) mod review_override;
pub(crate) mod situation;
pub(crate) mod validate_settings;

use hpa_override_core::{Instant, Settings};
use serde::Serialize;

use crate::{argument::Argument, error::Error};

/// A function: the request is what implements it.
pub(crate) trait Function<'a>: Sized {
    /// Its name.
    const NAME: &'static str;
    /// The keys of its argument beside `now` and `settings`.
    const KEYS: &'static [&'static str];
    /// What it answers.
    type Answer: Serialize;

    /// Reads the request.
    fn parse(argument: &Argument<'a>) -> Result<Self, Error>;

    /// Answers it.
    fn answer(&self, settings: &Settings, now: Instant) -> Result<Self::Answer, Error>;
}
