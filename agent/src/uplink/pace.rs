//! How long to wait: after a failure, and between batches of the backlog. Pure.

use std::time::Duration;

/// The first wait after a failure: what a restarting collector or a hiccup of a line needs at
/// least.
const BASE: Duration = Duration::from_millis(500);

/// After an outage the newest state of all agents must be visible within 10 s; with 2 s for
/// connecting and for the collector's queue, this is the longest anyone may still be waiting.
pub const CAP: Duration = Duration::from_secs(8);

/// The longest `Retry-After` that is obeyed. Readings are held for dead after 90 s, so one
/// header must not silence a site for longer.
const ASKED_MAX: Duration = Duration::from_mins(1);

/// After 401 or 403. Only a person mends that, and wants to see it within a minute; until then
/// even 10,000 such agents are 170 small requests a second.
const CREDENTIAL: Duration = Duration::from_mins(1);

/// One agent spends at most this share of its time on backlog: of 10,000 agents that come back
/// together some 50 have a batch under way, and a fresh report waits behind those at most. On a
/// line of 2 Mbit/s the backlog takes as little of the line.
const SHARE: u32 = 200;

/// The wait before the next try, after `failures` in a row (from 1), with full jitter: every
/// moment up to the bound is as likely, so that agents cut off together do not come back
/// together. `asked` is the collector's `Retry-After`; `chance` lies in 0..1.
pub(super) fn backoff(failures: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let doubled = BASE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(CAP);
    match asked {
        // Everybody was told the same number, so the spread comes on top of it.
        Some(asked) => asked.min(ASKED_MAX) + CAP.mul_f64(chance),
        None => doubled.mul_f64(chance),
    }
}

/// The wait after a refused credential: 30 to 90 s.
pub(super) fn credential(chance: f64) -> Duration {
    around(CREDENTIAL, chance)
}

/// The pauses of the backlog lane.
#[derive(Debug, Clone, Copy)]
pub struct Pauses {
    /// However quick the collector is.
    pub least: Duration,
    /// However slow it is; also the bound of the first wait.
    pub most: Duration,
}

impl Pauses {
    /// When the collector is quick, an hour's 240 reports take a minute. When it is slow, and
    /// spread over the first minute after an outage, 32 reports from each of 10,000 agents are
    /// under one core of it.
    pub const FLEET: Self = Self { least: Duration::from_secs(5), most: Duration::from_mins(1) };

    /// Before the first batch after the way has become good.
    #[must_use]
    pub fn first(self, chance: f64) -> Duration {
        self.most.mul_f64(chance)
    }

    /// After a batch that took `took`.
    #[must_use]
    pub fn after(self, took: Duration, chance: f64) -> Duration {
        around(took.saturating_mul(SHARE).clamp(self.least, self.most), chance)
    }

    /// While there is nothing to do.
    pub(super) fn idle(self, chance: f64) -> Duration {
        around(self.most, chance)
    }
}

/// Half to one and a half times `wait`.
fn around(wait: Duration, chance: f64) -> Duration {
    wait.mul_f64(0.5 + chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_may_be_anything_below() {
        for (failures, bound) in
            [(1, 500), (2, 1000), (3, 2000), (4, 4000), (5, 8000), (6, 8000), (u32::MAX, 8000)]
        {
            assert_eq!(backoff(failures, None, 1.0).as_millis(), bound, "{failures}");
            assert_eq!(backoff(failures, None, 0.0), Duration::ZERO);
            assert_eq!(backoff(failures, None, 0.5).as_millis(), bound / 2);
        }
    }

    #[test]
    fn the_collector_is_obeyed_within_reason_and_not_by_all_at_once() {
        for (asked, least, most) in [(0, 0, 8), (7, 7, 15), (60, 60, 68), (86_400, 60, 68)] {
            let asked = Some(Duration::from_secs(asked));
            assert_eq!(backoff(1, asked, 0.0).as_secs(), least);
            assert_eq!(backoff(9, asked, 1.0).as_secs(), most);
        }
    }

    #[test]
    fn the_backlog_takes_a_small_share_of_whatever_is_slow() {
        for (took_ms, seconds) in [(0, 5), (10, 5), (100, 20), (250, 50), (300, 60), (90_000, 60)] {
            let pause = Pauses::FLEET.after(Duration::from_millis(took_ms), 0.5);
            assert_eq!(pause.as_secs(), seconds, "{took_ms} ms");
        }
        assert_eq!(Pauses::FLEET.first(0.5).as_secs(), 30);
        let idle = |chance| Pauses::FLEET.idle(chance).as_secs();
        assert_eq!((idle(0.0), idle(1.0)), (30, 90));
        assert_eq!((credential(0.0).as_secs(), credential(1.0).as_secs()), (30, 90));
    }
}
