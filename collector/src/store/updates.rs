//! The release that is given out, how far it has come and to whom: a restart must neither begin
//! anew nor go on with what did harm.

use rusqlite::{Connection, OptionalExtension, params};
use wire::{SiteId, UnixMillis};

use super::audit::{self, Deed};
use crate::audit::{Act, Actor};

/// The tables. Of releases the latest counts; the others stay for whoever asks what was given out.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS update_releases (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    version TEXT NOT NULL,
    at      INTEGER NOT NULL,
    phase   TEXT NOT NULL,
    reason  TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS update_manifests (
    release INTEGER NOT NULL REFERENCES update_releases (id),
    id      TEXT NOT NULL,
    text    TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS update_sites (
    release INTEGER NOT NULL REFERENCES update_releases (id),
    site    TEXT NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (release, site)
) STRICT;
";

/// Which release counts, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Grows with each.
    pub id: i64,
    /// Its version.
    pub version: String,
    /// When it was offered.
    pub at: UnixMillis,
    /// The name of its stage, `withdrawn` or `stopped`.
    pub phase: String,
    /// Why it was withdrawn.
    pub reason: String,
}

/// The release that counts, if any was ever offered.
pub fn head(connection: &Connection) -> rusqlite::Result<Option<Head>> {
    let select =
        "SELECT id, version, at, phase, reason FROM update_releases ORDER BY id DESC LIMIT 1";
    connection
        .query_row(select, [], |row| {
            Ok(Head {
                id: row.get(0)?,
                version: row.get(1)?,
                at: row.get(2)?,
                phase: row.get(3)?,
                reason: row.get(4)?,
            })
        })
        .optional()
}

/// The manifests of a release.
pub fn manifests(connection: &Connection, release: i64) -> rusqlite::Result<Vec<String>> {
    let select = "SELECT text FROM update_manifests WHERE release = ?1";
    connection.prepare(select)?.query_map([release], |row| row.get(0))?.collect()
}

/// The sites that are offered a release, and since when.
pub fn chosen(
    connection: &Connection,
    release: i64,
) -> rusqlite::Result<Vec<(SiteId, UnixMillis)>> {
    let select = "SELECT site, since FROM update_sites WHERE release = ?1";
    let mut select = connection.prepare(select)?;
    let rows = select.query_map([release], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let mut chosen = Vec::new();
    for row in rows {
        let (site, since) = row?;
        if let Ok(site) = site.parse() {
            chosen.push((site, since));
        }
    }
    Ok(chosen)
}

/// Offers a release, in the place of the one before: its version, its manifests with their ids,
/// and the stage it begins with.
pub fn offer(
    connection: &Connection,
    (version, manifests, phase): (&str, &[(Box<str>, String)], &str),
    actor: &Actor,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let transaction = super::begin(connection)?;
    let before = head(&transaction)?.map(|head| head.version);
    let insert = "INSERT INTO update_releases (version, at, phase) VALUES (?1, ?2, ?3)";
    transaction.execute(insert, params![version, now, phase])?;
    let release = transaction.last_insert_rowid();
    for (id, text) in manifests {
        let insert = "INSERT INTO update_manifests (release, id, text) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, params![release, &**id, text])?;
    }
    let deed = Deed {
        act: Act::UpdateOffered,
        subject: version,
        before: before.as_deref(),
        after: Some(version),
    };
    audit::add(&transaction, actor, deed, now)?;
    transaction.commit()
}

/// Stops what is given out; false where nothing is.
pub fn stop(
    connection: &Connection,
    (phase, over): (&str, &[&str]),
    actor: &Actor,
    now: UnixMillis,
) -> rusqlite::Result<bool> {
    let transaction = super::begin(connection)?;
    let Some(head) = head(&transaction)?.filter(|head| !over.contains(&head.phase.as_str())) else {
        return Ok(false);
    };
    transaction
        .execute("UPDATE update_releases SET phase = ?1 WHERE id = ?2", params![phase, head.id])?;
    let deed = Deed { act: Act::UpdateStopped, subject: &head.version, before: None, after: None };
    audit::add(&transaction, actor, deed, now)?;
    transaction.commit()?;
    Ok(true)
}

/// Keeps where a release stands, unless it was stopped or followed by another meanwhile.
pub fn keep<'a>(
    connection: &Connection,
    (release, before): (i64, &str),
    (phase, reason): (&str, &str),
    chosen: impl Iterator<Item = (&'a SiteId, UnixMillis)>,
) -> rusqlite::Result<bool> {
    let transaction = super::begin(connection)?;
    let update = "UPDATE update_releases SET phase = ?1, reason = ?2 WHERE id = ?3 AND phase = ?4";
    if transaction.execute(update, params![phase, reason, release, before])? == 0 {
        return Ok(false);
    }
    transaction.execute("DELETE FROM update_sites WHERE release = ?1", [release])?;
    for (site, since) in chosen {
        let insert = "INSERT INTO update_sites (release, site, since) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, params![release, site.as_str(), since])?;
    }
    transaction.commit()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_its_stage_and_its_sites_outlive_the_program() {
        let directory = tempfile::tempdir().unwrap();
        let open = || crate::store::open(directory.path()).unwrap();
        let actor = Actor { who: "lan".to_owned(), address: None };
        assert_eq!(head(&open()).unwrap(), None);
        let manifests_of = [("id".into(), "text".to_owned())];
        offer(&open(), ("0.2.0", &manifests_of, "trial"), &actor, 5).unwrap();
        let first = head(&open()).unwrap().unwrap();
        assert_eq!((first.version.as_str(), first.phase.as_str(), first.at), ("0.2.0", "trial", 5));
        assert_eq!(manifests(&open(), first.id).unwrap(), ["text"]);
        let site: SiteId = "th-0316".parse().unwrap();
        let keep = |before: &str, phase: &str| {
            keep(&open(), (first.id, before), (phase, "why"), [(&site, 7)].into_iter()).unwrap()
        };
        assert!(keep("trial", "share"));
        assert_eq!(chosen(&open(), first.id).unwrap(), [(site.clone(), 7)]);
        assert!(stop(&open(), ("stopped", &["stopped"]), &actor, 9).unwrap());
        assert!(!stop(&open(), ("stopped", &["stopped"]), &actor, 9).unwrap());
        assert!(!keep("share", "all"), "what an operator stopped stays stopped");
        offer(&open(), ("0.3.0", &manifests_of, "trial"), &actor, 10).unwrap();
        let second = head(&open()).unwrap().unwrap();
        assert!(second.id > first.id && chosen(&open(), second.id).unwrap().is_empty());
        let acts: Vec<_> =
            audit::since(&open(), 0).unwrap().into_iter().map(|entry| entry.act).collect();
        assert_eq!(acts, ["update_offer", "update_stop", "update_offer"]);
    }
}
