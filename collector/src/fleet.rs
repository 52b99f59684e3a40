//! What is known of every site now. Pure: takes values and `now`.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wire::{SiteId, UnixMillis};

use crate::inventory::Inventory;
use crate::store::received::History;

/// The state of all sites.
#[derive(Debug, Default)]
pub struct Fleet;

impl Fleet {
    /// A fleet that starts from what the store knew.
    #[must_use]
    pub fn restore(history: &History) -> Self {
        let _ = history;
        Self
    }

    /// Replaces what is expected. What is known of a site stays with its id, so that a renamed
    /// commune keeps its history.
    pub fn set_inventory(&mut self, inventory: &Inventory) {
        let _ = inventory;
    }

    /// Replaces the set of sites that hold a credential.
    pub fn set_enrolled(&mut self, enrolled: &BTreeSet<SiteId>) {
        let _ = enrolled;
    }

    /// What is known now. Only pointers are copied, so the lock is held for moments.
    #[must_use]
    pub fn snapshot(&self, now: UnixMillis) -> Snapshot {
        let _ = now;
        Snapshot
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

    /// The fleet, for a moment: never held over an `await`.
    pub fn lock(&self) -> MutexGuard<'_, Fleet> {
        // Nothing in the fleet can be half done: each change replaces a whole site.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fleet at one moment.
#[derive(Debug)]
pub struct Snapshot;
