//! The last good copy of each calendar that is fetched, so that a restart while its server is
//! away forgets no meeting.

use rusqlite::{Connection, OptionalExtension, params};
use wire::UnixMillis;

/// The table. The address is kept as its hash: it may be a secret.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS calendars (
    name          TEXT PRIMARY KEY,
    url_sha256    TEXT NOT NULL,
    etag          TEXT,
    last_modified TEXT,
    fetched_at    INTEGER NOT NULL,
    body          BLOB NOT NULL
) STRICT;
";

/// A calendar as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Of the address that it came from.
    pub url_sha256: String,
    /// `ETag` of the answer.
    pub etag: Option<String>,
    /// `Last-Modified` of the answer.
    pub last_modified: Option<String>,
    /// When.
    pub fetched_at: UnixMillis,
    /// The calendar.
    pub body: Vec<u8>,
}

/// Keeps a copy in place of the one before.
pub fn put(connection: &Connection, name: &str, copy: &Copy) -> rusqlite::Result<()> {
    let Copy { url_sha256, etag, last_modified, fetched_at, body } = copy;
    let insert = "INSERT OR REPLACE INTO calendars
        (name, url_sha256, etag, last_modified, fetched_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![name, url_sha256, etag, last_modified, fetched_at, body];
    connection.execute(insert, values).map(drop)
}

/// The copy of a calendar.
pub fn get(connection: &Connection, name: &str) -> rusqlite::Result<Option<Copy>> {
    let select = "SELECT url_sha256, etag, last_modified, fetched_at, body FROM calendars
        WHERE name = ?1";
    connection
        .query_row(select, [name], |row| {
            Ok(Copy {
                url_sha256: row.get(0)?,
                etag: row.get(1)?,
                last_modified: row.get(2)?,
                fetched_at: row.get(3)?,
                body: row.get(4)?,
            })
        })
        .optional()
}

/// Forgets the calendars that are no longer asked for.
pub fn keep_only(connection: &Connection, names: &[&str]) -> rusqlite::Result<()> {
    let known: Vec<String> = connection
        .prepare("SELECT name FROM calendars")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for name in known.iter().filter(|name| !names.contains(&name.as_str())) {
        connection.execute("DELETE FROM calendars WHERE name = ?1", [name])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_copy_of_what_is_asked_for_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let connection = crate::store::open(directory.path()).unwrap();
        let copy = |body: &str| Copy {
            url_sha256: "c".to_owned(),
            etag: Some("\"1\"".to_owned()),
            last_modified: None,
            fetched_at: 1,
            body: body.into(),
        };
        for (name, body) in [("a", "old"), ("a", "new"), ("b", "b")] {
            put(&connection, name, &copy(body)).unwrap();
        }
        keep_only(&connection, &["a", "c"]).unwrap();
        assert_eq!(get(&connection, "a").unwrap(), Some(copy("new")));
        assert_eq!(get(&connection, "b").unwrap(), None);
    }
}
