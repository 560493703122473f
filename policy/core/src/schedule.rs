//! Schedules: which civil times a cron expression names, and which instants those are in a zone.
//!
//! ```text
//!   "0 8 * * MON-FRI" ── Cron ──► civil starts ──┐
//!   "2026-12-25" ── CivilDate ──► left out ──────┼── Schedule ──► instants      (feature `zones`)
//!   "Europe/Rome" ── Zone ──► offsets ───────────┘
//! ```
//! Grammar, dates and zone names need no zone data, so that the admission module, which has none, gives the same answer
//! as every other door. It refuses what cron libraries add: seconds, years, macros, `?`, `L`, `W`, `#`.

mod cron;
mod date;
mod field;
#[cfg(feature = "zones")]
mod starts;
#[cfg(feature = "zones")]
mod stretch;
mod zone;

pub use cron::Cron;
pub use date::{CivilDate, CivilDateError};
#[cfg(feature = "zones")]
pub use starts::Schedule;
pub use zone::Zone;
