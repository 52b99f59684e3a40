//! Credentials and enrolment codes. Only SHA-256 hashes are kept: whoever copies the file can
//! neither push as a site nor enrol as one.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use wire::enrolment::EnrolError;
use wire::{SiteId, UnixMillis};

use super::audit::{self, Deed};
use super::waiting;
use crate::audit::{Act, Actor};

/// The tables. `generation` grows with every change of `credentials`, so that a running collector
/// learns of a revocation by reading one number.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS credentials (
    site        TEXT PRIMARY KEY,
    sha256      TEXT NOT NULL UNIQUE,
    enrolled_at INTEGER NOT NULL,
    hostname    TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS codes (
    secret_sha256 TEXT PRIMARY KEY,
    site          TEXT NOT NULL,
    expires_at    INTEGER NOT NULL,
    used_by       TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS former (
    sha256      TEXT PRIMARY KEY,
    site        TEXT NOT NULL,
    replaced_at INTEGER NOT NULL,
    replaced_by TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS codes_by_site ON codes (site);
CREATE TABLE IF NOT EXISTS generation (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO generation (only, value) VALUES (1, 0);
";

/// Codes this long past their end are forgotten; until then a late technician is told that the
/// code expired or was used, not that it is unknown.
const KEEP_DEAD_CODES_MILLIS: i64 = 90 * 24 * 60 * 60 * 1000;

/// Credentials replaced this long ago are forgotten: a PC that was off for a year is told that its
/// credential is not valid, and no more.
const KEEP_FORMER_MILLIS: i64 = 365 * 24 * 60 * 60 * 1000;

/// One enrolled site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Whose it is.
    pub site: SiteId,
    /// SHA-256 of the credential in hexadecimal.
    pub sha256: String,
}

/// A credential that another PC's has replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// SHA-256 of it in hexadecimal.
    pub sha256: String,
    /// When it was replaced.
    pub at: UnixMillis,
    /// The name of the PC that took over.
    pub by: String,
}

/// What came of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// The PC is a site.
    Site {
        /// Which.
        site: SiteId,
        /// The name of the PC that was the site before; `None` where none was.
        replaced: Option<String>,
    },
    /// The code was the fleet's, and it is not known yet which site the PC is.
    Waiting {
        /// Its number.
        id: i64,
        /// How many wait.
        of: u32,
    },
}

/// What a PC says of itself when it enrols, and where it came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applicant {
    /// Its operating system.
    pub os: String,
    /// The agent's version.
    pub version: String,
    /// Where its connection came from.
    pub address: String,
    /// Its own addresses, parted by spaces.
    pub addresses: String,
}

/// Why an enrolment did not happen.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// The agent's fault, or the technician's.
    #[error("the code was refused: {0:?}")]
    Refused(EnrolError),
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] rusqlite::Error),
}

/// A code about to be used.
#[derive(Debug, Clone)]
pub struct Redemption {
    /// SHA-256 of the code's secret in hexadecimal.
    pub secret_sha256: String,
    /// SHA-256 of the agent's new credential in hexadecimal.
    pub credential_sha256: String,
    /// The PC's name.
    pub hostname: String,
    /// What else it says.
    pub applicant: Applicant,
    /// The site it is by its name or address, where that is beyond doubt.
    pub matched: Option<SiteId>,
}

/// Keeps new codes, each a site and its secret's SHA-256 in hexadecimal, and withdraws older
/// unused ones of these sites: of two slips of paper only the newer one is good.
pub fn add_codes(
    connection: &mut Connection,
    (codes, expires_at): (&[(SiteId, String)], UnixMillis),
    actor: &Actor,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    transaction.execute(
        "DELETE FROM codes WHERE expires_at < ?1",
        [now.saturating_sub(KEEP_DEAD_CODES_MILLIS)],
    )?;
    transaction.execute(
        "DELETE FROM former WHERE replaced_at < ?1",
        [now.saturating_sub(KEEP_FORMER_MILLIS)],
    )?;
    let until = moment(expires_at);
    for (site, secret_sha256) in codes {
        withdraw_codes(&transaction, site)?;
        let (act, subject, after) = (Act::CodeMade, site.as_str(), Some(until.as_str()));
        audit::add(&transaction, actor, Deed { act, subject, before: None, after }, now)?;
        transaction.execute(
            "INSERT INTO codes (secret_sha256, site, expires_at) VALUES (?1, ?2, ?3)",
            params![secret_sha256, site.as_str(), expires_at],
        )?;
    }
    transaction.commit()
}

/// Until when an unused code of a site is good; `None` where there is none with this secret.
pub fn good_until(
    connection: &Connection,
    site: &SiteId,
    secret_sha256: &str,
) -> rusqlite::Result<Option<UnixMillis>> {
    connection
        .prepare_cached(
            "SELECT expires_at FROM codes WHERE secret_sha256 = ?1 AND site = ?2 AND used_by IS NULL",
        )?
        .query_row([secret_sha256, site.as_str()], |row| row.get(0))
        .optional()
}

/// Uses a code: the site's credential is from now on the new one. A code works once; the same
/// agent may ask again with it, because an answer can be lost on the way.
pub fn redeem(
    connection: &mut Connection,
    asked: &Redemption,
    now: UnixMillis,
) -> Result<Redeemed, RedeemError> {
    let transaction = begin(connection)?;
    let code = transaction
        .query_row(
            "SELECT site, expires_at, used_by FROM codes WHERE secret_sha256 = ?1",
            [&asked.secret_sha256],
            |row| Ok((site_at(row, 0)?, row.get::<_, i64>(1)?, row.get::<_, Option<String>>(2)?)),
        )
        .optional()?;
    let Some((site, expires_at, used_by)) = code else {
        let asked = waiting::ask(&transaction, asked, now)?;
        transaction.commit()?;
        return Ok(asked);
    };
    match used_by.as_deref() {
        Some(credential) if credential == asked.credential_sha256 => {
            let site = still_enrolled(&transaction, site, credential)?;
            return Ok(Redeemed::Site { site, replaced: None });
        }
        Some(_) => return Err(RedeemError::Refused(EnrolError::UsedCode)),
        None if expires_at <= now => return Err(RedeemError::Refused(EnrolError::ExpiredCode)),
        None => {}
    }
    transaction.execute(
        "UPDATE codes SET used_by = ?2 WHERE secret_sha256 = ?1",
        params![asked.secret_sha256, asked.credential_sha256],
    )?;
    let who = (asked.credential_sha256.as_str(), asked.hostname.as_str());
    let replaced = install(&transaction, &site, who, now)?;
    transaction.commit()?;
    Ok(Redeemed::Site { site, replaced })
}

/// Makes a credential the site's, and tells which PC was the site before. What is replaced is
/// remembered, so that its PC can be told.
pub(super) fn install(
    transaction: &Transaction<'_>,
    site: &SiteId,
    (sha256, hostname): (&str, &str),
    now: UnixMillis,
) -> rusqlite::Result<Option<String>> {
    transaction.execute(
        "INSERT OR REPLACE INTO former (sha256, site, replaced_at, replaced_by)
         SELECT sha256, site, ?2, ?3 FROM credentials WHERE site = ?1",
        params![site.as_str(), now, hostname],
    )?;
    let before = "SELECT hostname FROM credentials WHERE site = ?1";
    let before = transaction.query_row(before, [site.as_str()], |row| row.get(0)).optional()?;
    transaction.execute(
        "INSERT OR REPLACE INTO credentials (site, sha256, enrolled_at, hostname)
         VALUES (?1, ?2, ?3, ?4)",
        params![site.as_str(), sha256, now, hostname],
    )?;
    next_generation(transaction)?;
    Ok(before)
}

/// A repeated request must not bring back a credential that was replaced or revoked since.
fn still_enrolled(
    transaction: &Transaction<'_>,
    site: SiteId,
    credential: &str,
) -> Result<SiteId, RedeemError> {
    let current = transaction
        .prepare("SELECT 1 FROM credentials WHERE site = ?1 AND sha256 = ?2")?
        .exists(params![site.as_str(), credential])?;
    if current { Ok(site) } else { Err(RedeemError::Refused(EnrolError::UsedCode)) }
}

/// Takes a site's credential and its unused codes away. Says whether there was any of them.
pub fn revoke(
    connection: &mut Connection,
    site: &SiteId,
    actor: &Actor,
    now: UnixMillis,
) -> rusqlite::Result<bool> {
    let transaction = begin(connection)?;
    let codes = withdraw_codes(&transaction, site)?;
    let pc: Option<String> = transaction
        .query_row(
            "DELETE FROM credentials WHERE site = ?1 RETURNING hostname",
            [site.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    if codes == 0 && pc.is_none() {
        return Ok(false);
    }
    next_generation(&transaction)?;
    let (act, subject, before) = (Act::Revoked, site.as_str(), pc.as_deref());
    audit::add(&transaction, actor, Deed { act, subject, before, after: None }, now)?;
    transaction.commit()?;
    Ok(true)
}

/// As the audit log has it, whoever reads it and where.
pub(super) fn moment(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}

fn withdraw_codes(transaction: &Transaction<'_>, site: &SiteId) -> rusqlite::Result<usize> {
    transaction
        .prepare_cached("DELETE FROM codes WHERE site = ?1 AND used_by IS NULL")?
        .execute([site.as_str()])
}

/// A number that has grown whenever [`all`] has changed.
pub fn generation(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT value FROM generation WHERE only = 1")?
        .query_row([], |row| row.get(0))
}

/// Every credential.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Credential>> {
    connection
        .prepare_cached("SELECT site, sha256 FROM credentials")?
        .query_map([], |row| Ok(Credential { site: site_at(row, 0)?, sha256: row.get(1)? }))?
        .collect()
}

/// Every credential that was replaced of late.
pub fn former(connection: &Connection) -> rusqlite::Result<Vec<Former>> {
    connection
        .prepare_cached("SELECT sha256, replaced_at, replaced_by FROM former")?
        .query_map([], |row| Ok(Former { sha256: row.get(0)?, at: row.get(1)?, by: row.get(2)? }))?
        .collect()
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    // Immediate: a transaction that reads first and writes later cannot wait for its turn.
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn next_generation(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute("UPDATE generation SET value = value + 1 WHERE only = 1", []).map(drop)
}

pub(super) fn site_at(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<SiteId> {
    row.get::<_, String>(column)?.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}

#[cfg(test)]
mod tests;
