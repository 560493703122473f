//! `spec.schedule`: when an override recurs.

use serde_json::Value;

use crate::value::{
    cron::{CivilDate, Cron, Zone},
    field::Field,
    json_fields::parsed,
    text::cut,
};

/// `spec.schedule`, field by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// `cron`; where it cannot be read, what is wrong with it.
    pub cron: Result<Cron, String>,
    /// `timeZone`; UTC where it is not given.
    pub zone: Field<Zone>,
    /// `except`; none where it is given and no list.
    pub except: Option<Vec<Field<CivilDate>>>,
}

impl Recurrence {
    /// Parses `spec.schedule`; none where it is not given, or no object.
    pub(super) fn parse(spec: &Value) -> Option<Self> {
        let schedule = spec.get("schedule").filter(|schedule| schedule.is_object())?;
        let cron = match schedule.get("cron").and_then(Value::as_str) {
            Some(text) => Cron::parse(text).map_err(|why| cut(&why)),
            None => Err("no cron expression; write one like `0 8 * * MON-FRI`".into()),
        };
        let date = |value: &Value| Field::parse_value(value, parsed);
        let except = match schedule.get("except") {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(dates) => dates.as_array().map(|dates| dates.iter().map(date).collect()),
        };
        Some(Self { cron, zone: Field::parse(schedule, "timeZone", |value| Zone::parse(value.as_str()?)), except })
    }

    /// The time zone; none where it cannot be read.
    #[must_use]
    pub fn zone(&self) -> Option<Zone> {
        self.zone.value_or(&Zone::UTC).copied()
    }

    /// The dates left out; none where they or one of them cannot be read.
    #[must_use]
    pub fn exceptions(&self) -> Option<Vec<CivilDate>> {
        self.except.as_ref()?.iter().map(|date| date.value().copied()).collect()
    }
}
