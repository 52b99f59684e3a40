//! What Prometheus reads: text 0.0.4 or OpenMetrics 1.0, gathered from lines that were rendered
//! when their report arrived.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};

use crate::fleet::Snapshot;
use crate::telemetry::Telemetry;

/// What a scraper asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {}

impl Wanted {
    /// Reads `Accept` and `Accept-Encoding`.
    #[must_use]
    pub fn from_headers(accept: Option<&str>, accept_encoding: Option<&str>) -> Self {
        let _ = (accept, accept_encoding);
        Self {}
    }

    /// The answer's `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        "text/plain; version=0.0.4; charset=utf-8"
    }

    /// The answer's `Content-Encoding`, if any.
    #[must_use]
    pub fn content_encoding(self) -> Option<&'static str> {
        None
    }
}

/// A part of the sites, for fleets too large for one scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {}

impl Shard {
    /// Reads `shard=0&shards=4` from an address' query; no such words mean everything.
    ///
    /// # Errors
    /// Words that make no sense, told in one line (400).
    pub fn from_query(query: Option<&str>) -> Result<Option<Self>, String> {
        let _ = query;
        Ok(None)
    }
}

/// The answer's body, streamed.
#[must_use]
pub fn body(
    snapshot: &Snapshot,
    telemetry: &Telemetry,
    wanted: Wanted,
    shard: Option<Shard>,
) -> BoxBody<Bytes, Infallible> {
    let _ = (snapshot, telemetry, wanted, shard);
    Full::new(Bytes::new()).boxed()
}
