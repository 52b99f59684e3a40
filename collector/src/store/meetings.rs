//! Meetings that came through the API, each as the JSON that made it.

use rusqlite::{Connection, OptionalExtension, params};
use wire::UnixMillis;
use wire::ids::MeetingId;

/// The table.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS meetings (
    id         TEXT PRIMARY KEY,
    definition TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
";

/// Keeps a meeting, in place of one with its id.
pub fn put(
    connection: &Connection,
    id: &MeetingId,
    definition: &str,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let insert = "INSERT OR REPLACE INTO meetings (id, definition, changed_at) VALUES (?1, ?2, ?3)";
    connection.execute(insert, params![id.as_str(), definition, now]).map(drop)
}

/// Forgets a meeting.
pub fn delete(connection: &Connection, id: &MeetingId) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM meetings WHERE id = ?1", [id.as_str()]).map(drop)
}

/// A meeting's definition.
pub fn definition(connection: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    connection
        .query_row("SELECT definition FROM meetings WHERE id = ?1", [id], |row| row.get(0))
        .optional()
}

/// Every meeting's id and definition.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare("SELECT id, definition FROM meetings ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
