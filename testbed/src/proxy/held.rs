//! The body of an answer that can be stalled: it is passed on as it comes, until the lever is pulled.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::lever::Lever;

/// What the API server sends, as long as it is not stalled.
pub(super) struct Held {
    sent: Incoming,
    lever: Arc<Lever>,
    /// The lever's count when it began.
    stalls: u32,
}

impl Held {
    pub(super) fn new(sent: Incoming, lever: &Arc<Lever>) -> Self {
        Self { sent, lever: Arc::clone(lever), stalls: lever.stalls() }
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
        if self.lever.stalls() != self.stalls {
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
