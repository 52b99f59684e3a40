//! What will go wrong before the meeting ends, as far as there is evidence for it. Pure.
//!
//! None of it makes a site `not_ready`: it works now, and there is still time to act.

use wire::{SiteId, UnixMillis};

use super::{Reason, evidence, sites};
use crate::fleet::Site;
use crate::meetings::Occurrence;

const CERTIFICATE: &str = "bridge_probe_tls_expiry_timestamp_seconds";

/// All that is foreseen of a site in a meeting.
pub(super) fn reasons(
    id: &SiteId,
    site: Option<&Site>,
    meeting: &Occurrence,
    occurrences: &[Occurrence],
    now: UnixMillis,
) -> Vec<Reason> {
    let mut reasons = double_booked(id, meeting, occurrences);
    if let Some(site) = site {
        reasons.extend(certificates(site, meeting, now));
    }
    reasons
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

fn certificates(site: &Site, meeting: &Occurrence, now: UnixMillis) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for (name, probe) in site.probes() {
        if !sites::is_fresh(probe, now, meeting.is_urgent(now)) {
            continue;
        }
        let mut expiries = evidence::numbers(&probe.reading, CERTIFICATE);
        if let Some((_, expiry)) = expiries.next()
            && expiry * 1e3 < meeting.end as f64
        {
            reasons.push(Reason {
                code: "certificate_expiring",
                capability: probe.reading.capability,
                subject: name.to_string(),
                value: Some(expiry - now as f64 / 1e3),
                evidence_at: Some(probe.taken_at),
            });
        }
    }
    reasons
}
