//! The verbs, one file each.

pub mod adopt;
pub mod completion;
pub mod doctor;
pub mod end;
pub mod explain;
pub mod extend;
pub mod hold;
pub mod list;
pub mod man;
pub mod preview;
pub mod release;
pub mod set;
pub mod suspend;
pub mod validate;
pub mod version;
