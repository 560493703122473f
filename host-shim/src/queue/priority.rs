//! How urgent something is, for a queue and for the gate of the requests.

/// What goes first. Ordered: the first is the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Bounds are to be restored: an override has ended, or is about to.
    End,
    /// Bounds are to be set.
    Begin,
    /// A status is to be written.
    Status,
    /// An event is to be published.
    Event,
}
