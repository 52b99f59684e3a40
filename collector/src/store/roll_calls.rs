//! Roll calls on disk: written once, never changed, and kept for five years. SQLite itself refuses
//! anything else.
//!
//! Five years are what the numbers of monthly and yearly reports may be asked after, and a change
//! of the people who remember them. At 10 MB a month they are 600 MB.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use wire::ids::AreaId;
use wire::{SiteId, UnixMillis};

use crate::readiness::Verdict;
use crate::roll_call::{Entry, Key, Moment, NamedArea, RollCall};

/// Roll calls and their sites. Moments are Unix milliseconds, NULL where there is none; the
/// moment is in minutes before the start, reasons and unmatched participants are JSON.
///
/// A site costs some 150 bytes: 356 sites in 60 meetings a month make 10 MB a month.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS roll_calls (
    meeting        TEXT NOT NULL,
    starts_at      INTEGER NOT NULL,
    minutes_before INTEGER NOT NULL,
    title          TEXT NOT NULL,
    ends_at        INTEGER NOT NULL,
    recorded_at    INTEGER NOT NULL,
    unmatched      TEXT NOT NULL,
    PRIMARY KEY (meeting, starts_at, minutes_before)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS roll_calls_by_start ON roll_calls (starts_at);
CREATE TABLE IF NOT EXISTS roll_call_sites (
    meeting        TEXT NOT NULL,
    starts_at      INTEGER NOT NULL,
    minutes_before INTEGER NOT NULL,
    site           TEXT NOT NULL,
    name           TEXT NOT NULL,
    area           TEXT,
    area_name      TEXT,
    level          TEXT NOT NULL,
    verdict        TEXT NOT NULL,
    reasons        TEXT NOT NULL,
    evidence_at    INTEGER,
    heard_at       INTEGER,
    PRIMARY KEY (meeting, starts_at, minutes_before, site)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS roll_calls_stay BEFORE UPDATE ON roll_calls
BEGIN SELECT RAISE(ABORT, 'a roll call is never rewritten'); END;
CREATE TRIGGER IF NOT EXISTS roll_call_sites_stay BEFORE UPDATE ON roll_call_sites
BEGIN SELECT RAISE(ABORT, 'a roll call is never rewritten'); END;
DROP TRIGGER IF EXISTS roll_calls_remain;
CREATE TRIGGER roll_calls_remain BEFORE DELETE ON roll_calls
WHEN OLD.starts_at >= unixepoch('now', '-5 years') * 1000
BEGIN SELECT RAISE(ABORT, 'a roll call is never removed before five years'); END;
DROP TRIGGER IF EXISTS roll_call_sites_remain;
CREATE TRIGGER roll_call_sites_remain BEFORE DELETE ON roll_call_sites
WHEN OLD.starts_at >= unixepoch('now', '-5 years') * 1000
BEGIN SELECT RAISE(ABORT, 'a roll call is never removed before five years'); END;
";

/// Writes roll calls, each whole or not at all, and passes over those that are written already.
/// Returns how many are new.
pub fn write(connection: &mut Connection, calls: &[RollCall]) -> rusqlite::Result<usize> {
    // Immediate: it will write, and must wait for another writer before it has begun.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut new = 0;
    for call in calls {
        new += usize::from(write_one(&transaction, call)?);
    }
    transaction.commit()?;
    Ok(new)
}

fn write_one(transaction: &Transaction<'_>, call: &RollCall) -> rusqlite::Result<bool> {
    let RollCall { key, title, end, recorded_at, unmatched, sites } = call;
    let (meeting, start, minutes) = (&key.meeting, key.start, key.moment.minutes_before());
    let added = transaction
        .prepare_cached(
            "INSERT INTO roll_calls
             (meeting, starts_at, minutes_before, title, ends_at, recorded_at, unmatched)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        )?
        .execute(params![meeting, start, minutes, title, end, recorded_at, json(unmatched)?])?;
    if added == 0 {
        return Ok(false);
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO roll_call_sites (meeting, starts_at, minutes_before, site, name, area,
         area_name, level, verdict, reasons, evidence_at, heard_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for (site, entry) in sites {
        insert.execute(params![
            meeting,
            start,
            minutes,
            site.as_str(),
            entry.name,
            entry.area.as_ref().map(|area| area.id.as_str()),
            entry.area.as_ref().map(|area| area.name.as_str()),
            entry.level,
            entry.verdict.label(),
            json(&entry.reasons)?,
            entry.evidence_at,
            entry.heard_at,
        ])?;
    }
    Ok(true)
}

/// Every roll call of a meeting as they were written, the latest last; none for an unknown id.
pub fn of_meeting(connection: &Connection, meeting: &str) -> rusqlite::Result<Vec<RollCall>> {
    let mut heads = connection.prepare_cached(
        "SELECT meeting, starts_at, minutes_before, title, ends_at, recorded_at, unmatched
         FROM roll_calls WHERE meeting = ?1 ORDER BY recorded_at, minutes_before DESC",
    )?;
    let calls = heads.query_map([meeting], head)?.collect::<rusqlite::Result<Vec<_>>>()?;
    calls.into_iter().flatten().map(|call| with_sites(connection, call)).collect()
}

/// The ids of the meetings that were to start in `from..to`, in the order of their starts.
pub fn meetings_between(
    connection: &Connection,
    from: UnixMillis,
    to: UnixMillis,
) -> rusqlite::Result<Vec<String>> {
    let mut ids = connection.prepare_cached(
        "SELECT meeting FROM roll_calls WHERE starts_at >= ?1 AND starts_at < ?2
         GROUP BY meeting ORDER BY MIN(starts_at), meeting",
    )?;
    ids.query_map([from, to], |row| row.get(0))?.collect()
}

/// Every meeting of which there is a roll call, for whoever mistyped one.
pub fn meetings(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT DISTINCT meeting FROM roll_calls")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// What is written of meetings that end after `now`, so that a restarted collector goes on
/// where it was.
pub fn written(connection: &Connection, now: UnixMillis) -> rusqlite::Result<BTreeSet<Key>> {
    let mut keys = connection
        .prepare("SELECT meeting, starts_at, minutes_before FROM roll_calls WHERE ends_at > ?1")?;
    let keys = keys.query_map([now], key)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(keys.into_iter().flatten().collect())
}

/// Removes roll calls of more than five years ago, and the attendance of their meetings. Returns
/// how many. By the clock of the trigger, which is the machine's.
pub fn prune(connection: &mut Connection) -> rusqlite::Result<usize> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let over = "starts_at < unixepoch('now', '-5 years') * 1000";
    transaction.execute(&format!("DELETE FROM roll_call_sites WHERE {over}"), [])?;
    let removed = transaction.execute(&format!("DELETE FROM roll_calls WHERE {over}"), [])?;
    if removed > 0 {
        // A meeting that was moved into these years keeps its attendance.
        transaction.execute(
            "DELETE FROM attendance WHERE meeting NOT IN (SELECT meeting FROM roll_calls)",
            [],
        )?;
    }
    transaction.commit()?;
    Ok(removed)
}

/// `None` where a newer program knows a moment that this one does not.
fn key(row: &Row<'_>) -> rusqlite::Result<Option<Key>> {
    let (meeting, start) = (row.get(0)?, row.get(1)?);
    Ok(Moment::at_minutes_before(row.get(2)?).map(|moment| Key { meeting, start, moment }))
}

fn head(row: &Row<'_>) -> rusqlite::Result<Option<RollCall>> {
    let Some(key) = key(row)? else { return Ok(None) };
    Ok(Some(RollCall {
        key,
        title: row.get(3)?,
        end: row.get(4)?,
        recorded_at: row.get(5)?,
        unmatched: from_json(row, 6)?,
        sites: std::collections::BTreeMap::new(),
    }))
}

fn with_sites(connection: &Connection, mut call: RollCall) -> rusqlite::Result<RollCall> {
    let Key { meeting, start, moment } = &call.key;
    let mut sites = connection.prepare_cached(
        "SELECT site, name, area, area_name, level, verdict, reasons, evidence_at, heard_at
         FROM roll_call_sites WHERE meeting = ?1 AND starts_at = ?2 AND minutes_before = ?3",
    )?;
    let sites = sites.query_map(params![meeting, start, moment.minutes_before()], site)?;
    call.sites = sites.collect::<rusqlite::Result<_>>()?;
    Ok(call)
}

fn site(row: &Row<'_>) -> rusqlite::Result<(SiteId, Entry)> {
    let site: String = row.get(0)?;
    let verdict: String = row.get(5)?;
    let verdict = Verdict::ALL.into_iter().find(|known| known.label() == verdict);
    let area: Option<AreaId> =
        row.get::<_, Option<String>>(2)?.map(|id| id.parse()).transpose().map_err(strange(2))?;
    let name: Option<String> = row.get(3)?;
    let entry = Entry {
        name: row.get(1)?,
        area: area.map(|id| NamedArea { name: name.unwrap_or_else(|| id.to_string()), id }),
        level: row.get(4)?,
        verdict: verdict.ok_or(rusqlite::Error::InvalidQuery)?,
        reasons: from_json(row, 6)?,
        evidence_at: row.get(7)?,
        heard_at: row.get(8)?,
    };
    Ok((site.parse().map_err(strange(0))?, entry))
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn from_json<T: serde::de::DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let text: String = row.get(at)?;
    serde_json::from_str(&text).map_err(strange(at))
}

/// Something this program did not write.
fn strange<E: std::error::Error + Send + Sync + 'static>(
    at: usize,
) -> impl Fn(E) -> rusqlite::Error {
    move |error| {
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
    }
}

#[cfg(test)]
mod tests;
