//! The controller against an API server in memory, in paused time: what it writes, when, and what it does when something
//! fails. Seconds pass only where nothing is left to do, so an hour of a cluster takes a moment.

mod course;
mod faults;
mod process;
mod world;
