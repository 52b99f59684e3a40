//! The few shapes an answer has.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::listener::Body;

/// No body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    with_body(status, Bytes::new())
}

/// A line or a page for people.
pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let answer = with_body(status, Bytes::from(text.into()));
    typed(answer, "text/plain; charset=utf-8")
}

/// JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => json_bytes(status, bytes),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// What is JSON already.
pub(crate) fn json_bytes(status: StatusCode, bytes: Vec<u8>) -> Response<Body> {
    typed(with_body(status, Bytes::from(bytes)), "application/json")
}

/// The same, to be tried again after so many seconds.
pub(crate) fn retry_after(mut answer: Response<Body>, seconds: u64) -> Response<Body> {
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// The same, for nobody's cache.
pub(crate) fn kept_nowhere(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The same, and the connection ends with it.
pub(crate) fn last(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// The value of a key in a query, as it stands there.
pub(crate) fn asked<'a>(query: Option<&'a str>, key: &str) -> Option<&'a str> {
    let mut parts = query?.split('&').filter_map(|part| part.split_once('='));
    parts.find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// Whether a `Content-Type` says JSON: a page in somebody's browser cannot send this type to another
/// site without being allowed to.
pub(crate) fn is_json(content_type: Option<&str>) -> bool {
    let kind = content_type.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn with_body(status: StatusCode, bytes: Bytes) -> Response<Body> {
    let mut answer = Response::new(Full::new(bytes).boxed());
    *answer.status_mut() = status;
    answer
}

fn typed(mut answer: Response<Body>, content_type: &'static str) -> Response<Body> {
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// A body of what comes out of a channel, until its last sender is gone.
pub(crate) fn streamed(parts: mpsc::Receiver<Bytes>) -> Body {
    Streamed(parts).boxed()
}

struct Streamed(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}
