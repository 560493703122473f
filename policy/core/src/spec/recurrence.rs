//! `spec.schedule`: when an override recurs.

use serde_json::Value;

use super::{Field, field, quoted, unreadable};
use crate::{
    fields::parsed,
    report::{Code, Finding, cut},
    schedule::{CivilDate, CivilDateError, Cron, Zone},
};

/// `spec.schedule`, field by field.
#[derive(Clone, Debug)]
pub struct Recurrence {
    /// `cron`; where it cannot be read, what is wrong with it.
    pub cron: Result<Cron, String>,
    /// `timeZone`; UTC where it is not given.
    pub zone: Field<Zone>,
    /// `except`.
    pub except: Vec<Field<CivilDate>>,
}

impl Recurrence {
    pub(super) fn of(spec: &Value) -> Option<Self> {
        let schedule = spec.get("schedule").filter(|schedule| !schedule.is_null())?;
        let cron = match schedule.get("cron").and_then(Value::as_str) {
            Some(text) => Cron::parse(text).map_err(|why| cut(&why)),
            None => Err("no cron expression; write one like `0 8 * * MON-FRI`".into()),
        };
        let date = |value: &Value| parsed(value).map_or_else(|| Field::Unreadable(quoted(value)), Field::Is);
        let except = match schedule.get("except") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(dates)) => dates.iter().map(date).collect(),
            Some(other) => vec![Field::Unreadable(quoted(other))],
        };
        Some(Self { cron, zone: field(schedule, "timeZone", |value| Zone::parse(value.as_str()?)), except })
    }

    /// The schedule; none where a part of it cannot be read.
    #[cfg(feature = "zones")]
    #[must_use]
    pub fn read(&self) -> Option<crate::schedule::Schedule> {
        let zone = match &self.zone {
            Field::Absent => Zone::UTC,
            other => *other.value()?,
        };
        Some(crate::schedule::Schedule::new(self.cron.clone().ok()?, zone, self.exceptions()?))
    }

    /// The dates left out; none where one cannot be read.
    #[must_use]
    pub fn exceptions(&self) -> Option<Vec<CivilDate>> {
        self.except.iter().map(|date| date.value().copied()).collect()
    }

    pub(super) fn check(&self, errors: &mut Vec<Finding>) {
        match &self.cron {
            Err(why) => errors.push(Finding::new("spec.schedule.cron", Code::CronInvalid, why.clone())),
            Ok(cron) if cron.never_occurs() => {
                let sentence = "no date of any year fits it, so it would never start; look at day and month";
                errors.push(Finding::new("spec.schedule.cron", Code::NeverOccurs, sentence));
            }
            Ok(_) => {}
        }
        unreadable("spec.schedule.timeZone", Code::TimeZoneUnknown, &self.zone, errors, |given| {
            format!("{given} is not the name of a time zone; use one of the IANA database, like `Europe/Rome`")
        });
        for (index, date) in self.except.iter().enumerate() {
            unreadable(&format!("spec.schedule.except[{index}]"), Code::DateInvalid, date, errors, |given| {
                format!("{given} is not a date; {CivilDateError}")
            });
        }
    }
}
