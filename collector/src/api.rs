//! The JSON of `/api/v1`. Pure.
//!
//! Moments are RFC 3339 in UTC, everything else is in base units. Whom to call is not in it:
//! that is for the board behind its sign-in.

use jiff::Timestamp;
use serde::Serialize;
use wire::ids::AreaId;
use wire::reading::{Capability, Reason};
use wire::{AgentInfo, Sample, SiteId, Trouble, UnixMillis};

mod roll_call;
mod verdict;

pub use roll_call::roll_call;

use crate::fleet::{PastFailure, Probe, Site, Snapshot};
use crate::ingest::rivals::Pc;
use crate::readiness::Judgement;

/// `/api/v1/sites`.
#[derive(Debug, Serialize)]
struct Sites<'a> {
    now: Moment,
    sites: Vec<SiteLine<'a>>,
}

/// A site in the list.
#[derive(Debug, Serialize)]
struct SiteLine<'a> {
    id: &'a SiteId,
    name: Option<&'a str>,
    area: Option<&'a str>,
    level: Option<&'a str>,
    uplink: Option<&'a str>,
    provider: Option<&'a str>,
    lat: Option<f64>,
    lon: Option<f64>,
    expected: bool,
    enrolled: bool,
    up: bool,
    last_seen: Option<Moment>,
    last_seen_age_seconds: Option<f64>,
    clock_offset_seconds: Option<f64>,
    agent: Option<&'a AgentInfo>,
    /// By the latest judgement; none of a site that is not expected.
    verdict: Option<&'static str>,
}

/// `/api/v1/sites/{id}`.
#[derive(Debug, Serialize)]
struct SitePage<'a> {
    now: Moment,
    #[serde(flatten)]
    site: SiteLine<'a>,
    needs: &'a [Capability],
    #[serde(flatten)]
    judged: Option<verdict::JudgedLine<'a>>,
    /// Who wants to be the site, where that is more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    clones: Option<ClonesLine<'a>>,
    readings: Vec<ReadingLine<'a>>,
}

/// Several running agents with one credential.
#[derive(Debug, Serialize)]
struct ClonesLine<'a> {
    counted: PcLine<'a>,
    not_counted: Vec<PcLine<'a>>,
}

#[derive(Debug, Serialize)]
struct PcLine<'a> {
    boot: uuid::Uuid,
    name: &'a str,
    address: std::net::IpAddr,
    heard_at: Moment,
}

/// A probe's latest reading.
#[derive(Debug, Serialize)]
struct ReadingLine<'a> {
    probe: &'a str,
    kind: &'a str,
    capability: Option<Capability>,
    /// Whether it succeeded. Of a reading that is no longer fresh this is the past.
    success: bool,
    /// Whether it is younger than its time to live.
    fresh: bool,
    at: Moment,
    age_seconds: f64,
    expires_at: Moment,
    every_seconds: f64,
    duration_seconds: f64,
    failure: Option<FailureLine<'a>>,
    /// Kept after the probe recovered.
    last_failure: Option<FailureLine<'a>>,
    samples: &'a [Sample],
    /// What stands between the meeting and the devices it looked at.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    troubles: &'a [Trouble],
}

#[derive(Debug, Serialize)]
struct FailureLine<'a> {
    at: Moment,
    reason: Reason,
    detail: &'a str,
}

/// A moment that JSON shows as RFC 3339, or as null where no calendar reaches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub(crate) UnixMillis);

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Timestamp::from_millisecond(self.0) {
            Ok(moment) => serializer.collect_str(&moment),
            Err(_) => serializer.serialize_none(),
        }
    }
}

/// `/api/v1/sites`: every site in one line each.
#[must_use]
pub fn sites(snapshot: &Snapshot, judgement: &Judgement) -> Vec<u8> {
    let now = snapshot.now;
    let sites = snapshot.sites.iter().map(|(id, site)| line(id, site, judgement, now));
    let sites = sites.collect();
    json(&Sites { now: Moment(now), sites })
}

/// `/api/v1/sites/{id}`: one site with its readings; `None` when nobody knows it (404).
#[must_use]
pub fn site(snapshot: &Snapshot, judgement: &Judgement, id: &str) -> Option<Vec<u8>> {
    let now = snapshot.now;
    let (id, site) = snapshot.site(id)?;
    Some(json(&SitePage {
        now: Moment(now),
        site: line(id, site, judgement, now),
        needs: site.expected().map_or(&[], |expected| &expected.needs),
        judged: judgement.sites.get(id).map(|judged| verdict::judged(judged, now)),
        clones: site.contest().map(|contest| ClonesLine {
            counted: pc(&contest.holder),
            not_counted: contest.rivals.iter().map(pc).collect(),
        }),
        readings: site.probes().map(|(_, probe)| reading(probe, now)).collect(),
    }))
}

fn pc(pc: &Pc) -> PcLine<'_> {
    PcLine { boot: pc.boot, name: &pc.name, address: pc.address, heard_at: Moment(pc.heard_at) }
}

fn line<'a>(
    id: &'a SiteId,
    site: &'a Site,
    judgement: &Judgement,
    now: UnixMillis,
) -> SiteLine<'a> {
    let expected = site.expected();
    SiteLine {
        id,
        name: expected.map(|site| site.name.as_str()),
        area: expected.and_then(|site| site.area.as_ref()).map(AreaId::as_str),
        level: expected.map(|site| site.level.as_str()),
        uplink: expected.map(|site| site.uplink.as_str()),
        provider: expected.map(|site| site.provider.as_str()).filter(|name| !name.is_empty()),
        lat: expected.and_then(|site| site.lat),
        lon: expected.and_then(|site| site.lon),
        expected: expected.is_some(),
        enrolled: site.is_enrolled(),
        up: site.is_up(now),
        last_seen: site.last_seen().map(Moment),
        last_seen_age_seconds: site.last_seen().map(|at| age(at, now)),
        clock_offset_seconds: site.clock_offset().map(|offset| offset as f64 / 1e3),
        agent: site.agent(),
        verdict: judgement.sites.get(id).map(|judged| judged.verdict.label()),
    }
}

fn reading(probe: &Probe, now: UnixMillis) -> ReadingLine<'_> {
    let reading = &probe.reading;
    let failure = reading.failure.as_ref();
    ReadingLine {
        probe: reading.probe.as_str(),
        kind: &reading.kind,
        capability: reading.capability,
        success: failure.is_none(),
        fresh: probe.is_fresh(now),
        at: Moment(probe.taken_at),
        age_seconds: age(probe.taken_at, now),
        expires_at: Moment(probe.expires_at()),
        every_seconds: reading.every_ms as f64 / 1e3,
        duration_seconds: reading.duration_us as f64 / 1e6,
        failure: failure.map(|failure| FailureLine {
            at: Moment(probe.taken_at),
            reason: failure.reason,
            detail: &failure.detail,
        }),
        last_failure: probe.last_failure.as_ref().map(|PastFailure { at, failure }| FailureLine {
            at: Moment(*at),
            reason: failure.reason,
            detail: &failure.detail,
        }),
        samples: &reading.samples,
        troubles: &reading.troubles,
    }
}

fn age(at: UnixMillis, now: UnixMillis) -> f64 {
    now.saturating_sub(at).max(0) as f64 / 1e3
}

pub(crate) fn json(page: &impl Serialize) -> Vec<u8> {
    // It fails for maps whose keys are not texts, and there are none here.
    serde_json::to_vec(page).unwrap_or_default()
}
