//! The body of an answer that can be stalled: it is passed on as it comes, until the fault point stalls it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::fault_point::FaultPoint;

/// What the API server sends, as long as it is not stalled.
pub(super) struct Held {
    sent: Incoming,
    fault_point: Arc<FaultPoint>,
    /// How often answers had been stalled when it began.
    stalls: u32,
}

impl Held {
    pub(super) fn new(sent: Incoming, fault_point: &Arc<FaultPoint>) -> Self {
        Self { sent, fault_point: Arc::clone(fault_point), stalls: fault_point.stalls() }
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        // Once stalled nothing wakes it: it never goes on.
        if self.fault_point.stalls() != self.stalls {
            return Poll::Pending;
        }
        Pin::new(&mut self.sent).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.sent.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.sent.size_hint()
    }
}
