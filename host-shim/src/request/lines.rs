//! The lines of an answer that is not finished: one event of a watch each.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use kube::client::Body;

use crate::error::Failure;

/// In bytes. Objects have at most 1.5 MiB in etcd, and are written twice or three times as long.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Complete.
    Whole(Bytes),
    /// The answer has ended within it.
    Cut(Bytes),
}

/// The lines as they arrive. Dropping them closes the connection.
#[derive(Debug)]
pub struct Lines {
    body: Body,
    read: BytesMut,
    /// How much of `read` has no line end.
    searched: usize,
    has_ended: bool,
}

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self { body, read: BytesMut::new(), searched: 0, has_ended: false }
    }

    /// The next line; none at the end. Nothing is lost when this is cancelled.
    ///
    /// # Errors
    /// When the connection is cut, and for a line of more than 16 MiB: nothing may be read after either.
    pub async fn next(&mut self) -> Result<Option<Line>, Failure> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Some(Line::Whole(line)));
            }
            if self.read.len() > LONGEST_LINE {
                return Err(Failure::Unreadable("a line of more than 16 MiB".into()));
            }
            let frame = if self.has_ended { None } else { self.body.frame().await };
            let Some(frame) = frame else { return Ok(self.rest()) };
            if let Ok(data) = frame?.into_data() {
                self.read.extend_from_slice(&data);
            }
        }
    }

    fn take_line(&mut self) -> Option<Bytes> {
        let unsearched = self.read.get(self.searched..)?;
        let Some(length) = unsearched.iter().position(|&byte| byte == b'\n') else {
            self.searched = self.read.len();
            return None;
        };
        let mut line = self.read.split_to(self.searched + length + 1);
        self.searched = 0;
        line.truncate(line.len() - 1);
        Some(line.freeze())
    }

    fn rest(&mut self) -> Option<Line> {
        (self.searched, self.has_ended) = (0, true);
        let rest = self.read.split();
        (!rest.is_empty()).then(|| Line::Cut(rest.freeze()))
    }
}
