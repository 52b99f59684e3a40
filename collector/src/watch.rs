//! Keeps the inventory as its file says, without a restart: on SIGHUP and when its content
//! changes. A bad file leaves everything as it was and is said aloud.
//!
//! The file is looked at in intervals: change notices do not cross network shares, and editors
//! that save by renaming leave a watched file behind.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use wire::SiteId;
use wire::yaml::Faults;

use crate::fleet;
use crate::inventory::{self, Inventory};
use crate::telemetry::Telemetry;

/// Between two looks. A person who has saved waits about that long before wondering; a look is
/// one `stat`.
const LOOK: Duration = Duration::from_secs(2);

/// Looks until the content is read although nothing seems new: one minute. FAT and some shares
/// keep the time of a change to two seconds only, or hand out an old one for a while.
const LOOKS_TO_READ: u32 = 30;

/// The inventory's file, and what was last made of it.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    telemetry: Arc<Telemetry>,
    calm: Calm,
    /// The content last judged; none where the file could not be read.
    judged: Option<[u8; 32]>,
    /// The content in force.
    taken: [u8; 32],
    sites: BTreeSet<SiteId>,
}

/// Tells when a file that is being written has come to rest.
#[derive(Debug, Default)]
struct Calm {
    last: Option<Stamp>,
    stirred: bool,
    looks: u32,
}

/// What the file system says of a file's content; none where there is no file.
type Stamp = Option<(u64, Option<SystemTime>)>;

impl Calm {
    /// Whether the content should be read: once what changed has stayed the same for a whole
    /// interval, and from time to time.
    fn read_now(&mut self, stamp: Stamp) -> bool {
        self.looks += 1;
        if self.last.replace(stamp) != Some(stamp) {
            self.stirred = true;
            return false;
        }
        let read = self.stirred || self.looks >= LOOKS_TO_READ;
        if read {
            *self = Self { last: self.last, stirred: false, looks: 0 };
        }
        read
    }
}

impl Watch {
    /// Reads the inventory for the first time.
    ///
    /// # Errors
    /// All faults of the file; without a first inventory there is nothing to fall back on.
    pub fn begin(path: &Path, telemetry: Arc<Telemetry>) -> Result<(Inventory, Self), Faults> {
        let bytes = inventory::read(path).map_err(|error| inventory::unread(path, &error))?;
        let inventory = inventory::parse(path, &bytes)?;
        let taken = Sha256::digest(&bytes).into();
        let mut calm = Calm::default();
        // A change since the reading above is found by the next look.
        calm.read_now(None);
        let sites = inventory.sites.keys().cloned().collect();
        let watch =
            Self { path: path.to_owned(), telemetry, calm, judged: Some(taken), taken, sites };
        watch.succeeded();
        Ok((inventory, watch))
    }

    /// Follows the file until stopped.
    ///
    /// # Errors
    /// Where the system does not let it listen for SIGHUP.
    pub async fn run(
        mut self,
        fleet: Arc<fleet::Shared>,
        stop: CancellationToken,
    ) -> io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = hangup.recv() => true,
                _ = looks.tick() => false,
            };
            let fleet = Arc::clone(&fleet);
            // A share that hangs holds up this look and nothing else.
            let look = tokio::task::spawn_blocking(move || {
                let found = if asked { self.reload() } else { self.look() };
                if let Some(inventory) = found {
                    fleet.lock().set_inventory(&inventory);
                }
                self
            });
            self = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                watch = look => watch?,
            };
        }
    }

    /// Looks whether the file has changed; gives the new inventory, if there is one.
    fn look(&mut self) -> Option<Inventory> {
        let stamp = std::fs::metadata(&self.path);
        let stamp = stamp.ok().map(|data| (data.len(), data.modified().ok()));
        if !self.calm.read_now(stamp) {
            return None;
        }
        let content = self.read();
        let digest = content.as_ref().ok().map(|(digest, _)| *digest);
        if digest == self.judged { None } else { self.judge(content) }
    }

    /// Reads the file because somebody asked; says its faults even if they were said before.
    fn reload(&mut self) -> Option<Inventory> {
        let content = self.read();
        self.judge(content)
    }

    fn read(&self) -> io::Result<([u8; 32], Vec<u8>)> {
        inventory::read(&self.path).map(|bytes| (Sha256::digest(&bytes).into(), bytes))
    }

    fn judge(&mut self, content: io::Result<([u8; 32], Vec<u8>)>) -> Option<Inventory> {
        self.judged = content.as_ref().ok().map(|(digest, _)| *digest);
        let parsed = content
            .map_err(|error| inventory::unread(&self.path, &error))
            .and_then(|(digest, bytes)| Ok((inventory::parse(&self.path, &bytes)?, digest)));
        match parsed {
            Ok((inventory, digest)) => {
                self.succeeded();
                self.take(inventory, digest)
            }
            Err(faults) => {
                self.telemetry.config_last_reload_successful.set(0);
                for fault in &faults.0 {
                    tracing::error!("{fault}");
                }
                tracing::error!("inventory: keeping the {} sites as they were", self.sites.len());
                None
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

    fn succeeded(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.telemetry.config_last_reload_successful.set(1);
        self.telemetry.config_last_reload_success_timestamp_seconds.set(now.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "sites: [{ id: a, name: A }]";
    const TWO: &str = "sites: [{ id: a, name: A renamed }, { id: b, name: B }]";
    const BAD: &str = "sites: [{ id: a, name: }]";

    struct Scene {
        _directory: tempfile::TempDir,
        path: PathBuf,
        telemetry: Arc<Telemetry>,
        watch: Watch,
    }

    impl Scene {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("sites.yaml");
            std::fs::write(&path, ONE).unwrap();
            let telemetry = Arc::new(Telemetry::new().unwrap());
            let (inventory, mut watch) = Watch::begin(&path, Arc::clone(&telemetry)).unwrap();
            assert_eq!(inventory.sites.len(), 1);
            while watch.calm.stirred {
                assert_eq!(watch.look(), None);
            }
            Self { _directory: directory, path, telemetry, watch }
        }

        fn write(&self, text: &str) {
            std::fs::write(&self.path, text).unwrap();
        }

        /// Two looks, after which a change that has come to rest is known.
        fn look(&mut self) -> Option<usize> {
            let inventory = self.watch.look().or_else(|| self.watch.look());
            inventory.map(|inventory| inventory.sites.len())
        }

        fn successful(&self) -> i64 {
            self.telemetry.config_last_reload_successful.get()
        }
    }

    #[test]
    fn a_saved_change_is_taken_once() {
        let mut scene = Scene::new();
        assert_eq!(scene.look(), None);
        scene.write(TWO);
        assert_eq!(scene.look(), Some(2));
        assert_eq!(scene.look(), None);
        assert!(scene.telemetry.config_last_reload_success_timestamp_seconds.get() > 1e9);
    }

    #[test]
    fn a_bad_file_leaves_everything_as_it_was_until_it_is_mended() {
        let mut scene = Scene::new();
        assert_eq!(scene.successful(), 1);
        scene.write(BAD);
        assert_eq!((scene.look(), scene.successful()), (None, 0));
        assert_eq!((scene.look(), scene.successful()), (None, 0));
        scene.write(ONE);
        assert_eq!((scene.look(), scene.successful()), (None, 1), "the old content is in force");
        scene.write(TWO);
        assert_eq!((scene.look(), scene.successful()), (Some(2), 1));
    }

    #[test]
    fn a_file_that_is_gone_for_a_moment_is_no_fault() {
        let mut scene = Scene::new();
        std::fs::remove_file(&scene.path).unwrap();
        assert_eq!(scene.watch.look(), None);
        scene.write(TWO);
        assert_eq!((scene.look(), scene.successful()), (Some(2), 1));
        std::fs::remove_file(&scene.path).unwrap();
        assert_eq!((scene.look(), scene.successful()), (None, 0), "gone for good");
    }

    #[test]
    fn a_file_under_a_new_name_takes_the_old_ones_place() {
        let mut scene = Scene::new();
        let new = scene.path.with_extension("new");
        std::fs::write(&new, TWO).unwrap();
        std::fs::rename(&new, &scene.path).unwrap();
        assert_eq!(scene.look(), Some(2));
    }

    #[test]
    fn who_asks_is_answered_at_once() {
        let mut scene = Scene::new();
        scene.write(TWO);
        assert_eq!(scene.watch.reload().unwrap().sites.len(), 2);
        assert_eq!(scene.watch.reload(), None);
        scene.write(BAD);
        assert_eq!((scene.watch.reload(), scene.successful()), (None, 0));
    }

    #[test]
    fn a_first_inventory_must_be_good() {
        let telemetry = Arc::new(Telemetry::new().unwrap());
        assert!(Watch::begin(Path::new("/nonexistent/sites.yaml"), telemetry).is_err());
    }

    #[test]
    fn a_file_is_read_when_it_has_come_to_rest() {
        let at = |length| Some((length, None));
        let mut calm = Calm::default();
        let looks = [(at(1), false), (at(1), true), (at(1), false), (at(2), false), (at(3), false)];
        for (stamp, read) in looks.into_iter().chain([(at(3), true), (None, false), (None, true)]) {
            assert_eq!(calm.read_now(stamp), read, "{stamp:?}");
        }
        let reads = (0..LOOKS_TO_READ).filter(|_| calm.read_now(None)).count();
        assert_eq!(reads, 1, "from time to time without a sign");
    }
}
