//! The books of both sides after a run: every report an agent produced is somewhere, once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// A report's name: boot and number.
pub type Key = (String, i64);

fn open(file: &Path) -> Connection {
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The reports a site's collector has counted.
#[must_use]
pub fn received(state_dir: &Path, site: &str) -> BTreeSet<Key> {
    let store = open(&state_dir.join("collector.db"));
    let mut query = store
        .prepare("SELECT lower(CASE typeof(boot) WHEN 'blob' THEN hex(boot) ELSE replace(boot, '-', '') END), first_seq, last_seq FROM received WHERE site = ?1 ORDER BY 1, 2")
        .expect("the table of received reports");
    let intervals = query
        .query_map([site], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })
        .expect("received reports");
    let mut received = BTreeSet::new();
    for interval in intervals {
        let (boot, first, last) = interval.expect("an interval");
        for seq in first..=last {
            assert!(
                received.insert((boot.clone(), seq)),
                "report {seq} of boot {boot} was counted twice"
            );
        }
    }
    received
}

/// The reports still in an agent's spool.
#[must_use]
pub fn spooled(state_dir: &Path) -> BTreeSet<Key> {
    let spool = open(&state_dir.join("spool.db"));
    let mut query = spool
        .prepare("SELECT lower(CASE typeof(boot) WHEN 'blob' THEN hex(boot) ELSE replace(boot, '-', '') END), seq FROM reports")
        .expect("the table of reports");
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("reports");
    rows.map(|row| row.expect("a report")).collect()
}

/// That no report is missing: within each boot the numbers run from 1 without gaps.
#[track_caller]
pub fn assert_complete(reports: &BTreeSet<Key>) {
    let mut boots: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (boot, seq) in reports {
        boots.entry(boot).or_default().push(*seq);
    }
    for (boot, numbers) in boots {
        let whole: Vec<i64> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, whole, "reports of boot {boot} are missing");
    }
}
