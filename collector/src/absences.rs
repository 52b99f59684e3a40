//! Maintenance windows and agreed absences: who is excused, and until when. From a file, which
//! `watch` follows, and through the API.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use wire::ids::AreaId;
use wire::yaml::Faults;
use wire::{SiteId, UnixMillis};

use crate::inventory::{self, Area};
use crate::meetings;

pub mod desk;
mod file;

pub use file::parse;

/// Absences in all, of the file and again of the API: a fifth of the largest fleet at once; each
/// site is held against each.
const ABSENCES: usize = 2_000;

/// An agreed absence or a maintenance window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// Whose.
    pub of: Scope,
    /// From when.
    pub from: UnixMillis,
    /// Until when; that moment is no longer in it.
    pub to: UnixMillis,
    /// Why, for people.
    pub reason: String,
}

/// Whose absence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One site.
    Site(SiteId),
    /// All sites of an area and of the areas below it.
    Area(AreaId),
    /// All sites behind an uplink.
    Uplink(String),
}

impl Scope {
    /// Its id or name.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Site(id) => id.as_str(),
            Self::Area(id) => id.as_str(),
            Self::Uplink(name) => name,
        }
    }
}

impl Absence {
    /// Whether it excuses a site at a moment.
    #[must_use]
    pub fn excuses(
        &self,
        id: &SiteId,
        site: Option<&inventory::Site>,
        areas: &BTreeMap<AreaId, Area>,
        at: UnixMillis,
    ) -> bool {
        let in_time = self.from <= at && at < self.to;
        in_time
            && match &self.of {
                Scope::Site(of) => of == id,
                Scope::Area(of) => site.is_some_and(|site| lies_in(site, of, areas)),
                Scope::Uplink(of) => site.is_some_and(|site| site.uplink == *of),
            }
    }
}

/// The absences that everyone reads and few replace.
#[derive(Debug, Default)]
pub struct Shared(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    file: Arc<Vec<Absence>>,
    stored: Arc<BTreeMap<i64, Absence>>,
    all: Arc<Vec<Absence>>,
}

impl Shared {
    /// All that are in force or will be.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<Absence>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).all)
    }

    /// Replaces those of the file.
    pub fn set_file(&self, absences: Vec<Absence>) {
        self.change(|state| state.file = Arc::new(absences));
    }

    fn parts(&self) -> (Arc<Vec<Absence>>, Arc<BTreeMap<i64, Absence>>) {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&state.file), Arc::clone(&state.stored))
    }

    fn set_stored(&self, stored: BTreeMap<i64, Absence>) {
        self.change(|state| state.stored = Arc::new(stored));
    }

    fn change_stored(&self, id: i64, absence: Option<Absence>) {
        self.change(|state| {
            let stored = Arc::make_mut(&mut state.stored);
            match absence {
                Some(absence) => drop(stored.insert(id, absence)),
                None => drop(stored.remove(&id)),
            }
        });
    }

    fn forget_over(&self, now: UnixMillis) {
        self.change(|state| {
            Arc::make_mut(&mut state.stored).retain(|_, absence| absence.to > now);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        state.all = Arc::new(state.file.iter().chain(state.stored.values()).cloned().collect());
    }
}

/// Reads the file in `path`.
///
/// # Errors
/// All its faults.
pub fn load(path: &Path) -> Result<Vec<Absence>, Faults> {
    let bytes = inventory::read(path).map_err(|error| meetings::files::unread(path, &error))?;
    parse(path, &String::from_utf8_lossy(&bytes))
}

fn lies_in(site: &inventory::Site, area: &AreaId, areas: &BTreeMap<AreaId, Area>) -> bool {
    let above = |id: &&AreaId| areas.get(*id).and_then(|area| area.parent.as_ref());
    // An inventory has no rings; were there one, no way is longer than the number of areas.
    std::iter::successors(site.area.as_ref(), above).take(areas.len() + 1).any(|id| id == area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_covers_what_lies_below_it_while_it_lasts() {
        let inventory = inventory::parse(
            "sites.yaml".as_ref(),
            b"areas: [{ id: tinh, name: T }, { id: huyen, name: H, parent: tinh }]\n\
              sites: [{ id: a, name: A, area: huyen, uplink: pop-1 }, { id: b, name: B }]",
        )
        .unwrap();
        let excused = |of, id: &str, at| {
            let absence = Absence { of, from: 100, to: 200, reason: String::new() };
            let id: SiteId = id.parse().unwrap();
            absence.excuses(&id, inventory.sites.get(&id), &inventory.areas, at)
        };
        let area = || Scope::Area("tinh".parse().unwrap());
        let uplink = || Scope::Uplink("pop-1".to_owned());
        let site = || Scope::Site("b".parse().unwrap());
        for (of, id, at, expected) in [
            (area(), "a", 100, true),
            (area(), "a", 99, false),
            (area(), "a", 200, false),
            (area(), "b", 150, false),
            (uplink(), "a", 199, true),
            (uplink(), "b", 150, false),
            (site(), "b", 150, true),
            (site(), "a", 150, false),
        ] {
            assert_eq!(excused(of.clone(), id, at), expected, "{of:?} {id} {at}");
        }
    }
}
