//! Each verb on a real control plane, as an ordinary user, through the real kubectl.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod doctor;
mod first_lines;
mod incident;
mod refusals;
mod several;
mod support;
mod verbs;
