//! The rules of an inventory, whatever file it came in. Every breach is found at once.

use std::collections::{BTreeMap, HashMap};

use unicode_normalization::UnicodeNormalization;
use wire::ids::{AreaId, InvalidId, SiteId};
use wire::limits::TEXT_CHARS;
use wire::reading::Capability;

use super::draft::{AreaDraft, Breach, ContactDraft, Draft, Item, SiteDraft};
use super::{Area, Contact, Inventory, Site, Subnet};

/// Twice the largest fleet the collector is measured with; every site costs memory and series
/// whether or not it ever reports.
const SITES: usize = 20_000;

/// All 3,321 communes of the country and their provinces fit, with room for older levels.
const AREAS: usize = 5_000;

/// Makes an inventory of a draft. What breaks a rule is left out of it.
pub(super) fn apply(draft: Draft) -> (Inventory, Vec<Breach>) {
    let mut court = Court::default();
    court.count(Item::Areas, "areas", draft.areas.len(), AREAS);
    court.count(Item::Sites, "sites", draft.sites.len(), SITES);
    if draft.sites.is_empty() {
        // A file cut short by a full disk or a half-done save must not empty the fleet.
        court.breach(Item::Sites, "sites", "no site is named; an inventory has at least one");
    }
    court.areas(draft.areas);
    for (index, site) in draft.sites.into_iter().enumerate() {
        court.site(Item::Site(index), site);
    }
    (court.inventory, court.breaches)
}

/// One spelling for one text: composed letters, single spaces, none around it.
fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect()
}

#[derive(Default)]
struct Court {
    inventory: Inventory,
    breaches: Vec<Breach>,
    area_items: HashMap<AreaId, Item>,
    site_items: HashMap<SiteId, Item>,
    /// An area without a usable id may be the one that others name.
    nameless_area: bool,
}

impl Court {
    fn breach(&mut self, of: Item, key: &'static str, message: impl Into<String>) {
        let pair = matches!(key, "lat" | "lon");
        self.breaches.push(Breach { of, key, message: message.into(), first: None, pair });
    }

    fn count(&mut self, of: Item, what: &'static str, count: usize, most: usize) {
        if count > most {
            self.breach(of, what, format!("{count} {what} are more than the {most} it may have"));
        }
    }

    /// Checks an id and that it is new; `items` remembers whose it is.
    fn id<I: std::str::FromStr<Err = InvalidId> + Clone + Eq + std::hash::Hash>(
        &mut self,
        of: Item,
        text: &str,
        items: impl Fn(&mut Self) -> &mut HashMap<I, Item>,
    ) -> Option<I> {
        let text = text.trim();
        match text.parse::<I>() {
            Err(InvalidId::Empty) => {
                self.breach(of, "id", "an id is missing; it is what everything else hangs on");
                None
            }
            Ok(id) => {
                if let Some(first) = items(self).get(&id).copied() {
                    let message = format!("the id `{text}` is taken already");
                    self.breaches.push(Breach {
                        of,
                        key: "id",
                        message,
                        first: Some(first),
                        pair: false,
                    });
                    return None;
                }
                items(self).insert(id.clone(), of);
                Some(id)
            }
            Err(error) => {
                self.breach(of, "id", format!("`{text}` is no id: {error}"));
                None
            }
        }
    }

    fn name(&mut self, of: Item, text: &str) -> String {
        let name = self.text(of, "name", Some(text));
        if name.is_empty() {
            self.breach(of, "name", "a name for people is missing");
        }
        name
    }

    fn text(&mut self, of: Item, key: &'static str, text: Option<&str>) -> String {
        let text = tidy(text.unwrap_or_default());
        let length = text.chars().count();
        if length > TEXT_CHARS {
            self.breach(of, key, format!("{length} characters; at most {TEXT_CHARS} are kept"));
        }
        text
    }

    fn areas(&mut self, drafts: Vec<AreaDraft>) {
        let mut parents = Vec::new();
        for (index, draft) in drafts.into_iter().enumerate() {
            let of = Item::Area(index);
            let name = self.name(of, &draft.name);
            let id = self.id(of, &draft.id, |court| &mut court.area_items);
            self.nameless_area |= draft.id.trim().parse::<AreaId>().is_err();
            parents.push((of, id.clone(), draft.parent));
            if let Some(id) = id {
                self.inventory.areas.insert(id, Area { name, parent: None });
            }
        }
        for (of, id, parent) in parents {
            let parent = parent.and_then(|parent| self.known_area(of, "parent", &parent));
            if let Some(area) = id.and_then(|id| self.inventory.areas.get_mut(&id)) {
                area.parent = parent;
            }
        }
        for of in cycles(&self.inventory.areas, &self.area_items) {
            self.breach(of, "parent", "following the parents from here leads back here");
        }
    }

    fn known_area(&mut self, of: Item, key: &'static str, text: &str) -> Option<AreaId> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if let Some((id, _)) = self.inventory.areas.get_key_value(text) {
            return Some(id.clone());
        }
        if !self.nameless_area {
            let known: Vec<&str> = self.inventory.areas.keys().map(AreaId::as_str).collect();
            let maybe = match wire::yaml::nearest(text, &known) {
                Some(nearest) => format!("; did you mean `{nearest}`?"),
                None => String::new(),
            };
            self.breach(of, key, format!("no area has the id `{text}`{maybe}"));
        }
        None
    }

    fn site(&mut self, of: Item, draft: SiteDraft) {
        let id = self.id(of, &draft.id, |court| &mut court.site_items);
        let site = Site {
            name: self.name(of, &draft.name),
            level: self.text(of, "level", draft.level.as_deref()),
            area: draft.area.and_then(|area| self.known_area(of, "area", &area)),
            uplink: self.text(of, "uplink", draft.uplink.as_deref()),
            provider: self.text(of, "provider", draft.provider.as_deref()),
            lat: draft.lat,
            lon: draft.lon,
            contact: self.contact(of, draft.contact),
            needs: without_repeats(draft.needs),
            hosts: self.hosts(of, &draft.hosts),
            subnets: self.subnets(of, &draft.subnets),
        };
        self.place(of, site.lat, site.lon);
        if let Some(id) = id {
            self.inventory.sites.insert(id, site);
        }
    }

    fn hosts(&mut self, of: Item, texts: &[String]) -> Vec<String> {
        let hosts = texts.iter().map(|text| self.text(of, "hosts", Some(text)));
        hosts.filter(|host| !host.is_empty()).collect()
    }

    fn subnets(&mut self, of: Item, texts: &[String]) -> Vec<Subnet> {
        let mut subnets = Vec::new();
        for text in texts.iter().filter(|text| !text.trim().is_empty()) {
            match text.trim().parse() {
                Ok(subnet) => subnets.push(subnet),
                Err(message) => self.breach(of, "subnets", String::clone(&message)),
            }
        }
        subnets
    }

    fn contact(&mut self, of: Item, draft: Option<ContactDraft>) -> Option<Contact> {
        let draft = draft?;
        let name = self.text(of, "contact.name", draft.name.as_deref());
        let phone = self.text(of, "contact.phone", draft.phone.as_deref());
        (!name.is_empty() || !phone.is_empty()).then_some(Contact { name, phone })
    }

    fn place(&mut self, of: Item, lat: Option<f64>, lon: Option<f64>) {
        let swapped = match (lat, lon) {
            (Some(lat), Some(lon)) => lat.abs() > 90.0 && lon.abs() <= 90.0,
            (Some(_), None) => {
                return self.breach(of, "lat", "a latitude alone is no place; add the longitude");
            }
            (None, Some(_)) => {
                return self.breach(of, "lon", "a longitude alone is no place; add the latitude");
            }
            (None, None) => return,
        };
        let hint = if swapped { "; are latitude and longitude swapped?" } else { "" };
        for (key, value, most) in [("lat", lat, 90.0), ("lon", lon, 180.0)] {
            if let Some(value) = value.filter(|value| value.abs() > most) {
                let range = format!("{value} is not between -{most} and {most} degrees{hint}");
                self.breach(of, key, range);
            }
        }
    }
}

fn without_repeats(mut needs: Vec<Capability>) -> Vec<Capability> {
    let mut seen = Vec::new();
    needs.retain(|need| {
        let new = !seen.contains(need);
        seen.push(*need);
        new
    });
    needs
}

/// One item of each ring of parents.
fn cycles(areas: &BTreeMap<AreaId, Area>, items: &HashMap<AreaId, Item>) -> Vec<Item> {
    // The walk that first came by; a walk that meets itself has found a ring.
    let mut walks: HashMap<&AreaId, usize> = HashMap::new();
    let mut found = Vec::new();
    for (walk, start) in areas.keys().enumerate() {
        let mut next = Some(start);
        while let Some(id) = next {
            match walks.get(id) {
                Some(by) if *by == walk => {
                    found.extend(items.get(id));
                    break;
                }
                Some(_) => break,
                None => walks.insert(id, walk),
            };
            next = areas.get(id).and_then(|area| area.parent.as_ref());
        }
    }
    found
}
