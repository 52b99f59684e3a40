//! The books of both sides: every report an agent produced is somewhere, and counted once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use agent::spool::{Limits, Spool, Stored};
use rusqlite::{Connection, Row};
use serde_json::value::to_raw_value;
use uuid::Uuid;
use wire::Report;
use wire::limits::TEXT_CHARS;

/// Of a report that fills a spool.
const READINGS: usize = 8;

/// A report's name: boot and number.
pub type Key = (Uuid, i64);

/// What an agent's spool has counted over all its starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Reports ever appended.
    pub produced: i64,
    /// Reports the collector accepted.
    pub accepted: i64,
    /// Reports the collector refused for good.
    pub refused: i64,
    /// Reports dropped by the spool's limits.
    pub evicted: i64,
}

/// The books after a run.
#[derive(Debug)]
pub struct Books {
    /// What the collector has counted of the site.
    pub received: BTreeSet<Key>,
    /// What is still in the agent's spool.
    pub spooled: BTreeSet<Key>,
    /// The spool's own totals.
    pub totals: Totals,
}

impl Books {
    /// Reads both sides.
    #[must_use]
    pub fn read(collector: &Path, site: &str, agent: &Path) -> Self {
        Self { received: received(collector, site), spooled: spooled(agent), totals: totals(agent) }
    }

    /// Checks that nothing was lost and nothing counted twice, when nothing was to be refused
    /// or evicted.
    #[track_caller]
    pub fn assert_balanced(&self) {
        assert_eq!(self.totals.evicted, 0, "nothing was to be dropped");
        assert_gapless(&self.anywhere());
        self.assert_balanced_but_for_the_cap();
    }

    /// The same of a spool that had reached its cap: no more is missing than it says it dropped.
    #[track_caller]
    pub fn assert_balanced_but_for_the_cap(&self) {
        let Totals { produced, accepted, refused, evicted } = self.totals;
        assert_eq!(refused, 0, "nothing was to be refused");
        let spooled = count(&self.spooled);
        assert_eq!(
            produced,
            accepted + evicted + spooled,
            "the spool's own books: {:?}",
            self.totals
        );
        // A report can be on both sides only while its answer is lost, and the cap may drop it
        // meanwhile.
        let gone = self.received.difference(&self.spooled).count();
        let gone = i64::try_from(gone).unwrap_or(i64::MAX);
        assert!(gone >= accepted, "{accepted} accepted, of which the collector counted {gone}");
        assert!(gone <= accepted + evicted, "{gone} counted, and not so many were ever settled");
    }

    fn anywhere(&self) -> BTreeSet<Key> {
        self.received.union(&self.spooled).copied().collect()
    }
}

/// The reports of a site that its collector has counted.
#[must_use]
pub fn received(state_dir: &Path, site: &str) -> BTreeSet<Key> {
    let query = "SELECT boot, first_seq, last_seq FROM received WHERE site = ?1";
    let interval = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let store = copy_of(state_dir, "collector.db");
    let mut received = BTreeSet::new();
    for (boot, first, last) in all::<(Vec<u8>, i64, i64)>(&store.1, query, [site], interval) {
        let boot = Uuid::from_slice(&boot).expect("a boot is a UUID");
        for seq in first..=last {
            assert!(received.insert((boot, seq)), "report {seq} of {boot} was counted twice");
        }
    }
    received
}

/// The reports in an agent's spool. The agent may be running: its files are copied first.
#[must_use]
pub fn spooled(state_dir: &Path) -> BTreeSet<Key> {
    let spool = copy_of(state_dir, "spool.db");
    let name = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    all::<(Vec<u8>, i64)>(&spool.1, "SELECT boot, seq FROM report", [], name)
        .into_iter()
        .map(|(boot, seq)| (Uuid::from_slice(&boot).expect("a boot is a UUID"), seq))
        .collect()
}

/// The totals of an agent's spool.
#[must_use]
pub fn totals(state_dir: &Path) -> Totals {
    let spool = copy_of(state_dir, "spool.db");
    let query = "SELECT produced, accepted, refused, evicted_by_size + evicted_by_age + evicted_by_disk_full FROM total";
    let totals = |row: &Row<'_>| {
        Ok(Totals {
            produced: row.get(0)?,
            accepted: row.get(1)?,
            refused: row.get(2)?,
            evicted: row.get(3)?,
        })
    };
    spool.1.query_row(query, [], totals).expect("one row of totals")
}

/// That no report is missing: within each boot the numbers run from 1 without gaps.
#[track_caller]
fn assert_gapless(reports: &BTreeSet<Key>) {
    let mut boots: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    for (boot, seq) in reports {
        boots.entry(*boot).or_default().push(*seq);
    }
    for (boot, numbers) in boots {
        let whole: Vec<i64> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, whole, "reports of boot {boot} are missing");
    }
}

/// Fills a spool that nobody has open to its cap, as an outage of days does; the number of reports
/// it then holds.
pub fn fill(state_dir: &Path, limits: Limits) -> anyhow::Result<u64> {
    let mut spool = Spool::open(state_dir, limits)?;
    let boot = Uuid::new_v4();
    for seq in 1.. {
        spool.append(stored(boot, seq)?, Duration::from_millis(seq));
        if spool.statistics().evicted_by_size > 0 {
            break;
        }
    }
    Ok(spool.statistics().reports)
}

/// A report of a boot that is over, of some 3 kB as that of a site with much equipment.
fn stored(boot: Uuid, seq: u64) -> anyhow::Result<Stored> {
    let detail = "x".repeat(TEXT_CHARS);
    let readings: Vec<_> = (0..READINGS)
        .map(|probe| {
            serde_json::json!({
                "probe": format!("p{probe}"), "kind": "tcp", "every_ms": 15_000, "duration_us": 900,
                "failure": { "reason": "timeout", "detail": detail },
            })
        })
        .collect();
    let taken_at = 1_790_000_000_000 + i64::try_from(seq)? * 15_000;
    let report = serde_json::from_value::<Report>(serde_json::json!({
        "boot": boot, "seq": seq, "taken_at": taken_at, "uptime_ms": seq * 15_000,
        "agent": { "version": "1.0.0", "os": "Debian" }, "readings": readings,
    }))?;
    Ok(Stored { boot, seq, taken_at, json: to_raw_value(&report)? })
}

/// Opens a copy of a database and its log, so that nobody's locks are touched. The copy goes
/// with the directory.
fn copy_of(state_dir: &Path, name: &str) -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    // The log first: pages that move from it into the database meanwhile are then in both.
    for file in [format!("{name}-wal"), name.to_owned()] {
        let from = state_dir.join(&file);
        if from.exists() {
            std::fs::copy(&from, folder.path().join(&file)).expect("a readable database");
        }
    }
    let connection = Connection::open(folder.path().join(name)).expect("a database");
    (folder, connection)
}

fn all<T>(
    connection: &Connection,
    query: &str,
    parameters: impl rusqlite::Params,
    row: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let mut query = connection.prepare(query).expect("the table");
    let rows = query.query_map(parameters, row).expect("its rows");
    rows.map(|row| row.expect("a row")).collect()
}

fn count(reports: &BTreeSet<Key>) -> i64 {
    i64::try_from(reports.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of ten reports; the collector's and the spool's by number.
    fn balances(received: &[i64], spooled: &[i64], accepted: i64, evicted: i64) -> bool {
        let keys = |numbers: &[i64]| numbers.iter().map(|seq| (Uuid::nil(), *seq)).collect();
        let totals = Totals { produced: 10, accepted, refused: 0, evicted };
        let books = Books { received: keys(received), spooled: keys(spooled), totals };
        std::panic::catch_unwind(|| books.assert_balanced_but_for_the_cap()).is_ok()
    }

    #[test]
    fn every_report_is_somewhere_and_none_is_there_twice() {
        let spooled = [7, 8, 9, 10];
        for (what, received, accepted, evicted, good) in [
            ("settled and spooled", &[1, 2, 3, 4, 5, 6][..], 6, 0, true),
            ("one counted, its answer lost", &[1, 2, 3, 4, 5, 6, 7], 6, 0, true),
            ("some dropped", &[4, 5, 6], 3, 3, true),
            ("one of these counted before, its answer lost", &[3, 4, 5, 6], 3, 3, true),
            ("one nowhere", &[1, 2, 3, 4, 5], 5, 0, false),
            ("one accepted without a trace", &[1, 2, 3, 4, 5], 6, 0, false),
            ("one that was never produced", &[1, 2, 3, 4, 5, 6, 11], 6, 0, false),
        ] {
            assert_eq!(balances(received, &spooled, accepted, evicted), good, "{what}");
        }
    }
}
