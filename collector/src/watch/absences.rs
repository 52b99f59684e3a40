//! Follows the file of absences.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wire::yaml::{Fault, Faults};

use super::Finding;
use super::calm::{Calm, Stamp, stamp};
use crate::absences::{self, Absence};
use crate::{inventory, meetings};

/// The file, and what was last made of it.
#[derive(Debug)]
pub(super) struct Follower {
    path: PathBuf,
    calm: Calm<Stamp>,
    /// The content last judged; none where it could not be read.
    judged: Option<[u8; 32]>,
    /// The faults said last.
    said: Vec<Fault>,
    /// How many are in force.
    count: usize,
}

impl Follower {
    pub(super) fn new(path: &Path) -> Self {
        let (calm, said) = (Calm::default(), Vec::new());
        Self { path: path.to_owned(), calm, judged: None, said, count: 0 }
    }

    /// Looks whether the file has changed; gives the new absences, if there are any.
    pub(super) fn look(&mut self) -> Finding<Vec<Absence>> {
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
    pub(super) fn reload(&mut self) -> Finding<Vec<Absence>> {
        self.said.clear();
        let content = self.read();
        self.judge(content)
    }

    fn read(&self) -> io::Result<([u8; 32], Vec<u8>)> {
        inventory::read(&self.path).map(|bytes| (Sha256::digest(&bytes).into(), bytes))
    }

    fn judge(&mut self, content: io::Result<([u8; 32], Vec<u8>)>) -> Finding<Vec<Absence>> {
        self.judged = content.as_ref().ok().map(|(digest, _)| *digest);
        let absences = content
            .map_err(|error| meetings::files::unread(&self.path, &error))
            .and_then(|(_, bytes)| absences::parse(&self.path, &String::from_utf8_lossy(&bytes)));
        match absences {
            Ok(absences) => {
                self.said.clear();
                self.count = absences.len();
                tracing::info!(absences = self.count, "absences read");
                Finding { judged: Some(true), new: Some(absences) }
            }
            Err(Faults(faults)) => {
                if faults != self.said {
                    for fault in &faults {
                        tracing::error!("{fault}");
                    }
                    tracing::error!("absences: keeping the {} as they were", self.count);
                }
                self.said = faults;
                Finding { judged: Some(false), new: None }
            }
        }
    }
}
