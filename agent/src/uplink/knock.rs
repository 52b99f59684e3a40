//! One empty batch, to see whether the collector takes this agent's word: for people who ask.

use std::time::Duration;

use wire::limits::VERSION;
use wire::packing::DICTIONARY;
use wire::{Batch, UnixMillis};

use super::class::{Class, classify};
use super::client::{Client, Failed};
use super::mark;
use super::{Cause, Mark, UplinkError};
use crate::identity::Identity;
use crate::run::unix_ms;

/// A person waits for it: the connection has 5 s of it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why the collector did not take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// What stood in the way.
    pub cause: Cause,
    /// What is known beyond that.
    pub mark: Option<Mark>,
    /// The system's or the collector's own words.
    pub detail: String,
}

impl Closed {
    pub(crate) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, mark: None, detail: detail.into() }
    }
}

/// Knocks, and tells this PC's clock minus the collector's in milliseconds.
///
/// It names no boot, so nothing is dated by it, it promises no other batch, and it is no sign of
/// life: that somebody asks does not mean that the agent runs.
pub async fn knock(
    identity: &Identity,
    proxy: Option<&str>,
) -> Result<Result<UnixMillis, Closed>, UplinkError> {
    let client = Client::new(identity, proxy)?;
    let sent_at = unix_ms();
    let batch = Batch::<()> {
        profile: None,
        update: None,
        version: VERSION,
        sent_at,
        boot: None,
        uptime_ms: None,
        again_ms: None,
        pc: None,
        reports: Vec::new(),
    };
    let json = serde_json::to_vec(&batch).unwrap_or_default();
    let packed = zstd::bulk::Compressor::with_dictionary(1, DICTIONARY)
        .and_then(|mut packer| packer.compress(&json))
        .map_err(|error| UplinkError::Client(error.to_string()))?;
    let raw = match client.post(packed, TIMEOUT).await {
        Ok(raw) => raw,
        Err(failed) => {
            let failed = mark::closer(failed, &identity.collector, proxy).await;
            let Failed { cause, mark, detail } = failed;
            return Ok(Err(Closed { cause, mark, detail }));
        }
    };
    let status = format!("status {}", raw.status);
    Ok(match classify(&raw) {
        Class::Answered(answer) => Ok(i64::midpoint(sent_at, unix_ms()).saturating_sub(answer.now)),
        Class::Replaced(_) => Err(Closed::new(Cause::Replaced, status)),
        Class::Credential => Err(Closed::new(Cause::Credential, status)),
        Class::RefusedForGood => Err(Closed::new(Cause::Refusal, status)),
        Class::Retry(cause, _) => Err(Closed::new(cause, status)),
    })
}
