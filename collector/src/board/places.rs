//! The order in which sites and areas stand on the board. Pure.

use std::collections::BTreeMap;

use wire::SiteId;
use wire::ids::AreaId;

use crate::inventory::Inventory;
use crate::report::order;

/// Sites and areas as Vietnamese look for names; the same until the inventory changes, so that
/// a site can be called by its place.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) sites: Vec<SiteId>,
    /// The place of each of them.
    by_site: BTreeMap<SiteId, usize>,
    /// Among the areas, the place of each site's.
    pub(super) area_of: Vec<usize>,
    /// The areas that hold sites, with what people call them; the last has no name and holds
    /// the sites without an area.
    pub(super) areas: Vec<(Option<AreaId>, String)>,
}

impl Places {
    pub(super) fn of(inventory: &Inventory) -> Self {
        let mut sites: Vec<_> = inventory.sites.iter().collect();
        sites.sort_by_cached_key(|(id, site)| (order::place(&site.name), (*id).clone()));
        let used = sites.iter().filter_map(|(_, site)| site.area.as_ref());
        let mut used: Vec<_> = used.map(|id| (Some(id.clone()), path(inventory, id))).collect();
        used.sort_by_cached_key(|(id, path)| (order::place(path), id.clone()));
        used.dedup();
        used.push((None, String::new()));
        let by_area: BTreeMap<_, _> =
            used.iter().enumerate().map(|(place, (id, _))| (id.as_ref(), place)).collect();
        let area_of = sites.iter().filter_map(|(_, site)| by_area.get(&site.area.as_ref()));
        let area_of = area_of.copied().collect();
        let sites: Vec<SiteId> = sites.into_iter().map(|(id, _)| id.clone()).collect();
        let by_site = sites.iter().cloned().enumerate().map(|(place, id)| (id, place)).collect();
        Self { sites, by_site, area_of, areas: used }
    }

    pub(super) fn of_site(&self, id: &SiteId) -> Option<usize> {
        self.by_site.get(id).copied()
    }
}

/// Names from the area upward: `Hoằng Hóa, Thanh Hóa`.
pub(super) fn path(inventory: &Inventory, area: &AreaId) -> String {
    let up = |id: &&AreaId| inventory.areas.get(*id).and_then(|area| area.parent.as_ref());
    let names = std::iter::successors(Some(area), up)
        .map(|id| inventory.areas.get(id).map_or(id.as_str(), |area| area.name.as_str()));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_vietnamese_order_and_every_site_has_a_place() {
        let text = "areas: [{ id: t, name: Tỉnh }, { id: b, name: Bỉm Sơn, parent: t }]\n\
                    sites: [{ id: a, name: Phường 10, area: b }, { id: b, name: Phường 2, area: b },\n\
                    { id: c, name: Trung tâm }, { id: d, name: Đông Sơn, area: t }]";
        let inventory = crate::inventory::parse("a.yaml".as_ref(), text.as_bytes()).unwrap();
        let places = Places::of(&inventory);
        let names: Vec<_> = places.sites.iter().map(SiteId::as_str).collect();
        assert_eq!(names, ["d", "b", "a", "c"]);
        let areas: Vec<_> = places.areas.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(areas, ["Bỉm Sơn, Tỉnh", "Tỉnh", ""]);
        assert_eq!(places.area_of, [1, 0, 0, 2]);
        assert_eq!(places.of_site(&"a".parse().unwrap()), Some(2));
    }
}
