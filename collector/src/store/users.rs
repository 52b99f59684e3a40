//! Users and their sessions. Of passwords Argon2id hashes are kept, of sessions SHA-256 hashes of
//! their secrets: whoever copies the file can sign in as nobody.

use rusqlite::{Connection, OptionalExtension, params};
use wire::UnixMillis;

use crate::sign_in::life::Session;
use crate::users::{Role, UserName};

/// The tables.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS users (
    name        TEXT PRIMARY KEY,
    role        TEXT NOT NULL,
    password    TEXT NOT NULL,
    made_at     INTEGER NOT NULL,
    password_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    sha256   TEXT PRIMARY KEY,
    user     TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    used_at  INTEGER NOT NULL,
    ended    INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user, begun_at);
";

/// Sessions of one user; the oldest gives way. Nobody has so many browsers, and whoever knows a
/// password cannot fill the disk by signing in.
const SESSIONS: i64 = 50;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// What the user may do; none where a newer program gave a role that is not known here.
    pub role: Option<Role>,
    /// When the password was set.
    pub password_at: UnixMillis,
    /// When the user signed in last, of what is still remembered.
    pub signed_in_at: Option<UnixMillis>,
}

/// Every user by name.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<User>> {
    let select = "SELECT name, role, password_at,
                         (SELECT max(begun_at) FROM sessions WHERE user = name)
                  FROM users ORDER BY name";
    let user = |row: &rusqlite::Row<'_>| {
        let role: String = row.get(1)?;
        let (name, role) = (row.get(0)?, role.parse().ok());
        Ok(User { name, role, password_at: row.get(2)?, signed_in_at: row.get(3)? })
    };
    connection.prepare(select)?.query_map([], user)?.collect()
}

/// What the user may do; none where there is no such user.
pub fn role(connection: &Connection, name: &UserName) -> rusqlite::Result<Option<Role>> {
    let role = connection
        .query_row("SELECT role FROM users WHERE name = ?1", [name.as_str()], |row| {
            row.get::<_, String>(0)
        })
        .optional()?;
    Ok(role.and_then(|role| role.parse().ok()))
}

/// Whether there is such a user.
pub fn is_known(connection: &Connection, name: &UserName) -> rusqlite::Result<bool> {
    Ok(password(connection, name)?.is_some())
}

/// The hash of the user's password.
pub fn password(connection: &Connection, name: &UserName) -> rusqlite::Result<Option<String>> {
    connection
        .query_row("SELECT password FROM users WHERE name = ?1", [name.as_str()], |row| row.get(0))
        .optional()
}

/// Adds a user; says whether the name was free.
pub fn add(
    connection: &Connection,
    name: &UserName,
    role: Role,
    password: &str,
    now: UnixMillis,
) -> rusqlite::Result<bool> {
    let insert = "INSERT OR IGNORE INTO users VALUES (?1, ?2, ?3, ?4, ?4)";
    Ok(connection.execute(insert, params![name.as_str(), role.label(), password, now])? > 0)
}

/// Gives a user another role, in force with the next request; says whether there is such a user.
pub fn set_role(connection: &Connection, name: &UserName, role: Role) -> rusqlite::Result<bool> {
    let update = "UPDATE users SET role = ?2 WHERE name = ?1";
    Ok(connection.execute(update, params![name.as_str(), role.label()])? > 0)
}

/// Gives a user another password and ends all sessions of the user; says whether there is such a
/// user. The caller holds a transaction.
pub fn set_password(
    connection: &Connection,
    name: &UserName,
    password: &str,
    now: UnixMillis,
) -> rusqlite::Result<bool> {
    let update = "UPDATE users SET password = ?2, password_at = ?3 WHERE name = ?1";
    let changed = connection.execute(update, params![name.as_str(), password, now])?;
    forget_sessions(connection, name)?;
    Ok(changed > 0)
}

/// Removes a user and all sessions of the user; says whether there was one. The caller holds a
/// transaction.
pub fn remove(connection: &Connection, name: &UserName) -> rusqlite::Result<bool> {
    let removed = connection.execute("DELETE FROM users WHERE name = ?1", [name.as_str()])?;
    forget_sessions(connection, name)?;
    Ok(removed > 0)
}

fn forget_sessions(connection: &Connection, name: &UserName) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sessions WHERE user = ?1", [name.as_str()]).map(drop)
}

/// Begins a session, if the user still has the password that was checked; says whether it has.
/// The caller holds a transaction.
pub fn begin_session(
    connection: &Connection,
    sha256: &str,
    name: &UserName,
    checked: &str,
    now: UnixMillis,
) -> rusqlite::Result<bool> {
    let insert = "INSERT INTO sessions SELECT ?1, name, ?4, ?4, 0 FROM users
                  WHERE name = ?2 AND password = ?3";
    let begun = connection.execute(insert, params![sha256, name.as_str(), checked, now])?;
    let forget = "DELETE FROM sessions WHERE user = ?1 AND sha256 NOT IN
                  (SELECT sha256 FROM sessions WHERE user = ?1 ORDER BY begun_at DESC LIMIT ?2)";
    connection.execute(forget, params![name.as_str(), SESSIONS])?;
    Ok(begun > 0)
}

/// A session by its hash and whose it is, with what its user may do now.
pub fn session(
    connection: &Connection,
    sha256: &str,
) -> rusqlite::Result<Option<(UserName, Session)>> {
    let select = "SELECT name, role, begun_at, used_at, ended FROM sessions
                  JOIN users ON name = user WHERE sha256 = ?1";
    let found = connection
        .prepare_cached(select)?
        .query_row([sha256], |row| {
            let (name, role): (String, String) = (row.get(0)?, row.get(1)?);
            let session = |role| {
                let (begun_at, used_at, ended) = (row.get(2)?, row.get(3)?, row.get(4)?);
                Ok::<_, rusqlite::Error>(Session { role, begun_at, used_at, ended })
            };
            // Whatever is not understood opens nothing.
            let (Ok(name), Ok(role)) = (name.parse(), role.parse()) else { return Ok(None) };
            Ok(Some((name, session(role)?)))
        })
        .optional()?;
    Ok(found.flatten())
}

/// Writes down that a session is used.
pub fn use_session(connection: &Connection, sha256: &str, now: UnixMillis) -> rusqlite::Result<()> {
    let update = "UPDATE sessions SET used_at = ?2 WHERE sha256 = ?1";
    connection.execute(update, params![sha256, now]).map(drop)
}

/// Ends a session. Its row stays, so that its browser remains known as its user's.
pub fn end_session(connection: &Connection, sha256: &str) -> rusqlite::Result<()> {
    connection.execute("UPDATE sessions SET ended = 1 WHERE sha256 = ?1", [sha256]).map(drop)
}

/// Forgets the sessions that began before a moment.
pub fn forget_before(connection: &Connection, moment: UnixMillis) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sessions WHERE begun_at < ?1", [moment]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;

    fn name(text: &str) -> UserName {
        text.parse().unwrap()
    }

    #[test]
    fn a_session_ends_with_its_users_password_and_with_its_user() {
        let directory = tempfile::tempdir().unwrap();
        let store = store::open(directory.path()).unwrap();
        let lan = name("lan");
        assert!(add(&store, &lan, Role::View, "hash", 1).unwrap());
        assert!(!add(&store, &lan, Role::Operate, "other", 1).unwrap(), "the name is taken");
        assert!(begin_session(&store, "s1", &lan, "hash", 2).unwrap());
        assert!(!begin_session(&store, "s2", &lan, "changed meanwhile", 2).unwrap());
        let session_of = |sha256| session(&store, sha256).unwrap().map(|(_, session)| session);
        assert_eq!(session_of("s1").unwrap().role, Role::View);
        assert_eq!(session_of("s2"), None);
        assert!(set_role(&store, &lan, Role::Operate).unwrap());
        assert_eq!(session_of("s1").unwrap().role, Role::Operate, "in force at once");
        use_session(&store, "s1", 5).unwrap();
        end_session(&store, "s1").unwrap();
        let ended = session_of("s1").unwrap();
        assert!(ended.ended && ended.used_at == 5);
        assert!(set_password(&store, &lan, "new", 6).unwrap());
        assert_eq!(session_of("s1"), None);
        assert!(begin_session(&store, "s3", &lan, "new", 7).unwrap());
        assert_eq!(all(&store).unwrap()[0].signed_in_at, Some(7));
        assert!(remove(&store, &lan).unwrap());
        assert_eq!(session_of("s3"), None);
        assert!(!remove(&store, &lan).unwrap());
        assert!(!set_password(&store, &lan, "new", 6).unwrap());
    }

    #[test]
    fn sessions_do_not_pile_up() {
        let directory = tempfile::tempdir().unwrap();
        let store = store::open(directory.path()).unwrap();
        let lan = name("lan");
        add(&store, &lan, Role::View, "hash", 1).unwrap();
        for n in 0..SESSIONS + 5 {
            begin_session(&store, &format!("s{n}"), &lan, "hash", n).unwrap();
        }
        assert!(session(&store, "s4").unwrap().is_none());
        assert!(session(&store, "s5").unwrap().is_some());
        forget_before(&store, 10).unwrap();
        assert!(session(&store, "s9").unwrap().is_none());
        assert!(session(&store, "s10").unwrap().is_some());
    }
}
