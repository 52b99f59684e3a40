//! The lines of a judgement, rendered once for all scrapes until the next. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wire::{Metric, SiteId, UnixMillis};

use super::lines::{Lines, Renderer};
use super::render::rows;
use crate::inventory::Inventory;
use crate::judging::Judged;
use crate::meetings::Occurrence;
use crate::readiness::{Cause, Judgement, MeetingVerdict, SiteVerdict, Verdict};

rows! {
    CAPABILITY_STATE = "bridge_capability_state";
    READY_STATE = "bridge_ready_state";
    READY_REASON = "bridge_ready_reason";
    EVIDENCE = "bridge_evidence_timestamp_seconds";
    AREA_INFO = "bridge_area_info";
    MEETING_INFO = "bridge_meeting_info";
    MEETING_START = "bridge_meeting_start_timestamp_seconds";
    MEETING_END = "bridge_meeting_end_timestamp_seconds";
    MEETING_SITES = "bridge_meeting_sites";
    MEETING_SITE_STATE = "bridge_meeting_site_state";
    INCIDENT_SITES = "bridge_incident_sites";
}

/// The lines of one judgement.
#[derive(Debug, Default)]
pub struct Verdicts {
    sites: BTreeMap<SiteId, Arc<Lines>>,
    others: Lines,
}

impl Verdicts {
    /// Renders a judgement; what did not change since the one before is taken over.
    #[must_use]
    pub fn render(
        judgement: &Judgement,
        occurrences: &[Occurrence],
        inventory: &Inventory,
        before: &Judged,
    ) -> Self {
        let lines = |(id, judged): (&SiteId, &SiteVerdict)| {
            let same = before.judgement.sites.get(id) == Some(judged);
            let kept = if same { before.verdicts.sites.get(id) } else { None };
            (id.clone(), kept.cloned().unwrap_or_else(|| Arc::new(site(id, judged))))
        };
        let sites = judgement.sites.iter().map(lines).collect();
        Self { sites, others: others(judgement, occurrences, inventory) }
    }

    /// The lines of sites.
    pub(super) fn sites(&self) -> impl Iterator<Item = (&SiteId, &Lines)> {
        self.sites.iter().map(|(id, lines)| (id, lines.as_ref()))
    }

    /// The lines of areas, meetings and incidents.
    pub(super) fn others(&self) -> &Lines {
        &self.others
    }
}

fn site(id: &SiteId, judged: &SiteVerdict) -> Lines {
    let mut renderer = Renderer::default();
    let id = id.as_str();
    if let Some(row) = *CAPABILITY_STATE {
        for (capability, judged) in &judged.capabilities {
            states(&mut renderer, row, &[id, capability.label()], judged.verdict);
        }
    }
    if let Some(row) = *READY_STATE {
        states(&mut renderer, row, &[id], judged.verdict);
    }
    if let Some(row) = *READY_REASON {
        // Two devices may have the same trouble; it is one series.
        let reasons: BTreeSet<_> = judged.reasons.iter().map(|r| (r.capability, r.code)).collect();
        for (capability, code) in reasons {
            let capability = capability.map_or("", |capability| capability.label());
            renderer.number(row, [id, capability, code], 1.0);
        }
    }
    if let Some(row) = *EVIDENCE {
        for (capability, judged) in &judged.capabilities {
            if let Some(at) = judged.evidence_at {
                renderer.number(row, [id, capability.label()], seconds(at));
            }
        }
    }
    renderer.finish()
}

fn others(judgement: &Judgement, occurrences: &[Occurrence], inventory: &Inventory) -> Lines {
    let mut renderer = Renderer::default();
    if let Some(row) = *AREA_INFO {
        for (id, area) in &inventory.areas {
            renderer.number(row, [id.as_str(), &area.name], 1.0);
        }
    }
    if let Some(row) = *MEETING_INFO {
        for meeting in occurrences {
            renderer.number(row, [meeting.id.as_str(), &meeting.title], 1.0);
        }
    }
    for (row, moment) in [
        (*MEETING_START, (|o: &Occurrence| o.start) as fn(&Occurrence) -> UnixMillis),
        (*MEETING_END, |o| o.end),
    ] {
        for meeting in occurrences {
            if let Some(row) = row {
                renderer.number(row, [meeting.id.as_str()], seconds(moment(meeting)));
            }
        }
    }
    for meeting in &judgement.meetings {
        count(&mut renderer, meeting);
    }
    if let Some(row) = *MEETING_SITE_STATE {
        for meeting in &judgement.meetings {
            for (site, judged) in &meeting.sites {
                states(&mut renderer, row, &[&meeting.id, site.as_str()], judged.verdict);
            }
        }
    }
    if let Some(row) = *INCIDENT_SITES {
        for incident in &judgement.incidents {
            // A label without a value is, to Prometheus, no label.
            let (uplink, area) = match &incident.cause {
                Cause::Uplink(uplink) => (uplink.as_str(), ""),
                Cause::Area(area) => ("", area.as_str()),
            };
            renderer.number(row, [uplink, area], incident.members.len() as f64);
        }
    }
    renderer.finish()
}

fn count(renderer: &mut Renderer, meeting: &MeetingVerdict) {
    let Some(row) = *MEETING_SITES else { return };
    for verdict in Verdict::ALL {
        let sites = meeting.sites.values().filter(|judged| judged.verdict == verdict).count();
        renderer.number(row, [meeting.id.as_str(), verdict.label()], sites as f64);
    }
}

fn states(renderer: &mut Renderer, row: &Metric, values: &[&str], verdict: Verdict) {
    renderer.states(row, &values.iter().copied(), verdict.label());
}

fn seconds(millis: UnixMillis) -> f64 {
    millis as f64 / 1e3
}
