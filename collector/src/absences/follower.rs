//! Follows the file of absences. A bad one leaves in force what was, and is said once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tracing::{error, info};
use wire::yaml::Faults;

use super::{Absence, file};
use crate::{inventory, meetings};

/// What the file system says of the file; none where there is none.
type Stamp = Option<(u64, Option<SystemTime>)>;

/// The file, and what was last made of it.
#[derive(Debug)]
pub struct Follower {
    path: Option<PathBuf>,
    /// The stamp of the content last read; none before the first look.
    read: Option<Stamp>,
    absences: Arc<Vec<Absence>>,
}

impl Follower {
    /// Follows `path`; without one nobody is ever excused.
    #[must_use]
    pub fn new(path: Option<&Path>) -> Self {
        Self { path: path.map(Path::to_owned), read: None, absences: Arc::default() }
    }

    /// The absences in force, read anew if the file has changed. Waits for the disk.
    pub fn look(&mut self) -> Arc<Vec<Absence>> {
        if let Some(path) = &self.path {
            let stamp = std::fs::metadata(path);
            let stamp = stamp.ok().map(|data| (data.len(), data.modified().ok()));
            if self.read.replace(stamp) != Some(stamp) {
                match load(path) {
                    Ok(absences) => {
                        info!(absences = absences.len(), "absences read");
                        self.absences = Arc::new(absences);
                    }
                    Err(faults) => {
                        for fault in &faults.0 {
                            error!("{fault}");
                        }
                        error!("absences: keeping the {} as they were", self.absences.len());
                    }
                }
            }
        }
        Arc::clone(&self.absences)
    }
}

/// Reads the file in `path`.
///
/// # Errors
/// All its faults.
pub fn load(path: &Path) -> Result<Vec<Absence>, Faults> {
    let bytes = inventory::read(path).map_err(|error| meetings::files::unread(path, &error))?;
    let text = String::from_utf8_lossy(&bytes);
    file::parse(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_change_is_taken_and_a_bad_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("absences.yaml");
        let mut follower = Follower::new(Some(&path));
        assert!(follower.look().is_empty(), "not there yet");
        let one = "absences: [{ site: a, from: 2026-11-23, to: 2026-11-23, reason: x }]";
        std::fs::write(&path, one).unwrap();
        assert_eq!(follower.look().len(), 1);
        std::fs::write(&path, "absences: [{ site: a, from: 2026-11-23, to: 2026-11-2").unwrap();
        assert_eq!(follower.look().len(), 1);
        std::fs::write(&path, "absences: []").unwrap();
        assert_eq!(follower.look().len(), 0);
        assert!(Follower::new(None).look().is_empty());
    }
}
