//! What was seen of each probe lately, so that one bad reading flips nothing. Pure.

use std::collections::{BTreeMap, VecDeque};

use wire::{ProbeName, SiteId, UnixMillis};

use super::Verdict;
use super::evidence::{self, Finding};
use super::policy::{Damping, Policy};
use super::trend::Trends;
use crate::fleet::{Probe, Site, Snapshot};

/// Nobody waits longer than this for a fault to be seen again: of a probe so slow that it would
/// take longer, each reading counts.
const CONFIRMED_WITHIN_MILLIS: u64 = 60_000;

/// The last readings of all probes of all sites.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<SiteId, BTreeMap<ProbeName, Recent>>);

/// The last readings of one probe.
#[derive(Debug, Default)]
pub(super) struct Recent {
    every_ms: u64,
    /// What the readings said, the newest last; never empty.
    seen: VecDeque<(UnixMillis, Vec<Finding>)>,
    round_trips: Option<(u64, f64)>,
    trends: Trends,
}

impl Memory {
    /// Takes what is new in the fleet, and forgets what is gone from it.
    pub(super) fn take(&mut self, fleet: &Snapshot, policy: &Policy) {
        self.0.retain(|id, _| fleet.site(id.as_str()).is_some());
        for (id, site) in &fleet.sites {
            let known = self.0.entry(id.clone()).or_default();
            take_site(known, site, policy);
        }
    }

    /// What is remembered of a probe.
    pub(super) fn of(&self, site: &SiteId, probe: &ProbeName) -> Option<&Recent> {
        self.0.get(site)?.get(probe)
    }
}

fn take_site(known: &mut BTreeMap<ProbeName, Recent>, site: &Site, policy: &Policy) {
    // As many as there are, and all of them: the usual case needs no search for the gone ones.
    let mut there = 0;
    for (name, probe) in site.probes() {
        there += 1;
        if let Some(recent) = known.get_mut(name) {
            recent.take(probe, policy);
        } else {
            known.entry(name.clone()).or_default().take(probe, policy);
        }
    }
    if known.len() > there {
        known.retain(|name, _| site.probes().any(|(probe, _)| probe == name));
    }
}

impl Recent {
    fn take(&mut self, probe: &Probe, policy: &Policy) {
        let reading = &probe.reading;
        let last = self.seen.back().map(|(at, _)| *at);
        if last == Some(probe.taken_at) {
            return;
        }
        // What was before a silence says nothing about now.
        let gap = probe.expires_at().saturating_sub(probe.taken_at);
        if last.is_some_and(|last| probe.taken_at.saturating_sub(last).abs() > gap) {
            self.seen.clear();
        }
        self.trends.take(reading, probe.taken_at);
        let totals = evidence::round_trips(reading);
        let rtt = self.round_trips.zip(totals).and_then(|((before, sum_before), (count, sum))| {
            let new = count.checked_sub(before).filter(|new| *new > 0)?;
            Some((sum - sum_before) / new as f64).filter(|mean| *mean >= 0.0)
        });
        self.round_trips = totals;
        self.every_ms = reading.every_ms;
        let findings = evidence::findings(reading, rtt, &policy.thresholds);
        self.seen.push_back((probe.taken_at, findings));
        while self.seen.len() > policy.damping.of.max(1) {
            self.seen.pop_front();
        }
    }

    /// What is running out.
    pub(super) fn trends(&self) -> &Trends {
        &self.trends
    }

    /// What counts now: each fault that was seen often enough, and all else as working.
    pub(super) fn damped(&self, damping: Damping, urgent: bool) -> Vec<Finding> {
        let Some((_, newest)) = self.seen.back() else { return Vec::new() };
        let again = u64::try_from(damping.faults.saturating_sub(1)).unwrap_or(u64::MAX);
        if self.every_ms.saturating_mul(again) > CONFIRMED_WITHIN_MILLIS {
            return newest.clone();
        }
        let mut counted = Vec::with_capacity(newest.len());
        for (age, (_, findings)) in self.seen.iter().rev().enumerate() {
            for finding in findings {
                // Each fault once, as the newest reading that has it tells it.
                if counted.iter().any(|known| finding.is_like(known)) {
                    continue;
                }
                let mut verdict = self.verdict(finding, damping);
                if urgent && finding.whole && age == 0 {
                    verdict = verdict.min(finding.verdict);
                }
                // A source that is no longer told of proves nothing about now.
                if age == 0 || verdict != Verdict::Ready {
                    counted.push(Finding { verdict, ..finding.clone() });
                }
            }
        }
        counted
    }

    /// The verdict that was reached, or worse, in `faults` of the last `of` readings.
    fn verdict(&self, finding: &Finding, damping: Damping) -> Verdict {
        let worst = |findings: &Vec<Finding>| {
            let like = findings.iter().filter(|other| other.is_like(finding));
            like.map(|other| other.verdict).min().unwrap_or(Verdict::Ready)
        };
        let mut verdicts: Vec<_> = self.seen.iter().map(|(_, findings)| worst(findings)).collect();
        verdicts.sort_unstable();
        // Of a probe that has just begun, what there is must do.
        let enough = damping.faults.clamp(1, verdicts.len().max(1));
        verdicts.get(enough - 1).copied().unwrap_or(Verdict::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use wire::reading::Capability;

    use super::*;

    fn finding(letter: char) -> Finding {
        let (code, verdict, whole) = match letter {
            'f' => ("probe_timeout", Verdict::NotReady, true),
            'l' => ("loss_high", Verdict::Degraded, false),
            'L' => ("loss_high", Verdict::NotReady, false),
            _ => ("", Verdict::Ready, true),
        };
        let capability = Capability::Network;
        Finding { capability, code, subject: "mcu".into(), value: None, verdict, whole }
    }

    fn judged(readings: &str, urgent: bool) -> Verdict {
        let moments = (0..).step_by(15_000);
        let seen = moments.zip(readings.chars().map(|letter| vec![finding(letter)])).collect();
        let recent = Recent { every_ms: 15_000, seen, ..Recent::default() };
        let counted = recent.damped(Damping::default(), urgent);
        counted.iter().map(|finding| finding.verdict).min().unwrap()
    }

    #[test]
    fn a_fault_counts_when_it_was_seen_often_enough() {
        use Verdict::{Degraded, NotReady, Ready};
        // `.` works, `f` failed, `l` loses some, `L` loses much; the newest stands last.
        for (readings, at_rest, near_a_meeting) in [
            ("...", Ready, Ready),
            ("..f", Ready, NotReady),
            (".ff", NotReady, NotReady),
            ("f.f", NotReady, NotReady),
            ("ff.", NotReady, NotReady),
            ("f..", Ready, Ready),
            ("..L", Ready, Ready),
            (".lL", Degraded, Degraded),
            (".LL", NotReady, NotReady),
            (".ll", Degraded, Degraded),
            ("f", NotReady, NotReady),
            (".f", Ready, NotReady),
        ] {
            assert_eq!(judged(readings, false), at_rest, "{readings} at rest");
            assert_eq!(judged(readings, true), near_a_meeting, "{readings} near a meeting");
        }
    }

    #[test]
    fn of_a_slow_probe_each_reading_counts() {
        let seen = [(0, vec![finding('.')]), (600_000, vec![finding('f')])].into();
        let recent = Recent { every_ms: 600_000, seen, ..Recent::default() };
        let counted = recent.damped(Damping::default(), false);
        assert_eq!(counted, [finding('f')]);
    }
}
