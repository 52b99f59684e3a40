//! `/api/v1/profiles`: how a change stands, and which profile each site should run and runs. Pure.

use serde::Serialize;
use wire::SiteId;
use wire::profile::{RefusedProfile, Standing};

use super::{Phase, Rollout, Text};
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
    for (site, text) in rollout.wanted() {
        let now = state(text, rollout.standing(site));
        for (state, count) in &mut counts {
            *count += usize::from(*state == now);
        }
    }
    counts
}

/// How a site stands with the text it should run.
fn state(text: &Text, standing: Option<&Standing>) -> &'static str {
    let Some(standing) = standing else { return "waiting" };
    match standing.running.as_deref() {
        Some(running) if *running == *text.etag => "current",
        _ if refusal(text, standing).is_some() => "refused",
        // Nothing to run, and nothing of ours runs.
        None if text.probes.is_empty() => "current",
        _ => "waiting",
    }
}

fn refusal<'a>(text: &Text, standing: &'a Standing) -> Option<&'a RefusedProfile> {
    standing.refused.as_ref().filter(|refused| refused.etag == text.etag)
}

fn lines(rollout: &Rollout) -> impl Iterator<Item = Line<'_>> {
    rollout.wanted().iter().map(|(site, text)| {
        let standing = rollout.standing(site);
        Line {
            site,
            state: state(text, standing),
            wanted: &text.etag,
            offered: rollout.offer(site).map(|text| &*text.etag),
            running: standing.and_then(|standing| standing.running.as_deref()),
            refused: standing.and_then(|standing| Some(&*refusal(text, standing)?.reason)),
        }
    })
}
