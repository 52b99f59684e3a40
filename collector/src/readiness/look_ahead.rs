//! What will go wrong before the meeting ends, as far as there is evidence for it. Pure.
//!
//! None of it makes a site `not_ready`: it works now, and there is still time to act.

use wire::reading::{Capability, Reading};
use wire::{SiteId, UnixMillis};

use super::damping::Memory;
use super::{Reason, evidence, sites};
use crate::fleet::{Probe, Site};
use crate::ingest::rivals::Pc;
use crate::meetings::Occurrence;

const CERTIFICATE: &str = "bridge_probe_tls_expiry_timestamp_seconds";
const RESTART: &str = "bridge_host_restart_pending";
const SLEEP: &str = "bridge_host_sleep_after_seconds";
const SHUTDOWN: &str = "bridge_host_shutdown_timestamp_seconds";
const RESTARTS_AT: &str = "bridge_host_restart_timestamp_seconds";
const UPS_MAINS: &str = "bridge_ups_mains_online";
const UPS_RUNTIME: &str = "bridge_ups_runtime_seconds";

/// All that is foreseen of a site in a meeting.
pub(super) fn reasons(
    id: &SiteId,
    site: Option<&Site>,
    meeting: &Occurrence,
    occurrences: &[Occurrence],
    (memory, now): (&Memory, UnixMillis),
) -> Vec<Reason> {
    let mut reasons = double_booked(id, meeting, occurrences);
    for (name, probe) in site.into_iter().flat_map(Site::probes) {
        if !sites::is_fresh(probe, now, meeting.is_urgent(now)) {
            continue;
        }
        reasons.extend(certificate(probe, meeting, now));
        reasons.extend(restart(probe));
        reasons.extend(sleep(probe, meeting));
        let clock_ahead = site.and_then(Site::clock_offset).unwrap_or_default();
        let endings = [(SHUTDOWN, "shutdown_scheduled"), (RESTARTS_AT, "restarts_in_meeting")];
        reasons.extend(endings.into_iter().filter_map(|(metric, code)| {
            let at = ends_at(probe, metric, clock_ahead)?;
            ends(probe, meeting, code, (at, now))
        }));
        reasons.extend(ups(probe, meeting, now));
        let trends = memory.of(id, name).into_iter().flat_map(|recent| recent.trends().iter());
        reasons.extend(trends.filter_map(|trend| {
            let capability = trend.supply.capability.or(probe.reading.capability);
            let gone = trend.gone_at().filter(|gone| *gone < meeting.end)?;
            Some(running_out(trend.supply.code, capability, &trend.device, probe, (gone, now)))
        }));
    }
    reasons
}

/// Several PCs want to be the site; named, so that the right one is found.
pub(super) fn cloned(site: Option<&Site>) -> Option<Reason> {
    let contest = site?.contest()?;
    let all = std::iter::once(&contest.holder).chain(&contest.rivals);
    Some(Reason {
        code: "agent_cloned",
        capability: None,
        subject: all.map(Pc::told).collect::<Vec<_>>().join(", "),
        value: None,
        evidence_at: contest.rivals.iter().map(|rival| rival.heard_at).max(),
    })
}

fn double_booked(id: &SiteId, meeting: &Occurrence, occurrences: &[Occurrence]) -> Vec<Reason> {
    let overlaps = |other: &&Occurrence| {
        other.id != meeting.id
            && other.start < meeting.end
            && meeting.start < other.end
            && other.sites.contains(id)
    };
    let others = occurrences.iter().filter(overlaps);
    let reason = |other: &Occurrence| Reason {
        code: "double_booked",
        capability: None,
        subject: other.title.clone(),
        value: None,
        evidence_at: None,
    };
    others.map(reason).collect()
}

fn certificate(probe: &Probe, meeting: &Occurrence, now: UnixMillis) -> Option<Reason> {
    let (_, expiry) = evidence::numbers(&probe.reading, CERTIFICATE).next()?;
    (expiry * 1e3 < meeting.end as f64).then(|| Reason {
        code: "certificate_expiring",
        capability: probe.reading.capability,
        subject: probe.reading.probe.to_string(),
        value: Some(expiry - now as f64 / 1e3),
        evidence_at: Some(probe.taken_at),
    })
}

/// An update that waits for a restart takes it by itself on many PCs, in the midst of a meeting.
fn restart(probe: &Probe) -> Option<Reason> {
    let (_, pending) = evidence::numbers(&probe.reading, RESTART).next()?;
    (pending > 0.5).then(|| Reason {
        code: "restart_pending",
        capability: probe.reading.capability,
        subject: String::new(),
        value: None,
        evidence_at: Some(probe.taken_at),
    })
}

/// In a meeting people listen: nobody touches the PC from its beginning to its end.
fn sleep(probe: &Probe, meeting: &Occurrence) -> Option<Reason> {
    let (_, after) = evidence::numbers(&probe.reading, SLEEP).next()?;
    let lasts = meeting.end.saturating_sub(meeting.start) as f64 / 1e3;
    (after < lasts).then(|| Reason {
        code: "sleeps_in_meeting",
        capability: Some(Capability::Power),
        subject: String::new(),
        value: Some(after),
        evidence_at: Some(probe.taken_at),
    })
}

/// In Unix seconds. The PC will do it by its own clock, which may be wrong by `clock_ahead`.
fn ends_at(probe: &Probe, metric: &str, clock_ahead: i64) -> Option<f64> {
    let (_, by_its_clock) = evidence::numbers(&probe.reading, metric).next()?;
    Some(by_its_clock - clock_ahead as f64 / 1e3)
}

/// The PC ends, or may end, before the meeting does.
fn ends(
    probe: &Probe,
    meeting: &Occurrence,
    code: &'static str,
    (at, now): (f64, UnixMillis),
) -> Option<Reason> {
    let left = at - now as f64 / 1e3;
    (at * 1e3 < meeting.end as f64).then(|| Reason {
        code,
        capability: Some(Capability::Power),
        subject: String::new(),
        value: Some(left.max(0.0)),
        evidence_at: Some(probe.taken_at),
    })
}

/// While there is mains power no runtime is too short: hardly any UPS would last a meeting.
fn ups(probe: &Probe, meeting: &Occurrence, now: UnixMillis) -> Vec<Reason> {
    let reading = &probe.reading;
    let on_battery = |device: Option<&str>| flag(reading, UPS_MAINS, device) == Some(false);
    let runtimes = evidence::numbers(reading, UPS_RUNTIME).filter(|(ups, _)| on_battery(*ups));
    let too_short = runtimes.filter_map(|(ups, seconds)| {
        // A cast saturates, and no meeting lasts until the end of time.
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is late enough")]
        let gone = probe.taken_at.saturating_add((seconds.max(0.0) * 1e3) as i64);
        let device = ups.unwrap_or(reading.probe.as_str());
        let (code, capability) = ("battery_too_short", Some(Capability::Power));
        (gone < meeting.end).then(|| running_out(code, capability, device, probe, (gone, now)))
    });
    too_short.collect()
}

fn flag(reading: &Reading, metric: &str, device: Option<&str>) -> Option<bool> {
    let mut flags = evidence::numbers(reading, metric);
    flags.find(|(label, _)| *label == device).map(|(_, up)| up > 0.5)
}

fn running_out(
    code: &'static str,
    capability: Option<Capability>,
    device: &str,
    probe: &Probe,
    (gone, now): (UnixMillis, UnixMillis),
) -> Reason {
    Reason {
        code,
        capability,
        subject: device.to_owned(),
        value: Some(gone.saturating_sub(now).max(0) as f64 / 1e3),
        evidence_at: Some(probe.taken_at),
    }
}
