//! Follows one file that may be bad or missing: absences, profiles.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wire::yaml::{Fault, Faults};

use super::Finding;
use super::calm::{Calm, Stamp, stamp};
use crate::{inventory, meetings};

/// The file, and what was last made of it.
#[derive(Debug)]
pub(super) struct Follower<T> {
    /// What it is called in the log.
    what: &'static str,
    path: PathBuf,
    parse: fn(&Path, &str) -> Result<T, Faults>,
    calm: Calm<Stamp>,
    /// The content last judged; none where it could not be read.
    judged: Option<[u8; 32]>,
    /// The faults said last.
    said: Vec<Fault>,
}

impl<T> Follower<T> {
    pub(super) fn new(
        what: &'static str,
        path: &Path,
        parse: fn(&Path, &str) -> Result<T, Faults>,
    ) -> Self {
        let (calm, said) = (Calm::default(), Vec::new());
        Self { what, path: path.to_owned(), parse, calm, judged: None, said }
    }

    /// Looks whether the file has changed; gives what it says now, if it has.
    pub(super) fn look(&mut self) -> Finding<T> {
        if !self.calm.read_now(stamp(&self.path)) {
            return Finding::NOTHING;
        }
        let content = self.read();
        let digest = content.as_ref().ok().map(|(digest, _)| *digest);
        if digest.is_some() && digest == self.judged {
            Finding::NOTHING
        } else {
            self.judge(content)
        }
    }

    /// Reads the file because somebody asked; says its faults even if they were said before.
    pub(super) fn reload(&mut self) -> Finding<T> {
        self.said.clear();
        let content = self.read();
        self.judge(content)
    }

    fn read(&self) -> io::Result<([u8; 32], Vec<u8>)> {
        inventory::read(&self.path).map(|bytes| (Sha256::digest(&bytes).into(), bytes))
    }

    fn judge(&mut self, content: io::Result<([u8; 32], Vec<u8>)>) -> Finding<T> {
        self.judged = content.as_ref().ok().map(|(digest, _)| *digest);
        let read = content
            .map_err(|error| meetings::files::unread(&self.path, &error))
            .and_then(|(_, bytes)| (self.parse)(&self.path, &String::from_utf8_lossy(&bytes)));
        match read {
            Ok(new) => {
                self.said.clear();
                tracing::info!("{} read", self.what);
                Finding { judged: Some(true), new: Some(new) }
            }
            Err(Faults(faults)) => {
                if faults != self.said {
                    for fault in &faults {
                        tracing::error!("{fault}");
                    }
                    tracing::error!("{}: keeping what was in force", self.what);
                }
                self.said = faults;
                Finding { judged: Some(false), new: None }
            }
        }
    }
}
