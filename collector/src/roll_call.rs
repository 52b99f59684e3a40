//! The roll call: what was known of each site at T-15, T-5 and T-0 of a meeting, written down
//! once and for good. Pure; the store keeps what [`due`] makes.
//!
//! ```text
//!  judgement ──┐
//!  occurrences ┼▶ due ─▶ RollCall ─▶ store (written once) ─▶ report, api
//!  inventory ──┘                                                 ▲
//!                    received, later ─▶ later::learnt ───────────┘  (read beside, never in)
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wire::ids::AreaId;
use wire::reading::Capability;
use wire::{Language, SiteId, UnixMillis};

use crate::inventory::Inventory;
use crate::meetings::Occurrence;
use crate::readiness::{self, Judgement, Reason, SiteVerdict, Verdict};

pub mod attendance;
pub mod desk;
pub mod later;
pub mod recorder;
pub mod remembered;

const MINUTE_MILLIS: i64 = 60_000;

/// How long a collector listens before it writes: agents push every 15 s before a meeting, and
/// after a restart a minute too early would write down that nobody is known to be ready.
const LISTENS_FIRST_MILLIS: i64 = MINUTE_MILLIS;

/// A roll call this much after its moment is said to be late. Judging takes its turn every few
/// seconds, so less says nothing.
pub const LATE_MILLIS: i64 = MINUTE_MILLIS;

/// When a roll is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// T-15: whoever is not ready now is warned.
    FifteenBefore,
    /// T-5: critical.
    FiveBefore,
    /// T-0: the roll call that counts.
    Start,
}

impl Moment {
    /// All of them as time passes.
    pub const ALL: [Self; 3] = [Self::FifteenBefore, Self::FiveBefore, Self::Start];

    /// Minutes before the meeting's start.
    #[must_use]
    pub fn minutes_before(self) -> i64 {
        match self {
            Self::FifteenBefore => 15,
            Self::FiveBefore => 5,
            Self::Start => 0,
        }
    }

    /// The moment so many minutes before the start, if there is one.
    #[must_use]
    pub fn at_minutes_before(minutes: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|moment| moment.minutes_before() == minutes)
    }

    /// As people and JSON call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::FifteenBefore => "T-15",
            Self::FiveBefore => "T-5",
            Self::Start => "T-0",
        }
    }

    /// When it is for a meeting that begins at `start`.
    #[must_use]
    pub fn of(self, start: UnixMillis) -> UnixMillis {
        start.saturating_sub(self.minutes_before() * MINUTE_MILLIS)
    }
}

/// What tells roll calls apart. The start is part of it: a meeting that is moved keeps its id,
/// and is called again at its new time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The occurrence's id.
    pub meeting: String,
    /// The start as it was when the roll was called.
    pub start: UnixMillis,
    /// Which of the three.
    pub moment: Moment,
}

/// What was known of a meeting at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct RollCall {
    /// Which.
    pub key: Key,
    /// The meeting's title as it was then.
    pub title: String,
    /// When the meeting was to end.
    pub end: UnixMillis,
    /// When this was judged: at the moment, or after it where the collector came late.
    pub recorded_at: UnixMillis,
    /// Participants that matched no site.
    pub unmatched: Vec<String>,
    /// Every site that was asked.
    pub sites: BTreeMap<SiteId, Entry>,
}

impl RollCall {
    /// Milliseconds after its moment; 0 where it was in time.
    #[must_use]
    pub fn late_millis(&self) -> i64 {
        let late = self.recorded_at.saturating_sub(self.key.moment.of(self.key.start));
        if late > LATE_MILLIS { late } else { 0 }
    }

    /// How many sites have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.sites.values().filter(|entry| entry.verdict == verdict).count()
    }
}

/// One site in a roll call, called as it was called then.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its area.
    pub area: Option<NamedArea>,
    /// Its level.
    pub level: String,
    /// What was judged.
    pub verdict: Verdict,
    /// Why, the gravest first.
    pub reasons: Vec<RecordedReason>,
    /// The oldest evidence among the capabilities that were needed; `None` where one of them
    /// never had any.
    pub evidence_at: Option<UnixMillis>,
    /// The newest evidence of any capability: when the site was heard last.
    pub heard_at: Option<UnixMillis>,
}

/// An area by its id and the name it had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedArea {
    /// Its id.
    pub id: AreaId,
    /// Its name.
    pub name: String,
}

/// A reason as the store keeps it. The code is text: an older or newer program may have other
/// codes, and what was written stays readable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedReason {
    /// The stable code.
    pub code: String,
    /// The capability it concerns.
    pub capability: Option<Capability>,
    /// What it is about.
    pub subject: String,
    /// The measured value.
    pub value: Option<f64>,
    /// When the evidence was taken.
    pub evidence_at: Option<UnixMillis>,
}

impl RecordedReason {
    /// What is wrong and what to do; the bare code where this program does not know it.
    #[must_use]
    pub fn told(&self, language: Language) -> String {
        let Some(code) = readiness::codes().find(|code| *code == self.code) else {
            return self.code.clone();
        };
        let reason = Reason {
            code,
            capability: self.capability,
            subject: self.subject.clone(),
            value: self.value,
            evidence_at: self.evidence_at,
        };
        reason.sentence(language)
    }
}

impl From<&Reason> for RecordedReason {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code.to_owned(),
            capability: reason.capability,
            subject: reason.subject.clone(),
            // JSON has no other numbers.
            value: reason.value.filter(|value| value.is_finite()),
            evidence_at: reason.evidence_at,
        }
    }
}

/// The moment of a meeting that is to be written at `now` by a collector that listens since
/// `listening_since`. Of several that passed unwritten only the latest: what was known at the
/// others nobody knows any more. None once the meeting is over.
#[must_use]
pub fn moment_due(
    start: UnixMillis,
    end: UnixMillis,
    now: UnixMillis,
    listening_since: UnixMillis,
) -> Option<Moment> {
    if now >= end || now < listening_since.saturating_add(LISTENS_FIRST_MILLIS) {
        return None;
    }
    Moment::ALL.into_iter().rev().find(|moment| moment.of(start) <= now)
}

/// The roll calls to write now: due, judged, and not among those `written`.
#[must_use]
pub fn due(
    judgement: &Judgement,
    occurrences: &[Occurrence],
    inventory: &Inventory,
    listening_since: UnixMillis,
    written: &BTreeSet<Key>,
) -> Vec<RollCall> {
    let mut calls = Vec::new();
    for occurrence in occurrences {
        let Occurrence { id, start, end, .. } = occurrence;
        let Some(moment) = moment_due(*start, *end, judgement.at, listening_since) else {
            continue;
        };
        let key = Key { meeting: id.clone(), start: *start, moment };
        let judged = judgement.meetings.iter().find(|meeting| meeting.id == *id);
        let Some(judged) = judged.filter(|_| !written.contains(&key)) else { continue };
        let entry = |site: &SiteId| (site.clone(), entry(site, judged.sites.get(site), inventory));
        calls.push(RollCall {
            key,
            title: occurrence.title.clone(),
            end: *end,
            recorded_at: judgement.at,
            unmatched: occurrence.unmatched.clone(),
            sites: occurrence.sites.iter().map(entry).collect(),
        });
    }
    calls
}

fn entry(site: &SiteId, judged: Option<&SiteVerdict>, inventory: &Inventory) -> Entry {
    let expected = inventory.sites.get(site);
    let area = expected.and_then(|site| site.area.as_ref()).map(|id| {
        let name = inventory.areas.get(id).map_or(id.as_str(), |area| &area.name);
        NamedArea { id: id.clone(), name: name.to_owned() }
    });
    let capabilities = || judged.into_iter().flat_map(|judged| judged.capabilities.values());
    let needed = capabilities().filter(|capability| capability.needed);
    Entry {
        name: expected.map_or(site.as_str(), |site| &site.name).to_owned(),
        area,
        level: expected.map(|site| site.level.clone()).unwrap_or_default(),
        // A participant that was not judged has no evidence.
        verdict: judged.map_or(Verdict::Unknown, |judged| judged.verdict),
        reasons: judged
            .map(|judged| judged.reasons.iter().map(RecordedReason::from).collect())
            .unwrap_or_default(),
        // `None` is less than any moment.
        evidence_at: needed.map(|capability| capability.evidence_at).min().flatten(),
        heard_at: capabilities().filter_map(|capability| capability.evidence_at).max(),
    }
}

#[cfg(test)]
mod tests;
