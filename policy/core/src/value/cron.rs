//! Cron expressions, civil dates and the names of time zones, without time zone data.
//!
//! Grammar, dates and zone names need no zone data, so that the admission module, which has none, gives the same answers as
//! every other binding. The instants of a schedule are in `hpa-override-plan`. What cron libraries add is refused: seconds,
//! years, macros, `?`, `L`, `W`, `#`.

mod date;
mod expression;
mod field;
mod zone;

pub use date::{CivilDate, CivilDateError};
pub use expression::Cron;
pub use zone::Zone;
