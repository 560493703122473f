//! What an event changes of what plans read.

/// The kinds of change, from none to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Update {
    /// Nothing.
    Same,
    /// Something, but not what it is found by.
    Changed,
    /// What it is found by, too: its labels, or its target.
    Moved,
    /// It is another object of that name.
    Replaced,
}
