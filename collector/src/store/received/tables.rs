//! The ledger on disk.

use std::collections::HashMap;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use uuid::Uuid;
use wire::{SiteId, UnixMillis};

use super::intervals::{Interval, Intervals};
use super::ledger::{Boot, Ledger};
use crate::roll_call::later::Life;

/// Boots of agents, and the intervals of numbers received of each. Moments are Unix
/// milliseconds, NULL where unknown; the offset is the agent's clock minus the collector's.
pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS boots (
    site TEXT NOT NULL,
    boot BLOB NOT NULL,
    heard_at INTEGER NOT NULL,
    clock_offset_ms INTEGER,
    PRIMARY KEY (site, boot)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS received (
    site TEXT NOT NULL,
    boot BLOB NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    first_at INTEGER,
    last_at INTEGER,
    PRIMARY KEY (site, boot, first_seq)
) STRICT, WITHOUT ROWID;
";

/// Every agent's starts as far as reports of them were received that were taken after `since`.
/// Only moments that are known count.
pub fn lives_since(
    connection: &Connection,
    since: UnixMillis,
) -> rusqlite::Result<HashMap<SiteId, Vec<Life>>> {
    let mut starts = connection.prepare_cached(
        "SELECT site, MIN(first_seq), MIN(first_at), MAX(last_at) FROM received
         GROUP BY site, boot HAVING MAX(last_at) >= ?1",
    )?;
    let rows = starts.query_map([since], |row| {
        let life = Life { first_seq: row.get(1)?, first_at: row.get(2)?, last_at: row.get(3)? };
        Ok((row.get::<_, String>(0)?, life))
    })?;
    let mut lives: HashMap<SiteId, Vec<Life>> = HashMap::new();
    for row in rows {
        let (site, life) = row?;
        if let Ok(site) = site.parse() {
            lives.entry(site).or_default().push(life);
        }
    }
    Ok(lives)
}

/// What [`each_boot`] hands out.
pub(super) type StoredBoot = (SiteId, Uuid, Boot);

/// Reads every boot with its intervals. A row that is not an id or a boot was not written by
/// this program and is passed over.
pub(super) fn each_boot(
    connection: &Connection,
    mut found: impl FnMut(StoredBoot),
) -> rusqlite::Result<()> {
    let mut boots =
        connection.prepare("SELECT site, boot, heard_at, clock_offset_ms FROM boots")?;
    let mut intervals = connection.prepare(
        "SELECT first_seq, last_seq, first_at, last_at FROM received
         WHERE site = ?1 AND boot = ?2 ORDER BY first_seq",
    )?;
    let mut rows = boots.query([])?;
    while let Some(row) = rows.next()? {
        let (name, id): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let (Ok(site), Ok(boot)) = (name.parse(), Uuid::from_slice(&id)) else {
            continue;
        };
        let received = intervals
            .query_map(params![name, id], |row| {
                Ok(Interval {
                    first: row.get(0)?,
                    last: row.get(1)?,
                    first_at: row.get(2)?,
                    last_at: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let received = Intervals::from_rows(received);
        found((site, boot, Boot { heard_at: row.get(2)?, clock_offset: row.get(3)?, received }));
    }
    Ok(())
}

/// Stores what changed in the ledger, all of it or nothing.
pub(super) fn save(connection: &mut Connection, ledger: &Ledger) -> rusqlite::Result<()> {
    // Immediate: it will write, and must wait for another writer before it has begun.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    save_changes(&transaction, ledger)?;
    transaction.commit()
}

fn save_changes(transaction: &Transaction<'_>, ledger: &Ledger) -> rusqlite::Result<()> {
    let mut write_boot = transaction.prepare_cached(
        "INSERT INTO boots (site, boot, heard_at, clock_offset_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET heard_at = ?3, clock_offset_ms = ?4",
    )?;
    let mut write_interval = transaction.prepare_cached(
        "INSERT INTO received (site, boot, first_seq, last_seq, first_at, last_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET last_seq = ?4, first_at = ?5, last_at = ?6",
    )?;
    let mut remove_interval = transaction
        .prepare_cached("DELETE FROM received WHERE site = ?1 AND boot = ?2 AND first_seq = ?3")?;
    for ((site, id), change, after) in ledger.changes() {
        let (site, id) = (site.as_str(), id.as_bytes().as_slice());
        let Some(boot) = after else {
            transaction.execute("DELETE FROM boots WHERE site = ?1 AND boot = ?2", (site, id))?;
            transaction
                .execute("DELETE FROM received WHERE site = ?1 AND boot = ?2", (site, id))?;
            continue;
        };
        write_boot.execute((site, id, boot.heard_at, boot.clock_offset))?;
        for first in &change.firsts {
            match boot.received.beginning_at(*first) {
                Some(Interval { first, last, first_at, last_at }) => {
                    write_interval.execute((site, id, first, last, first_at, last_at))?
                }
                None => remove_interval.execute((site, id, first))?,
            };
        }
    }
    Ok(())
}
