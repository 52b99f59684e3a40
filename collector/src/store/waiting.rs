//! Agents that enrolled with the fleet's code and wait to be matched to their sites.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use wire::enrolment::EnrolError;
use wire::{SiteId, UnixMillis};

use super::audit::{self, Deed};
use super::credentials::{self, RedeemError, Redeemed, Redemption};
use crate::audit::{Act, Actor};

/// The tables.
pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS fleet_codes (
    secret_sha256 TEXT PRIMARY KEY,
    expires_at    INTEGER NOT NULL,
    uses_left     INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS waiting (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256    TEXT NOT NULL UNIQUE,
    hostname  TEXT NOT NULL,
    os        TEXT NOT NULL,
    version   TEXT NOT NULL,
    address   TEXT NOT NULL,
    addresses TEXT NOT NULL,
    asked_at  INTEGER NOT NULL,
    heard_at  INTEGER NOT NULL
) STRICT;
";

/// Who may wait: a code that fell into the wrong hands fills no disk. Five times a province.
const WAITING: i64 = 2_000;

/// Who has not asked again for so long is gone; agents that wait ask every few minutes.
const KEEP_MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

/// An agent that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its number, which its technician can read out.
    pub id: i64,
    /// The PC's name.
    pub hostname: String,
    /// Its operating system.
    pub os: String,
    /// The agent's version.
    pub version: String,
    /// Where its connection came from.
    pub address: String,
    /// What it says its addresses are, parted by spaces.
    pub addresses: String,
    /// When it asked first.
    pub asked_at: UnixMillis,
    /// When it asked last.
    pub heard_at: UnixMillis,
}

/// Why a waiting agent was not assigned.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// Nobody waits under this number.
    #[error("nobody waits under the number {0}")]
    Unknown(i64),
    /// The site has a PC already.
    #[error("site {0} has a PC already; say that it is to be replaced")]
    Taken(SiteId),
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] rusqlite::Error),
}

/// Keeps a new fleet code; those made before are withdrawn, as of two slips of paper only the newer
/// one is good. Who waits goes on waiting.
pub fn add_code(
    connection: &Connection,
    secret_sha256: &str,
    (expires_at, uses): (UnixMillis, u32),
    actor: &Actor,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let transaction = super::begin(connection)?;
    let after = format!("{uses} PCs, {}", credentials::moment(expires_at));
    let (act, after) = (Act::FleetCodeMade, Some(after.as_str()));
    audit::add(&transaction, actor, Deed { act, subject: "fleet", before: None, after }, now)?;
    transaction.execute("DELETE FROM fleet_codes", [])?;
    transaction.execute(
        "INSERT INTO fleet_codes (secret_sha256, expires_at, uses_left) VALUES (?1, ?2, ?3)",
        params![secret_sha256, expires_at, uses],
    )?;
    transaction.commit()
}

/// Takes an agent that holds the fleet's code, for the first time or again: it waits, or it is the
/// site it was matched to.
pub(super) fn ask(
    transaction: &Transaction<'_>,
    asked: &Redemption,
    now: UnixMillis,
) -> Result<Redeemed, RedeemError> {
    let assigned = "SELECT site FROM credentials WHERE sha256 = ?1";
    let assigned = transaction
        .query_row(assigned, [&asked.credential_sha256], |row| credentials::site_at(row, 0))
        .optional()?;
    if let Some(site) = assigned {
        return Ok(Redeemed::Site { site, replaced: None });
    }
    let waits = "UPDATE waiting SET heard_at = ?2, address = ?3, addresses = ?4, hostname = ?5
                 WHERE sha256 = ?1 RETURNING id";
    let applicant = &asked.applicant;
    let heard = params![
        asked.credential_sha256,
        now,
        applicant.address,
        applicant.addresses,
        asked.hostname
    ];
    let id = transaction.query_row(waits, heard, |row| row.get(0)).optional()?;
    let id = match id {
        Some(id) => id,
        None => begin_to_wait(transaction, asked, now)?,
    };
    let Some(site) = &asked.matched else { return waits_on(transaction, id) };
    let taken = transaction
        .prepare_cached("SELECT 1 FROM credentials WHERE site = ?1")?
        .exists([site.as_str()])?;
    // Taking a site over is for a person to decide.
    if taken {
        return waits_on(transaction, id);
    }
    settle(transaction, id, site, now)?;
    Ok(Redeemed::Site { site: site.clone(), replaced: None })
}

fn waits_on(transaction: &Transaction<'_>, id: i64) -> Result<Redeemed, RedeemError> {
    let of = transaction.query_row("SELECT count(*) FROM waiting", [], |row| row.get(0))?;
    Ok(Redeemed::Waiting { id, of })
}

fn begin_to_wait(
    transaction: &Transaction<'_>,
    asked: &Redemption,
    now: UnixMillis,
) -> Result<i64, RedeemError> {
    let code = "SELECT expires_at, uses_left FROM fleet_codes WHERE secret_sha256 = ?1";
    let code: Option<(UnixMillis, u32)> = transaction
        .query_row(code, [&asked.secret_sha256], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let refused = |error| Err(RedeemError::Refused(error));
    match code {
        None => return refused(EnrolError::UnknownCode),
        Some((expires_at, _)) if expires_at <= now => return refused(EnrolError::ExpiredCode),
        Some((_, 0)) => return refused(EnrolError::UsedCode),
        Some(_) => {}
    }
    let gone = now.saturating_sub(KEEP_MILLIS);
    transaction.execute("DELETE FROM waiting WHERE heard_at < ?1", [gone])?;
    let count: i64 = transaction.query_row("SELECT count(*) FROM waiting", [], |row| row.get(0))?;
    if count >= WAITING {
        return refused(EnrolError::TooMany);
    }
    transaction.execute(
        "UPDATE fleet_codes SET uses_left = uses_left - 1 WHERE secret_sha256 = ?1",
        [&asked.secret_sha256],
    )?;
    let applicant = &asked.applicant;
    transaction.execute(
        "INSERT INTO waiting
         (sha256, hostname, os, version, address, addresses, asked_at, heard_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        params![
            asked.credential_sha256,
            asked.hostname,
            applicant.os,
            applicant.version,
            applicant.address,
            applicant.addresses,
            now
        ],
    )?;
    Ok(transaction.last_insert_rowid())
}

/// Everybody who waits, who asked first first.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Waiting>> {
    let everybody = "SELECT id, hostname, os, version, address, addresses, asked_at, heard_at
                     FROM waiting ORDER BY id";
    connection.prepare_cached(everybody)?.query_map([], waiting)?.collect()
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        id: row.get(0)?,
        hostname: row.get(1)?,
        os: row.get(2)?,
        version: row.get(3)?,
        address: row.get(4)?,
        addresses: row.get(5)?,
        asked_at: row.get(6)?,
        heard_at: row.get(7)?,
    })
}

/// Makes a waiting agent the site's; it learns that when it asks again. A site that has a PC is taken
/// over only with `replace`.
pub fn assign(
    connection: &Connection,
    (id, site, replace): (i64, &SiteId, bool),
    actor: &Actor,
    now: UnixMillis,
) -> Result<(), AssignError> {
    let transaction = super::begin(connection)?;
    if !transaction.prepare_cached("SELECT 1 FROM waiting WHERE id = ?1")?.exists([id])? {
        return Err(AssignError::Unknown(id));
    }
    let taken = "SELECT 1 FROM credentials WHERE site = ?1";
    if !replace && transaction.prepare_cached(taken)?.exists([site.as_str()])? {
        return Err(AssignError::Taken(site.clone()));
    }
    let hostname = settle(&transaction, id, site, now)?;
    let after = Some(hostname.as_str());
    let deed = Deed { act: Act::Assigned, subject: site.as_str(), before: None, after };
    audit::add(&transaction, actor, deed, now)?;
    transaction.commit()?;
    Ok(())
}

fn settle(
    transaction: &Transaction<'_>,
    id: i64,
    site: &SiteId,
    now: UnixMillis,
) -> rusqlite::Result<String> {
    let who = "SELECT sha256, hostname FROM waiting WHERE id = ?1";
    let (sha256, hostname): (String, String) =
        transaction.query_row(who, [id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    credentials::install(transaction, site, (&sha256, &hostname), now)?;
    transaction.execute("DELETE FROM waiting WHERE id = ?1", [id])?;
    Ok(hostname)
}

#[cfg(test)]
mod tests;
