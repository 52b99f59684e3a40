//! What was received of every site, in memory; decides what is new. Pure.
//!
//! Changes are provisional until [`Ledger::keep`]: when the disk refuses them, [`Ledger::undo`]
//! takes them back, and the reports are new again when they come again.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;
use wire::{SiteId, UnixMillis};

use super::intervals::{Intervals, Taken};

/// Boots kept of one site: an agent restarted every hour for the whole of [`KEPT_MILLIS`]. The
/// boot heard longest ago makes room, so that a crash loop cannot fill the store.
pub(super) const BOOTS_PER_SITE: usize = 1080;

/// How long a boot is kept after it was last heard: a monthly report and its late corrections,
/// and longer than any spool keeps a report that could come again.
pub(super) const KEPT_MILLIS: i64 = 45 * 24 * 60 * 60 * 1000;

/// The reports of one request, as far as counting them once goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reception {
    /// Whose.
    pub site: SiteId,
    /// When they arrived.
    pub received_at: UnixMillis,
    /// The sending agent's boot and its clock minus the collector's, in milliseconds.
    pub clock: Option<(Uuid, i64)>,
    /// Their numbers, each with the moment the report was taken, where that is known.
    pub reports: Vec<(Uuid, u64, Option<UnixMillis>)>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Counted now.
    New,
    /// Counted before.
    Duplicate,
    /// Never counted, and why.
    Refused(&'static str),
}

/// One start of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Boot {
    /// When a request named it last.
    pub heard_at: UnixMillis,
    /// Its clock minus the collector's in milliseconds, when last measured.
    pub clock_offset: Option<i64>,
    /// What was received of it.
    pub received: Intervals,
}

/// A site's boot.
pub(super) type Key = (SiteId, Uuid);

/// Every site's boots, and what changed since the last [`Ledger::keep`].
#[derive(Debug, Default)]
pub(super) struct Ledger {
    sites: HashMap<SiteId, BTreeMap<Uuid, Boot>>,
    changes: BTreeMap<Key, Change>,
}

/// What changed of a boot.
#[derive(Debug)]
pub(super) struct Change {
    /// How it was, if it was.
    before: Option<Boot>,
    /// Where intervals came, changed or went.
    pub firsts: BTreeSet<u64>,
}

impl Ledger {
    /// Puts in what was stored.
    pub(super) fn load(&mut self, site: SiteId, boot: Uuid, stored: Boot) {
        self.sites.entry(site).or_default().insert(boot, stored);
    }

    /// Decides what is new in a reception, in its order.
    pub(super) fn take(&mut self, reception: &Reception) -> Vec<Verdict> {
        let Reception { site, received_at, clock, reports } = reception;
        if let Some((boot, offset)) = *clock {
            let (boot, _) = self.touch(site, boot, *received_at);
            boot.clock_offset = Some(offset);
        }
        let verdicts = reports
            .iter()
            .map(|&(boot, seq, at)| {
                let (boot, firsts) = self.touch(site, boot, *received_at);
                match boot.received.take(seq, at) {
                    Taken::New(changed) => {
                        firsts.extend(changed);
                        Verdict::New
                    }
                    Taken::Duplicate => Verdict::Duplicate,
                    Taken::TooManyGaps => {
                        Verdict::Refused("too many gaps in the numbers of this boot")
                    }
                }
            })
            .collect();
        self.make_room(site);
        verdicts
    }

    /// Forgets boots not heard for [`KEPT_MILLIS`], but never a site's last: when the site was
    /// last seen is known for ever.
    pub(super) fn prune(&mut self, now: UnixMillis) {
        let mut old = Vec::new();
        for (site, boots) in &self.sites {
            let last = boots.values().map(|boot| boot.heard_at).max();
            old.extend(
                boots
                    .iter()
                    .filter(|(_, boot)| boot.heard_at < now - KEPT_MILLIS)
                    .filter(|(_, boot)| Some(boot.heard_at) != last)
                    .map(|(id, _)| (site.clone(), *id)),
            );
        }
        for key in old {
            self.forget(key);
        }
    }

    /// What must be stored.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&Key, &Change, Option<&Boot>)> {
        self.changes.iter().map(|(key, change)| {
            let after = self.sites.get(&key.0).and_then(|boots| boots.get(&key.1));
            (key, change, after)
        })
    }

    /// The changes are stored.
    pub(super) fn keep(&mut self) {
        self.changes.clear();
    }

    /// The changes could not be stored: everything is as before.
    pub(super) fn undo(&mut self) {
        for ((site, id), change) in std::mem::take(&mut self.changes) {
            let boots = self.sites.entry(site).or_default();
            match change.before {
                Some(before) => boots.insert(id, before),
                None => boots.remove(&id),
            };
        }
        self.sites.retain(|_, boots| !boots.is_empty());
    }

    /// A boot that is about to change.
    fn touch(
        &mut self,
        site: &SiteId,
        id: Uuid,
        now: UnixMillis,
    ) -> (&mut Boot, &mut BTreeSet<u64>) {
        let boots = self.sites.entry(site.clone()).or_default();
        let change = self
            .changes
            .entry((site.clone(), id))
            .or_insert_with(|| Change { before: boots.get(&id).cloned(), firsts: BTreeSet::new() });
        let boot = boots.entry(id).or_default();
        boot.heard_at = boot.heard_at.max(now);
        (boot, &mut change.firsts)
    }

    fn make_room(&mut self, site: &SiteId) {
        while let Some(boots) = self.sites.get(site)
            && boots.len() > BOOTS_PER_SITE
            && let Some((oldest, _)) = boots.iter().min_by_key(|(_, boot)| boot.heard_at)
        {
            let key = (site.clone(), *oldest);
            self.forget(key);
        }
    }

    fn forget(&mut self, key: Key) {
        let Some(gone) = self.sites.get_mut(&key.0).and_then(|boots| boots.remove(&key.1)) else {
            return;
        };
        if let Entry::Vacant(place) = self.changes.entry(key) {
            place.insert(Change { before: Some(gone), firsts: BTreeSet::new() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn site() -> SiteId {
        "th-0316".parse().unwrap()
    }

    fn reception(received_at: UnixMillis, numbers: &[(u128, u64)]) -> Reception {
        let reports = numbers.iter().map(|&(boot, seq)| (Uuid::from_u128(boot), seq, None));
        Reception { site: site(), received_at, clock: None, reports: reports.collect() }
    }

    proptest! {
        #[test]
        fn each_report_is_new_exactly_once_whatever_the_disk_does(
            groups in prop::collection::vec(
                (prop::collection::vec((0_u128..3, 1_u64..30), 0..20), any::<bool>()),
                0..30,
            ),
        ) {
            let mut ledger = Ledger::default();
            let mut counted = BTreeSet::new();
            for (numbers, stored) in groups {
                let mut group = counted.clone();
                let verdicts = ledger.take(&reception(1, &numbers));
                for (number, verdict) in numbers.into_iter().zip(verdicts) {
                    let new = group.insert(number);
                    prop_assert_eq!(verdict, if new { Verdict::New } else { Verdict::Duplicate });
                }
                if stored {
                    ledger.keep();
                    counted = group;
                } else {
                    ledger.undo();
                }
            }
        }
    }

    #[test]
    fn old_boots_go_but_a_sites_last_stays_for_ever() {
        let mut ledger = Ledger::default();
        ledger.take(&reception(0, &[(1, 1)]));
        ledger.take(&reception(1, &[(2, 1)]));
        ledger.keep();
        ledger.prune(10 * KEPT_MILLIS);
        let gone: Vec<_> =
            ledger.changes().map(|(key, _, after)| (key.1.as_u128(), after.is_some())).collect();
        assert_eq!(gone, [(1, false)]);
        ledger.undo();
        assert_eq!(ledger.take(&reception(2, &[(1, 1)])), [Verdict::Duplicate]);
    }

    #[test]
    fn a_crash_loop_makes_the_boot_heard_longest_ago_give_way() {
        let mut ledger = Ledger::default();
        for boot in 0..=BOOTS_PER_SITE {
            ledger.take(&reception(i64::try_from(boot).unwrap(), &[(boot as u128, 1)]));
        }
        assert_eq!(ledger.sites[&site()].len(), BOOTS_PER_SITE);
        assert!(!ledger.sites[&site()].contains_key(&Uuid::from_u128(0)));
    }
}
