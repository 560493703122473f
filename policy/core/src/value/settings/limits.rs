//! The limits: the settings that can differ from namespace to namespace.

use hpa_override_crd::Duration;
use serde_json::Value;

use super::read::{duration, positive, priority, truth};

const DEFAULT_MAX_PRIORITY: i64 = 1000;

/// The end of an override that names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultEnd {
    /// That long after its start.
    After(Duration),
    /// When it is deleted.
    Never,
}

/// Which way overrides may move a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// Up and down.
    Both,
    /// Never below what the owner wants.
    UpOnly,
}

/// What overrides of the HPAs of a namespace are held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `replicaCeiling`: no override raises a bound above it, unless the owner wants it there. Default: none.
    pub replica_ceiling: Option<i32>,
    /// `maxFactor`: no override raises a bound above that many times the `maxReplicas` that the owner wants. Default: none.
    pub max_factor: Option<i32>,
    /// `directions`: whether overrides may lower a bound below what the owner wants. Default: Both.
    pub directions: Directions,
    /// `defaultDuration`: the end of an override that names none. Default: 24h, or `maxDuration` where that is shorter.
    pub default_end: DefaultEnd,
    /// `maxDuration`: the longest time from start to end. Default: none.
    pub max_duration: Option<Duration>,
    /// `maxPriority`: the highest priority allowed. Default: 1000.
    pub max_priority: i64,
    /// `requireReason`: whether an override must say why. Default: false.
    pub require_reason: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            replica_ceiling: None,
            max_factor: None,
            directions: Directions::Both,
            default_end: DefaultEnd::After(Duration::DAY),
            max_duration: None,
            max_priority: DEFAULT_MAX_PRIORITY,
            require_reason: false,
        }
    }
}

impl Limits {
    /// Sets one limit from the document. False where the key is none of a limit.
    ///
    /// # Errors
    /// What the value is not.
    pub(super) fn set(&mut self, key: &str, value: &Value) -> Result<bool, String> {
        match key {
            "replicaCeiling" => self.replica_ceiling = Some(positive(value)?),
            "maxFactor" => self.max_factor = Some(positive(value)?),
            "directions" => {
                self.directions = match value.as_str() {
                    Some("Both") => Directions::Both,
                    Some("UpOnly") => Directions::UpOnly,
                    _ => return Err("not `Both` or `UpOnly`".into()),
                }
            }
            "defaultDuration" if value == "Never" => self.default_end = DefaultEnd::Never,
            "defaultDuration" => self.default_end = DefaultEnd::After(duration(value)?),
            "maxDuration" => self.max_duration = Some(duration(value)?),
            "maxPriority" => self.max_priority = priority(value)?,
            "requireReason" => self.require_reason = truth(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A default that is given here must fit `maxDuration`; one that is not is shortened to it.
    ///
    /// # Errors
    /// A sentence about `defaultDuration`, which it does not name.
    pub(super) fn fit_default(&mut self, is_given: bool) -> Result<(), String> {
        let Some(longest) = self.max_duration else { return Ok(()) };
        match self.default_end {
            DefaultEnd::After(default) if default <= longest => Ok(()),
            _ if !is_given => {
                self.default_end = DefaultEnd::After(longest);
                Ok(())
            }
            DefaultEnd::After(default) => Err(format!("{default} is longer than maxDuration {longest}")),
            DefaultEnd::Never => Err(format!("`Never` contradicts maxDuration {longest}")),
        }
    }
}
