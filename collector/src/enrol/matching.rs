//! Which site a waiting PC belongs to, where that is beyond doubt. Pure.
//!
//! By its name (the site's id, or one of the `hosts` of the inventory, whole or as a part of it) and
//! by its addresses (the site's `subnets`). More than one site, or a name that says another site than
//! an address, is for a person to decide.

use std::collections::BTreeSet;
use std::net::IpAddr;

use wire::SiteId;

use crate::inventory::{Site, folded};

/// The one site whose PC this is.
pub(super) fn site_of<'a>(
    sites: impl Iterator<Item = (&'a SiteId, &'a Site)>,
    hostname: &str,
    addresses: &[IpAddr],
) -> Option<SiteId> {
    // The domain says nothing of the PC.
    let hostname = folded(hostname.split('.').next().unwrap_or_default());
    let (mut by_name, mut by_part, mut by_address) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (id, site) in sites {
        let names = std::iter::once(id.as_str()).chain(site.hosts.iter().map(String::as_str));
        for name in names.map(folded) {
            if hostname == name {
                by_name.insert(id);
            } else if is_part(&name, &hostname) {
                by_part.insert(id);
            }
        }
        let mut networks = site.subnets.iter();
        if networks.any(|subnet| addresses.iter().any(|address| subnet.contains(*address))) {
            by_address.insert(id);
        }
    }
    let named = if by_name.is_empty() { by_part } else { by_name };
    let candidates = match (named.is_empty(), by_address.is_empty()) {
        (false, false) => named.intersection(&by_address).copied().collect(),
        (false, true) => named,
        (true, _) => by_address,
    };
    match candidates.into_iter().collect::<Vec<_>>().as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    }
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
            let found = site_of(inventory.sites.iter(), hostname, &[address.parse().unwrap()]);
            assert_eq!(found.as_ref().map(SiteId::as_str), expected, "{hostname} {address}");
        }
    }
}
