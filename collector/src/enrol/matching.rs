//! Which site a waiting PC belongs to: where that is beyond doubt, and else which ones it may be. Pure.
//!
//! By its name (the site's id, or one of the `hosts` of the inventory, whole or as a part of it) and
//! by its addresses (the site's `subnets`). More than one site, or a name that says another site than
//! an address, is for a person to decide.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;
use wire::SiteId;

use crate::inventory::{Site, folded};

/// A name as `hoangloc` is seldom in a longer word by chance; a shorter one would be in many.
const PLACE_LETTERS: usize = 6;

/// What a PC tells of itself and of its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pc<'a> {
    pub(crate) hostname: &'a str,
    pub(crate) addresses: &'a [IpAddr],
}

/// Why a PC may be a site's; the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Clue {
    /// It is called as the site's PC.
    Host,
    /// It stands in the site's network.
    Subnet,
    /// It is called as the place: `PC-HOANGLOC`, UBND xã Hoằng Lộc.
    Place,
}

/// The expected sites, ready to be held against many PCs.
#[derive(Debug)]
pub(crate) struct Sites<'a>(Vec<Known<'a>>);

#[derive(Debug)]
struct Known<'a> {
    id: &'a SiteId,
    site: &'a Site,
    hosts: Vec<String>,
    place: Option<String>,
}

impl<'a> Sites<'a> {
    /// Makes them ready.
    pub(crate) fn of(sites: impl Iterator<Item = (&'a SiteId, &'a Site)>) -> Self {
        let known = |(id, site): (&'a SiteId, &'a Site)| {
            let names = std::iter::once(id.as_str()).chain(site.hosts.iter().map(String::as_str));
            Known { id, site, hosts: names.map(folded).collect(), place: place(&site.name) }
        };
        Self(sites.map(known).collect())
    }

    /// The one site whose PC this is.
    pub(crate) fn whose(&self, pc: Pc<'_>) -> Option<&'a SiteId> {
        let hostname = own_name(pc.hostname);
        let (mut by_name, mut by_part, mut by_address) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for known in &self.0 {
            if known.hosts.contains(&hostname) {
                by_name.insert(known.id);
            } else if known.is_part_of(&hostname) {
                by_part.insert(known.id);
            }
            if known.has_any(pc.addresses) {
                by_address.insert(known.id);
            }
        }
        let named = if by_name.is_empty() { by_part } else { by_name };
        let candidates: BTreeSet<_> = match (named.is_empty(), by_address.is_empty()) {
            (false, false) => named.intersection(&by_address).copied().collect(),
            (false, true) => named,
            (true, _) => by_address,
        };
        let mut candidates = candidates.into_iter();
        candidates.next().filter(|_| candidates.next().is_none())
    }

    /// Sites whose PC it may be, the likeliest first.
    pub(crate) fn like(&self, pc: Pc<'_>) -> Vec<(&'a SiteId, Vec<Clue>)> {
        let hostname = own_name(pc.hostname);
        let letters: String = hostname.chars().filter(|letter| letter.is_alphanumeric()).collect();
        let clues = |known: &Known<'_>| {
            let named = known.hosts.contains(&hostname) || known.is_part_of(&hostname);
            let placed = known.place.as_ref().is_some_and(|place| letters.contains(place));
            [
                named.then_some(Clue::Host),
                known.has_any(pc.addresses).then_some(Clue::Subnet),
                placed.then_some(Clue::Place),
            ]
        };
        let all = self.0.iter().map(|known| (known.id, clues(known).into_iter().flatten()));
        let mut all: Vec<_> = all.map(|(id, clues)| (id, clues.collect::<Vec<_>>())).collect();
        all.retain(|(_, clues)| !clues.is_empty());
        all.sort_by(|(a, these), (b, those)| {
            those.len().cmp(&these.len()).then_with(|| these.cmp(those)).then_with(|| a.cmp(b))
        });
        all
    }
}

impl Known<'_> {
    fn is_part_of(&self, hostname: &str) -> bool {
        self.hosts.iter().any(|name| is_part(name, hostname))
    }

    fn has_any(&self, addresses: &[IpAddr]) -> bool {
        self.site.subnets.iter().any(|subnet| addresses.iter().any(|one| subnet.contains(*one)))
    }
}

/// Its domain says nothing of a PC.
fn own_name(hostname: &str) -> String {
    folded(hostname.split('.').next().unwrap_or_default())
}

/// The last two words of a site's name as people put them into the name of a PC: `hoangloc`.
fn place(name: &str) -> Option<String> {
    let name = folded(name);
    let words: Vec<_> = name.split(|letter: char| !letter.is_alphanumeric()).collect();
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let place = words.last_chunk::<2>()?.concat();
    (place.chars().count() >= PLACE_LETTERS).then_some(place)
}

/// Whether `whole` has `part` in it, and not as a part of a longer word or number.
fn is_part(part: &str, whole: &str) -> bool {
    let bounded = |letter: Option<char>| !letter.is_some_and(char::is_alphanumeric);
    whole.match_indices(part).any(|(at, part)| {
        let (before, after) = (whole.get(..at), whole.get(at + part.len()..));
        bounded(before.and_then(|text| text.chars().next_back()))
            && bounded(after.and_then(|text| text.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory;

    #[test]
    fn a_pc_is_matched_where_there_is_no_doubt() {
        let yaml = "sites:\n\
            - { id: th-0316, name: A, hosts: [PC-HOANGLOC], subnets: [10.31.6.0/24] }\n\
            - { id: th-03, name: B, subnets: [10.31.0.0/16] }\n\
            - { id: th-0317, name: C, subnets: [10.31.7.0/24, \"fd00:7::/64\"] }\n\
            - { id: th-0318, name: D, hosts: [hop] }\n";
        let inventory = inventory::parse("sites.yaml".as_ref(), yaml.as_bytes()).unwrap();
        for (hostname, address, expected) in [
            ("th-0316", "192.0.2.1", Some("th-0316")),
            ("TH-0316.tinh.gov.vn", "192.0.2.1", Some("th-0316")),
            ("pc-hoangloc", "192.0.2.1", Some("th-0316")),
            ("PC-TH-0317-A", "192.0.2.1", Some("th-0317")),
            // Part of a longer number.
            ("PC-TH-03171", "192.0.2.1", None),
            ("hopdong", "192.0.2.1", None),
            ("PHONG-HOP", "192.0.2.1", Some("th-0318")),
            ("DESKTOP-7", "fd00:7::9", Some("th-0317")),
            // In two subnets.
            ("DESKTOP-7", "10.31.7.9", None),
            // The name decides between two subnets.
            ("th-0317", "10.31.7.9", Some("th-0317")),
            // The name says another site than the address.
            ("th-0316", "10.31.7.9", None),
            // Two names in one.
            ("th-0316-th-0317", "192.0.2.1", None),
            ("", "192.0.2.1", None),
        ] {
            let addresses = [address.parse().unwrap()];
            let pc = Pc { hostname, addresses: &addresses };
            let found = Sites::of(inventory.sites.iter()).whose(pc);
            assert_eq!(found.map(SiteId::as_str), expected, "{hostname} {address}");
        }
    }

    #[test]
    fn where_there_is_doubt_the_likeliest_come_first() {
        let yaml = "sites:\n\
            - { id: th-0316, name: UBND xã Hoằng Lộc, subnets: [10.31.0.0/16] }\n\
            - { id: th-0317, name: UBND xã Hoằng Đạt, subnets: [10.31.7.0/24] }\n\
            - { id: th-0318, name: \"Xã Tú\", hosts: [hop] }\n";
        let inventory = inventory::parse("sites.yaml".as_ref(), yaml.as_bytes()).unwrap();
        for (hostname, address, expected) in [
            ("DESKTOP-7", "192.0.2.1", vec![]),
            ("PC-HoangLoc", "192.0.2.1", vec![("th-0316", vec![Clue::Place])]),
            ("hoang_loc01", "192.0.2.1", vec![("th-0316", vec![Clue::Place])]),
            // Too short a name to be told from a part of a word.
            ("VIXATU", "192.0.2.1", vec![]),
            (
                "PHONG-HOP",
                "10.31.7.9",
                vec![
                    ("th-0318", vec![Clue::Host]),
                    ("th-0316", vec![Clue::Subnet]),
                    ("th-0317", vec![Clue::Subnet]),
                ],
            ),
            (
                "hoangdat",
                "10.31.7.9",
                vec![("th-0317", vec![Clue::Subnet, Clue::Place]), ("th-0316", vec![Clue::Subnet])],
            ),
        ] {
            let addresses = [address.parse().unwrap()];
            let found =
                Sites::of(inventory.sites.iter()).like(Pc { hostname, addresses: &addresses });
            let found: Vec<_> = found.into_iter().map(|(id, clues)| (id.as_str(), clues)).collect();
            assert_eq!(found, expected, "{hostname} {address}");
        }
    }
}
