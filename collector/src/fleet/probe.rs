//! One probe of a site: its latest reading and its last failure. Pure.

use uuid::Uuid;
use wire::{Failure, Reading, UnixMillis};

use crate::exposition::Lines;

/// No reading lives shorter than this: three pushes of an agent at its resting cadence of 30 s
/// may be lost before its site goes dark.
pub(super) const LIFE_MILLIS_MIN: i64 = 90_000;

/// How many of its intervals a reading lives: one may be lost and one late.
pub(super) const LIFE_INTERVALS: i64 = 3;

/// How long an expired reading is still told. A probe that was renamed or removed should not be
/// listed for ever.
const TOLD_MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

/// The latest reading of a probe.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The reading, without the samples that were left out.
    pub reading: Reading,
    /// When its run ended, by the collector's clock.
    pub taken_at: UnixMillis,
    /// The last failure, kept after the probe recovered.
    pub last_failure: Option<PastFailure>,
    /// Which report brought the reading.
    pub(super) report: (Uuid, u64),
    /// The series, rendered; empty when the reading had expired before it came.
    pub(super) lines: Lines,
}

/// A failure and when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastFailure {
    /// When the run that failed ended, by the collector's clock.
    pub at: UnixMillis,
    /// What failed.
    pub failure: Failure,
}

impl Probe {
    /// Whether its series are still shown.
    #[must_use]
    pub fn is_fresh(&self, now: UnixMillis) -> bool {
        now < self.expires_at()
    }

    /// When its series disappear.
    #[must_use]
    pub fn expires_at(&self) -> UnixMillis {
        self.taken_at.saturating_add(life(self.reading.every_ms))
    }

    /// The series, as long as they are fresh.
    #[must_use]
    pub fn lines(&self, now: UnixMillis) -> Option<&Lines> {
        self.is_fresh(now).then_some(&self.lines)
    }

    /// Whether it is worth telling at all.
    pub(super) fn is_told(&self, now: UnixMillis) -> bool {
        now < self.expires_at().saturating_add(TOLD_MILLIS)
    }

    /// Whether a reading of this report, taken then, is later than the one held. Within a boot
    /// the numbers decide, for moments are measured anew with each request and may cross.
    pub(super) fn is_before(&self, report: (Uuid, u64), taken_at: UnixMillis) -> bool {
        if self.report.0 == report.0 {
            (self.report.1, self.taken_at) < (report.1, taken_at)
        } else {
            self.taken_at < taken_at
        }
    }
}

/// How long a reading of a probe with this interval lives, in milliseconds.
pub(super) fn life(every_ms: u64) -> i64 {
    i64::try_from(every_ms).unwrap_or(i64::MAX).saturating_mul(LIFE_INTERVALS).max(LIFE_MILLIS_MIN)
}
