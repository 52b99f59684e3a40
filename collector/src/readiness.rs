//! Readiness: each site judged against what is needed of it. Pure: values and `now` in,
//! verdicts out.
//!
//! ```text
//!  fleet snapshot ─┐
//!  occurrences    ─┼▶ judge(now) ─▶ Judgement { sites, meetings, incidents }
//!  policy         ─┤       ▲ damping: what was judged before
//!  absences       ─┘
//! ```
//!
//! A capability is judged by all fresh evidence of it, from whatever probe:
//!
//! ```text
//!  reading ─▶ evidence (failed run, device states, thresholds) ─▶ damping ─▶ sites ─▶ verdict
//!      └─▶ trend ─▶ look_ahead (until the meeting's end) ─────────────▲
//! ```

use std::collections::{BTreeMap, BTreeSet};

use wire::reading::Capability;
use wire::{Language, SiteId, UnixMillis};

use crate::absences::Absence;
use crate::fleet::Snapshot;
use crate::inventory::{self, Inventory};
use crate::meetings::Occurrence;

mod damping;
mod evidence;
mod incidents;
mod look_ahead;
mod meeting_clock;
mod policy;
mod reasons;
mod sites;
mod trend;

#[cfg(test)]
mod tests;

pub use meeting_clock::{REHEARSAL, WATCH};
pub use policy::{Damping, Limit, Policy, Thresholds};
pub use reasons::codes;

use damping::Memory;
use incidents::Standing;
use sites::{Assessment, Voice};

/// Of a capability, a site, or a site in a meeting. The order is that of judgement: the first
/// that applies is the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Maintenance or an agreed absence.
    Excused,
    /// Something needed has failed.
    NotReady,
    /// Something needed has no fresh evidence.
    Unknown,
    /// All that is needed works, not all of it well.
    Degraded,
    /// All that is needed works.
    Ready,
}

impl Verdict {
    /// All of them, in the order of judgement.
    pub const ALL: [Self; 5] =
        [Self::Excused, Self::NotReady, Self::Unknown, Self::Degraded, Self::Ready];

    /// The label value in metrics and in the store.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Excused => "excused",
            Self::NotReady => "not_ready",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Ready => "ready",
        }
    }

    /// For people.
    #[must_use]
    pub fn word(self, language: Language) -> &'static str {
        match self {
            Self::Excused => language.pick("được miễn", "excused"),
            Self::NotReady => language.pick("chưa sẵn sàng", "not ready"),
            Self::Unknown => language.pick("không rõ", "unknown"),
            Self::Degraded => language.pick("sẵn sàng, còn hạn chế", "degraded"),
            Self::Ready => language.pick("sẵn sàng", "ready"),
        }
    }
}

/// Why a verdict is what it is: a stable code for machines, what it is about, and since when.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// `camera_missing`, `loss_high`, `no_evidence`, …; never changes meaning once shipped.
    pub code: &'static str,
    /// The capability it concerns; none where it concerns the whole site.
    pub capability: Option<Capability>,
    /// What it is about: a probe or a device (`Logitech C920`); empty for the whole site.
    pub subject: String,
    /// The measured value behind it, in the code's unit, where there is one.
    pub value: Option<f64>,
    /// When the evidence was taken; `None` where there never was any.
    pub evidence_at: Option<UnixMillis>,
}

/// What is judged of one site.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteVerdict {
    /// The whole site.
    pub verdict: Verdict,
    /// Why, the gravest first; empty for a site that is simply ready.
    pub reasons: Vec<Reason>,
    /// Each capability of which there is need or evidence.
    pub capabilities: BTreeMap<Capability, CapabilityVerdict>,
}

/// What is judged of one capability of one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapabilityVerdict {
    /// Never `Excused`: only sites are.
    pub verdict: Verdict,
    /// When the latest evidence was taken; `None` where there never was any.
    pub evidence_at: Option<UnixMillis>,
    /// Whether the site, or its next meeting, needs it.
    pub needed: bool,
}

/// One occurrence, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct MeetingVerdict {
    /// The occurrence's id.
    pub id: String,
    /// Each of its sites.
    pub sites: BTreeMap<SiteId, SiteVerdict>,
}

/// Sites that fail together behind one uplink or in one area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The uplink or area.
    pub cause: Cause,
    /// The sites that fail now.
    pub members: Vec<SiteId>,
    /// How many sites hang on the cause, failing or not.
    pub of: usize,
    /// Since when.
    pub since: UnixMillis,
}

/// What sites that fail together have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// An uplink's name in the inventory.
    Uplink(String),
    /// An area's id.
    Area(String),
}

/// Everything judged at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// That moment.
    pub at: UnixMillis,
    /// Every expected site against its own needs; while it is watched for a meeting, against that
    /// meeting's.
    pub sites: BTreeMap<SiteId, SiteVerdict>,
    /// Every occurrence from T-60 min to its end against its needs.
    pub meetings: Vec<MeetingVerdict>,
    /// Common causes.
    pub incidents: Vec<Incident>,
}

/// Everything that is judged, as it is at one moment.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// What is known of the sites, and the moment.
    pub fleet: &'a Snapshot,
    /// What is expected.
    pub inventory: &'a Inventory,
    /// The calendar: at least every occurrence from T−60 to its end.
    pub occurrences: &'a [Occurrence],
    /// What is asked of the sites.
    pub policy: &'a Policy,
    /// Who is excused.
    pub absences: &'a [Absence],
}

/// Judges, and remembers between judgements what damping needs; nothing else.
#[derive(Debug, Default)]
pub struct Judge {
    memory: Memory,
    /// Since when sites have had no network.
    failing: BTreeMap<SiteId, UnixMillis>,
}

impl Judge {
    /// The judgement of the moment at which the fleet was looked at.
    pub fn judge(&mut self, world: World<'_>) -> Judgement {
        let World { fleet, inventory, occurrences, policy, .. } = world;
        let now = fleet.now;
        self.memory.take(fleet, policy);
        let watched: Vec<_> = occurrences.iter().filter(|o| o.is_watched(now)).collect();
        let in_meetings: BTreeSet<_> = watched.iter().flat_map(|o| &o.sites).collect();
        let urgent: BTreeSet<_> =
            watched.iter().filter(|o| o.is_urgent(now)).flat_map(|o| &o.sites).collect();
        let assessments: BTreeMap<_, _> = inventory
            .sites
            .keys()
            .chain(in_meetings.iter().copied())
            .map(|id| {
                let site = fleet.site(id.as_str()).map(|(_, site)| site);
                let when = (now, urgent.contains(id));
                (id, Assessment::of(id, site, &self.memory, policy, when))
            })
            .collect();
        let meetings = watched
            .iter()
            .map(|meeting| judge_meeting(world, meeting, &assessments, &self.memory))
            .collect();
        let sites = inventory.sites.iter().filter_map(|(id, site)| {
            let assessment = assessments.get(id)?;
            let needs = needs_now(world, id, site, assessment);
            let excuse = world.excuse(id, now);
            let cloned = look_ahead::cloned(fleet.site(id.as_str()).map(|(_, site)| site));
            Some((id.clone(), assessment.verdict(&needs, excuse, cloned.into_iter().collect())))
        });
        let sites = sites.collect();
        let incidents = self.incidents(world, &assessments, &in_meetings);
        Judgement { at: now, sites, meetings, incidents }
    }

    fn incidents(
        &mut self,
        world: World<'_>,
        assessments: &BTreeMap<&SiteId, Assessment>,
        in_meetings: &BTreeSet<&SiteId>,
    ) -> Vec<Incident> {
        let now = world.fleet.now;
        let mut failing = BTreeMap::new();
        for (id, assessment) in assessments {
            if let Some(at) = assessment.without_network_since() {
                let since = self.failing.get(*id).copied().unwrap_or(at);
                failing.insert((*id).clone(), since);
            }
        }
        self.failing = failing;
        let standing = |id: &SiteId| {
            let Some(assessment) = assessments.get(id) else { return Standing::Silent };
            if world.excuse(id, now).is_some() {
                return Standing::Silent;
            }
            match (assessment.voice(), self.failing.get(id)) {
                // A dark room is news only while a meeting expects it.
                (Voice::Silent(at), _) if in_meetings.contains(id) => Standing::Fails(at),
                (Voice::Silent(_) | Voice::Never, _) => Standing::Silent,
                (Voice::Heard, Some(since)) => Standing::Fails(*since),
                (Voice::Heard, None) => Standing::Works,
            }
        };
        let sites = world.inventory.sites.iter();
        incidents::incidents(sites.map(|(id, site)| (id, site, standing(id))))
    }
}

impl<'a> World<'a> {
    /// Why a site is excused at a moment, if it is.
    fn excuse(self, id: &SiteId, at: UnixMillis) -> Option<&'a str> {
        let site = self.inventory.sites.get(id);
        let areas = &self.inventory.areas;
        let absence = self.absences.iter().find(|a| a.excuses(id, site, areas, at))?;
        Some(&absence.reason)
    }
}

/// What a site needs by itself; while it is watched for a meeting, what that needs of it.
fn needs_now(
    world: World<'_>,
    id: &SiteId,
    site: &inventory::Site,
    assessment: &Assessment,
) -> Vec<Capability> {
    let now = world.fleet.now;
    let meetings = world.occurrences.iter().filter(|o| o.is_watched(now) && o.sites.contains(id));
    let mut needs: BTreeSet<Capability> = BTreeSet::new();
    for meeting in meetings {
        needs.extend(needs_of(world.policy, Some(site), Some(meeting), assessment));
    }
    if needs.is_empty() {
        needs.extend(needs_of(world.policy, Some(site), None, assessment));
    }
    needs.into_iter().collect()
}

/// What was written down as needed, or else what usually is.
fn needs_of(
    policy: &Policy,
    site: Option<&inventory::Site>,
    meeting: Option<&Occurrence>,
    assessment: &Assessment,
) -> Vec<Capability> {
    let written = policy.needs(site, meeting).map(<[_]>::to_vec);
    written.unwrap_or_else(|| assessment.usual_needs().collect())
}

fn judge_meeting(
    world: World<'_>,
    meeting: &Occurrence,
    assessments: &BTreeMap<&SiteId, Assessment>,
    memory: &Memory,
) -> MeetingVerdict {
    let now = world.fleet.now;
    let sites = meeting.sites.iter().filter_map(|id| {
        let site = world.fleet.site(id.as_str()).map(|(_, site)| site);
        let assessment = assessments.get(id)?;
        let expected = world.inventory.sites.get(id);
        let needs = needs_of(world.policy, expected, Some(meeting), assessment);
        // What counts is whether it is excused when it must be there.
        let excuse = world.excuse(id, now.max(meeting.start));
        let mut foreseen = look_ahead::reasons(id, site, meeting, world.occurrences, (memory, now));
        foreseen.extend(look_ahead::cloned(site));
        Some((id.clone(), assessment.verdict(&needs, excuse, foreseen)))
    });
    MeetingVerdict { id: meeting.id.clone(), sites: sites.collect() }
}
