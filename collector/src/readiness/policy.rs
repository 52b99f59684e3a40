//! What is asked of a site, and from where on a measurement is a fault. The structs are the
//! `readiness` part of `collector.yaml`; every key has a default.

use std::collections::BTreeMap;

use serde::Deserialize;
use wire::reading::Capability;

use crate::inventory;
use crate::meetings::Occurrence;

/// Readings of each probe that damping may look back on: five minutes at full cadence.
const READINGS: usize = 20;

/// What is asked of a site.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// What a meeting needs of a site where neither the meeting nor the site nor its level says.
    /// Where this does not say either: the network, without which there is no meeting, and of
    /// camera, microphone, speaker, display and codec whatever the site's agent looks at. Who lets the camera be looked at wants to
    /// know that it is missing; who has no probe for it must not be told "unknown" for ever.
    pub needs: Option<Vec<Capability>>,
    /// What a meeting needs of the sites of a level, by the level's name in the inventory.
    pub levels: BTreeMap<String, Vec<Capability>>,
    /// Capabilities of which one working source is enough: a room with two cameras can meet with
    /// one. Of all others every probe counts and the worst decides: a way to the conference
    /// service has no working part that makes up for a broken one, and an interface that is up
    /// says nothing about a server that is down.
    pub one_is_enough: Vec<Capability>,
    /// From where on a measurement is a fault.
    pub thresholds: Thresholds,
    /// How often a fault must be seen.
    pub damping: Damping,
}

/// What stands in a room for its meetings, and nowhere without need.
pub(super) const ROOM: [Capability; 5] = [
    Capability::Camera,
    Capability::Microphone,
    Capability::Speaker,
    Capability::Display,
    Capability::Codec,
];

/// From where on a measurement is a fault.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Lost echoes, 0 to 1. Above 1 % picture and sound suffer (ITU-T G.1010); at 20 % no codec
    /// conceals the gaps, and one lost echo of a run of ten stays below it.
    pub loss_ratio: Limit,
    /// Variation of the round trip. 30 ms is what a jitter buffer takes unheard; 100 ms is more
    /// than it holds.
    pub jitter_seconds: Limit,
    /// Round trip. 300 ms is twice the one-way comfort of ITU-T G.114; after a second people talk
    /// into each other.
    pub rtt_seconds: Limit,
    /// The PC's clock against the collector's, either way. Half a minute is more than any delay
    /// on the way; beyond 5 minutes sign-ins are refused (RFC 4120 § 10).
    pub clock_offset_seconds: Limit,
    /// Free share of a disk, below which: updates and recordings begin to fail at 5 %, the system
    /// itself at 1 %.
    pub disk_available_ratio: Limit,
    /// Available share of the memory, below which: swapping begins at 10 %, at 3 % programs are
    /// ended.
    pub memory_available_ratio: Limit,
    /// Share of a minute in which everything waited for memory. At a tenth picture and sound
    /// begin to stutter; at half nothing moves.
    pub memory_stalled_ratio: Limit,
    /// Share of the time in which heat slowed the processor down. 5 % is a fan full of dust; all
    /// but always leaves a fraction of its speed.
    pub throttled_ratio: Limit,
    /// Charge of a battery while there is no mains power, below which. What half a charge lasts
    /// is no morning's meeting; a fifth is minutes.
    pub battery_charge_ratio: Limit,
}

/// Two steps of one measurement.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// From here on it works badly.
    pub degraded: f64,
    /// From here on it does not work.
    pub failed: f64,
}

/// How often a fault must be seen before it counts: in `faults` of the last `of` readings.
///
/// Within 30 minutes of a meeting and during it, a run that failed as a whole and a device that
/// is gone count at once, for 20 s is all there is; measurements beyond a threshold, such as one
/// lost burst, are damped even then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Damping {
    /// m.
    pub faults: usize,
    /// n.
    pub of: usize,
}

impl Default for Policy {
    fn default() -> Self {
        use Capability::{Camera, Display, Microphone, Speaker};
        Self {
            needs: None,
            levels: BTreeMap::new(),
            one_is_enough: vec![Camera, Microphone, Speaker, Display],
            thresholds: Thresholds::default(),
            damping: Damping::default(),
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        let limit = |degraded, failed| Limit { degraded, failed };
        Self {
            loss_ratio: limit(0.01, 0.2),
            jitter_seconds: limit(0.03, 0.1),
            rtt_seconds: limit(0.3, 1.0),
            clock_offset_seconds: limit(30.0, 300.0),
            disk_available_ratio: limit(0.05, 0.01),
            memory_available_ratio: limit(0.1, 0.03),
            memory_stalled_ratio: limit(0.1, 0.5),
            throttled_ratio: limit(0.05, 0.9),
            battery_charge_ratio: limit(0.5, 0.2),
        }
    }
}

impl Default for Damping {
    fn default() -> Self {
        // Two in a row, or two with one good one in between.
        Self { faults: 2, of: 3 }
    }
}

impl Thresholds {
    /// Each by its key, and whether more than it is worse.
    fn all(&self) -> [(&'static str, Limit, bool); 9] {
        [
            ("loss_ratio", self.loss_ratio, true),
            ("jitter_seconds", self.jitter_seconds, true),
            ("rtt_seconds", self.rtt_seconds, true),
            ("clock_offset_seconds", self.clock_offset_seconds, true),
            ("disk_available_ratio", self.disk_available_ratio, false),
            ("memory_available_ratio", self.memory_available_ratio, false),
            ("memory_stalled_ratio", self.memory_stalled_ratio, true),
            ("throttled_ratio", self.throttled_ratio, true),
            ("battery_charge_ratio", self.battery_charge_ratio, false),
        ]
    }
}

impl Policy {
    /// What makes no sense in it: keys, and what would be right.
    #[must_use]
    pub fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        for (key, Limit { degraded, failed }, more_is_worse) in self.thresholds.all() {
            let (first, last, side) = if more_is_worse {
                (degraded, failed, "below")
            } else {
                (failed, degraded, "above")
            };
            // What is not a number is not in order either.
            if !(0.0 <= first && first <= last && last.is_finite()) {
                let message =
                    format!("`failed` must not be {side} `degraded`, and neither is below 0");
                faults.push((format!("thresholds.{key}"), message));
            }
        }
        let Damping { faults: seen, of } = self.damping;
        if !(1..=of).contains(&seen) || of > READINGS {
            let message = format!(
                "`faults` is 1 to `of`, and `of` at most {READINGS}, as in {{ faults: 2, of: 3 }}"
            );
            faults.push(("damping".to_owned(), message));
        }
        faults
    }

    /// What somebody wrote down as needed of a site: the meeting's word before the site's, the
    /// level's, that for all. `None` where nobody did; see [`Self::needs`].
    #[must_use]
    pub fn needs<'a>(
        &'a self,
        site: Option<&'a inventory::Site>,
        meeting: Option<&'a Occurrence>,
    ) -> Option<&'a [Capability]> {
        let of_meeting = meeting.and_then(|meeting| meeting.needs.as_deref());
        let of_site = || site.map(|site| &site.needs[..]).filter(|needs| !needs.is_empty());
        let of_level = || site.and_then(|site| self.levels.get(&site.level)).map(Vec::as_slice);
        of_meeting.or_else(of_site).or_else(of_level).or(self.needs.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(level: &str, needs: Vec<Capability>) -> inventory::Site {
        inventory::Site {
            name: String::new(),
            level: level.to_owned(),
            area: None,
            uplink: String::new(),
            provider: String::new(),
            lat: None,
            lon: None,
            contact: None,
            needs,
            hosts: Vec::new(),
            subnets: Vec::new(),
        }
    }

    #[test]
    fn the_meeting_goes_before_the_site_the_site_before_its_level() {
        use Capability::{Camera, Codec, Display, Network};
        let levels = BTreeMap::from([("province".to_owned(), vec![Codec])]);
        let policy = Policy { levels, needs: Some(vec![Network]), ..Policy::default() };
        let meeting = |needs| Occurrence {
            id: String::new(),
            title: String::new(),
            start: 0,
            end: 0,
            sites: std::collections::BTreeSet::new(),
            needs,
            unmatched: vec![],
        };
        let own = site("province", vec![Camera]);
        let (province, commune) = (site("province", vec![]), site("commune", vec![]));
        let (asking, silent) = (meeting(Some(vec![Display])), meeting(None));
        for (site, meeting, needs) in [
            (Some(&own), Some(&asking), Display),
            (Some(&own), Some(&silent), Camera),
            (Some(&province), Some(&silent), Codec),
            (Some(&commune), None, Network),
            (None, None, Network),
        ] {
            assert_eq!(policy.needs(site, meeting), Some(&[needs][..]));
        }
        assert_eq!(Policy::default().needs(Some(&commune), Some(&silent)), None);
    }

    #[test]
    fn what_makes_no_sense_is_told_by_its_key() {
        let keys = |yaml: &str| -> Vec<String> {
            let policy: Policy = serde_yaml::from_str(yaml).unwrap();
            policy.faults().into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys("{}"), [""; 0]);
        for (yaml, key) in [
            ("thresholds: { loss_ratio: { degraded: 0.2, failed: 0.1 } }", "thresholds.loss_ratio"),
            (
                "thresholds: { disk_available_ratio: { degraded: 0.01, failed: 0.1 } }",
                "thresholds.disk_available_ratio",
            ),
            (
                "thresholds: { rtt_seconds: { degraded: .nan, failed: 1 } }",
                "thresholds.rtt_seconds",
            ),
            ("damping: { faults: 0, of: 3 }", "damping"),
            ("damping: { faults: 4, of: 3 }", "damping"),
            ("damping: { faults: 1, of: 21 }", "damping"),
        ] {
            assert_eq!(keys(yaml), [key], "{yaml}");
        }
    }

    #[test]
    fn every_key_may_be_left_out() {
        let policy: Policy =
            serde_yaml::from_str("{ thresholds: { loss_ratio: { degraded: 0.02, failed: 0.1 } } }")
                .unwrap();
        assert_eq!(policy.thresholds.loss_ratio, Limit { degraded: 0.02, failed: 0.1 });
        assert_eq!(policy.thresholds.rtt_seconds, Thresholds::default().rtt_seconds);
        assert_eq!(policy.needs, None);
    }
}
