//! Who is offered the release. A few sites first, then a share of all, then all; each stage only
//! when the one before has run it for a while, and none at all once it does harm. Pure.
//!
//! ```text
//!              update offer          all of the stage have run it for a while
//!  (nothing) ───────────────▶ Trial ─────────▶ Share ─────────▶ All
//!                               │ a site gave it up, or most are silent
//!                               ▼       │ one in ten gave it up   │
//!                           Withdrawn ◀─┴────────────────────────┘
//! ```
//! A version that was withdrawn stays where it has proved itself: going back is a decision of its
//! own, and signed like every other.

use std::collections::BTreeMap;

use wire::update::{Failed, How, Standing, Version};
use wire::{SiteId, UnixMillis};

use super::{Offer, Release, Stages};

/// A site that was chosen and has not taken it by then makes place for another: 8 MB over a line
/// of 20 kbit/s take an hour.
const TAKES_WITHIN: UnixMillis = 4 * 60 * 60 * 1000;

/// Beyond the trial: one site in so many may give it up for reasons of its own.
const ONE_IN: usize = 10;

/// How a site stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether it is heard.
    pub up: bool,
    /// When it was heard last.
    pub heard_at: UnixMillis,
    /// Whether its meeting is near or on: nothing is offered there then.
    pub busy: bool,
    /// What it reports with.
    pub version: Option<Version>,
}

/// How far a release has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// A few sites.
    Trial,
    /// A share of all.
    Share,
    /// All.
    All,
}

impl Stage {
    /// In the order of time.
    pub const ALL: [Self; 3] = [Self::Trial, Self::Share, Self::All];

    /// Its name for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Share => "share",
            Self::All => "all",
        }
    }
}

/// Where a release stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It is given out.
    Rolling(Stage),
    /// It is not any more, for this reason.
    Withdrawn(String),
    /// An operator stopped it.
    Stopped,
}

/// What a step brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// These sites are offered it now.
    Chose(Vec<SiteId>),
    /// The stage did no harm, and the next begins.
    Widened(Stage),
    /// It did, and is offered no more.
    Withdrew(String),
}

/// A site that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Since when it is offered the release.
    pub since: UnixMillis,
    /// Whether it said that it tries it.
    pub took: bool,
    /// Since when it runs it for good.
    pub ran_since: Option<UnixMillis>,
}

/// Who is offered the release.
#[derive(Debug)]
pub struct Rollout {
    release: Release,
    stages: Stages,
    phase: Phase,
    chosen: BTreeMap<SiteId, Chosen>,
}

/// What agents last said of updates.
pub type Standings = BTreeMap<SiteId, Standing>;

impl Rollout {
    /// Goes on from where it stood; `chosen` since when.
    #[must_use]
    pub fn restore(
        release: Release,
        stages: Stages,
        phase: Phase,
        chosen: impl IntoIterator<Item = (SiteId, UnixMillis)>,
    ) -> Self {
        let chosen = chosen
            .into_iter()
            .map(|(site, since)| (site, Chosen { since, took: false, ran_since: None }))
            .collect();
        Self { release, stages, phase, chosen }
    }

    /// What is given out.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Where it stands.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The sites that are offered it, and since when.
    pub fn chosen(&self) -> impl Iterator<Item = (&SiteId, &Chosen)> {
        self.chosen.iter()
    }

    /// Since when a site is offered it.
    #[must_use]
    pub fn offered_since(&self, site: &SiteId) -> Option<UnixMillis> {
        self.chosen.get(site).map(|chosen| chosen.since)
    }

    /// The program of the release for an agent.
    #[must_use]
    pub fn offer_for(&self, standing: &Standing) -> Option<&Offer> {
        self.release.offers.get(&standing.platform)
    }

    /// What a site is offered now.
    #[must_use]
    pub fn offer(&self, site: &SiteId, standing: &Standing) -> Option<&Offer> {
        let rolls = matches!(self.phase, Phase::Rolling(_));
        self.chosen.get(site).filter(|_| rolls).and_then(|_| self.offer_for(standing))
    }

    /// Why a site gave the release up, if it did.
    #[must_use]
    pub fn failure<'a>(&self, standing: &'a Standing) -> Option<&'a Failed> {
        let id = &self.offer_for(standing)?.id;
        standing.failed.as_ref().filter(|failed| failed.id == *id)
    }

    /// Whether a site runs the release for good: as an update, or from a package.
    #[must_use]
    pub fn runs(&self, standing: &Standing, version: Option<Version>) -> bool {
        let id = self.offer_for(standing).map(|offer| &*offer.id);
        (id.is_some() && standing.running.as_deref() == id)
            || (standing.trying.is_none() && version == Some(self.release.version))
    }

    /// One step: chooses whom to offer it to, and judges those who have it.
    pub fn step(
        &mut self,
        now: UnixMillis,
        standings: &Standings,
        look: impl Fn(&SiteId) -> Look,
    ) -> Option<Event> {
        let Phase::Rolling(stage) = self.phase else { return None };
        self.note(now, standings, &look);
        if let Some(reason) = self.harm(stage, standings, &look) {
            self.phase = Phase::Withdrawn(reason.clone());
            return Some(Event::Withdrew(reason));
        }
        let mut waiting = self.waiting(standings, &look);
        let target = self.target(stage, self.chosen.len() + waiting.len());
        let free = target.saturating_sub(self.chosen.len());
        waiting.retain(|site| {
            let look = look(site);
            look.up && !look.busy
        });
        waiting.truncate(free);
        if !waiting.is_empty() {
            let chosen = Chosen { since: now, took: false, ran_since: None };
            self.chosen.extend(waiting.iter().map(|site| (site.clone(), chosen)));
            return Some(Event::Chose(waiting));
        }
        let next = Stage::ALL.into_iter().find(|next| *next > stage)?;
        if self.chosen.len() < target || !self.is_over(standings, &look) {
            return None;
        }
        self.phase = Phase::Rolling(next);
        Some(Event::Widened(next))
    }

    /// Takes what the sites have said since the last step.
    fn note(&mut self, now: UnixMillis, standings: &Standings, look: &impl Fn(&SiteId) -> Look) {
        let mut chosen = std::mem::take(&mut self.chosen);
        chosen.retain(|site, chosen| {
            let Some(standing) = standings.get(site) else {
                // After a restart nobody has spoken yet.
                return now - chosen.since <= TAKES_WITHIN;
            };
            let look = look(site);
            let id = self.offer_for(standing).map(|offer| &*offer.id);
            chosen.took |= id.is_some() && standing.trying.as_deref() == id;
            if self.runs(standing, look.version) {
                chosen.ran_since.get_or_insert(now);
            }
            let has_it =
                chosen.took || chosen.ran_since.is_some() || self.failure(standing).is_some();
            // One that is switched off is chosen again when it is back.
            has_it || (look.up && now - chosen.since <= TAKES_WITHIN)
        });
        self.chosen = chosen;
    }

    /// The sites that could take it and were not chosen.
    fn waiting(&self, standings: &Standings, look: &impl Fn(&SiteId) -> Look) -> Vec<SiteId> {
        let could = |site: &SiteId, standing: &Standing| {
            let Some(offer) = self.offer_for(standing) else { return false };
            let version = look(site).version;
            let newer = version.is_some_and(|version| version > self.release.version);
            !self.runs(standing, version)
                && self.failure(standing).is_none()
                && (!newer || offer.manifest.downgrade)
        };
        let waiting = standings.iter().filter(|(site, _)| !self.chosen.contains_key(*site));
        waiting.filter(|(site, standing)| could(site, standing)).map(|(s, _)| s.clone()).collect()
    }

    /// How many sites a stage has, of so many in all.
    fn target(&self, stage: Stage, all: usize) -> usize {
        match stage {
            Stage::Trial => self.stages.sites.min(all),
            Stage::Share => (all * self.stages.share).div_ceil(100).max(self.stages.sites).min(all),
            Stage::All => all,
        }
    }

    /// Whether all that were chosen have run it for a while, or have given it up.
    fn is_over(&self, standings: &Standings, look: &impl Fn(&SiteId) -> Look) -> bool {
        let lasts = i64::try_from(self.stages.lasts.0.as_millis()).unwrap_or(i64::MAX);
        let gave_up = |site| standings.get(site).is_some_and(|s| self.failure(s).is_some());
        // At rest a site is missed only after minutes: that it is heard again is what counts.
        let lived = |site, chosen: &Chosen| {
            chosen.ran_since.is_some_and(|since| look(site).heard_at - since >= lasts)
        };
        self.chosen.values().any(|chosen| chosen.ran_since.is_some())
            && self.chosen.iter().all(|(site, chosen)| lived(site, chosen) || gave_up(site))
    }

    /// Why it must be withdrawn, if it must.
    fn harm(
        &self,
        stage: Stage,
        standings: &Standings,
        look: &impl Fn(&SiteId) -> Look,
    ) -> Option<String> {
        let failures: Vec<(&SiteId, &Failed)> = self
            .chosen
            .keys()
            .filter_map(|site| Some((site, self.failure(standings.get(site)?)?)))
            .collect();
        if stage > Stage::Trial {
            let settled = self.chosen.values().filter(|chosen| chosen.ran_since.is_some()).count();
            let of = settled + failures.len();
            let (site, first) = failures.first()?;
            return (failures.len() > 1 && failures.len() * ONE_IN > of).then(|| {
                format!("{} of {of} sites gave it up, as {site}: {}", failures.len(), first.reason)
            });
        }
        if let Some((site, failed)) = failures.iter().find(|(_, failed)| failed.how != How::Silent)
        {
            return Some(format!("{site} gave it up: {}", failed.reason));
        }
        // Most of those that have it. One alone may have lost its power or its line.
        let has_it = |chosen: &Chosen| chosen.took || chosen.ran_since.is_some();
        let gave_up = |site: &SiteId| failures.iter().any(|(failed, _)| *failed == site);
        let (silent, heard): (Vec<&SiteId>, Vec<&SiteId>) = self
            .chosen
            .iter()
            .filter(|(site, chosen)| has_it(chosen) || gave_up(site))
            .map(|(site, _)| site)
            .partition(|site| gave_up(site) || !look(site).up);
        (silent.len() > heard.len()).then(|| {
            let names: Vec<&str> = silent.into_iter().map(SiteId::as_str).collect();
            format!("silent since they took it: {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests;
