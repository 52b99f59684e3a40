//! The spool's `SQLite` file: reports and totals.

use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::FromSqlError;
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, ffi, params,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Key, Limits, SpoolError, Statistics, Stored, aside, schema};
use crate::platform;

/// Each with its reason: `EXCLUSIVE` keeps a second agent out and saves the shared memory file;
/// `FULL` makes a commit survive a power cut; 256 KiB of pages are plenty for a queue and little
/// of the agent's memory; the log is cut back after a burst.
const PRAGMAS: &str = "
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -256;
    PRAGMA wal_autocheckpoint = 256;
    PRAGMA journal_size_limit = 1048576;
";

/// Why the disk did not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// What is in the file is not a spool, or not any more.
    #[error("{0}")]
    Damaged(String),
    /// It may work later: no room, read-only, a write error.
    #[error("{0}")]
    Refused(String),
    /// It will not work until somebody does something.
    #[error(transparent)]
    Fatal(SpoolError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error() {
            Some(code) if refused(*code) => Self::Refused(text),
            _ => Self::Damaged(text),
        }
    }
}

/// Whether the file itself may be sound. Everything else (no such table, not a database, a value
/// of another type, a sector that cannot be read) means that it is not this program's any more.
fn refused(error: ffi::Error) -> bool {
    match error.code {
        ErrorCode::SystemIoFailure => !matches!(
            error.extended_code,
            ffi::SQLITE_IOERR_READ
                | ffi::SQLITE_IOERR_SHORT_READ
                | ffi::SQLITE_IOERR_CORRUPTFS
                | ffi::SQLITE_IOERR_DATA
        ),
        code => matches!(
            code,
            ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
        ),
    }
}

/// Which end of the queue to read from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    NewestFirst,
    OldestFirst,
}

/// An open spool file.
#[derive(Debug)]
pub(super) struct Disk {
    connection: Connection,
    totals: Statistics,
    running: Running,
}

/// The running time the file had seen when it was opened, and when that was.
#[derive(Debug, Clone, Copy)]
struct Running {
    before: Duration,
    opened_at: Duration,
}

impl Running {
    fn at(self, now: Duration) -> Duration {
        self.before + now.saturating_sub(self.opened_at)
    }
}

impl Disk {
    /// Opens or creates the file and looks through all of it.
    pub(super) fn open(path: &Path, now: Duration) -> Result<Self, Fault> {
        create(path)?;
        let mut connection = Connection::open(path)?;
        // Whoever holds the file holds it until it ends: waiting does not help.
        connection.busy_timeout(Duration::ZERO)?;
        connection.execute_batch(PRAGMAS).map_err(|error| in_use_or_fault(path, error))?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Exclusive)
            .map_err(|error| in_use_or_fault(path, error))?;
        schema::adopt(&transaction)?;
        let (mut totals, before) = schema::count(&transaction)?;
        totals.set_aside = totals.set_aside.max(aside::last(path));
        transaction.commit()?;
        Ok(Self { connection, totals, running: Running { before, opened_at: now } })
    }

    /// What the file has seen.
    pub(super) fn totals(&self) -> Statistics {
        self.totals
    }

    /// One transaction: what `make` does, its counts, and what is owed from before.
    pub(super) fn change(
        &mut self,
        owed: &Statistics,
        make: impl FnOnce(&mut Change<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut change =
            Change { transaction: &transaction, totals: self.totals, running: self.running };
        change.totals.add(owed);
        make(&mut change)?;
        let mut totals = change.totals;
        totals.oldest_taken_at = oldest(&transaction)?.map(|oldest| oldest.taken_at);
        schema::store(&transaction, &totals)?;
        transaction.commit()?;
        self.totals = totals;
        Ok(())
    }

    /// Reports from one end, as many as fit into `bytes` and at least one. What is no JSON any
    /// more (no checksum guards a page of `SQLite`) is dropped and counted as refused.
    pub(super) fn read(
        &mut self,
        order: Order,
        reports: usize,
        bytes: usize,
    ) -> Result<Vec<Stored>, Fault> {
        loop {
            let (found, broken) = read(&self.connection, order, reports, bytes)?;
            if broken.is_empty() {
                return Ok(found);
            }
            tracing::error!(reports = broken.len(), "unreadable reports in the spool are dropped");
            self.change(&Statistics::default(), |change| change.drop_broken(&broken))?;
        }
    }
}

#[cfg(test)]
impl Disk {
    /// As if the disk had no room left.
    pub(super) fn refuse_growth(&self) {
        // SQLite takes no less than the pages there are.
        self.connection.pragma_update(None, "max_page_count", 1).unwrap();
    }

    /// As if somebody had emptied it.
    pub(super) fn allow_growth(&self) {
        self.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    }
}

/// A transaction under way.
#[derive(Debug)]
pub(super) struct Change<'a> {
    transaction: &'a Transaction<'a>,
    totals: Statistics,
    running: Running,
}

impl Change<'_> {
    /// Adds reports, then drops the oldest over the limits; the newest always stays.
    pub(super) fn append<'r>(
        &mut self,
        reports: impl Iterator<Item = &'r Stored>,
        limits: &Limits,
        now: Duration,
    ) -> Result<(), Fault> {
        let running = self.running.at(now);
        let mut insert = self.transaction.prepare_cached(
            "INSERT OR IGNORE INTO report (boot, seq, taken_at, running_ms, bytes, json)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for report in reports {
            let inserted = insert.execute(params![
                report.boot.as_bytes(),
                report.seq.cast_signed(),
                report.taken_at,
                millis(running),
                report.bytes().cast_signed(),
                report.json.get(),
            ])?;
            if inserted == 1 {
                self.totals.produced += 1;
                self.totals.reports += 1;
                self.totals.bytes += report.bytes();
            }
        }
        self.transaction
            .prepare_cached("UPDATE total SET running_ms = ?1")?
            .execute([millis(running)])?;
        self.evict(limits, running)
    }

    /// Drops what is settled and counts it.
    pub(super) fn settle(&mut self, accepted: &[Key], refused: &[Key]) -> Result<(), Fault> {
        for key in accepted {
            self.totals.accepted += self.drop_key(key)?;
        }
        for key in refused {
            self.totals.refused += self.drop_key(key)?;
        }
        Ok(())
    }

    fn evict(&mut self, limits: &Limits, running: Duration) -> Result<(), Fault> {
        let too_old = millis(running.saturating_sub(limits.age));
        while self.totals.reports > 1
            && let Some(oldest) = oldest(self.transaction)?
        {
            if self.totals.bytes > limits.bytes {
                self.totals.evicted_by_size += self.drop_id(oldest.id)?;
            } else if oldest.running_ms < too_old {
                self.totals.evicted_by_age += self.drop_id(oldest.id)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn drop_broken(&mut self, ids: &[i64]) -> Result<(), Fault> {
        for id in ids {
            self.totals.refused += self.drop_id(*id)?;
        }
        Ok(())
    }

    fn drop_key(&mut self, (boot, seq): &Key) -> Result<u64, Fault> {
        let bytes = self
            .transaction
            .prepare_cached("DELETE FROM report WHERE boot = ?1 AND seq = ?2 RETURNING bytes")?
            .query_row(params![boot.as_bytes(), seq.cast_signed()], schema::natural)
            .optional()?;
        Ok(self.dropped(bytes))
    }

    fn drop_id(&mut self, id: i64) -> Result<u64, Fault> {
        let bytes = self
            .transaction
            .prepare_cached("DELETE FROM report WHERE id = ?1 RETURNING bytes")?
            .query_row([id], schema::natural)
            .optional()?;
        Ok(self.dropped(bytes))
    }

    /// Counts one report less, if there was one.
    fn dropped(&mut self, bytes: Option<u64>) -> u64 {
        let Some(bytes) = bytes else { return 0 };
        self.totals.reports = self.totals.reports.saturating_sub(1);
        self.totals.bytes = self.totals.bytes.saturating_sub(bytes);
        1
    }
}

/// The head of the queue.
pub(super) struct Oldest {
    pub(super) id: i64,
    pub(super) taken_at: i64,
    pub(super) running_ms: i64,
}

pub(super) fn oldest(connection: &Connection) -> Result<Option<Oldest>, Fault> {
    let found = connection
        .prepare_cached("SELECT id, taken_at, running_ms FROM report ORDER BY id LIMIT 1")?
        .query_row([], |row| {
            Ok(Oldest { id: row.get(0)?, taken_at: row.get(1)?, running_ms: row.get(2)? })
        })
        .optional()?;
    Ok(found)
}

/// The file, readable by this user alone: reports say where the room's devices are.
fn create(path: &Path) -> Result<(), Fault> {
    let made = path.parent().map_or(Ok(()), platform::private_directory);
    made.and_then(|()| platform::private_file(path)).map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::ReadOnlyFilesystem => Fault::Refused(error.to_string()),
        _ => Fault::Fatal(SpoolError::Open { path: path.to_owned(), error }),
    })
}

fn in_use_or_fault(path: &Path, error: rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Fault::Fatal(SpoolError::InUse(path.to_owned()))
        }
        _ => error.into(),
    }
}

/// Sound reports and the ids of broken ones.
fn read(
    connection: &Connection,
    order: Order,
    reports: usize,
    bytes: usize,
) -> Result<(Vec<Stored>, Vec<i64>), Fault> {
    let mut statement = connection.prepare_cached(match order {
        Order::NewestFirst => "SELECT id, boot, seq, taken_at, json FROM report ORDER BY id DESC",
        Order::OldestFirst => "SELECT id, boot, seq, taken_at, json FROM report ORDER BY id",
    })?;
    let mut rows = statement.query([])?;
    let (mut found, mut broken, mut left) = (Vec::new(), Vec::new(), bytes);
    while found.len() < reports
        && let Some(row) = rows.next()?
    {
        let Some(report) = stored(row)? else {
            broken.push(row.get(0)?);
            continue;
        };
        let size = report.json.get().len();
        if size > left && !found.is_empty() {
            break;
        }
        left = left.saturating_sub(size);
        found.push(report);
    }
    Ok((found, broken))
}

/// The report of a row; None if it is not one any more.
fn stored(row: &Row<'_>) -> Result<Option<Stored>, Fault> {
    let (seq, taken_at): (i64, i64) = (row.get(2)?, row.get(3)?);
    // STRICT tables hold what their columns say, so another type means damage.
    let another_type = |error: FromSqlError| Fault::Damaged(error.to_string());
    let boot = row.get_ref(1)?.as_blob().map_err(another_type)?;
    let json = row.get_ref(4)?.as_bytes().map_err(another_type)?;
    let report = Uuid::from_slice(boot).ok().zip(
        String::from_utf8(json.to_owned()).ok().and_then(|json| RawValue::from_string(json).ok()),
    );
    Ok(report.map(|(boot, json)| Stored { boot, seq: seq.cast_unsigned(), taken_at, json }))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
