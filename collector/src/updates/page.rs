//! `/api/v1/updates`: what is given out, how far it has come, and how each site stands. Pure.

use serde::Serialize;
use wire::SiteId;
use wire::update::{How, Standing, Version};

use super::rollout::Standings;
use super::{Phase, Rollout};
use crate::api::{Moment, json};

#[derive(Serialize)]
struct Page<'a> {
    phase: &'static str,
    stage: Option<&'static str>,
    /// Why it was withdrawn.
    reason: Option<&'a str>,
    version: Option<Version>,
    platforms: Vec<&'a str>,
    sites: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    site: &'a SiteId,
    state: &'static str,
    platform: &'a str,
    /// What it reports with.
    version: Option<Version>,
    /// Since when the release is offered to it.
    offered_since: Option<Moment>,
    /// The id of the update that runs; none where it is the installed program.
    running: Option<&'a str>,
    /// What it gave up last: how and why.
    failed: Option<How>,
    reason: Option<&'a str>,
}

/// The page as JSON; `version` is what a site reports with.
pub(super) fn page(
    rollout: Option<&Rollout>,
    standings: &Standings,
    version: impl Fn(&SiteId) -> Option<Version>,
) -> Vec<u8> {
    let sites = standings.iter().map(|(site, standing)| {
        let version = version(site);
        Line {
            site,
            state: state(rollout, site, standing, version),
            platform: &standing.platform,
            version,
            offered_since: rollout.and_then(|rollout| rollout.offered_since(site)).map(Moment),
            running: standing.running.as_deref(),
            failed: standing.failed.as_ref().map(|failed| failed.how),
            reason: standing.failed.as_ref().map(|failed| &*failed.reason),
        }
    });
    let release = rollout.map(Rollout::release);
    let (phase, stage, reason) = match rollout.map(Rollout::phase) {
        None => ("nothing", None, None),
        Some(Phase::Rolling(stage)) => ("rolling", Some(stage.name()), None),
        Some(Phase::Withdrawn(reason)) => ("withdrawn", None, Some(reason.as_str())),
        Some(Phase::Stopped) => ("stopped", None, None),
    };
    let platforms = release.iter().flat_map(|release| release.offers.keys());
    json(&Page {
        phase,
        stage,
        reason,
        version: release.map(|release| release.version),
        platforms: platforms.map(|platform| &**platform).collect(),
        sites: sites.collect(),
    })
}

/// How many sites are in each state; `version` is what a site reports with.
pub(super) fn counts(
    rollout: Option<&Rollout>,
    standings: &Standings,
    version: impl Fn(&SiteId) -> Option<Version>,
) -> [(&'static str, usize); 6] {
    let mut counts = ["current", "trying", "offered", "waiting", "failed", "unsupported"]
        .map(|state| (state, 0));
    for (site, standing) in standings {
        let now = state(rollout, site, standing, version(site));
        for (state, count) in &mut counts {
            *count += usize::from(*state == now);
        }
    }
    counts
}

/// How a site stands with what is given out.
fn state(
    rollout: Option<&Rollout>,
    site: &SiteId,
    standing: &Standing,
    version: Option<Version>,
) -> &'static str {
    let Some(rollout) = rollout else { return "current" };
    let Some(offer) = rollout.offer_for(standing) else { return "unsupported" };
    if rollout.runs(standing, version) {
        "current"
    } else if rollout.failure(standing).is_some() {
        "failed"
    } else if standing.trying.as_deref() == Some(&*offer.id) {
        "trying"
    } else if rollout.offer(site, standing).is_some() {
        "offered"
    } else {
        "waiting"
    }
}
