//! When the collector last took something from this agent, kept for whoever looks later: with the
//! line down, `doctor` must still be able to say since when.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use wire::UnixMillis;

use crate::platform;

const FILE: &str = "contact.json";

/// A person reads minutes; more writes would wear flash disks for nothing.
const EVERY_MS: u64 = 60_000;

/// The last answer to a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// By the collector's clock.
    pub at: UnixMillis,
    /// By this PC's, so that its age can be told while the collector is out of reach.
    pub here: UnixMillis,
}

/// Reads it; `None` where there was none, or the file is damaged: it is only told, never relied on.
#[must_use]
pub fn load(state_dir: &Path) -> Option<Contact> {
    serde_json::from_slice(&fs::read(state_dir.join(FILE)).ok()?).ok()
}

/// Writes it down, now and then.
#[derive(Debug)]
pub struct Notebook {
    path: PathBuf,
    /// On the monotonic clock; 0 is never.
    written_at: AtomicU64,
}

impl Notebook {
    /// The one of `state_dir`.
    #[must_use]
    pub fn of(state_dir: &Path) -> Self {
        Self { path: state_dir.join(FILE), written_at: AtomicU64::new(0) }
    }

    /// The collector has answered at `uptime_ms` of the monotonic clock.
    pub(crate) fn note(&self, contact: Contact, uptime_ms: u64) {
        let written_at = self.written_at.load(Ordering::Relaxed);
        if written_at != 0 && uptime_ms < written_at.saturating_add(EVERY_MS) {
            return;
        }
        self.written_at.store(uptime_ms.max(1), Ordering::Relaxed);
        let path = self.path.clone();
        // An old disk may take its time, and probes must not wait for it.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&path, contact) {
                tracing::debug!(%error, "the last contact could not be noted");
            }
        });
    }
}

/// Not synced: losing it in a power cut costs a minute of an age.
fn write(path: &Path, contact: Contact) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file = platform::private_file(&new)?;
    file.set_len(0)?;
    file.write_all(&serde_json::to_vec(&contact)?)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_none() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(load(directory.path()), None);
        let contact = Contact { at: 1_764_000_000_000, here: 1_230_000_000_000 };
        write(&directory.path().join(FILE), contact).unwrap();
        assert_eq!(load(directory.path()), Some(contact));
        fs::write(directory.path().join(FILE), "{").unwrap();
        assert_eq!(load(directory.path()), None);
    }
}
