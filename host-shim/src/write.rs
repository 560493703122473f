//! What is written to the API server, for the order in which it is and for the numbers of it.

use crate::queue::Priority;

/// What a write is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// A patch of an HPA.
    Hpa(Priority),
    /// The status of an override.
    Status,
    /// The deletion of an override after `ttlAfterFinished`.
    Deletion,
    /// An event.
    Event,
    /// The Lease.
    Lease,
    /// A question about a requester, which is a POST.
    Review,
    /// The installation itself: the webhook's certificate, whom API servers are to trust for it, how many replicas run.
    Installation,
}

impl Write {
    /// One of each kind that is counted.
    pub const COUNTED: [Self; 6] =
        [Self::Hpa(Priority::End), Self::Status, Self::Deletion, Self::Event, Self::Lease, Self::Review];

    /// When it is its turn.
    pub fn priority(self) -> Priority {
        match self {
            Self::Hpa(priority) => priority,
            Self::Status | Self::Deletion => Priority::Status,
            Self::Event => Priority::Event,
            // It has a gate of its own, where nothing else waits.
            Self::Lease => Priority::End,
            Self::Review | Self::Installation => Priority::Begin,
        }
    }

    /// The label of a metric; none: it is not counted.
    pub fn label(self) -> Option<&'static str> {
        Some(match self {
            Self::Hpa(_) => "hpa",
            Self::Status => "status",
            Self::Deletion => "deletion",
            Self::Event => "event",
            Self::Lease => "lease",
            Self::Review => "review",
            // Few, and what matters of them is when the certificate expires.
            Self::Installation => return None,
        })
    }
}
