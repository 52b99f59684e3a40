//! One site: what its evidence proves of each capability, and the verdict over what is needed.
//! Pure.

use std::collections::BTreeMap;

use wire::reading::Capability;
use wire::{SiteId, UnixMillis};

use super::damping::Memory;
use super::evidence::{Finding, Sense, beyond};
use super::policy::{Policy, ROOM};
use super::{CapabilityVerdict, Reason, SiteVerdict, Verdict};
use crate::fleet::{Probe, Site};

/// Near a meeting evidence is too old after three intervals, or this, whatever is longer: three
/// pushes at full cadence. At rest the fleet's own, longer patience holds.
const URGENT_LIFE_MILLIS: i64 = 45_000;

/// Evidence from the future is none: after the collector's clock was set back it would stay fresh
/// for hours. Small steps of a time service are let pass.
const AHEAD_MILLIS: i64 = 5_000;

/// Reasons told of one site. A person acts on the first few; a site has up to 512 probes.
const REASONS: usize = 32;

/// What is known of a site at one moment.
#[derive(Debug, Default)]
pub(super) struct Assessment {
    capabilities: BTreeMap<Capability, Assessed>,
    voice: Voice,
}

/// Whether anything is heard of a site.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// It reports.
    Heard,
    /// It reported last then.
    Silent(UnixMillis),
    /// It never reported.
    #[default]
    Never,
}

/// What is known of one capability.
#[derive(Debug)]
struct Assessed {
    /// `None` where nothing is fresh.
    verdict: Option<Verdict>,
    evidence_at: Option<UnixMillis>,
    reasons: Vec<(Verdict, Reason)>,
}

/// Whether a reading may be used as evidence.
pub(super) fn is_fresh(probe: &Probe, now: UnixMillis, urgent: bool) -> bool {
    let every = i64::try_from(probe.reading.every_ms).unwrap_or(i64::MAX);
    let near = probe.taken_at.saturating_add(every.saturating_mul(3).max(URGENT_LIFE_MILLIS));
    probe.is_fresh(now) && !is_ahead(probe.taken_at, now) && (!urgent || now < near)
}

fn is_ahead(at: UnixMillis, now: UnixMillis) -> bool {
    at > now.saturating_add(AHEAD_MILLIS)
}

impl Assessment {
    /// Looks at all evidence of a site.
    pub(super) fn of(
        id: &SiteId,
        site: Option<&Site>,
        memory: &Memory,
        policy: &Policy,
        (now, urgent): (UnixMillis, bool),
    ) -> Self {
        let Some(site) = site else {
            return Self::default();
        };
        // What a site said before it fell silent, however slow the probe, proves nothing of now.
        let heard = site.is_up(now) && site.last_seen().is_some_and(|at| !is_ahead(at, now));
        let mut fresh: BTreeMap<Capability, Vec<(UnixMillis, Finding)>> = BTreeMap::new();
        let mut stale: BTreeMap<Capability, (UnixMillis, &str)> = BTreeMap::new();
        for (name, probe) in site.probes() {
            if heard && is_fresh(probe, now, urgent) {
                let recent = memory.of(id, name);
                let findings = recent.map(|recent| recent.damped(policy.damping, urgent));
                for finding in findings.into_iter().flatten() {
                    fresh.entry(finding.capability).or_default().push((probe.taken_at, finding));
                }
            } else if let Some(capability) = probe.reading.capability {
                let known = stale.entry(capability).or_insert((probe.taken_at, name.as_str()));
                *known = (*known).max((probe.taken_at, name.as_str()));
            }
        }
        if let (true, Some(at), Some(finding)) = (heard, site.last_seen(), offset(site, policy)) {
            fresh.entry(Capability::Clock).or_default().push((at, finding));
        }
        let silent = !heard || (fresh.is_empty() && !stale.is_empty());
        let mut capabilities: BTreeMap<_, _> = stale
            .into_iter()
            .map(|(capability, (at, probe))| (capability, Assessed::stale(capability, at, probe)))
            .collect();
        for (capability, findings) in fresh {
            capabilities.insert(capability, Assessed::fresh(findings, policy, capability));
        }
        let voice = match site.last_seen() {
            _ if !silent => Voice::Heard,
            Some(at) => Voice::Silent(at),
            None => Voice::Never,
        };
        Self { capabilities, voice }
    }

    /// Since when the site has had no network: `None` where it has, or nothing is known of it.
    pub(super) fn without_network_since(&self) -> Option<UnixMillis> {
        let network = self.capabilities.get(&Capability::Network)?;
        (network.verdict == Some(Verdict::NotReady)).then_some(network.evidence_at).flatten()
    }

    /// What is needed where nobody wrote it down: the network, and what its agent looks at in the
    /// room. A probe that was taken away is forgotten with its last reading.
    pub(super) fn usual_needs(&self) -> impl Iterator<Item = Capability> {
        let looked_at = |capability: &Capability| {
            self.capabilities.get(capability).is_some_and(|assessed| assessed.verdict.is_some())
        };
        std::iter::once(Capability::Network).chain(ROOM.into_iter().filter(looked_at))
    }

    /// Whether anything is heard of the site.
    pub(super) fn voice(&self) -> Voice {
        self.voice
    }

    /// The verdict over what is needed; `foreseen` are reasons why it will work less well.
    pub(super) fn verdict(
        &self,
        needs: &[Capability],
        excuse: Option<&str>,
        foreseen: Vec<Reason>,
    ) -> SiteVerdict {
        let mut capabilities: BTreeMap<_, _> =
            self.capabilities.iter().map(|(c, assessed)| (*c, assessed.told(false))).collect();
        let mut verdict = Verdict::Ready;
        let mut reasons: Vec<(Verdict, Reason)> = Vec::new();
        for need in needs {
            let told = if let Some(assessed) = self.capabilities.get(need) {
                reasons.extend(assessed.reasons.iter().cloned());
                assessed.told(true)
            } else {
                reasons.push((Verdict::Unknown, reason("no_evidence", Some(*need), None)));
                let (verdict, evidence_at) = (Verdict::Unknown, None);
                CapabilityVerdict { verdict, evidence_at, needed: true }
            };
            verdict = verdict.min(told.verdict);
            capabilities.insert(*need, told);
        }
        let silence = match self.voice {
            Voice::Heard => None,
            Voice::Silent(at) => Some(reason("site_silent", None, Some(at))),
            Voice::Never => Some(reason("never_heard", None, None)),
        };
        if let Some(silence) = silence {
            // One sentence for the person who calls, not one for each capability.
            reasons = vec![(Verdict::Unknown, silence)];
            // A site of which nothing is needed is still not there.
            verdict = Verdict::Unknown;
        }
        if !foreseen.is_empty() {
            verdict = verdict.min(Verdict::Degraded);
            reasons.extend(foreseen.into_iter().map(|reason| (Verdict::Degraded, reason)));
        }
        if let Some(why) = excuse {
            verdict = Verdict::Excused;
            let subject = why.to_owned();
            let excused = Reason { subject, ..reason("absence_agreed", None, None) };
            reasons.insert(0, (Verdict::Excused, excused));
        }
        reasons.sort_by_key(|(verdict, reason)| (*verdict, reason.capability));
        reasons.truncate(REASONS);
        let reasons = reasons.into_iter().map(|(_, reason)| reason).collect();
        SiteVerdict { verdict, reasons, capabilities }
    }
}

impl Assessed {
    fn stale(capability: Capability, at: UnixMillis, probe: &str) -> Self {
        let subject = probe.to_owned();
        let reason = Reason { subject, ..reason("evidence_stale", Some(capability), Some(at)) };
        Self { verdict: None, evidence_at: Some(at), reasons: vec![(Verdict::Unknown, reason)] }
    }

    fn fresh(
        findings: Vec<(UnixMillis, Finding)>,
        policy: &Policy,
        capability: Capability,
    ) -> Self {
        let verdict = if policy.one_is_enough.contains(&capability) {
            best(&findings)
        } else {
            findings.iter().map(|(_, finding)| finding.verdict).min()
        };
        let evidence_at = findings.iter().map(|(at, _)| *at).max();
        let faults = findings.into_iter().filter(|(_, f)| f.verdict != Verdict::Ready);
        let reasons = faults
            .map(|(at, finding)| {
                let Finding { capability, code, subject, value, verdict, .. } = finding;
                let (capability, subject, evidence_at) =
                    (Some(capability), subject.into(), Some(at));
                (verdict, Reason { code, capability, subject, value, evidence_at })
            })
            .collect();
        Self { verdict, evidence_at, reasons }
    }

    fn told(&self, needed: bool) -> CapabilityVerdict {
        let verdict = self.verdict.unwrap_or(Verdict::Unknown);
        CapabilityVerdict { verdict, evidence_at: self.evidence_at, needed }
    }
}

/// The verdict where one working source is enough: what is broken beside it makes it worse, for
/// it is the broken one that people may have pointed at the room.
fn best(findings: &[(UnixMillis, Finding)]) -> Option<Verdict> {
    let mut sources: BTreeMap<&str, Verdict> = BTreeMap::new();
    for (_, finding) in findings {
        let source = sources.entry(&finding.subject).or_insert(Verdict::Ready);
        *source = (*source).min(finding.verdict);
    }
    let best = sources.values().copied().max()?;
    let all_work = sources.values().all(|verdict| *verdict == Verdict::Ready);
    Some(if all_work { best } else { best.min(Verdict::Degraded) })
}

/// What the collector itself measured of the PC's clock with the last push.
fn offset(site: &Site, policy: &Policy) -> Option<Finding> {
    let seconds = site.clock_offset()? as f64 / 1e3;
    let limit = policy.thresholds.clock_offset_seconds;
    let verdict = beyond(seconds.abs(), limit, Sense::TooMuch).unwrap_or(Verdict::Ready);
    let (code, subject) = ("clock_offset_large", "".into());
    let value = Some(seconds);
    Some(Finding { capability: Capability::Clock, code, subject, value, verdict, whole: false })
}

fn reason(
    code: &'static str,
    capability: Option<Capability>,
    evidence_at: Option<UnixMillis>,
) -> Reason {
    Reason { code, capability, subject: String::new(), value: None, evidence_at }
}
