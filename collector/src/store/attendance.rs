//! Who took part, as posted after the meeting. What is posted again corrects what was.

use std::collections::BTreeMap;

use rusqlite::Connection;
use wire::UnixMillis;

use crate::roll_call::attendance::{Attendance, Presence};

pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS attendance (
    meeting   TEXT NOT NULL,
    site      TEXT NOT NULL,
    presence  TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    PRIMARY KEY (meeting, site)
) STRICT, WITHOUT ROWID;
";

/// Keeps the presences of a meeting, all of them or none; sites that are not in `attendance`
/// stay as they were. The caller holds a transaction.
pub fn put(
    connection: &Connection,
    meeting: &str,
    attendance: &Attendance,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let mut write = connection.prepare_cached(
        "INSERT OR REPLACE INTO attendance (meeting, site, presence, posted_at)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (site, presence) in attendance {
        write.execute((meeting, site.as_str(), presence.label(), now))?;
    }
    Ok(())
}

/// What was posted of a meeting. A row that is no site or presence was not written by this
/// program and is passed over.
pub fn of_meeting(connection: &Connection, meeting: &str) -> rusqlite::Result<Attendance> {
    let mut rows =
        connection.prepare_cached("SELECT site, presence FROM attendance WHERE meeting = ?1")?;
    let rows = rows
        .query_map([meeting], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<BTreeMap<String, String>>>()?;
    let known = rows
        .into_iter()
        .filter_map(|(site, presence)| Some((site.parse().ok()?, Presence::from_word(&presence)?)));
    Ok(known.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_again_corrects_what_was() {
        let directory = tempfile::tempdir().unwrap();
        let connection = crate::store::open(directory.path()).unwrap();
        let list = |pairs: &[(&str, Presence)]| -> Attendance {
            pairs.iter().map(|(site, presence)| (site.parse().unwrap(), *presence)).collect()
        };
        let first = list(&[("a", Presence::Present), ("b", Presence::Absent)]);
        put(&connection, "m@1", &first, 1).unwrap();
        put(&connection, "m@1", &list(&[("b", Presence::Late)]), 2).unwrap();
        let expected = list(&[("a", Presence::Present), ("b", Presence::Late)]);
        assert_eq!(of_meeting(&connection, "m@1").unwrap(), expected);
        assert_eq!(of_meeting(&connection, "m@2").unwrap(), Attendance::new());
    }
}
