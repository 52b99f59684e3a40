//! When a report was really taken. Pure.
//!
//! An agent's wall clock is not trusted: a dead CMOS battery says 2009 until the network sets it
//! right, in the middle of a boot. Its monotonic clock is. The rules, first that applies:
//!
//! 1. The report is of the boot that sends the batch, and the batch says its uptime: it was
//!    taken as long before its arrival as its uptime is behind the batch's. No wall clock is
//!    involved.
//! 2. The wall clock of the report's boot was once held against the collector's: `taken_at`
//!    less that offset.
//! 3. `taken_at` less the offset of the batch itself: of a boot nobody knows, the best guess is
//!    that the PC's clock was as wrong as now.
//!
//! Nothing was taken after it arrived. A little too late is the network's delay between
//! measuring two offsets, and is cut to the arrival; more than [`SLACK_MILLIS`] too late, or
//! before [`OLDEST`], means that the correction does not fit: then the moment is *unknown*.
//! Such a report is accepted and counted once like any other, but as evidence of the present
//! it cannot be used.

use std::collections::HashMap;

use uuid::Uuid;
use wire::{Report, SiteId, UnixMillis};

use super::decode::Envelope;
use crate::store::received::History;

/// 2020-01-01T00:00:00Z: nothing of this project was taken before it.
pub(super) const OLDEST: UnixMillis = 1_577_836_800_000;

/// How far a correction may overshoot: the longest a request's headers are likely to stand in a
/// queue on a thin line.
pub(super) const SLACK_MILLIS: i64 = 60_000;

/// Boots whose clocks are remembered of one site; only their backlog asks for them.
const BOOTS_PER_SITE: usize = 32;

/// The agent's clock minus the collector's when it sent a batch, in milliseconds.
pub(super) fn offset(envelope: &Envelope, received_at: UnixMillis) -> i64 {
    envelope.sent_at.saturating_sub(received_at)
}

/// When a report was taken by the collector's clock; `known` is the offset of its boot, if it
/// was ever measured.
pub(super) fn taken_at(
    report: &Report,
    envelope: &Envelope,
    received_at: UnixMillis,
    known: Option<i64>,
) -> Option<UnixMillis> {
    let at = match envelope.uptime_ms {
        Some(now) if envelope.boot == Some(report.boot) => {
            let age = now.saturating_sub(report.uptime_ms);
            received_at.saturating_sub_unsigned(age)
        }
        _ => {
            let offset = known.unwrap_or_else(|| offset(envelope, received_at));
            report.taken_at.saturating_sub(offset)
        }
    };
    let possible = OLDEST..=received_at.saturating_add(SLACK_MILLIS);
    possible.contains(&at).then(|| at.min(received_at))
}

/// The last known clock offset of each boot.
#[derive(Debug, Default)]
pub(super) struct Clocks(HashMap<SiteId, Vec<Clock>>);

#[derive(Debug)]
struct Clock {
    boot: Uuid,
    heard_at: UnixMillis,
    offset: i64,
}

impl Clocks {
    /// What the store knew.
    pub(super) fn restore(history: &History) -> Self {
        let mut clocks = Self::default();
        for past in &history.boots {
            if let Some(offset) = past.clock_offset {
                clocks.learn(&past.site, past.boot, offset, past.heard_at);
            }
        }
        clocks
    }

    /// Remembers a measured offset.
    pub(super) fn learn(&mut self, site: &SiteId, boot: Uuid, offset: i64, heard_at: UnixMillis) {
        let clocks = self.0.entry(site.clone()).or_default();
        let fresh = Clock { boot, heard_at, offset };
        if let Some(clock) = clocks.iter_mut().find(|clock| clock.boot == boot) {
            *clock = fresh;
            return;
        }
        clocks.push(fresh);
        if clocks.len() > BOOTS_PER_SITE
            && let Some(oldest) = (0..clocks.len()).min_by_key(|&i| clocks[i].heard_at)
        {
            clocks.swap_remove(oldest);
        }
    }

    /// The offset of a boot, if it was ever measured.
    pub(super) fn offset_of(&self, site: &SiteId, boot: Uuid) -> Option<i64> {
        self.0.get(site)?.iter().find(|clock| clock.boot == boot).map(|clock| clock.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T00:00:00Z.
    const NOW: UnixMillis = 1_795_305_600_000;
    const DAY: i64 = 86_400_000;
    /// 2009-01-01T00:00:00Z, where PCs without a battery begin.
    const IN_2009: UnixMillis = 1_230_768_000_000;

    struct Case {
        what: &'static str,
        /// The batch: `sent_at`, boot, uptime.
        sent: (UnixMillis, Option<u128>, Option<u64>),
        /// The report: `taken_at`, boot, uptime.
        taken: (UnixMillis, u128, u64),
        known: Option<i64>,
        expected: Option<UnixMillis>,
    }

    #[rustfmt::skip]
    const CASES: &[Case] = &[
        Case { what: "a right clock",
            sent: (NOW, Some(1), Some(60_000)), taken: (NOW - 15_000, 1, 45_000),
            known: None, expected: Some(NOW - 15_000) },
        Case { what: "a clock in 2009",
            sent: (IN_2009 + 60_000, Some(1), Some(60_000)), taken: (IN_2009 + 45_000, 1, 45_000),
            known: None, expected: Some(NOW - 15_000) },
        Case { what: "a clock a day ahead",
            sent: (NOW + DAY, Some(1), Some(60_000)), taken: (NOW + DAY - 15_000, 1, 45_000),
            known: None, expected: Some(NOW - 15_000) },
        Case { what: "a clock set right between the reports of one boot",
            sent: (NOW, Some(1), Some(60_000)), taken: (IN_2009, 1, 10_000),
            known: None, expected: Some(NOW - 50_000) },
        Case { what: "a batch without uptime, clock in 2009",
            sent: (IN_2009, Some(1), None), taken: (IN_2009 - 15_000, 1, 45_000),
            known: None, expected: Some(NOW - 15_000) },
        Case { what: "a batch that does not say its boot",
            sent: (NOW + DAY, None, Some(60_000)), taken: (NOW + DAY - 15_000, 1, 45_000),
            known: None, expected: Some(NOW - 15_000) },
        Case { what: "another boot, its clock known to have been a day ahead",
            sent: (NOW, Some(2), Some(60_000)), taken: (NOW + DAY - 3_600_000, 1, 45_000),
            known: Some(DAY), expected: Some(NOW - 3_600_000) },
        Case { what: "another boot, unknown, in 2009 like this one",
            sent: (IN_2009 + 60_000, Some(2), Some(60_000)), taken: (IN_2009, 1, 45_000),
            known: None, expected: Some(NOW - 60_000) },
        Case { what: "another boot, unknown, in 2009 while this one is right",
            sent: (NOW, Some(2), Some(60_000)), taken: (IN_2009, 1, 45_000),
            known: None, expected: None },
        Case { what: "another boot, unknown, a day ahead while this one is right",
            sent: (NOW, Some(2), Some(60_000)), taken: (NOW + DAY, 1, 45_000),
            known: None, expected: None },
        Case { what: "a little after its arrival",
            sent: (NOW - 900, Some(2), None), taken: (NOW, 1, 45_000),
            known: Some(-900), expected: Some(NOW) },
        Case { what: "an uptime after the batch's",
            sent: (NOW, Some(1), Some(60_000)), taken: (NOW, 1, 60_500),
            known: None, expected: Some(NOW) },
        Case { what: "an uptime of centuries",
            sent: (NOW, Some(1), Some(u64::MAX)), taken: (NOW, 1, 0),
            known: None, expected: None },
        Case { what: "the ends of time",
            sent: (i64::MAX, None, None), taken: (i64::MIN, 1, 0),
            known: None, expected: None },
    ];

    #[test]
    fn a_report_is_dated_by_the_first_rule_that_applies() {
        for case in CASES {
            let (sent_at, boot, uptime_ms) = case.sent;
            let boot = boot.map(Uuid::from_u128);
            let envelope = Envelope { sent_at, boot, uptime_ms, again_ms: None, pc: None };
            let report = Report {
                boot: Uuid::from_u128(case.taken.1),
                seq: 1,
                taken_at: case.taken.0,
                uptime_ms: case.taken.2,
                agent: wire::AgentInfo::default(),
                readings: vec![],
            };
            let at = taken_at(&report, &envelope, NOW, case.known);
            assert_eq!(at, case.expected, "{}", case.what);
        }
    }

    #[test]
    fn the_clocks_of_a_site_are_bounded_and_the_latest_stay() {
        let site: SiteId = "th-0316".parse().unwrap();
        let mut clocks = Clocks::default();
        for boot in 0..=BOOTS_PER_SITE as u128 {
            clocks.learn(&site, Uuid::from_u128(boot), 7, i64::try_from(boot).unwrap());
        }
        assert_eq!(clocks.offset_of(&site, Uuid::from_u128(0)), None);
        assert_eq!(clocks.offset_of(&site, Uuid::from_u128(1)), Some(7));
        clocks.learn(&site, Uuid::from_u128(1), 8, 99);
        assert_eq!(clocks.offset_of(&site, Uuid::from_u128(1)), Some(8));
    }
}
