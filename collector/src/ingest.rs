//! From a request's body to answered reports: unpack, read, validate, date, show, count once.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Semaphore;
use tracing::{error, info};
use wire::profile::Standing;
use wire::update;
use wire::{Answer, Refusal, Report, SiteId, UnixMillis};

use crate::fleet::{self, Arrival};
use crate::store::received::{self, History, Reception, Unavailable, Verdict};
use crate::telemetry::Telemetry;

mod dating;
mod decode;
mod rate;
pub mod rivals;
mod unpack;
mod validate;

pub use validate::{Cause, Ignored};

use dating::Clocks;
use decode::{Decoded, Envelope};
use rate::Rates;
use rivals::{Admission, Contest, Pc, Rivals};
use unpack::{UnpackError, Unpackers};

/// Packed bodies above this are a backlog; a fresh report is some 2 KiB.
const LARGE_BYTES: usize = 16 * 1024;

/// Backlogs unpacked at once: each may need [`wire::limits::UNPACKED_BYTES`] and several times
/// as much once read.
const LARGE_AT_ONCE: usize = 4;

/// A full disk is not emptied in a second, and a slow one is not made quicker by asking.
const RETRY_AFTER_SECONDS: u64 = 5;

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

/// Why nothing of a batch was settled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct IngestError {
    /// The status code: 400 or 413 (never again), 429 or 503 (later).
    pub status: u16,
    /// Seconds for `Retry-After`; with 429 and 503 only.
    pub retry_after: Option<u64>,
    /// What is wrong, in ASCII English for the agent's log.
    pub reason: String,
}

impl IngestError {
    fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, retry_after: None, reason: reason.into() }
    }

    fn later(reason: impl Into<String>) -> Self {
        Self { status: 503, retry_after: Some(RETRY_AFTER_SECONDS), reason: reason.into() }
    }
}

impl From<UnpackError> for IngestError {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::TooLarge => Self::new(413, error.to_string()),
            UnpackError::Broken(_) => Self::new(400, error.to_string()),
        }
    }
}

impl From<Unavailable> for IngestError {
    fn from(error: Unavailable) -> Self {
        Self::later(error.to_string())
    }
}

/// What became of a batch.
#[derive(Debug)]
pub struct Taken {
    /// What settles its reports.
    pub answer: Answer,
    /// How the agent stands with its profile; `None` where it knows of none.
    pub profile: Option<Standing>,
    /// How the agent stands with updates of itself; `None` where it takes none.
    pub update: Option<update::Standing>,
}

/// Takes batches. One for the whole program, shared by all connections.
#[derive(Debug)]
pub struct Ingest {
    fleet: Arc<fleet::Shared>,
    received: received::Handle,
    telemetry: Arc<Telemetry>,
    unpackers: Arc<Unpackers>,
    /// Permits to unpack large bodies.
    large: Arc<Semaphore>,
    rates: Mutex<Rates>,
    clocks: Mutex<Clocks>,
    rivals: Arc<Rivals>,
}

impl Ingest {
    /// Joins the stages.
    #[must_use]
    pub fn new(
        fleet: Arc<fleet::Shared>,
        received: received::Handle,
        history: &History,
        telemetry: Arc<Telemetry>,
        rivals: Arc<Rivals>,
    ) -> Self {
        Self {
            fleet,
            received,
            telemetry,
            unpackers: Arc::default(),
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            rates: Mutex::default(),
            clocks: Mutex::new(Clocks::restore(history)),
            rivals,
        }
    }

    /// Takes the body of one `POST /v1/reports` of an authenticated site and returns once its
    /// reports are durable. `received_at` is the collector's clock when the request's *headers*
    /// arrived: a body that takes half a minute over a thin line must not age the reports in it.
    ///
    /// # Errors
    /// When nothing of the batch was settled; the error says whether to try again.
    pub async fn take(
        &self,
        (site, peer): (&SiteId, IpAddr),
        encoding: Encoding,
        body: Bytes,
        received_at: UnixMillis,
    ) -> Result<Taken, IngestError> {
        lock(&self.rates).admit(site, received_at).map_err(|seconds| IngestError {
            status: 429,
            retry_after: Some(seconds),
            reason: "too much from this site at once".to_owned(),
        })?;
        let decoded = self.decode(encoding, body).await?;
        let Decoded { envelope, profile, update, reports, mut refused, ignored } = decoded;
        self.admit(site, peer, &envelope, received_at)?;
        lock(&self.rates).charge(site, reports.len() + refused.len());
        let mut accepted = Vec::with_capacity(reports.len());
        if reports.is_empty() && refused.is_empty() {
            // Whoever names no boot is a person who asks (`doctor`), not the agent at work.
            if envelope.boot.is_some() {
                self.hear(site, &envelope, received_at);
            }
        } else if !reports.is_empty() {
            let numbers: Vec<_> = reports.iter().map(|(at, r)| (*at, r.boot, r.seq)).collect();
            let verdicts = self.record(site, &envelope, reports, received_at).await?;
            for ((index, boot, seq), verdict) in numbers.into_iter().zip(verdicts) {
                match verdict {
                    Verdict::New => self.count_reports("accepted", 1),
                    Verdict::Duplicate => self.count_reports("duplicate", 1),
                    Verdict::Refused(reason) => {
                        let (boot, seq, reason) = (Some(boot), Some(seq), reason.into());
                        refused.push(Refusal { index, boot, seq, reason });
                        continue;
                    }
                }
                accepted.push((boot, seq));
            }
        }
        self.count_ignored(&ignored);
        self.count_reports("refused", refused.len() as u64);
        let answer = Answer {
            now: received_at,
            accepted,
            refused,
            profile: None,
            update: None,
            meeting: None,
        };
        Ok(Taken { answer, profile, update })
    }

    async fn decode(&self, encoding: Encoding, body: Bytes) -> Result<Decoded, IngestError> {
        if body.len() <= LARGE_BYTES {
            return self.unpackers.unpack(encoding, &body, decode::decode)?;
        }
        // A backlog takes tens of milliseconds of pure work, which must not delay the small
        // fresh reports of all other sites.
        let permit = Arc::clone(&self.large).acquire_owned().await;
        let unpackers = Arc::clone(&self.unpackers);
        let work = move || {
            let _permit = permit;
            unpackers.unpack(encoding, &body, decode::decode)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(decoded) => decoded?,
            Err(_) => Err(IngestError::later("the collector is stopping")),
        }
    }

    /// Lets one agent speak for a site. A batch that names no boot comes from nobody who could be
    /// told from another.
    fn admit(
        &self,
        site: &SiteId,
        peer: IpAddr,
        envelope: &Envelope,
        now: UnixMillis,
    ) -> Result<(), IngestError> {
        let Some(boot) = envelope.boot else { return Ok(()) };
        match self.rivals.admit(site, boot, (peer, envelope.pc.as_deref()), now) {
            Admission::Alone => Ok(()),
            Admission::AloneAgain => {
                info!(%site, "one agent again");
                self.fleet.lock().set_contest(site, None);
                Ok(())
            }
            Admission::Holder { contest, news } => {
                self.contest(site, contest, news);
                Ok(())
            }
            Admission::Rival { contest, news } => {
                self.contest(site, contest, news);
                Err(IngestError::new(409, "another PC uses this credential, and was there first"))
            }
        }
    }

    fn contest(&self, site: &SiteId, contest: Contest, news: bool) {
        if news {
            error!(
                %site,
                counted = contest.holder.told(),
                not_counted = contest.rivals.iter().map(Pc::told).collect::<Vec<_>>().join(", "),
                "two PCs use one credential: a copied disk? Enrol the copy with a code of its own"
            );
        }
        self.fleet.lock().set_contest(site, Some(contest));
    }

    /// A sign of life without a report: nothing to count and nothing to keep.
    fn hear(&self, site: &SiteId, envelope: &Envelope, received_at: UnixMillis) {
        let clock_offset = dating::offset(envelope, received_at);
        if let Some(boot) = envelope.boot {
            lock(&self.clocks).learn(site, boot, clock_offset, received_at);
        }
        let again_ms = envelope.again_ms;
        let beat = Arrival { received_at, clock_offset, again_ms, reports: Vec::new() };
        self.fleet.lock().apply(site, beat);
    }

    /// Shows the reports and counts them once.
    async fn record(
        &self,
        site: &SiteId,
        envelope: &Envelope,
        reports: Vec<(usize, Report)>,
        received_at: UnixMillis,
    ) -> Result<Vec<Verdict>, IngestError> {
        let offset = dating::offset(envelope, received_at);
        let reports: Vec<_> = {
            let mut clocks = lock(&self.clocks);
            if let Some(boot) = envelope.boot {
                clocks.learn(site, boot, offset, received_at);
            }
            let date = |report: &Report| {
                let known = clocks.offset_of(site, report.boot);
                dating::taken_at(report, envelope, received_at, known)
            };
            reports.into_iter().map(|(_, report)| (date(&report), report)).collect()
        };
        let reception = Reception {
            site: site.clone(),
            received_at,
            clock: envelope.boot.map(|boot| (boot, offset)),
            reports: reports.iter().map(|(at, report)| (report.boot, report.seq, *at)).collect(),
        };
        // Shown before it is durable: should the disk be full, operators still see the present.
        // A report that comes again changes nothing here.
        let again_ms = envelope.again_ms;
        let arrival = Arrival { received_at, clock_offset: offset, again_ms, reports };
        let ignored = self.fleet.lock().apply(site, arrival);
        let verdicts = self.received.record(reception).await?;
        self.count_ignored(&ignored);
        Ok(verdicts)
    }

    fn count_reports(&self, result: &str, count: u64) {
        self.telemetry.reports.with_label_values(&[result]).inc_by(count);
    }

    fn count_ignored(&self, ignored: &Ignored) {
        for (cause, count) in ignored {
            self.telemetry.samples_ignored.with_label_values(&[cause.label()]).inc_by(*count);
        }
    }
}

/// Nothing behind these locks can be left half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
