//! Rules: what is wrong with an override, by its spec alone and by the settings. Each limit is one function, called by the
//! guard at admission and by the controller when the override becomes active, so that both give the same answer.

pub mod authorization;
pub mod limits;
pub mod namespaces;
pub mod shape;
pub mod warnings;
pub mod window;
