//! The tables of the spool's file: made, recognised, checked, counted.

use std::time::Duration;

use rusqlite::{Connection, Row};

use super::Statistics;
use super::disk::{self, Fault};

/// "NCSP": tells a spool from any other database.
const APPLICATION: i32 = 0x4e43_5350;

/// Raised with every change of [`SCHEMA`].
const VERSION: i32 = 1;

/// `bytes` stands before `json`, so that counting never reads the long part of a row.
const SCHEMA: &str = "
    CREATE TABLE report (
        id INTEGER PRIMARY KEY,
        boot BLOB NOT NULL,
        seq INTEGER NOT NULL,
        taken_at INTEGER NOT NULL,
        running_ms INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        json TEXT NOT NULL,
        UNIQUE (boot, seq)
    ) STRICT;
    CREATE TABLE total (
        produced INTEGER NOT NULL,
        accepted INTEGER NOT NULL,
        refused INTEGER NOT NULL,
        evicted_by_size INTEGER NOT NULL,
        evicted_by_age INTEGER NOT NULL,
        evicted_by_disk_full INTEGER NOT NULL,
        set_aside INTEGER NOT NULL,
        running_ms INTEGER NOT NULL
    ) STRICT;
    INSERT INTO total VALUES (0, 0, 0, 0, 0, 0, 0, 0);
";

/// Makes an empty file a spool, and looks whether another one is.
pub(super) fn adopt(connection: &Connection) -> Result<(), Fault> {
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i32>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (tables, number("PRAGMA application_id")?, number("PRAGMA user_version")?) {
        (0, 0, 0) => {
            connection.execute_batch(SCHEMA)?;
            connection.pragma_update(None, "application_id", APPLICATION)?;
            connection.pragma_update(None, "user_version", VERSION)?;
        }
        (_, APPLICATION, VERSION) => {}
        (_, APPLICATION, version) => {
            return Err(Fault::Damaged(format!(
                "version {version} of the spool; this agent knows {VERSION}"
            )));
        }
        _ => return Err(Fault::Damaged("another program's database".into())),
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Fault::Damaged(found)) }
}

/// The totals and the running time; they must agree with the reports that are there.
pub(super) fn count(connection: &Connection) -> Result<(Statistics, Duration), Fault> {
    let (mut totals, running) = connection.query_row(
        "SELECT produced, accepted, refused, evicted_by_size, evicted_by_age,
                evicted_by_disk_full, set_aside, running_ms FROM total",
        [],
        totals_of,
    )?;
    (totals.reports, totals.bytes) = connection.query_row(
        "SELECT count(*), coalesce(sum(bytes), 0) FROM report",
        [],
        |row| Ok((natural_at(row, 0)?, natural_at(row, 1)?)),
    )?;
    if totals.produced != totals.settled().saturating_add(totals.reports) {
        return Err(Fault::Damaged(format!("the counts do not agree: {totals:?}")));
    }
    totals.oldest_taken_at = disk::oldest(connection)?.map(|oldest| oldest.taken_at);
    Ok((totals, Duration::from_millis(running)))
}

fn totals_of(row: &Row<'_>) -> rusqlite::Result<(Statistics, u64)> {
    let totals = Statistics {
        produced: natural_at(row, 0)?,
        accepted: natural_at(row, 1)?,
        refused: natural_at(row, 2)?,
        evicted_by_size: natural_at(row, 3)?,
        evicted_by_age: natural_at(row, 4)?,
        evicted_by_disk_full: natural_at(row, 5)?,
        set_aside: natural_at(row, 6)?,
        ..Statistics::default()
    };
    Ok((totals, natural_at(row, 7)?))
}

pub(super) fn store(connection: &Connection, totals: &Statistics) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "UPDATE total SET produced = ?1, accepted = ?2, refused = ?3, evicted_by_size = ?4,
                    evicted_by_age = ?5, evicted_by_disk_full = ?6, set_aside = ?7",
        )?
        .execute([
            totals.produced.cast_signed(),
            totals.accepted.cast_signed(),
            totals.refused.cast_signed(),
            totals.evicted_by_size.cast_signed(),
            totals.evicted_by_age.cast_signed(),
            totals.evicted_by_disk_full.cast_signed(),
            totals.set_aside.cast_signed(),
        ])?;
    Ok(())
}

/// The first column as a count.
pub(super) fn natural(row: &Row<'_>) -> rusqlite::Result<u64> {
    natural_at(row, 0)
}

/// A count; a negative one is damage.
fn natural_at(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}
