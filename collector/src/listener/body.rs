//! Bodies of requests: bounded in size and time while they are read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Frame, SizeHint};

use super::rest::Marks;

/// What is still read of a body that nobody wants, so that the answer arrives: closing a socket
/// with unread input sends a reset, and Windows then throws the answer away unread.
const LINGER_BYTES: usize = wire::limits::BODY_BYTES;
/// See [`LINGER_BYTES`]; an agent that reads its answer stops sending.
const LINGER: Duration = Duration::from_secs(5);

/// The body of a request, as it comes.
#[derive(Debug)]
pub struct Incoming {
    body: hyper::body::Incoming,
    marks: Arc<Marks>,
    /// Of its exchange.
    number: u32,
}

impl Incoming {
    pub(super) fn new(body: hyper::body::Incoming, marks: Arc<Marks>, number: u32) -> Self {
        let incoming = Self { body, marks, number };
        incoming.mark_end();
        incoming
    }

    fn mark_end(&self) {
        if self.body.is_end_stream() {
            self.marks.hear(self.number);
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match frame {
            Poll::Ready(None) => self.marks.hear(self.number),
            Poll::Ready(Some(Ok(_))) => self.mark_end(),
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than it may be.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// The connection broke.
    Broken,
}

impl BodyError {
    /// What to answer, where someone is left to answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// The whole body, if it has at most `limit` bytes and comes `within` that time. Nothing beyond
/// `limit` is held in memory at any moment.
pub async fn read(mut body: Incoming, limit: usize, within: Duration) -> Result<Bytes, BodyError> {
    let announced = body.size_hint().lower();
    let result = if announced > limit as u64 {
        Err(BodyError::TooLarge)
    } else {
        let whole = collect(&mut body, limit);
        tokio::time::timeout(within, whole).await.unwrap_or(Err(BodyError::TooSlow))
    };
    if result == Err(BodyError::TooLarge) {
        discard(body);
    }
    result
}

async fn collect(body: &mut Incoming, limit: usize) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Reads on for a moment without keeping anything, beside the answer.
pub fn discard(mut body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(tokio::time::timeout(LINGER, async move {
        let mut left = LINGER_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let read = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(read) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    }));
}
