//! Follows the inventory's file.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wire::SiteId;
use wire::yaml::Faults;

use super::Finding;
use super::calm::{Calm, Stamp, stamp};
use crate::inventory::{self, Inventory};

/// The inventory's file, and what was last made of it.
#[derive(Debug)]
pub(super) struct Follower {
    path: PathBuf,
    pub(super) calm: Calm<Stamp>,
    /// The content last judged; none where the file could not be read.
    judged: Option<[u8; 32]>,
    /// The content in force.
    taken: [u8; 32],
    sites: BTreeSet<SiteId>,
}

impl Follower {
    pub(super) fn begin(path: &Path) -> Result<(Inventory, Self), Faults> {
        let bytes = inventory::read(path).map_err(|error| inventory::unread(path, &error))?;
        let inventory = inventory::parse(path, &bytes)?;
        let taken = Sha256::digest(&bytes).into();
        let mut calm = Calm::default();
        // A change since the reading above is found by the next look.
        calm.read_now(None);
        let sites = inventory.sites.keys().cloned().collect();
        let follower = Self { path: path.to_owned(), calm, judged: Some(taken), taken, sites };
        Ok((inventory, follower))
    }

    /// Looks whether the file has changed; gives the new inventory, if there is one.
    pub(super) fn look(&mut self) -> Finding<Inventory> {
        if !self.calm.read_now(stamp(&self.path)) {
            return Finding::NOTHING;
        }
        let content = self.read();
        let digest = content.as_ref().ok().map(|(digest, _)| *digest);
        if digest == self.judged { Finding::NOTHING } else { self.judge(content) }
    }

    /// Reads the file because somebody asked; says its faults even if they were said before.
    pub(super) fn reload(&mut self) -> Finding<Inventory> {
        let content = self.read();
        self.judge(content)
    }

    fn read(&self) -> io::Result<([u8; 32], Vec<u8>)> {
        inventory::read(&self.path).map(|bytes| (Sha256::digest(&bytes).into(), bytes))
    }

    fn judge(&mut self, content: io::Result<([u8; 32], Vec<u8>)>) -> Finding<Inventory> {
        self.judged = content.as_ref().ok().map(|(digest, _)| *digest);
        let parsed = content
            .map_err(|error| inventory::unread(&self.path, &error))
            .and_then(|(digest, bytes)| Ok((inventory::parse(&self.path, &bytes)?, digest)));
        match parsed {
            Ok((inventory, digest)) => {
                Finding { judged: Some(true), new: self.take(inventory, digest) }
            }
            Err(faults) => {
                for fault in &faults.0 {
                    tracing::error!("{fault}");
                }
                tracing::error!("inventory: keeping the {} sites as they were", self.sites.len());
                Finding { judged: Some(false), new: None }
            }
        }
    }

    fn take(&mut self, inventory: Inventory, digest: [u8; 32]) -> Option<Inventory> {
        if digest == self.taken {
            tracing::info!("inventory: unchanged, {} sites", self.sites.len());
            return None;
        }
        let sites: BTreeSet<SiteId> = inventory.sites.keys().cloned().collect();
        tracing::info!(
            "inventory: {} sites now, {} new, {} gone",
            sites.len(),
            sites.difference(&self.sites).count(),
            self.sites.difference(&sites).count(),
        );
        self.taken = digest;
        self.sites = sites;
        Some(inventory)
    }
}
