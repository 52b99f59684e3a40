//! Who takes part: what a calendar names, matched to the sites and areas of the inventory.

use std::collections::{BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization;
use wire::SiteId;
use wire::ids::AreaId;

use crate::inventory::{Inventory, Site, folded};

/// Words for everybody, folded.
const EVERYBODY: [&str; 12] = [
    "tat ca",
    "tat ca cac diem cau",
    "tat ca diem cau",
    "tat ca cac don vi",
    "cac diem cau",
    "toan bo cac diem cau",
    "toan bo diem cau",
    "toan bo",
    "toan tinh",
    "toan the",
    "100% diem cau",
    "all",
];

/// What people put before the name of a place, or leave out, folded: `xã Hoằng Lộc`, `Điểm cầu
/// xã Hoằng Lộc` and `UBND xã Hoằng Lộc` are one.
const OFFICES: [&str; 5] = ["tai", "diem cau", "ubnd", "uy ban nhan dan", "tru so"];

/// Whom a meeting names. Names are ids, or names for people with or without diacritics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Participants {
    /// Everybody, whatever else is named.
    pub everybody: bool,
    /// Administrative levels; together with areas only sites that are in both.
    pub levels: Vec<String>,
    /// Areas and everything below them.
    pub areas: Vec<String>,
    /// Single sites.
    pub ids: Vec<String>,
    /// Sites and areas as a calendar program wrote them down, each by its spellings; one text may
    /// hold several names.
    pub names: Vec<Vec<String>>,
    /// Sites and areas that do not take part.
    pub except: Vec<String>,
}

/// Who that is, by the inventory of now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The sites.
    pub sites: BTreeSet<SiteId>,
    /// Names that match no site and no area, or more than one.
    pub unmatched: Vec<String>,
}

impl Participants {
    /// Matches every name; never drops one in silence.
    #[must_use]
    pub fn resolve(&self, directory: &Directory<'_>) -> Resolved {
        let mut found = Resolved::default();
        self.by_level_and_area(directory, &mut found);
        for name in &self.ids {
            match directory.site(name) {
                Some(site) => found.sites.extend([site.clone()]),
                None => found.unmatched.push(name.clone()),
            }
        }
        for spellings in &self.names {
            found.take(spellings, directory);
        }
        for name in &self.except {
            match directory.sites_or_area(name) {
                Some(sites) => found.sites.retain(|site| !sites.contains(site)),
                None => found.unmatched.push(name.clone()),
            }
        }
        found
    }

    fn by_level_and_area(&self, directory: &Directory<'_>, found: &mut Resolved) {
        if !self.everybody && self.levels.is_empty() && self.areas.is_empty() {
            return;
        }
        let sites = &directory.inventory.sites;
        let mut levels = BTreeSet::new();
        for name in &self.levels {
            let level = folded(name);
            if sites.values().any(|site| folded(&site.level) == level) {
                levels.insert(level);
            } else {
                found.unmatched.push(name.clone());
            }
        }
        let mut below = BTreeSet::new();
        for name in &self.areas {
            match directory.area(name) {
                Some(area) => below.extend(directory.below(area)),
                None => found.unmatched.push(name.clone()),
            }
        }
        let takes_part = |(id, site): (&SiteId, &Site)| {
            (self.levels.is_empty() || levels.contains(&folded(&site.level)))
                && (self.areas.is_empty() || below.contains(id))
        };
        let everybody = sites.iter().filter(|(id, site)| self.everybody || takes_part((id, site)));
        found.sites.extend(everybody.map(|(id, _)| id.clone()));
    }
}

impl Resolved {
    /// Takes a text as a whole, or else part by part: a name may hold a comma itself.
    fn take(&mut self, spellings: &[String], directory: &Directory<'_>) {
        if let Some(sites) = spellings.iter().find_map(|name| directory.sites_or_area(name)) {
            self.sites.extend(sites);
            return;
        }
        let Some(first) = spellings.first() else { return };
        for part in first.split([';', ',', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
            match directory.sites_or_area(part).or_else(|| both(part, directory)) {
                Some(sites) => self.sites.extend(sites),
                None => self.unmatched.push(part.to_owned()),
            }
        }
    }
}

/// `xã Hoằng Lộc và xã Hoằng Quỳ`, where both are known; `Phòng Văn hóa và Thông tin` is one name.
fn both(part: &str, directory: &Directory<'_>) -> Option<BTreeSet<SiteId>> {
    let text: String = part.nfc().collect();
    let sites = text.split(" và ").map(|name| directory.sites_or_area(name));
    sites.reduce(|all, next| {
        all.zip(next).map(|(mut all, next)| {
            all.extend(next);
            all
        })
    })?
}

/// The inventory by its names.
#[derive(Debug)]
pub struct Directory<'a> {
    inventory: &'a Inventory,
    /// `None` where two bear the name.
    sites: HashMap<String, Option<&'a SiteId>>,
    /// The same without the [`OFFICES`] before it.
    places: HashMap<String, Option<&'a SiteId>>,
    areas: HashMap<String, Option<&'a AreaId>>,
}

impl<'a> Directory<'a> {
    /// Folds every name once.
    #[must_use]
    pub fn new(inventory: &'a Inventory) -> Self {
        let sites = || inventory.sites.iter().map(|(id, site)| (folded(&site.name), id));
        let areas = inventory.areas.iter().map(|(id, area)| (folded(&area.name), id));
        let places = sites().map(|(name, id)| (place(&name).to_owned(), id));
        let (sites, places, areas) = (by_name(sites()), by_name(places), by_name(areas));
        Self { inventory, sites, places, areas }
    }

    /// Whom a text names: a site, everything below an area, or everybody; and last a site that
    /// is called by its place alone.
    fn sites_or_area(&self, name: &str) -> Option<BTreeSet<SiteId>> {
        if let Some(site) = self.site(name) {
            return Some(BTreeSet::from([site.clone()]));
        }
        if let Some(area) = self.area(name) {
            return Some(self.below(area));
        }
        if let Some(site) = self.places.get(place(&folded(name))).copied().flatten() {
            return Some(BTreeSet::from([site.clone()]));
        }
        EVERYBODY
            .contains(&folded(name).as_str())
            .then(|| self.inventory.sites.keys().cloned().collect())
    }

    fn site(&self, name: &str) -> Option<&'a SiteId> {
        match self.inventory.sites.get_key_value(name.trim()) {
            Some((id, _)) => Some(id),
            None => self.sites.get(&folded(name)).copied().flatten(),
        }
    }

    fn area(&self, name: &str) -> Option<&'a AreaId> {
        match self.inventory.areas.get_key_value(name.trim()) {
            Some((id, _)) => Some(id),
            None => self.areas.get(&folded(name)).copied().flatten(),
        }
    }

    fn below(&self, area: &AreaId) -> BTreeSet<SiteId> {
        let sites = self.inventory.sites.iter();
        let below = sites.filter(|(_, site)| self.lies_in(site, area));
        below.map(|(id, _)| id.clone()).collect()
    }

    fn lies_in(&self, site: &Site, area: &AreaId) -> bool {
        let mut next = site.area.as_ref();
        while let Some(own) = next {
            if own == area {
                return true;
            }
            // The inventory's parents make no rings.
            next = self.inventory.areas.get(own).and_then(|area| area.parent.as_ref());
        }
        false
    }
}

/// A folded name without the office before it.
fn place(name: &str) -> &str {
    let mut name = name;
    while let Some(rest) =
        OFFICES.iter().find_map(|office| name.strip_prefix(office)?.strip_prefix(' '))
    {
        name = rest;
    }
    name
}

fn by_name<'a, I>(names: impl Iterator<Item = (String, &'a I)>) -> HashMap<String, Option<&'a I>> {
    let mut found: HashMap<String, Option<&I>> = HashMap::new();
    for (name, id) in names {
        found.entry(name).and_modify(|twice| *twice = None).or_insert(Some(id));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::inventory;

    const SITES: &str = "
areas:
  - { id: thanh-hoa, name: Thanh Hóa }
  - { id: hoang-hoa, name: Hoằng Hóa, parent: thanh-hoa }
  - { id: nghe-an, name: Nghệ An }
sites:
  - { id: a, name: UBND xã Hoằng Lộc, level: commune, area: hoang-hoa }
  - { id: b, name: UBND xã Hoằng Quỳ, level: commune, area: hoang-hoa }
  - { id: p, name: UBND tỉnh, level: province, area: thanh-hoa }
  - { id: n, name: UBND xã Tân Kỳ, level: commune, area: nghe-an }
  - { id: x, name: UBND xã Tân Sơn, level: commune }
  - { id: y, name: UBND xã Tân Sơn, level: commune }
";

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_become_sites_and_what_is_no_name_is_told() {
        let inventory = inventory::parse(Path::new("sites.yaml"), SITES.as_bytes()).unwrap();
        let directory = Directory::new(&inventory);
        let none = Participants::default;
        let cases = [
            (Participants { everybody: true, ..none() }, "a b n p x y", ""),
            (
                Participants { everybody: true, except: names(&["Hoằng Hóa", "q"]), ..none() },
                "n p x y",
                "q",
            ),
            (Participants { areas: names(&["thanh-hoa"]), ..none() }, "a b p", ""),
            (
                Participants {
                    areas: names(&["thanh hoa"]),
                    levels: names(&["Commune"]),
                    ..none()
                },
                "a b",
                "",
            ),
            (Participants { levels: names(&["province", "ward"]), ..none() }, "p", "ward"),
            (
                Participants { ids: names(&["n", "ubnd xã hoằng lộc", "nowhere"]), ..none() },
                "a n",
                "nowhere",
            ),
            (
                Participants {
                    names: vec![
                        names(&["Nghe An; UBND xa Hoang Quy, tất cả các"]),
                        names(&["Bà Bình", "a"]),
                    ],
                    ..none()
                },
                "a b n",
                "tất cả các",
            ),
            (Participants { names: vec![names(&["Tất cả"])], ..none() }, "a b n p x y", ""),
            (
                Participants {
                    names: vec![names(&[
                        "xã Hoằng Lộc, điểm cầu UBND xa Tan Ky; xã Tân Sơn, tỉnh",
                    ])],
                    ..none()
                },
                "a n p",
                "xã Tân Sơn",
            ),
            (Participants { ids: names(&["UBND xã Tân Sơn"]), ..none() }, "", "UBND xã Tân Sơn"),
            (none(), "", ""),
        ];
        for (participants, sites, unmatched) in cases {
            let found = participants.resolve(&directory);
            let ids: Vec<&str> = found.sites.iter().map(SiteId::as_str).collect();
            assert_eq!(ids.join(" "), sites, "{participants:?}");
            assert_eq!(found.unmatched.join(" "), unmatched, "{participants:?}");
        }
    }
}
