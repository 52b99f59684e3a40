//! What is known of every site now. Pure: takes values and `now`, has no clock and no disk.
//!
//! Every expected site is always here, whether or not it ever reported. A reading lives for
//! three of its intervals, at least 90 s; then its series disappear, while the reading itself,
//! its last failure and the moment its site was last seen stay. A site that promised to be heard
//! again is down as soon as it has broken its promise three times.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wire::{Report, SiteId, UnixMillis};

use crate::ingest::Ignored;
use crate::ingest::rivals::Contest;
use crate::inventory::Inventory;
use crate::store::received::History;

mod probe;
mod site;

pub use probe::{PastFailure, Probe};
pub use site::Site;

/// Sites in all; ten times the largest fleet this is made for. Expected sites are never left
/// out; beyond this number, others are.
const SITES: usize = 100_000;

/// The state of all sites.
#[derive(Debug, Default)]
pub struct Fleet {
    sites: BTreeMap<SiteId, Arc<Site>>,
}

/// One request's good reports, as the fleet takes them.
#[derive(Debug)]
pub struct Arrival {
    /// When it arrived.
    pub received_at: UnixMillis,
    /// The agent's clock minus the collector's, in milliseconds.
    pub clock_offset: i64,
    /// Within which the agent promised to be heard again, in milliseconds, if it did.
    pub again_ms: Option<u64>,
    /// The reports, each after the moment it was taken by the collector's clock, where that is
    /// known.
    pub reports: Vec<(Option<UnixMillis>, Report)>,
}

impl Fleet {
    /// A fleet that starts from what the store knew: when each site was last seen.
    #[must_use]
    pub fn restore(history: &History) -> Self {
        let mut fleet = Self::default();
        for past in &history.boots {
            let site = Arc::make_mut(fleet.sites.entry(past.site.clone()).or_default());
            site.remember(past.heard_at, past.clock_offset);
        }
        for (id, site) in &mut fleet.sites {
            Arc::make_mut(site).render(id);
        }
        fleet
    }

    /// Replaces what is expected. What is known of a site stays with its id, so that a renamed
    /// commune keeps its history.
    pub fn set_inventory(&mut self, inventory: &Inventory) {
        for id in inventory.sites.keys() {
            if !self.sites.contains_key(id) {
                self.sites.insert(id.clone(), Arc::default());
            }
        }
        for (id, site) in &mut self.sites {
            let expected = inventory.sites.get(id);
            if expected != site.expected() || site.is_bare() {
                Arc::make_mut(site).expect(id, expected);
            }
        }
    }

    /// Replaces the set of sites that hold a credential. A site that is neither expected nor
    /// enrolled is no longer shown.
    pub fn set_enrolled(&mut self, enrolled: &BTreeSet<SiteId>) {
        for id in enrolled {
            if !self.sites.contains_key(id) && self.sites.len() < SITES {
                self.sites.insert(id.clone(), Arc::default());
            }
        }
        for (id, site) in &mut self.sites {
            let enrolled = enrolled.contains(id);
            if enrolled != site.is_enrolled() || site.is_bare() {
                Arc::make_mut(site).enrol(id, enrolled);
            }
        }
    }

    /// Takes reports of an authenticated site and returns which samples were left out.
    pub fn apply(&mut self, id: &SiteId, arrival: Arrival) -> Ignored {
        let mut ignored = Ignored::default();
        if !self.sites.contains_key(id) && self.sites.len() >= SITES {
            return ignored;
        }
        let site = Arc::make_mut(self.sites.entry(id.clone()).or_default());
        for (taken_at, report) in arrival.reports {
            if let Some(taken_at) = taken_at {
                site.apply(id, report, taken_at, arrival.received_at, &mut ignored);
            }
        }
        site.heard(id, arrival.received_at, arrival.clock_offset, arrival.again_ms);
        ignored
    }

    /// Several agents want to be this site, or no more.
    pub fn set_contest(&mut self, id: &SiteId, contest: Option<Contest>) {
        if let Some(site) = self.sites.get_mut(id) {
            Arc::make_mut(site).contend(id, contest);
        }
    }

    /// What is known now. Only pointers are copied, so the lock is held for moments.
    #[must_use]
    pub fn snapshot(&self, now: UnixMillis) -> Snapshot {
        let sites = self
            .sites
            .iter()
            .filter(|(_, site)| site.is_shown())
            .map(|(id, site)| (id.clone(), Arc::clone(site)))
            .collect();
        Snapshot { now, sites }
    }
}

/// The fleet as all tasks share it.
#[derive(Debug, Default)]
pub struct Shared(Mutex<Fleet>);

impl Shared {
    /// Shares a fleet.
    #[must_use]
    pub fn new(fleet: Fleet) -> Self {
        Self(Mutex::new(fleet))
    }

    /// What is known now, to be read without holding anybody up.
    #[must_use]
    pub fn snapshot(&self, now: UnixMillis) -> Snapshot {
        self.lock().snapshot(now)
    }

    /// The fleet, to change it: for a moment, and never over an `await`.
    pub fn lock(&self) -> MutexGuard<'_, Fleet> {
        // Nothing here can be left half done in a way that matters: the next report of the same
        // site replaces what the last one wrote.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fleet at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// That moment.
    pub now: UnixMillis,
    /// The sites to be shown, by id.
    pub sites: Vec<(SiteId, Arc<Site>)>,
}

impl Snapshot {
    /// One site.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<(&SiteId, &Site)> {
        let place = self.sites.binary_search_by(|(site, _)| site.as_str().cmp(id)).ok()?;
        self.sites.get(place).map(|(id, site)| (id, site.as_ref()))
    }
}

#[cfg(test)]
mod tests;
