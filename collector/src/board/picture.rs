//! What the board shows of a judgement, and what changed since the one before. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wire::{Language, SiteId, UnixMillis};

use crate::acknowledgements::{self, Acknowledgement, Trouble};
use crate::inventory::Inventory;
use crate::judging::Judged;
use crate::meetings::Occurrence;
use crate::readiness::{Incident, Judgement, Reason, SiteVerdict, Verdict};

use super::places::Places;

/// Meetings in the list of a day: a province has some twenty, and nobody reads more on a screen.
const MEETINGS: usize = 40;

/// Everything that is shown, in no language yet.
#[derive(Debug)]
pub(super) struct Picture {
    /// When it was judged.
    pub(super) at: UnixMillis,
    pub(super) inventory: Arc<Inventory>,
    /// In which order.
    pub(super) places: Arc<Places>,
    /// The earliest first.
    pub(super) meetings: Vec<Meeting>,
    /// The id of the meeting that people look at.
    pub(super) focus: Option<String>,
    /// Each site by its place.
    pub(super) sites: Vec<Standing>,
    /// Where a meeting's verdict is not the site's own: by meeting and by the site's place.
    pub(super) apart: BTreeMap<String, BTreeMap<usize, Standing>>,
    pub(super) incidents: Vec<Incident>,
    /// Who looks after what.
    pub(super) given: Arc<acknowledgements::All>,
}

/// A meeting that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meeting {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) start: UnixMillis,
    pub(super) end: UnixMillis,
    /// How many take part.
    pub(super) count: usize,
    pub(super) unmatched: Vec<String>,
    /// The places of its sites; none of a meeting that is neither watched nor the next.
    pub(super) sites: Option<Vec<usize>>,
}

/// What a tile says of its site.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) verdict: Verdict,
    /// The gravest.
    reason: Option<Reason>,
    /// How many more there are.
    pub(super) more: usize,
}

/// What is new to someone who knows the picture before.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) sites: BTreeSet<usize>,
    /// By meeting and by the site's place.
    pub(super) apart: BTreeSet<(String, usize)>,
    pub(super) focus: bool,
    pub(super) incidents: bool,
    /// The places of sites that somebody else, or nobody any more, looks after.
    pub(super) given: BTreeSet<usize>,
}

impl Picture {
    /// The picture of a judgement; what need not be worked out anew comes from the one before.
    pub(super) fn of(
        judged: &Judged,
        given: Arc<acknowledgements::All>,
        before: Option<&Self>,
    ) -> Self {
        let inventory = Arc::clone(&judged.expected.inventory);
        let same = before.filter(|before| Arc::ptr_eq(&before.inventory, &inventory));
        let places = same
            .map_or_else(|| Arc::new(Places::of(&inventory)), |before| Arc::clone(&before.places));
        let judgement = &judged.judgement;
        let soon = &judged.expected.meetings.soon;
        let focus = focus(soon, judgement.at).map(|meeting| meeting.id.clone());
        let listed = soon.iter().filter(|meeting| judgement.at < meeting.end).take(MEETINGS);
        let meetings = listed.map(|occurrence| {
            let shown =
                occurrence.is_watched(judgement.at) || Some(&occurrence.id) == focus.as_ref();
            meeting(occurrence, shown, &places)
        });
        Self {
            at: judgement.at,
            meetings: meetings.collect(),
            focus,
            sites: places.sites.iter().map(|id| Standing::of(judgement.sites.get(id))).collect(),
            apart: apart(judgement, &places),
            incidents: judgement.incidents.clone(),
            inventory,
            places,
            given,
        }
    }

    /// Who looks after the site at a place.
    pub(super) fn given_to(&self, place: usize) -> Option<&Acknowledgement> {
        self.given.get(&Trouble::Site(self.places.sites.get(place)?.clone()))
    }

    /// What is new in it; `None` where so much is that it must be told from the beginning.
    pub(super) fn since(&self, before: &Self) -> Option<Changes> {
        if !Arc::ptr_eq(&self.places, &before.places) || self.meetings != before.meetings {
            return None;
        }
        let pairs = self.sites.iter().zip(&before.sites).enumerate();
        let changed = pairs.filter(|(_, (new, old))| !new.says_the_same(old));
        Some(Changes {
            sites: changed.map(|(place, _)| place).collect(),
            apart: apart_changed(&self.apart, &before.apart),
            focus: self.focus != before.focus,
            incidents: self.incidents != before.incidents || self.given_differently(before),
            given: self.given_anew(before),
        })
    }
}

impl Picture {
    fn given_anew(&self, before: &Self) -> BTreeSet<usize> {
        let of_sites = self.given.keys().chain(before.given.keys());
        let changed = of_sites.filter(|of| self.given.get(*of) != before.given.get(*of));
        let place = |of: &Trouble| match of {
            Trouble::Site(site) => self.places.of_site(site),
            Trouble::Uplink(_) | Trouble::Area(_) => None,
        };
        changed.filter_map(place).collect()
    }

    /// Whether somebody else looks after an incident.
    fn given_differently(&self, before: &Self) -> bool {
        let of = |picture: &Self, incident: &Incident| {
            picture.given.get(&Trouble::of_incident(&incident.cause)).cloned()
        };
        self.incidents.iter().any(|incident| of(self, incident) != of(before, incident))
    }
}

impl Changes {
    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.sites.is_empty()
            && self.apart.is_empty()
            && self.given.is_empty()
            && !self.focus
            && !self.incidents
    }
}

impl Standing {
    fn of(judged: Option<&SiteVerdict>) -> Self {
        let Some(SiteVerdict { verdict, reasons, .. }) = judged else {
            return Self { verdict: Verdict::Unknown, reason: None, more: 0 };
        };
        let reason = reasons.first().cloned();
        // The age of evidence changes all the time and is told on the site's own page.
        let reason = reason.map(|reason| Reason { evidence_at: None, ..reason });
        Self { verdict: *verdict, reason, more: reasons.len().saturating_sub(1) }
    }

    /// What is wrong and what to do.
    pub(super) fn why(&self, language: Language) -> Option<String> {
        self.reason.as_ref().map(|reason| reason.sentence(language))
    }

    /// Whether readers would see no difference: measured values are told rounded.
    fn says_the_same(&self, other: &Self) -> bool {
        self.verdict == other.verdict
            && self.more == other.more
            && (self.reason == other.reason || self.why(Language::En) == other.why(Language::En))
    }
}

/// The meeting that people look at: the one that rooms get ready for, or else the one that goes
/// on, or else the next.
fn focus(soon: &[Occurrence], now: UnixMillis) -> Option<&Occurrence> {
    let to_come = soon.iter().filter(|meeting| now < meeting.start);
    let next = to_come.min_by_key(|meeting| (meeting.start, &meeting.id));
    let going_on = soon.iter().filter(|meeting| meeting.start <= now && now < meeting.end);
    let latest = going_on.max_by_key(|meeting| (meeting.start, meeting.sites.len()));
    next.filter(|meeting| meeting.is_watched(now)).or(latest).or(next)
}

fn meeting(occurrence: &Occurrence, shown: bool, places: &Places) -> Meeting {
    let Occurrence { id, title, start, end, sites, unmatched, .. } = occurrence;
    let place = |site: &SiteId| places.of_site(site);
    Meeting {
        id: id.clone(),
        title: title.clone(),
        start: *start,
        end: *end,
        count: sites.len(),
        unmatched: unmatched.clone(),
        sites: shown.then(|| sites.iter().filter_map(place).collect()),
    }
}

fn apart(judgement: &Judgement, places: &Places) -> BTreeMap<String, BTreeMap<usize, Standing>> {
    let of_meeting = |sites: &BTreeMap<SiteId, SiteVerdict>| {
        let apart = sites.iter().filter_map(|(id, judged)| {
            let in_meeting = Standing::of(Some(judged));
            let own = Standing::of(judgement.sites.get(id));
            let place = places.of_site(id)?;
            (!in_meeting.says_the_same(&own)).then_some((place, in_meeting))
        });
        apart.collect()
    };
    let meetings = judgement.meetings.iter();
    meetings.map(|meeting| (meeting.id.clone(), of_meeting(&meeting.sites))).collect()
}

type Apart = BTreeMap<String, BTreeMap<usize, Standing>>;

fn apart_changed(new: &Apart, old: &Apart) -> BTreeSet<(String, usize)> {
    let mut changed = BTreeSet::new();
    for (these, others) in [(new, old), (old, new)] {
        for (meeting, sites) in these {
            let others = others.get(meeting);
            for (place, standing) in sites {
                let other = others.and_then(|others| others.get(place));
                if !other.is_some_and(|other| standing.says_the_same(other)) {
                    changed.insert((meeting.clone(), *place));
                }
            }
        }
    }
    changed
}
