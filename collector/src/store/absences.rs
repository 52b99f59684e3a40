//! Absences that came through the API, each as the JSON that made it.

use rusqlite::{Connection, OptionalExtension, params};
use wire::UnixMillis;

/// The table. An id is never used twice, so that whoever deletes late deletes nothing else.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS absences (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    definition TEXT NOT NULL,
    ends_at    INTEGER NOT NULL,
    made_at    INTEGER NOT NULL
) STRICT;
";

/// Keeps an absence and gives it its id.
pub fn add(
    connection: &Connection,
    definition: &str,
    ends_at: UnixMillis,
    now: UnixMillis,
) -> rusqlite::Result<i64> {
    let insert = "INSERT INTO absences (definition, ends_at, made_at) VALUES (?1, ?2, ?3)";
    connection.execute(insert, params![definition, ends_at, now])?;
    Ok(connection.last_insert_rowid())
}

/// Forgets an absence; gives what it was.
pub fn take(connection: &Connection, id: i64) -> rusqlite::Result<Option<String>> {
    let delete = "DELETE FROM absences WHERE id = ?1 RETURNING definition";
    connection.query_row(delete, [id], |row| row.get(0)).optional()
}

/// Forgets the absences that are over.
pub fn forget_over(connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM absences WHERE ends_at <= ?1", [now]).map(drop)
}

/// Every absence's id and definition.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    connection
        .prepare("SELECT id, definition FROM absences ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
