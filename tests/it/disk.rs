//! A disk without room, at the agent and at the collector.

use std::fs;
use std::path::PathBuf;

use nix::mount::{MsFlags, mount, umount};
use tempfile::TempDir;
use tests::agent::{self, Agent};
use tests::collector::{Collector, inventory};
use tests::flapping;
use tests::ledger::Books;

/// A file system of its own, as small as a disk that is nearly full.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount(folder: &TempDir) -> Option<Self> {
        let path = folder.path().join("disk");
        fs::create_dir(&path).unwrap();
        match mount(Some("none"), &path, Some("tmpfs"), MsFlags::empty(), Some("size=2m,mode=0700"))
        {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                println!("SKIPPED: mounting a small disk is not permitted: {error}");
                None
            }
        }
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let left = fs::File::create(self.0.join("ballast")).unwrap();
        let mut left = std::io::BufWriter::new(left);
        let _ = std::io::copy(&mut std::io::repeat(7), &mut left);
    }

    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }

    fn state_dir(&self) -> PathBuf {
        self.0.join("state")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = umount(&self.0);
    }
}

#[test]
fn an_agent_without_room_goes_on_reporting() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder) else { return };
    let mut collector = Collector::start(&inventory(&["th-0001"]));
    let agent_folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::new_in(agent_folder, disk.state_dir(), &agent::busy(flapping::start()));
    agent.enrol(&collector.code("th-0001"));
    agent.run();
    collector.wait_for_site("th-0001");

    disk.fill();
    collector.wait_for_reports("th-0001", 5);
    disk.free();
    collector.wait_for_reports("th-0001", 5);
    agent.stop();
    collector.stop();
    Books::read(collector.state_dir(), "th-0001", agent.state_dir()).assert_balanced();
}

#[test]
fn a_collector_without_room_shows_what_it_hears_and_accepts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder) else { return };
    let collector_folder = tempfile::tempdir().unwrap();
    let mut collector =
        Collector::start_in(collector_folder, disk.state_dir(), &inventory(&["th-0001"]));
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code("th-0001"));
    collector.wait_for_site("th-0001");

    disk.fill();
    collector.wait_for("nhipcau_collector_store_errors_total", &[], |errors| errors >= 2.0);
    let seen = collector
        .scrape()
        .value("bridge_last_seen_timestamp_seconds", &[("site", "th-0001")])
        .unwrap();
    collector
        .wait_for("bridge_last_seen_timestamp_seconds", &[("site", "th-0001")], |last| last > seen);
    agent.wait_for_spooled(3);

    disk.free();
    agent.wait_until_drained();
    agent.stop();
    collector.stop();
    Books::read(collector.state_dir(), "th-0001", agent.state_dir()).assert_balanced();
}
