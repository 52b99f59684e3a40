//! `/api/v1/profiles`: how a change stands, and which profile each site should run and runs. Pure.

use serde::Serialize;
use wire::SiteId;

use super::{Phase, Rollout};
use crate::api::json;

#[derive(Debug, Serialize)]
struct Page<'a> {
    phase: &'static str,
    /// Why the change was withdrawn.
    reason: Option<&'a str>,
    /// The sites that try the change.
    tried: Vec<&'a SiteId>,
    sites: Vec<Line<'a>>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    site: &'a SiteId,
    state: &'static str,
    /// By the file.
    wanted: &'a str,
    offered: Option<&'a str>,
    running: Option<&'a str>,
    /// Why the agent refused the wanted one.
    refused: Option<&'a str>,
}

/// The page as JSON.
pub(super) fn page(rollout: &Rollout) -> Vec<u8> {
    let (phase, reason) = match rollout.phase() {
        Phase::Settled => ("settled", None),
        Phase::Trying => ("trying", None),
        Phase::Withdrawn(reason) => ("withdrawn", Some(reason.as_str())),
    };
    json(&Page { phase, reason, tried: rollout.tried().collect(), sites: lines(rollout).collect() })
}

/// How many sites are in each state.
pub(super) fn counts(rollout: &Rollout) -> [(&'static str, usize); 3] {
    let mut counts = [("current", 0), ("waiting", 0), ("refused", 0)];
    for line in lines(rollout) {
        for (state, count) in &mut counts {
            *count += usize::from(*state == line.state);
        }
    }
    counts
}

fn lines(rollout: &Rollout) -> impl Iterator<Item = Line<'_>> {
    rollout.wanted().iter().map(|(site, text)| {
        let standing = rollout.standing(site);
        let running = standing.and_then(|standing| standing.running.as_deref());
        let refused = standing.and_then(|standing| standing.refused.as_ref());
        let refused = refused.filter(|refused| refused.etag == text.etag);
        let state = match (running, refused) {
            _ if running == Some(&*text.etag) => "current",
            (_, Some(_)) => "refused",
            // Nothing to run, and nothing of ours runs.
            (None, None) if standing.is_some() && text.probes.is_empty() => "current",
            _ => "waiting",
        };
        Line {
            site,
            state,
            wanted: &text.etag,
            offered: rollout.offer(site).map(|text| &*text.etag),
            running,
            refused: refused.map(|refused| &*refused.reason),
        }
    })
}
