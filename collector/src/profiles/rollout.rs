//! Who is offered which profile. A change is tried on a few sites; only when it has done them no
//! harm do the others get it, and when it has, the few get back what they ran. Pure.
//!
//! ```text
//!            a new file                  all tried sites ran it
//!  Settled ────────────▶ Trying ───────────────────────────────▶ Settled
//!     ▲                    │  refused, silent, or a probe fails everywhere
//!     │ another file       ▼
//!     └──────────────── Withdrawn: everybody is offered what proved good before
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wire::profile::{Document, Standing};
use wire::{ProbeName, SiteId, UnixMillis};

use super::{Text, Trial};

/// A site that was chosen and has not taken the profile by then is given up for another: three
/// reports at rest.
const TAKES_WITHIN: UnixMillis = 6 * 60 * 1000;

/// How a site stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether it is heard.
    pub up: bool,
    /// When it was heard last.
    pub heard_at: UnixMillis,
    /// Whether its meeting is near or on: nothing is tried there then.
    pub busy: bool,
    /// Probes whose latest reading, not yet too old, is a failure.
    pub failing: BTreeSet<ProbeName>,
}

/// Where a change stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Everybody is offered what the file says.
    Settled,
    /// A few are.
    Trying,
    /// Nobody is, for this reason.
    Withdrawn(String),
}

/// What a step brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// These sites try it.
    Tried(Vec<SiteId>),
    /// It did no harm and is offered to all.
    Proved,
    /// It did, and is taken back.
    Withdrew(String),
}

/// The texts by site.
type Texts = BTreeMap<SiteId, Arc<Text>>;

/// Who is offered what.
#[derive(Debug)]
pub struct Rollout {
    trial: Trial,
    wanted: Texts,
    /// What was offered to each site when it last was what the file said and had proved good.
    proved: Texts,
    /// The etags of those: a text that some site already ran for good is no change to another.
    good: BTreeSet<Box<str>>,
    phase: Phase,
    tried: BTreeMap<SiteId, Tried>,
    standings: BTreeMap<SiteId, Standing>,
    nothing: Arc<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tried {
    since: UnixMillis,
    ran_since: Option<UnixMillis>,
    /// Failing already before: no fault of the profile's.
    failed_before: BTreeSet<ProbeName>,
}

impl Rollout {
    /// Starts from what proved good before.
    #[must_use]
    pub fn restore(proved: Texts) -> Self {
        Self {
            trial: Trial { sites: 0, lasts: std::time::Duration::ZERO },
            wanted: Texts::new(),
            good: etags(&proved),
            proved,
            phase: Phase::Settled,
            tried: BTreeMap::new(),
            standings: BTreeMap::new(),
            nothing: Arc::new(Text::new(Document::default())),
        }
    }

    /// Where the change stands.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// What the file says now.
    #[must_use]
    pub fn wanted(&self) -> &Texts {
        &self.wanted
    }

    /// What proved good.
    #[must_use]
    pub fn proved(&self) -> &Texts {
        &self.proved
    }

    /// The sites that try the change.
    pub fn tried(&self) -> impl Iterator<Item = &SiteId> {
        self.tried.keys()
    }

    /// What a site last said of its profile.
    #[must_use]
    pub fn standing(&self, site: &SiteId) -> Option<&Standing> {
        self.standings.get(site)
    }

    /// Names the whole of what is wanted, to remember that it was withdrawn.
    #[must_use]
    pub fn revision(&self) -> String {
        let mut digest = Sha256::new();
        for (site, text) in &self.wanted {
            digest.update(format!("{site} {}\n", text.etag));
        }
        data_encoding::HEXLOWER.encode(&digest.finalize()[..8])
    }

    /// Takes what the file and the inventory say now. Says whether that is new.
    pub fn want(&mut self, wanted: Texts, trial: Trial) -> bool {
        self.trial = trial;
        let same = |old: &Texts, new: &Texts| {
            old.len() == new.len()
                && old.iter().zip(new).all(|(a, b)| a.0 == b.0 && a.1.etag == b.1.etag)
        };
        if same(&self.wanted, &wanted) {
            return false;
        }
        self.wanted = wanted;
        self.standings.retain(|site, _| self.wanted.contains_key(site));
        self.tried.clear();
        if self.changed().next().is_none() || self.trial.sites == 0 {
            self.settle();
        } else {
            self.phase = Phase::Trying;
        }
        true
    }

    /// It was withdrawn before a restart.
    pub fn stays_withdrawn(&mut self, reason: String) {
        if self.phase == Phase::Trying {
            self.phase = Phase::Withdrawn(reason);
        }
    }

    /// What was withdrawn is tried once more.
    pub fn again(&mut self) {
        if matches!(self.phase, Phase::Withdrawn(_)) {
            self.phase = Phase::Trying;
        }
    }

    /// What a push said.
    pub fn heard(&mut self, site: &SiteId, standing: Standing) {
        if self.wanted.contains_key(site) {
            self.standings.insert(site.clone(), standing);
        }
    }

    /// What a site should run; `None` where nothing was ever decided for it.
    #[must_use]
    pub fn offer(&self, site: &SiteId) -> Option<&Arc<Text>> {
        let wanted = self.wanted.get(site)?;
        let is_in = self.phase == Phase::Settled
            || (self.phase == Phase::Trying && self.tried.contains_key(site))
            || self.is_proved(wanted);
        if is_in {
            return Some(wanted);
        }
        let before = self.proved.get(site);
        // Whoever ran nothing of ours before needs to hear of that only if he does now.
        before.or_else(|| self.standings.get(site)?.running.is_some().then_some(&self.nothing))
    }

    /// One step: chooses whom to try on, and judges those who try.
    pub fn step(&mut self, now: UnixMillis, look: impl Fn(&SiteId) -> Look) -> Option<Event> {
        if self.phase != Phase::Trying {
            return None;
        }
        if let Some(reason) = self.judge(now, &look) {
            self.tried.clear();
            self.phase = Phase::Withdrawn(reason.clone());
            return Some(Event::Withdrew(reason));
        }
        let chosen = self.choose(now, &look);
        if !chosen.is_empty() {
            return Some(Event::Tried(chosen));
        }
        let lasts = i64::try_from(self.trial.lasts.as_millis()).unwrap_or(i64::MAX);
        // At rest a site is missed only after minutes: that it is heard again is what counts.
        let over = |(site, tried): (&SiteId, &Tried)| {
            tried.ran_since.is_some_and(|since| look(site).heard_at - since >= lasts)
        };
        (!self.tried.is_empty() && self.tried.iter().all(over)).then(|| {
            self.settle();
            Event::Proved
        })
    }

    fn settle(&mut self) {
        self.proved = self.wanted.clone();
        self.good = etags(&self.proved);
        self.tried.clear();
        self.phase = Phase::Settled;
    }

    fn is_proved(&self, text: &Text) -> bool {
        text.probes.is_empty() || self.good.contains(&text.etag)
    }

    fn changed(&self) -> impl Iterator<Item = (&SiteId, &Arc<Text>)> {
        self.wanted.iter().filter(|(_, text)| !self.is_proved(text))
    }

    /// Chooses sites until there are enough: those that are heard, know profiles and have no
    /// meeting, each different profile once before any twice.
    fn choose(&mut self, now: UnixMillis, look: &impl Fn(&SiteId) -> Look) -> Vec<SiteId> {
        let late = |tried: &Tried| tried.ran_since.is_none() && now - tried.since > TAKES_WITHIN;
        self.tried
            .retain(|site, tried| !late(tried) && (tried.ran_since.is_some() || look(site).up));
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for site in self.tried.keys() {
            *seen.entry(&self.wanted[site].etag).or_default() += 1;
        }
        let mut fit: Vec<_> = self
            .changed()
            .filter(|(site, _)| self.standings.contains_key(*site))
            .filter(|(site, _)| !self.tried.contains_key(*site))
            .map(|(site, text)| (site, text, look(site)))
            .filter(|(.., look)| look.up && !look.busy)
            .collect();
        let mut chosen = Vec::new();
        while self.tried.len() + chosen.len() < self.trial.sites && !fit.is_empty() {
            let rarest = |(_, text, _): &&(&SiteId, &Arc<Text>, Look)| {
                seen.get(&*text.etag).copied().unwrap_or(0)
            };
            let place = fit.iter().enumerate().min_by_key(|(_, one)| rarest(one));
            let Some((place, _)) = place else { break };
            let (site, text, look) = fit.remove(place);
            *seen.entry(&text.etag).or_default() += 1;
            let tried = Tried { since: now, ran_since: None, failed_before: look.failing };
            chosen.push((site.clone(), tried));
        }
        let names = chosen.iter().map(|(site, _)| site.clone()).collect();
        self.tried.extend(chosen);
        names
    }

    /// Why the change must be taken back, if it must.
    fn judge(&mut self, now: UnixMillis, look: &impl Fn(&SiteId) -> Look) -> Option<String> {
        for (site, tried) in &mut self.tried {
            let (Some(wanted), Some(standing)) = (self.wanted.get(site), self.standings.get(site))
            else {
                continue;
            };
            let refused = standing.refused.as_ref().filter(|refused| refused.etag == wanted.etag);
            if let Some(refused) = refused {
                return Some(format!("{site} refused it: {}", refused.reason));
            }
            if standing.running.as_deref() == Some(&*wanted.etag) {
                tried.ran_since.get_or_insert(now);
            }
        }
        self.silent(look).or_else(|| self.failing_everywhere(look))
    }

    /// Most of those that run it are silent since. One alone may have lost its power, and is
    /// asked no more.
    fn silent(&mut self, look: &impl Fn(&SiteId) -> Look) -> Option<String> {
        let ran = self.tried.iter().filter(|(_, tried)| tried.ran_since.is_some());
        let (silent, heard): (Vec<&SiteId>, Vec<&SiteId>) =
            ran.map(|(site, _)| site).partition(|site| !look(site).up);
        if silent.len() > heard.len() {
            let names: Vec<&str> = silent.into_iter().map(SiteId::as_str).collect();
            return Some(format!("silent since they run it: {}", names.join(", ")));
        }
        let silent: Vec<SiteId> = silent.into_iter().cloned().collect();
        for site in silent {
            self.tried.remove(&site);
        }
        None
    }

    /// A probe that fails at every site that tries it, although it did not before: a wrong address
    /// for all is a fault of the profile, one bad camera is not. So those are waited for that have
    /// not taken it yet.
    fn failing_everywhere(&self, look: &impl Fn(&SiteId) -> Look) -> Option<String> {
        let mut by_probe: BTreeMap<&ProbeName, (usize, usize)> = BTreeMap::new();
        for (site, tried) in &self.tried {
            let Some(wanted) = self.wanted.get(site) else { continue };
            let before = self.proved.get(site).map(|text| &text.probes);
            let failing = look(site).failing;
            for (probe, spec) in &wanted.probes {
                if before.and_then(|before| before.get(probe)) == Some(spec) {
                    continue;
                }
                let (fails, of) = by_probe.entry(probe).or_default();
                *of += 1;
                let fails_now = failing.contains(probe) && !tried.failed_before.contains(probe);
                *fails += usize::from(tried.ran_since.is_some() && fails_now);
            }
        }
        let everywhere = by_probe.into_iter().find(|(_, (fails, of))| *fails > 0 && fails == of);
        everywhere.map(|(probe, (_, of))| {
            if of == 1 {
                format!("{probe} fails at the one site that tries it")
            } else {
                format!("{probe} fails at all {of} sites that try it")
            }
        })
    }
}

fn etags(texts: &Texts) -> BTreeSet<Box<str>> {
    texts.values().map(|text| text.etag.clone()).collect()
}

#[cfg(test)]
mod tests;
