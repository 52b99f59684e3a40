//! Sites that fail together behind one uplink, or in one area, are one incident. Pure.

use std::collections::BTreeMap;

use wire::{SiteId, UnixMillis};

use super::{Cause, Incident};
use crate::inventory;

/// Two sites fail together by chance on any bad day; three do not.
const MEMBERS: usize = 3;

/// Between the first and the last that make it one incident: evidence of probes with different
/// intervals expires minutes apart, and an uplink that dies slowly takes a few more.
const WINDOW_MILLIS: i64 = 10 * 60_000;

/// How a site stands, as far as a common cause is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its network works.
    Works,
    /// It has had no network, or was not heard, since then.
    Fails(UnixMillis),
    /// Excused, never heard, or dark while nobody expects it: it says nothing.
    Silent,
}

/// The incidents among the sites.
pub(super) fn incidents<'a>(
    sites: impl Iterator<Item = (&'a SiteId, &'a inventory::Site, Standing)>,
) -> Vec<Incident> {
    let mut causes: BTreeMap<Cause, Vec<(&SiteId, Standing)>> = BTreeMap::new();
    for (id, site, standing) in sites {
        if let Some(cause) = cause(site) {
            causes.entry(cause).or_default().push((id, standing));
        }
    }
    causes.into_iter().filter_map(|(cause, sites)| incident(cause, &sites)).collect()
}

/// What a site has in common with others: its uplink, or its area where no uplink is known.
fn cause(site: &inventory::Site) -> Option<Cause> {
    if site.uplink.is_empty() {
        site.area.as_ref().map(|area| Cause::Area(area.to_string()))
    } else {
        Some(Cause::Uplink(site.uplink.clone()))
    }
}

fn incident(cause: Cause, sites: &[(&SiteId, Standing)]) -> Option<Incident> {
    let mut failing: Vec<(UnixMillis, &SiteId)> = Vec::new();
    let mut telling = 0;
    for (id, standing) in sites {
        telling += usize::from(*standing != Standing::Silent);
        if let Standing::Fails(since) = standing {
            failing.push((*since, id));
        }
    }
    failing.sort_unstable();
    // At least half of those that say anything: were it fewer, the uplink would carry the rest.
    let enough = MEMBERS.max(telling.div_ceil(2));
    // One that has been dead for weeks belongs to no incident of today; one that fails after the
    // others belongs to theirs.
    let first = failing.iter().enumerate().position(|(start, (since, _))| {
        failing.get(start + enough - 1).is_some_and(|(last, _)| last - since <= WINDOW_MILLIS)
    })?;
    let together = failing.get(first..)?;
    let mut members: Vec<SiteId> = together.iter().map(|(_, id)| (*id).clone()).collect();
    members.sort_unstable();
    Some(Incident { cause, members, of: sites.len(), since: together.first()?.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    #[test]
    fn sites_that_fail_together_are_one_incident() {
        use Standing::{Fails, Silent, Works};
        let at = |minute: i64| Fails(minute * MINUTE);
        for (standings, members, why) in [
            (vec![at(0), at(1), at(2)], Some(3), "three of three"),
            (vec![at(0), at(1)], None, "two are chance"),
            (vec![at(0), at(1), at(2), Works, Works, Works], Some(3), "half of six"),
            (vec![at(0), at(1), at(2), Works, Works, Works, Works], None, "less than half"),
            (
                vec![at(0), at(1), at(2), Silent, Silent, Silent, Silent],
                Some(3),
                "half of those that tell",
            ),
            (vec![at(0), at(10), at(30)], None, "not together"),
            (vec![at(0), at(1), at(2), at(60)], Some(4), "one that came later"),
            (vec![at(-9999), at(0), at(1), at(2)], Some(3), "one long dead"),
        ] {
            let ids: Vec<SiteId> =
                (0..standings.len()).map(|n| format!("s{n}").parse().unwrap()).collect();
            let sites: Vec<_> = ids.iter().zip(standings).collect();
            let found = incident(Cause::Uplink("pop".to_owned()), &sites);
            assert_eq!(found.map(|incident| incident.members.len()), members, "{why}");
        }
    }
}
