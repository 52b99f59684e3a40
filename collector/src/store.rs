//! The store: one SQLite file in the state directory. Transactions through power cuts are its
//! trade; what is committed here has happened.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub mod absences;
pub mod acknowledgements;
pub mod attendance;
pub mod audit;
pub mod calendars;
pub mod credentials;
pub mod meetings;
pub mod profiles;
pub mod received;
pub mod roll_calls;
pub mod updates;
pub mod users;
pub mod waiting;

/// The file's name in the state directory.
pub const FILE: &str = "collector.db";

/// Raised when a table changes in a way that older programs would misread.
const SCHEMA_VERSION: i64 = 1;

/// How long a writer waits for another. `enroll` and `revoke` write beside a running collector,
/// whose group commits take an old disk's 100 ms each.
const BUSY: Duration = Duration::from_secs(5);

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory could not be made, or the file not created in it.
    #[error("{}: {source}; the collector needs to write there", path.display())]
    Directory {
        /// What could not be made.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Root would leave files that the collector's own user cannot read.
    #[error(
        "{}: belongs to user {owner}, and this runs as root; run it as that user: sudo -u '#{owner}' nhipcau-collector …",
        path.display()
    )]
    Root {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// SQLite could not open or read the file.
    #[error(
        "{}: {source}; if the file is damaged, put a backup in its place or move it away, after which every site must enrol again",
        path.display()
    )]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A newer program wrote the file.
    #[error(
        "{}: written by a newer collector (schema {found}, this one knows {SCHEMA_VERSION}); install that version again",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
    },
}

/// Opens the store, and makes it where there is none. Each caller has its own connection.
pub fn open(state_dir: &Path) -> Result<Connection, OpenError> {
    make_directory(state_dir)?;
    let path = state_dir.join(FILE);
    create_private(&path).map_err(|source| OpenError::Directory { path: path.clone(), source })?;
    let database = |source| OpenError::Database { path: path.clone(), source };
    let mut connection = Connection::open(&path).map_err(database)?;
    configure(&connection).map_err(database)?;
    let found = migrate(&mut connection).map_err(database)?;
    if found > SCHEMA_VERSION {
        return Err(OpenError::Newer { path, found });
    }
    Ok(connection)
}

/// Begins to write. At once, because a transaction that reads first may find that another process
/// has written meanwhile.
pub fn begin(connection: &Connection) -> rusqlite::Result<Transaction<'_>> {
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
}

/// Makes the state directory, readable for its owner alone: the authority's key lies in it.
pub fn make_directory(state_dir: &Path) -> Result<(), OpenError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let owner = builder.create(state_dir).and_then(|()| owner(state_dir));
    match owner {
        Ok(owner) if owner != 0 && nix::unistd::geteuid().is_root() => {
            Err(OpenError::Root { path: state_dir.to_owned(), owner })
        }
        Ok(_) => Ok(()),
        Err(source) => Err(OpenError::Directory { path: state_dir.to_owned(), source }),
    }
}

fn owner(path: &Path) -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    Ok(path.metadata()?.uid())
}

/// SQLite gives its WAL the mode of the database, so the mode is right before SQLite comes.
///
/// A file that is there is not touched: closing it would end this process's locks on it (POSIX
/// gives them up with the first close of any descriptor), and the next command beside a running
/// collector would take itself for the last user and remove the WAL from under it.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // WAL: a reader never waits for a writer. FULL: with WAL, NORMAL may lose the last commits
    // in a power cut, and an accepted report leaves its agent's disk.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")
}

/// Makes what is missing and returns the version found; a newer file is left untouched.
fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found <= SCHEMA_VERSION {
        transaction.execute_batch(credentials::SCHEMA)?;
        transaction.execute_batch(received::SCHEMA)?;
        transaction.execute_batch(meetings::SCHEMA)?;
        transaction.execute_batch(calendars::SCHEMA)?;
        transaction.execute_batch(absences::SCHEMA)?;
        transaction.execute_batch(roll_calls::SCHEMA)?;
        transaction.execute_batch(profiles::SCHEMA)?;
        transaction.execute_batch(updates::SCHEMA)?;
        transaction.execute_batch(attendance::SCHEMA)?;
        transaction.execute_batch(users::SCHEMA)?;
        transaction.execute_batch(audit::SCHEMA)?;
        transaction.execute_batch(acknowledgements::SCHEMA)?;
        transaction.execute_batch(waiting::SCHEMA)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_opens_again_and_again() {
        let directory = tempfile::tempdir().unwrap();
        let state_dir = directory.path().join("deep/state");
        for _ in 0..2 {
            let connection = open(&state_dir).unwrap();
            let mode: String =
                connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn opening_it_again_keeps_the_locks_of_those_who_have_it_open() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().unwrap();
        let first = open(directory.path()).unwrap();
        first.query_row("SELECT count(*) FROM codes", [], |row| row.get::<_, i64>(0)).unwrap();
        let file = format!(":{} ", directory.path().join(FILE).metadata().unwrap().ino());
        let locked = || std::fs::read_to_string("/proc/locks").unwrap().contains(&file);
        assert!(locked(), "a connection in WAL mode keeps a shared lock");
        let _second = open(directory.path()).unwrap();
        assert!(locked());
        drop(first);
    }

    #[test]
    fn root_keeps_its_hands_off_another_users_state() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(directory.path(), Some(12345), None).unwrap();
        let error = open(directory.path()).unwrap_err().to_string();
        assert!(error.contains("sudo -u '#12345'"), "{error}");
        assert!(!directory.path().join(FILE).exists());
    }

    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let state_dir = directory.path().join("state");
        open(&state_dir).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&state_dir), 0o700);
        assert_eq!(mode(&state_dir.join(FILE)), 0o600);
    }

    #[test]
    fn a_file_of_a_newer_collector_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        open(directory.path()).unwrap().pragma_update(None, "user_version", 9).unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 9, .. }), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database_is_named() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE), "x".repeat(4096)).unwrap();
        let error = open(directory.path()).unwrap_err().to_string();
        assert!(error.contains(FILE) && error.contains("not a database"), "{error}");
    }
}
