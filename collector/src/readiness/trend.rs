//! What is running out, and when it will be gone: disks by their free space, batteries by their
//! charge. Pure, over a bounded history.
//!
//! The rate is the median of the slopes between all points (Theil and Sen), which a battery that
//! tells whole percents does not fool. A file that was copied or deleted is a step, no trend.

use std::collections::VecDeque;

use wire::UnixMillis;
use wire::reading::{Capability, Reading};

use super::evidence::numbers;

/// What is looked back on: rooms are watched for an hour before a meeting, and what was earlier
/// says little about what is written while people meet.
const WINDOW_MILLIS: i64 = 60 * 60_000;

/// Between two points: thirty of them make the window, and their 435 slopes take microseconds.
const SPACING_MILLIS: i64 = WINDOW_MILLIS / 30;

/// Fewer points than this are no trend: one file saved between two of them would be one.
const ENOUGH: usize = 4;

/// Disks and batteries of one probe; a bridge's PC has two or three.
const DEVICES: usize = 16;

/// A quantity that is of use until there is none left.
#[derive(Debug)]
pub(super) struct Supply {
    metric: &'static str,
    /// The flag of the reading that, up, says that it is being refilled.
    refilled_by: Option<&'static str>,
    /// What is told of one that will not last.
    pub(super) code: &'static str,
    /// What it is evidence of; otherwise what its reading is.
    pub(super) capability: Option<Capability>,
}

const SUPPLIES: &[Supply] = &[
    Supply {
        metric: "bridge_host_disk_available_bytes",
        refilled_by: None,
        code: "disk_filling",
        capability: None,
    },
    Supply {
        metric: "bridge_host_battery_charge_ratio",
        refilled_by: Some("bridge_host_mains_online"),
        code: "battery_too_short",
        capability: Some(Capability::Power),
    },
];

/// What one probe's readings have said of supplies. Most say nothing of any.
#[derive(Debug, Default)]
pub(super) struct Trends(Vec<Trend>);

/// One supply.
#[derive(Debug)]
pub(super) struct Trend {
    pub(super) supply: &'static Supply,
    /// Which disk or battery.
    pub(super) device: Box<str>,
    /// The oldest first; never empty.
    points: VecDeque<(UnixMillis, f64)>,
    /// By the points; none while there are too few.
    per_milli: Option<f64>,
}

impl Trends {
    /// Takes a reading that was not seen before.
    pub(super) fn take(&mut self, reading: &Reading, at: UnixMillis) {
        for supply in SUPPLIES {
            for (device, left) in numbers(reading, supply.metric) {
                self.point(
                    supply,
                    device.unwrap_or_default(),
                    (at, left),
                    supply.is_refilled(reading),
                );
            }
        }
        self.0.retain(|trend| trend.last().0 > at.saturating_sub(WINDOW_MILLIS));
    }

    fn point(
        &mut self,
        supply: &'static Supply,
        device: &str,
        point: (UnixMillis, f64),
        refilled: bool,
    ) {
        let same = |trend: &Trend| std::ptr::eq(trend.supply, supply) && *trend.device == *device;
        match self.0.iter().position(same) {
            Some(place) if refilled => drop(self.0.swap_remove(place)),
            Some(place) => self.0[place].take(point),
            None if refilled || self.0.len() >= DEVICES => {}
            None => self.0.push(Trend {
                supply,
                device: device.into(),
                points: VecDeque::from([point]),
                per_milli: None,
            }),
        }
    }

    /// Everything that is running out.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Trend> {
        self.0.iter()
    }
}

impl Supply {
    fn is_refilled(&self, reading: &Reading) -> bool {
        let flag = self.refilled_by;
        flag.is_some_and(|flag| numbers(reading, flag).any(|(_, up)| up > 0.5))
    }
}

impl Trend {
    fn last(&self) -> (UnixMillis, f64) {
        self.points.back().copied().unwrap_or_default()
    }

    fn take(&mut self, point: (UnixMillis, f64)) {
        let since = point.0.saturating_sub(self.last().0);
        if since < 0 {
            // The clock was set back: nobody knows how far apart the points are.
            self.points.clear();
        } else if since < SPACING_MILLIS {
            return;
        }
        self.points.push_back(point);
        let begin = point.0.saturating_sub(WINDOW_MILLIS);
        self.points.retain(|(at, _)| *at >= begin);
        self.per_milli = rate(self.points.make_contiguous());
    }

    /// When nothing is left, if it goes on like this; `None` where it does not run out.
    pub(super) fn gone_at(&self) -> Option<UnixMillis> {
        let (at, left) = self.last();
        let per_milli = self.per_milli.filter(|rate| *rate < 0.0)?;
        // A cast saturates, and no meeting lasts until the end of time.
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is late enough")]
        let millis = (left.max(0.0) / -per_milli) as i64;
        Some(at.saturating_add(millis))
    }
}

/// The median of the slopes between all pairs; none for too few points, or where a single step
/// makes up half of the change.
fn rate(points: &[(UnixMillis, f64)]) -> Option<f64> {
    let change = points.last()?.1 - points.first()?.1;
    let largest = points.windows(2).map(|pair| (pair[1].1 - pair[0].1).abs()).fold(0.0, f64::max);
    if points.len() < ENOUGH || largest * 2.0 > change.abs() {
        return None;
    }
    let mut slopes: Vec<f64> = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
    for (index, (at, value)) in points.iter().enumerate() {
        for (later, then) in &points[index + 1..] {
            slopes.push((then - value) / (later - at) as f64);
        }
    }
    let middle = slopes.len() / 2;
    let (_, median, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*median).filter(|rate| rate.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use wire::metrics;

    use super::*;
    use crate::readiness::reasons;

    const MINUTE: i64 = 60_000;

    fn reading(free: f64, charge: f64, online: f64) -> Reading {
        serde_json::from_value(json!({
            "probe": "pc", "kind": "host", "capability": "host", "every_ms": 60_000,
            "duration_us": 1, "samples": [
                { "name": "bridge_host_disk_available_bytes", "label": "C:", "value": free },
                { "name": "bridge_host_battery_charge_ratio", "label": "BAT0", "value": charge },
                { "name": "bridge_host_mains_online", "value": online },
            ],
        }))
        .unwrap()
    }

    /// Minutes until each supply is gone, after one reading in two minutes.
    fn gone_in(free: &[f64], charge: &[f64], online: &[f64]) -> Vec<(&'static str, i64)> {
        let mut trends = Trends::default();
        let mut at = 0;
        for ((free, charge), online) in free.iter().zip(charge).zip(online) {
            at += 2 * MINUTE;
            trends.take(&reading(*free, *charge, *online), at);
        }
        let told = |trend: &Trend| {
            Some((trend.supply.code, (trend.gone_at()? - at + MINUTE / 2) / MINUTE))
        };
        trends.iter().filter_map(told).collect()
    }

    #[test]
    fn every_metric_and_code_is_in_its_table() {
        for supply in SUPPLIES {
            assert!(metrics::find(supply.metric).is_some(), "{}", supply.metric);
            assert!(supply.refilled_by.is_none_or(|flag| metrics::find(flag).is_some()));
            assert!(reasons::codes().any(|code| code == supply.code), "{}", supply.code);
        }
    }

    #[test]
    fn what_runs_out_is_told_and_a_step_is_no_trend() {
        let full = [1.0; 6];
        let (on, off) = ([1.0; 6], [0.0; 6]);
        for (free, charge, online, expected) in [
            ([60.0, 58.0, 56.0, 54.0, 52.0, 50.0], full, on, vec![("disk_filling", 50)]),
            // A recording is copied, once.
            ([60.0, 60.0, 60.0, 40.0, 40.0, 40.0], full, on, vec![]),
            ([50.0, 52.0, 54.0, 56.0, 58.0, 60.0], full, on, vec![]),
            ([50.0; 6], [0.9, 0.88, 0.86, 0.84, 0.82, 0.8], on, vec![]),
            ([50.0; 6], [0.9, 0.88, 0.86, 0.84, 0.82, 0.8], off, vec![("battery_too_short", 80)]),
            // Only what was since the power went counts, and three points are no trend.
            ([50.0; 6], [0.9, 0.88, 0.86, 0.84, 0.82, 0.8], [1.0, 1.0, 1.0, 0.0, 0.0, 0.0], vec![]),
        ] {
            let found = gone_in(&free, &charge, &online);
            assert_eq!(found, expected, "{free:?} {charge:?}");
        }
    }

    #[test]
    fn it_looks_back_an_hour_and_no_further() {
        let mut trends = Trends::default();
        for minute in 0..600 {
            trends.take(&reading(1e9 - f64::from(minute), 1.0, 1.0), i64::from(minute) * MINUTE);
        }
        assert_eq!(trends.0.len(), 1);
        assert_eq!(trends.0[0].points.len(), 31);
        trends.take(&reading(5.0, 1.0, 1.0), 0);
        assert_eq!(trends.0[0].points.len(), 1, "the clock was set back");
    }

    proptest! {
        #[test]
        fn no_history_makes_it_panic_or_grow(
            steps in prop::collection::vec((-120_000_i64..600_000, any::<f64>(), 0_u8..3), 0..200),
        ) {
            let mut trends = Trends::default();
            let mut at = 1_795_305_600_000;
            for (step, value, online) in steps {
                at += step;
                trends.take(&reading(0.0, 0.0, f64::from(online)), at);
                trends.point(&SUPPLIES[0], "D:", (at, value), false);
                for trend in trends.iter() {
                    let _ = trend.gone_at();
                    prop_assert!(trend.points.len() <= 31);
                }
            }
        }
    }
}
