//! Which profile each site ran for good, and which change was withdrawn: a restart must neither
//! give a whole fleet something untried nor try again what did harm.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use wire::{SiteId, UnixMillis};

use crate::profiles::Text;

/// The tables.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS profile_texts (
    etag TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS profiles_proved (
    site TEXT PRIMARY KEY,
    etag TEXT NOT NULL REFERENCES profile_texts (etag)
) STRICT;
CREATE TABLE IF NOT EXISTS profiles_withdrawn (
    revision TEXT PRIMARY KEY,
    reason   TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
";

/// What proved good at each site.
pub fn proved(connection: &Connection) -> rusqlite::Result<BTreeMap<SiteId, Arc<Text>>> {
    let mut texts = BTreeMap::new();
    let mut select = connection.prepare("SELECT etag, text FROM profile_texts")?;
    let rows =
        select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for row in rows {
        let (etag, text) = row?;
        // One that a later version wrote in another form is tried anew.
        if let Ok(document) = serde_json::from_str(&text) {
            texts.insert(etag, Arc::new(Text::new(document)));
        }
    }
    let mut select = connection.prepare("SELECT site, etag FROM profiles_proved")?;
    let rows =
        select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut proved = BTreeMap::new();
    for row in rows {
        let (site, etag) = row?;
        if let (Ok(site), Some(text)) = (site.parse(), texts.get(&etag)) {
            proved.insert(site, Arc::clone(text));
        }
    }
    Ok(proved)
}

/// Keeps what proved good, in the place of what did before.
pub fn keep_proved(
    connection: &mut Connection,
    proved: &BTreeMap<SiteId, Arc<Text>>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute("DELETE FROM profiles_proved", [])?;
    transaction.execute("DELETE FROM profile_texts", [])?;
    for (site, text) in proved {
        let insert = "INSERT OR IGNORE INTO profile_texts (etag, text) VALUES (?1, ?2)";
        transaction.execute(insert, params![&*text.etag, text.text])?;
        let insert = "INSERT INTO profiles_proved (site, etag) VALUES (?1, ?2)";
        transaction.execute(insert, params![site.as_str(), &*text.etag])?;
    }
    transaction.commit()
}

/// Why a change was withdrawn, if it was.
pub fn withdrawn(connection: &Connection, revision: &str) -> rusqlite::Result<Option<String>> {
    let select = "SELECT reason FROM profiles_withdrawn WHERE revision = ?1";
    connection.query_row(select, [revision], |row| row.get(0)).optional()
}

/// Remembers that a change was withdrawn; the ones before it matter no more.
pub fn withdraw(
    connection: &mut Connection,
    revision: &str,
    reason: &str,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute("DELETE FROM profiles_withdrawn", [])?;
    let insert = "INSERT INTO profiles_withdrawn (revision, reason, at) VALUES (?1, ?2, ?3)";
    transaction.execute(insert, params![revision, reason, now])?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use wire::profile::Document;

    use super::*;

    #[test]
    fn what_proved_good_and_what_was_withdrawn_outlive_the_program() {
        let directory = tempfile::tempdir().unwrap();
        let open = || crate::store::open(directory.path()).unwrap();
        assert!(proved(&open()).unwrap().is_empty());
        let text = Arc::new(Text::new(Document::default()));
        let good: BTreeMap<SiteId, _> =
            ["a", "b"].map(|site| (site.parse().unwrap(), Arc::clone(&text))).into();
        keep_proved(&mut open(), &good).unwrap();
        assert_eq!(proved(&open()).unwrap(), good);
        withdraw(&mut open(), "r1", "a refused it", 1).unwrap();
        withdraw(&mut open(), "r2", "b refused it", 2).unwrap();
        assert_eq!(withdrawn(&open(), "r1").unwrap(), None);
        assert_eq!(withdrawn(&open(), "r2").unwrap().as_deref(), Some("b refused it"));
    }
}
