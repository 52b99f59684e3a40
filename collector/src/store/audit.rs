//! Who did what: written once, never changed and never taken away.

use rusqlite::{Connection, Row, params};
use wire::UnixMillis;

use crate::audit::{Act, Actor};

/// The table. The triggers keep this program, and whoever has it run a wrong statement, from
/// changing what was written. A hundred acts a day are some 10 MB a year.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    address TEXT NOT NULL,
    act     TEXT NOT NULL,
    subject TEXT NOT NULL,
    before  TEXT,
    after   TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS audit_by_time ON audit (at);
CREATE TRIGGER IF NOT EXISTS audit_stays_as_written BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
";

/// What was done.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// What.
    pub act: Act,
    /// On what: an id, a user's name.
    pub subject: &'a str,
    /// What was there before, if anything.
    pub before: Option<&'a str>,
    /// What is there now, if anything.
    pub after: Option<&'a str>,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Grows with each.
    pub id: i64,
    /// When.
    pub at: UnixMillis,
    /// Who.
    pub who: String,
    /// From which address; empty for commands on the collector's own machine.
    pub address: String,
    /// What; a text, for a newer program may have written it.
    pub act: String,
    /// On what.
    pub subject: String,
    /// What was there before, if anything.
    pub before: Option<String>,
    /// What was there after it, if anything.
    pub after: Option<String>,
}

/// Writes a deed down. The caller holds the transaction that does it, so that nothing is done
/// without being written down.
pub fn add(
    connection: &Connection,
    actor: &Actor,
    deed: Deed<'_>,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let insert = "INSERT INTO audit (at, who, address, act, subject, before, after)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Deed { act, subject, before, after } = deed;
    let Actor { who, address } = actor;
    let address = address.map(|address| address.to_canonical().to_string()).unwrap_or_default();
    connection
        .execute(insert, params![now, who, address, act.label(), subject, before, after])
        .map(drop)
}

/// The latest entries before the one with this id, the latest first.
pub fn latest(connection: &Connection, before: i64, most: usize) -> rusqlite::Result<Vec<Entry>> {
    let select = "SELECT * FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection.prepare(select)?.query_map(params![before, most], entry)?.collect()
}

/// The entries since a moment, the earliest first.
pub fn since(connection: &Connection, moment: UnixMillis) -> rusqlite::Result<Vec<Entry>> {
    let select = "SELECT * FROM audit WHERE at >= ?1 ORDER BY id";
    connection.prepare(select)?.query_map([moment], entry)?.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get("id")?,
        at: row.get("at")?,
        who: row.get("who")?,
        address: row.get("address")?,
        act: row.get("act")?,
        subject: row.get("subject")?,
        before: row.get("before")?,
        after: row.get("after")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;

    #[test]
    fn what_is_written_stays_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let store = store::open(directory.path()).unwrap();
        let actor =
            Actor { who: "lan".to_owned(), address: Some("::ffff:10.0.0.1".parse().unwrap()) };
        for (subject, now) in [("th-0316", 10), ("th-0317", 20)] {
            let deed = Deed { act: Act::AbsenceAdded, subject, before: None, after: Some("{}") };
            add(&store, &actor, deed, now).unwrap();
        }
        for statement in
            ["UPDATE audit SET who = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"]
        {
            let error = store.execute(statement, []).unwrap_err().to_string();
            assert!(error.contains("only added to"), "{error}");
        }
        let entries = latest(&store, i64::MAX, 10).unwrap();
        let subjects: Vec<_> = entries.iter().map(|entry| entry.subject.as_str()).collect();
        assert_eq!(subjects, ["th-0317", "th-0316"]);
        assert_eq!((entries[0].who.as_str(), entries[0].address.as_str()), ("lan", "10.0.0.1"));
        assert_eq!(latest(&store, entries[0].id, 10).unwrap().len(), 1);
        assert_eq!(since(&store, 11).unwrap().len(), 1);
    }
}
