//! A site's page: what was judged, why, on what evidence, and whom to call. Pure.

use serde::Serialize;
use wire::{Language, UnixMillis};

use crate::fleet::{Probe, Site, Snapshot};
use crate::inventory;
use crate::judging::Judged;
use crate::readiness::{CapabilityVerdict, Reason, SiteVerdict, Verdict};

use super::places;

#[derive(Serialize)]
struct Page<'a> {
    now: UnixMillis,
    id: &'a str,
    name: &'a str,
    area: String,
    contact: Option<Contact<'a>>,
    verdict: &'static str,
    word: &'static str,
    last_seen: Option<UnixMillis>,
    /// The agent's version and system.
    agent: Option<String>,
    clock_offset_millis: Option<i64>,
    reasons: Vec<ReasonLine>,
    capabilities: Vec<CapabilityLine>,
    readings: Vec<ReadingLine<'a>>,
}

#[derive(Serialize)]
struct Contact<'a> {
    name: &'a str,
    phone: &'a str,
}

#[derive(Serialize)]
struct ReasonLine {
    /// What is wrong and what to do.
    text: String,
    at: Option<UnixMillis>,
}

#[derive(Serialize)]
struct CapabilityLine {
    name: &'static str,
    verdict: &'static str,
    word: &'static str,
    needed: bool,
    at: Option<UnixMillis>,
}

#[derive(Serialize)]
struct ReadingLine<'a> {
    probe: &'a str,
    kind: &'a str,
    success: bool,
    fresh: bool,
    at: UnixMillis,
    /// What the system said of a failure, as it said it.
    detail: Option<&'a str>,
}

/// The page of an expected site as it stands in a meeting, or by itself; `None` where it is not
/// expected.
pub(super) fn page(
    snapshot: &Snapshot,
    judged: &Judged,
    id: &str,
    meeting: Option<&str>,
    language: Language,
) -> Option<Vec<u8>> {
    let inventory = &judged.expected.inventory;
    let (id, site) = inventory.sites.get_key_value(id)?;
    let known = snapshot.site(id.as_str()).map(|(_, site)| site);
    let judgement = &judged.judgement;
    let in_meeting = judgement.meetings.iter().find(|judged| Some(judged.id.as_str()) == meeting);
    let verdict = in_meeting.and_then(|judged| judged.sites.get(id));
    let verdict = verdict.or_else(|| judgement.sites.get(id));
    let verdict_of_site = verdict.map_or(Verdict::Unknown, |judged| judged.verdict);
    let agent = known.and_then(Site::agent);
    let page = Page {
        now: snapshot.now,
        id: id.as_str(),
        name: &site.name,
        area: site.area.as_ref().map(|area| places::path(inventory, area)).unwrap_or_default(),
        contact: site.contact.as_ref().map(contact),
        verdict: verdict_of_site.label(),
        word: verdict_of_site.word(language),
        last_seen: known.and_then(Site::last_seen),
        agent: agent.map(|agent| format!("{} · {}", agent.version, agent.os)),
        clock_offset_millis: known.and_then(Site::clock_offset),
        reasons: verdict.map(|judged| reasons(&judged.reasons, language)).unwrap_or_default(),
        capabilities: verdict.map(|judged| capabilities(judged, language)).unwrap_or_default(),
        readings: known
            .map(|site| site.probes().map(|(_, probe)| reading(probe, snapshot.now)).collect())
            .unwrap_or_default(),
    };
    // It fails for maps whose keys are not texts, and there are none here.
    serde_json::to_vec(&page).ok()
}

fn contact(contact: &inventory::Contact) -> Contact<'_> {
    Contact { name: &contact.name, phone: &contact.phone }
}

fn reasons(reasons: &[Reason], language: Language) -> Vec<ReasonLine> {
    let line =
        |reason: &Reason| ReasonLine { text: reason.sentence(language), at: reason.evidence_at };
    reasons.iter().map(line).collect()
}

/// What is needed first, the worst of it first.
fn capabilities(judged: &SiteVerdict, language: Language) -> Vec<CapabilityLine> {
    let mut all: Vec<_> = judged.capabilities.iter().collect();
    all.sort_by_key(|(_, judged)| (!judged.needed, judged.verdict));
    let line = |(capability, judged): (&wire::reading::Capability, &CapabilityVerdict)| {
        let CapabilityVerdict { verdict, evidence_at, needed } = *judged;
        CapabilityLine {
            name: capability.word(language),
            verdict: verdict.label(),
            word: verdict.word(language),
            needed,
            at: evidence_at,
        }
    };
    all.into_iter().map(line).collect()
}

fn reading(probe: &Probe, now: UnixMillis) -> ReadingLine<'_> {
    let reading = &probe.reading;
    ReadingLine {
        probe: reading.probe.as_str(),
        kind: &reading.kind,
        success: reading.failure.is_none(),
        fresh: probe.is_fresh(now),
        at: probe.taken_at,
        detail: reading.failure.as_ref().map(|failure| &*failure.detail),
    }
}
