//! The latest reading of each probe.

use std::cell::RefCell;
use std::collections::BTreeMap;

use wire::ProbeName;
use wire::reading::Reading;

/// A probe that has missed three runs, or a minute of them, was taken away or hangs before its
/// deadline; either way what it said says nothing any more.
const MISSED: u64 = 3;
const MISSED_MILLIS: u64 = 60_000;

/// Readings as they come, for whoever looks.
#[derive(Debug, Default)]
pub(crate) struct Latest(RefCell<BTreeMap<ProbeName, (u64, Reading)>>);

impl Latest {
    /// A reading that was taken at `at` of the monotonic clock.
    pub(crate) fn note(&self, reading: &Reading, at: u64) {
        self.0.borrow_mut().insert(reading.probe.clone(), (at, reading.clone()));
    }

    /// Those that are still good at `now`, by the names of their probes.
    pub(crate) fn all(&self, now: u64) -> Vec<Reading> {
        let mut latest = self.0.borrow_mut();
        latest.retain(|_, (at, reading)| {
            now <= *at + (reading.every_ms.saturating_mul(MISSED)).saturating_add(MISSED_MILLIS)
        });
        latest.values().map(|(_, reading)| reading.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(probe: &str, duration_us: u64) -> Reading {
        Reading {
            probe: probe.parse().unwrap(),
            kind: "icmp".into(),
            capability: None,
            every_ms: 15_000,
            age_ms: 0,
            duration_us,
            failure: None,
            samples: Vec::new(),
            troubles: Vec::new(),
        }
    }

    #[test]
    fn of_each_probe_the_latest_is_told_until_it_is_old() {
        let latest = Latest::default();
        latest.note(&reading("mcu", 1), 1_000);
        latest.note(&reading("web", 2), 10_000);
        latest.note(&reading("mcu", 3), 16_000);
        let told = |now| latest.all(now).iter().map(|r| r.duration_us).collect::<Vec<_>>();
        assert_eq!(told(20_000), [3, 2]);
        assert_eq!(told(116_000), [3]);
        assert_eq!(told(200_000), [0; 0]);
    }
}
