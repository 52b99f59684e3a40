//! A province that does not exist: its areas, sites, lines and people. Pure: the same number of
//! sites and the same seed make the same province.

mod names;

use std::fmt::Write as _;

use ::tests::dice::Dice;

use names::{CARRIERS, District, FAMILY, GIVEN, MIDDLE, OFFICES, PROVINCE, REGIONS, SECOND};

/// Of 356 sites 316 are communes, and so in smaller and larger fleets.
const ALL: usize = 356;
const OFFICES_OF_ALL: usize = 40;

/// Communes an area has at least, where there are so many: enough for two lines with an incident
/// of their own each.
const COMMUNES_IN_AREA: usize = 14;

/// Sites behind one point of presence of a carrier.
const SITES_BEHIND_POP: usize = 9;

/// Who a site is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) level: Level,
    pub(crate) area: &'static str,
    pub(crate) uplink: String,
    provider: &'static str,
    /// Latitude and longitude in degrees.
    pub(crate) at: (f64, f64),
    contact: String,
    phone: String,
}

/// What kind of site it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The chair's room.
    Province,
    /// An office of the province.
    Department,
    /// A commune or ward.
    Commune,
}

impl Level {
    /// As the inventory names it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Province => "province",
            Self::Department => "department",
            Self::Commune => "commune",
        }
    }
}

/// What a meeting needs of every site: what its agent measures.
const NEEDS: &str = "network, camera, microphone, speaker, display, power, host, clock";

/// The area of the offices.
const CENTRE: (&str, &str, f64, f64) = ("trung-tam", "Khu vực trung tâm", 19.807, 105.776);

/// So many sites, the offices first.
pub(crate) fn places(sites: usize, seed: u64) -> Vec<Place> {
    let mut dice = Dice::loaded(seed);
    let offices = (sites * OFFICES_OF_ALL).div_ceil(ALL).min(sites);
    let areas = areas(sites - offices);
    let office = |number: usize, dice: &mut Dice| {
        let round = number / OFFICES.len();
        let level = if number == 0 { Level::Province } else { Level::Department };
        let name = numbered(OFFICES[number % OFFICES.len()], round);
        let (area, _, lat, lon) = CENTRE;
        place((level, number + 1), name, (area, number, (lat, lon)), dice)
    };
    let commune = |number: usize, dice: &mut Dice| {
        let (area, _, first, lat, lon) = *areas[number % areas.len()];
        let (within, round) = (number / areas.len(), number / areas.len() / SECOND.len());
        let second = SECOND[within % SECOND.len()];
        // Where a district had its town there are wards.
        let kind = if within % SECOND.len() < 2 { "phường" } else { "xã" };
        let name = numbered(&format!("UBND {kind} {first} {second}"), round);
        place((Level::Commune, number + 1), name, (area, within, (lat, lon)), dice)
    };
    let mut all: Vec<Place> = (0..offices).map(|number| office(number, &mut dice)).collect();
    all.extend((0..sites - offices).map(|number| commune(number, &mut dice)));
    all
}

/// The districts that so many communes fill, of every region the same share.
fn areas(communes: usize) -> Vec<&'static District> {
    let regions = || REGIONS.iter().map(|region| region.districts);
    let most = regions().map(<[_]>::len).max().unwrap_or(0);
    let in_turn = (0..most).flat_map(|place| regions().filter_map(move |them| them.get(place)));
    in_turn.take((communes / COMMUNES_IN_AREA).max(1)).collect()
}

fn numbered(name: &str, round: usize) -> String {
    if round == 0 { name.to_owned() } else { format!("{name} {}", round + 1) }
}

fn place(
    (level, number): (Level, usize),
    name: String,
    (area, within, (lat, lon)): (&'static str, usize, (f64, f64)),
    dice: &mut Dice,
) -> Place {
    let mut pick = |list: &[&'static str]| {
        list[usize::try_from(dice.between(0, list.len() as u64 - 1)).unwrap_or(0)]
    };
    let contact = format!("{} {} {}", pick(&FAMILY), pick(&MIDDLE), pick(&GIVEN));
    let (carrier, provider) = CARRIERS[within % CARRIERS.len()];
    let pop = within / (CARRIERS.len() * SITES_BEHIND_POP) + 1;
    let prefix = if level == Level::Commune { "xa" } else { "so" };
    // Some kilometres around the middle of the area.
    let mut nearby = |middle: f64| middle + (dice.between(0, 200) as f64 - 100.0) / 1000.0;
    Place {
        id: format!("{prefix}-{number:04}"),
        name,
        level,
        area,
        uplink: format!("{carrier}-{area}-{pop}"),
        provider,
        at: (nearby(lat), nearby(lon)),
        contact,
        phone: format!("0237 000 {number:04}"),
    }
}

/// The inventory file of a province.
pub(crate) fn inventory(places: &[Place]) -> String {
    let (province, name) = PROVINCE;
    let mut text = format!("areas:\n  - {{ id: {province}, name: \"{name}\" }}\n");
    let mut area = |id: &str, name: &str, parent: &str| {
        let _ = writeln!(text, "  - {{ id: {id}, name: \"{name}\", parent: {parent} }}");
    };
    area(CENTRE.0, CENTRE.1, province);
    for region in REGIONS {
        area(region.id, region.name, province);
        for (id, name, ..) in region.districts {
            if places.iter().any(|place| place.area == *id) {
                area(id, name, region.id);
            }
        }
    }
    text.push_str("sites:\n");
    for place in places {
        let Place { id, name, level, area, uplink, provider, at: (lat, lon), contact, phone } =
            place;
        let level = level.label();
        let _ = writeln!(
            text,
            "  - {{ id: {id}, name: \"{name}\", level: {level}, area: {area}, uplink: {uplink}, provider: {provider}, \
             lat: {lat:.3}, lon: {lon:.3}, contact: {{ name: \"{contact}\", phone: \"{phone}\" }}, \
             needs: [{NEEDS}] }}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn count(places: &[Place], level: Level) -> usize {
        places.iter().filter(|place| place.level == level).count()
    }

    #[test]
    fn a_province_of_356_sites_has_316_communes() {
        let places = places(356, 1);
        assert_eq!(count(&places, Level::Province), 1);
        assert_eq!(count(&places, Level::Department), 39);
        assert_eq!(count(&places, Level::Commune), 316);
    }

    #[test]
    fn no_two_sites_have_one_id_or_one_name_however_many_they_are() {
        for sites in [1, 2, 40, 356, 10_000] {
            let places = places(sites, 1);
            assert_eq!(places.len(), sites);
            let ids: BTreeSet<_> = places.iter().map(|place| &place.id).collect();
            let names: BTreeSet<_> = places.iter().map(|place| &place.name).collect();
            assert_eq!((ids.len(), names.len()), (sites, sites));
        }
    }

    #[test]
    fn an_uplink_carries_enough_sites_for_an_incident_and_no_more_than_a_pop() {
        for sites in [40, 356, 10_000] {
            let places = places(sites, 1);
            let uplinks: BTreeSet<_> = places.iter().map(|place| &place.uplink).collect();
            let behind =
                |uplink: &&String| places.iter().filter(|place| place.uplink == **uplink).count();
            let most = uplinks.iter().map(behind).max();
            assert!(most >= Some(7) && most <= Some(SITES_BEHIND_POP), "{sites}: {most:?}");
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_province() {
        assert_eq!(places(356, 7), places(356, 7));
        assert_ne!(places(356, 7), places(356, 8));
    }

    #[test]
    fn the_collector_reads_the_inventory_without_a_fault() {
        let places = places(356, 1);
        let read =
            collector::inventory::parse("sites.yaml".as_ref(), inventory(&places).as_bytes());
        assert_eq!(read.unwrap().sites.len(), 356);
    }
}
