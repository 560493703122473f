//! Values: each is parsed once into a type that cannot hold a wrong one. This folder imports nothing else of the crate.

pub mod bounds;
pub mod cron;
pub mod field;
pub mod finding;
pub mod id;
pub mod json_fields;
pub mod names;
pub mod request;
pub mod requester;
pub mod selector;
pub mod settings;
pub mod text;
