//! When each probe runs. Pure: ticks are milliseconds on a monotonic clock.
//!
//! Every probe of every site has its own place in the interval, drawn from the site's and the
//! probe's names: 356 sites that are switched on by one returning mains supply do not all
//! measure in the same second, and a restarted agent keeps its place.

use std::time::Duration;

/// The first run of each probe comes within this time of the start, whatever its interval: who
/// has just installed an agent is looking at it.
const FIRST_RUNS_WITHIN: u64 = 250;

/// The ticks of one probe: all moments that are `offset` modulo `every`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    every: u64,
    offset: u64,
    seed: u64,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The moment of the next run.
    pub tick: u64,
    /// Ticks that went by since the last run and are left out, not replayed: a burst of old
    /// measurements would tell nothing and load the line.
    pub missed: u64,
}

impl Schedule {
    /// The ticks of `probe` at `site`.
    #[must_use]
    pub fn new(site: &str, probe: &str, every: Duration) -> Self {
        let every = u64::try_from(every.as_millis()).unwrap_or(u64::MAX).max(1);
        let seed = seed(site, probe);
        Self { every, offset: seed % every, seed }
    }

    /// The same probe's ticks in other intervals, in a place of their own.
    #[must_use]
    pub fn paced(&self, every: Duration) -> Self {
        let every = u64::try_from(every.as_millis()).unwrap_or(u64::MAX).max(1);
        Self { every, offset: self.seed % every, seed: self.seed }
    }

    /// From one tick to the next.
    #[must_use]
    pub fn every(&self) -> Duration {
        Duration::from_millis(self.every)
    }

    /// The very first run of an agent that started at `start`.
    #[must_use]
    pub fn first(&self, start: u64) -> u64 {
        start + self.seed % FIRST_RUNS_WITHIN
    }

    /// The first tick after `now`, when the last run was at `last`.
    #[must_use]
    pub fn next(&self, last: u64, now: u64) -> Next {
        let due = self.after(last);
        if due > now {
            return Next { tick: due, missed: 0 };
        }
        let tick = self.after(now);
        Next { tick, missed: (tick - due) / self.every }
    }

    /// The first tick after `moment`. After the first run of all, which stands outside the
    /// ticks, the next one may come sooner than a whole interval, but not at its heels.
    fn after(&self, moment: u64) -> u64 {
        let into = (moment % self.every + self.every - self.offset) % self.every;
        moment + self.every - into
    }
}

/// FNV-1a over both names: stable for ever and on every system, which std's hasher does not
/// promise.
fn seed(site: &str, probe: &str) -> u64 {
    let bytes = site.bytes().chain([0]).chain(probe.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fifteen_seconds(site: &str) -> Schedule {
        Schedule::new(site, "mcu", Duration::from_secs(15))
    }

    #[test]
    fn sites_are_spread_over_the_interval() {
        let mut tenths = [0_u32; 10];
        for site in 0..1000_u64 {
            let next = fifteen_seconds(&format!("th-{site:04}")).next(0, 0).tick;
            tenths[usize::try_from((next % 15_000) / 1_500).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|count| (50..200).contains(count)), "{tenths:?}");
    }

    #[test]
    fn a_restarted_agent_keeps_its_place() {
        let schedule = fifteen_seconds("th-0316");
        let tick = schedule.next(0, 0).tick;
        assert_eq!(fifteen_seconds("th-0316").next(tick, tick).tick, tick + 15_000);
    }

    #[test]
    fn missed_ticks_are_counted_and_not_replayed() {
        let schedule = fifteen_seconds("th-0316");
        let tick = schedule.next(0, 0).tick;
        let late = tick + 3 * 15_000 + 10;
        assert_eq!(schedule.next(tick, late), Next { tick: tick + 4 * 15_000, missed: 3 });
        assert_eq!(schedule.next(tick, tick + 10), Next { tick: tick + 15_000, missed: 0 });
    }

    proptest! {
        #[test]
        fn the_next_tick_lies_ahead_and_on_the_grid(
            site in "[a-z]{1,8}", every in 1_u64..100_000, last in 0_u64..1_000_000, wait in 0_u64..1_000_000,
        ) {
            let schedule = Schedule::new(&site, "p", Duration::from_millis(every));
            let now = last + wait;
            let Next { tick, missed } = schedule.next(last, now);
            prop_assert!(tick > now && tick <= now + every);
            prop_assert_eq!(tick % every, schedule.offset);
            // Every tick between the last run and the next is either run or counted.
            let between = (last + 1..tick).filter(|t| t % every == schedule.offset);
            if every > 100 {
                prop_assert_eq!(between.count() as u64, missed);
            }
        }

        #[test]
        fn the_first_run_comes_at_once(site in "[a-z]{1,8}", start in 0_u64..1_000_000) {
            let first = fifteen_seconds(&site).first(start);
            prop_assert!(first >= start && first < start + 1000);
        }
    }
}
