//! What a line does to packets. Pure: it takes the time, and its dice are loaded.

use std::time::Duration;

use crate::dice::Dice;

/// Longer queues than this are not kept before a slow line: what comes then is lost.
const QUEUE: Duration = Duration::from_millis(200);

/// How a line is. All probabilities are of one echo, request and reply together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions {
    /// From a request's arrival at the line to its reply's return, at least.
    pub delay: Duration,
    /// Up to this much more, evenly; more than the distance of two packets reorders them.
    pub jitter: Duration,
    /// Neither request nor reply arrives.
    pub loss: f64,
    /// The reply comes twice.
    pub duplicate: f64,
    /// The reply comes `straggle_by` later than it would.
    pub straggle: f64,
    /// See `straggle`.
    pub straggle_by: Duration,
    /// A reply of the same numbers with another payload comes with every true one.
    pub forged: bool,
    /// Bits a second, each way; 0 is no bound.
    pub rate: u64,
    /// Two lines with the same conditions treat the n-th packet alike.
    pub seed: u64,
}

/// What a line did to one echo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// When each copy of the reply is due, since the line's start; none if lost.
    pub arrivals: Vec<Duration>,
}

/// A line under its conditions.
#[derive(Debug)]
pub(super) struct Line {
    conditions: Conditions,
    dice: Dice,
    /// When the last packet will have left, on the way out and back.
    busy: [Duration; 2],
}

impl Line {
    pub(super) fn new(conditions: Conditions) -> Self {
        Self { conditions, dice: Dice::loaded(conditions.seed), busy: [Duration::ZERO; 2] }
    }

    pub(super) fn forges(&self) -> bool {
        self.conditions.forged
    }

    /// What becomes of an echo of that length whose request comes now.
    pub(super) fn pass(&mut self, now: Duration, bytes: usize) -> Fate {
        let Conditions { delay, jitter, loss, duplicate, straggle, straggle_by, .. } =
            self.conditions;
        // All dice fall for every packet, so that the fate of one hangs on no other's.
        let lost = self.dice.chance(loss);
        let doubled = self.dice.chance(duplicate);
        let straggles = self.dice.chance(straggle);
        let jitter = jitter.mul_f64(self.dice.between(0, 1_000_000) as f64 / 1e6);

        let Some(there) = self.transmit(0, now, bytes) else { return Fate { arrivals: vec![] } };
        let extra = if straggles { straggle_by } else { Duration::ZERO };
        let turned = there + delay + jitter + extra;
        let copies = if lost { 0 } else { 1 + usize::from(doubled) };
        let arrivals = (0..copies).filter_map(|_| self.transmit(1, turned, bytes)).collect();
        Fate { arrivals }
    }

    /// When a packet has left a bounded queue before the line's rate.
    fn transmit(&mut self, way: usize, now: Duration, bytes: usize) -> Option<Duration> {
        if self.conditions.rate == 0 {
            return Some(now);
        }
        let busy = self.busy[way].max(now);
        if busy.saturating_sub(now) > QUEUE {
            return None;
        }
        let takes = Duration::from_secs_f64(bytes as f64 * 8.0 / self.conditions.rate as f64);
        self.busy[way] = busy + takes;
        Some(self.busy[way])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn fates(conditions: Conditions, count: u64) -> Vec<Fate> {
        let mut line = Line::new(conditions);
        (0..count).map(|n| line.pass(MS(10 * n), 84)).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_fates() {
        let conditions = Conditions { loss: 0.3, duplicate: 0.3, seed: 7, ..Conditions::default() };
        assert_eq!(fates(conditions, 100), fates(conditions, 100));
        assert_ne!(fates(conditions, 100), fates(Conditions { seed: 8, ..conditions }, 100));
    }

    #[test]
    fn shares_come_out_as_asked_for() {
        let conditions =
            Conditions { loss: 0.25, duplicate: 0.5, seed: 1, ..Conditions::default() };
        let copies =
            |n| fates(conditions, 10_000).iter().filter(|fate| fate.arrivals.len() == n).count();
        // Five standard deviations of the binomial distribution; the seed makes it certain.
        assert!(copies(0).abs_diff(2500) < 220);
        assert!(copies(2).abs_diff(3750) < 245);
    }

    #[test]
    fn delay_is_the_least_and_jitter_the_most_that_is_added() {
        let conditions = Conditions { delay: MS(40), jitter: MS(10), ..Conditions::default() };
        for (n, fate) in (0..).zip(fates(conditions, 1000)) {
            let delay = fate.arrivals[0].saturating_sub(MS(10 * n));
            assert!((MS(40)..=MS(50)).contains(&delay), "{delay:?}");
        }
    }

    #[test]
    fn a_slow_line_queues_and_then_drops() {
        // 84 bytes take 67.2 ms at 10 kbit/s: each packet waits 57.2 ms more than the one before.
        let fates = fates(Conditions { rate: 10_000, ..Conditions::default() }, 8);
        let takes = Duration::from_micros(67_200);
        assert_eq!(fates[0].arrivals, [takes * 2]);
        assert_eq!(fates[1].arrivals, [takes * 3]);
        assert_eq!(fates[3].arrivals, [takes * 5]);
        let dropped = fates.iter().position(|fate| fate.arrivals.is_empty());
        assert_eq!(dropped, Some(4), "the fifth would wait 229 ms");
    }
}
