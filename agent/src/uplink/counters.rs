//! What the uplink counts for the agent's own reading.

use std::sync::atomic::{AtomicU64, Ordering};

/// Totals since the agent's start.
#[derive(Debug, Default)]
pub struct Counters {
    bytes: AtomicU64,
    failures: [AtomicU64; Cause::ALL.len()],
}

/// Why a push did not settle its reports. The labels are part of the metric contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The collector's name has no address, or no name server answers.
    Resolve,
    /// Nobody listens at the collector's address.
    Refused,
    /// There is no way to the address.
    Unreachable,
    /// Nothing came back in time.
    Timeout,
    /// The handshake failed, or the other side is another collector.
    Tls,
    /// The connection broke before the answer was complete.
    Closed,
    /// The collector asked for patience (429, 503).
    Busy,
    /// The collector failed (other 5xx).
    Server,
    /// The answer makes no sense, or settles less than was sent.
    Answer,
    /// The collector refused the batch for good; it was sent again in parts.
    Refusal,
    /// The collector does not accept this agent's credential.
    Credential,
    /// Another running PC uses this agent's credential, and was there first.
    Cloned,
    /// Another PC has taken the site over.
    Replaced,
    /// The spool could not be read or written.
    Spool,
}

impl Cause {
    /// All causes, in the order of their declaration.
    pub const ALL: [Self; 14] = [
        Self::Resolve,
        Self::Refused,
        Self::Unreachable,
        Self::Timeout,
        Self::Tls,
        Self::Closed,
        Self::Busy,
        Self::Server,
        Self::Answer,
        Self::Refusal,
        Self::Credential,
        Self::Cloned,
        Self::Replaced,
        Self::Spool,
    ];

    /// The value of the label `reason`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Closed => "closed",
            Self::Busy => "busy",
            Self::Server => "server_error",
            Self::Answer => "answer",
            Self::Refusal => "report_refused",
            Self::Credential => "credential",
            Self::Cloned => "cloned",
            Self::Replaced => "replaced",
            Self::Spool => "spool",
        }
    }
}

impl Counters {
    /// Compressed bodies sent, in bytes, answered or not.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Pushes that did not settle their reports, by cause; causes that never occurred are left
    /// out.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Cause::ALL
            .iter()
            .zip(&self.failures)
            .map(|(cause, count)| (cause.label(), count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, cause: Cause) {
        if let Some(count) = self.failures.get(cause as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_counts_under_its_own_label() {
        let counters = Counters::default();
        assert_eq!(counters.failures().count(), 0);
        for cause in Cause::ALL {
            counters.failed(cause);
        }
        counters.failed(Cause::Timeout);
        let found: Vec<_> = counters.failures().collect();
        assert_eq!(found.len(), Cause::ALL.len());
        for (label, count) in found {
            assert_eq!(count, if label == "timeout" { 2 } else { 1 }, "{label}");
        }
    }
}
