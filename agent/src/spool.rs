//! The spool: the agent's durable queue of reports that the collector has not settled yet.
//!
//! ```text
//!            append                       newest, oldest ─▶ uplink
//!   report ─────────▶ waiting (memory) ─┐   ▲                 │ settle
//!                       ▲  only while   │   │                 ▼
//!                       └── the disk ◀──┴─▶ disk (SQLite): reports and totals
//!                           refuses         one transaction each
//! ```
//! Every change of the reports and its count are one transaction, so that
//! `produced = accepted + refused + evicted + reports` holds after a power cut at any moment.
//!
//! **Age** is time the agent was running, never a difference of wall clocks: a PC that starts in
//! 2009 and is set right an hour later has aged its reports by an hour, and one that is a day
//! ahead by nothing. The database keeps the running time it has seen; each report is stamped
//! with it. Time switched off does not count, so an age limit evicts late rather than early; what
//! it spares, the size limit bounds.
//!
//! **A full or read-only disk** keeps nobody from pushing: reports wait in a bounded memory queue,
//! are sent and settled from there, and are written as soon as there is room.
//!
//! **A damaged file** (torn, truncated, foreign, of another version) is set aside under another
//! name and a new one begun.

mod aside;
mod disk;
mod handle;
mod schema;
mod waiting;

pub use handle::Handle;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::value::RawValue;
use uuid::Uuid;
use wire::UnixMillis;

use disk::{Change, Disk, Fault, Order};
use waiting::Waiting;

/// The spool's file in the state directory.
const FILE: &str = "spool.db";

/// Whether there is a spool in `state_dir`.
#[must_use]
pub fn exists(state_dir: &Path) -> bool {
    state_dir.join(FILE).exists()
}

/// A report's name: boot and number.
pub type Key = (Uuid, u64);

/// How much the spool may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of reports.
    pub bytes: u64,
    /// Age of the oldest report, in time the agent was running.
    pub age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // What the smallest disk of a bridge PC can spare, and a week: the longest holiday
        // (Tết) in which nobody repairs a line.
        Self { bytes: 64 * 1024 * 1024, age: Duration::from_hours(7 * 24) }
    }
}

/// A report as the spool keeps it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The agent start it belongs to.
    pub boot: Uuid,
    /// Its number within that start.
    pub seq: u64,
    /// When it was closed, by the PC's own clock.
    pub taken_at: UnixMillis,
    /// The report as it is sent.
    pub json: Box<RawValue>,
}

impl Stored {
    /// Its name.
    #[must_use]
    pub fn key(&self) -> Key {
        (self.boot, self.seq)
    }

    fn bytes(&self) -> u64 {
        self.json.get().len() as u64
    }
}

/// What the spool has seen. `produced = accepted + refused + evicted + reports` at every moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Reports not settled yet.
    pub reports: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest of them was closed, by the PC's own clock.
    pub oldest_taken_at: Option<UnixMillis>,
    /// Reports ever appended.
    pub produced: u64,
    /// Reports the collector accepted.
    pub accepted: u64,
    /// Reports the collector refused for good, or that the disk gave back as no JSON.
    pub refused: u64,
    /// Reports dropped because of [`Limits::bytes`].
    pub evicted_by_size: u64,
    /// Reports dropped because of [`Limits::age`].
    pub evicted_by_age: u64,
    /// Reports dropped because the disk was full for too long.
    pub evicted_by_disk_full: u64,
    /// Files found damaged and set aside.
    pub set_aside: u64,
}

impl Statistics {
    /// What has become of reports in all; with `reports` it makes up `produced`.
    #[must_use]
    pub fn settled(&self) -> u64 {
        let evicted = self.evicted_by_size + self.evicted_by_age + self.evicted_by_disk_full;
        self.accepted + self.refused + evicted
    }

    fn add(&mut self, other: &Self) {
        self.reports += other.reports;
        self.bytes += other.bytes;
        self.oldest_taken_at = self.oldest_taken_at.or(other.oldest_taken_at);
        self.produced += other.produced;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.evicted_by_size += other.evicted_by_size;
        self.evicted_by_age += other.evicted_by_age;
        self.evicted_by_disk_full += other.evicted_by_disk_full;
    }
}

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process holds the file.
    #[error(
        "{} is in use: another agent is running with this state directory; stop it first",
        .0.display()
    )]
    InUse(PathBuf),
    /// The directory or file cannot be opened by this user.
    #[error("cannot open {}: {error}; the agent's user must be able to write there", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The spool's thread has ended.
    #[error("the spool is closed")]
    Closed,
    /// The disk refused a change; what was to be settled will be sent again.
    #[error("the spool could not be written: {0}")]
    Write(String),
}

/// The spool itself. Times are what the agent's monotonic clock has run since it was opened.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    limits: Limits,
    /// None while the file cannot be opened.
    disk: Option<Disk>,
    /// There never is a file; see [`Spool::in_memory`].
    in_memory: bool,
    waiting: Waiting,
    /// Counts of reports that never reached the disk, and are not written there yet.
    owed: Statistics,
    /// The disk refused the last change; said once.
    refusing: bool,
    /// The time of the last append.
    now: Duration,
}

impl Spool {
    /// Opens the spool in `state_dir`; a damaged one is set aside, a full disk is put up with.
    pub fn open(state_dir: &Path, limits: Limits) -> Result<Self, SpoolError> {
        let path = state_dir.join(FILE);
        let mut spool = Self { path, in_memory: false, ..Self::in_memory(limits) };
        match spool.attach() {
            Ok(()) => {}
            Err(Fault::Fatal(error)) => return Err(error),
            Err(fault) => spool.say_refusing(&fault),
        }
        Ok(spool)
    }

    /// A spool without a file, for an agent that ends with its process: a simulated one. It holds
    /// what any spool holds in memory while its disk is full.
    #[must_use]
    pub fn in_memory(limits: Limits) -> Self {
        Self {
            path: PathBuf::new(),
            limits,
            disk: None,
            in_memory: true,
            waiting: Waiting::default(),
            owed: Statistics::default(),
            refusing: false,
            now: Duration::ZERO,
        }
    }

    /// Keeps a report and evicts what is over the limits.
    pub fn append(&mut self, report: Stored, now: Duration) {
        self.now = now;
        self.waiting.push(report);
        if self.disk.is_none()
            && !self.in_memory
            && let Err(fault) = self.attach()
        {
            self.say_refusing(&fault);
        }
        self.write_waiting();
        self.owed.add(&self.waiting.evict());
    }

    /// The newest reports, newest first: at least one if there is any, then as many as fit into
    /// `bytes`.
    pub fn newest(&mut self, reports: usize, bytes: usize) -> Vec<Stored> {
        let mut found = self.waiting.newest(reports);
        found.extend(self.read(Order::NewestFirst, reports - found.len(), bytes));
        fitting(found, bytes)
    }

    /// The oldest reports, oldest first, else like [`Spool::newest`].
    pub fn oldest(&mut self, reports: usize, bytes: usize) -> Vec<Stored> {
        let mut found = self.read(Order::OldestFirst, reports, bytes);
        found.extend(self.waiting.oldest(reports - found.len()));
        fitting(found, bytes)
    }

    /// Drops what the collector accepted or refused for good, and counts it. Keys that are not
    /// here any more are nobody's loss.
    pub fn settle(&mut self, accepted: &[Key], refused: &[Key]) -> Result<(), SpoolError> {
        let only_waiting = self.waiting.holds(accepted.iter().chain(refused).copied());
        self.owed.add(&self.waiting.settle(accepted, refused));
        if only_waiting {
            return Ok(());
        }
        match self.change(|change| change.settle(accepted, refused)) {
            Err(Fault::Refused(refusal)) => Err(SpoolError::Write(refusal)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The totals as they now stand.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let mut all = self.disk.as_ref().map(Disk::totals).unwrap_or_default();
        all.add(&self.owed);
        all.add(&self.waiting.statistics());
        all
    }

    /// Writes what waits and closes the file; tells what is left.
    #[must_use]
    pub fn close(mut self) -> Statistics {
        self.write_waiting();
        self.statistics()
    }

    fn write_waiting(&mut self) {
        if self.disk.is_none() {
            return;
        }
        let (limits, now) = (self.limits, self.now);
        let waiting = std::mem::take(&mut self.waiting);
        let written = self.change(|change| change.append(waiting.reports(), &limits, now));
        match written {
            Ok(()) => self.say_written(),
            Err(fault) => {
                self.waiting = waiting;
                self.say_refusing(&fault);
            }
        }
    }

    /// One transaction on disk, with what is owed; on a damaged file once more on a new one.
    fn change(&mut self, make: impl Fn(&mut Change<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let Some(disk) = &mut self.disk else { return Ok(()) };
        let mut result = disk.change(&self.owed, &make);
        if let Err(Fault::Damaged(fault)) = &result {
            self.begin_anew(&fault.clone());
            let Some(disk) = &mut self.disk else { return result };
            result = disk.change(&self.owed, &make);
        }
        if result.is_ok() {
            self.owed = Statistics::default();
        }
        result
    }

    fn read(&mut self, order: Order, reports: usize, bytes: usize) -> Vec<Stored> {
        let Some(disk) = &mut self.disk else { return Vec::new() };
        match disk.read(order, reports, bytes) {
            Ok(found) => found,
            Err(Fault::Damaged(fault)) => {
                self.begin_anew(&fault);
                Vec::new()
            }
            Err(fault) => {
                self.say_refusing(&fault);
                Vec::new()
            }
        }
    }

    /// Opens the file, setting a damaged one aside.
    fn attach(&mut self) -> Result<(), Fault> {
        let mut opened = Disk::open(&self.path, self.now);
        if let Err(Fault::Damaged(fault)) = &opened {
            self.put_aside(fault)?;
            opened = Disk::open(&self.path, self.now);
        }
        self.disk = Some(opened?);
        Ok(())
    }

    fn begin_anew(&mut self, fault: &str) {
        self.disk = None;
        let begun = self.put_aside(fault).and_then(|()| self.attach());
        if let Err(fault) = begun {
            self.say_refusing(&fault);
        }
    }

    fn put_aside(&self, fault: &str) -> Result<(), Fault> {
        let aside =
            aside::set_aside(&self.path).map_err(|error| Fault::Refused(error.to_string()))?;
        tracing::error!(
            file = %self.path.display(), aside = %aside.display(), fault,
            "the spool was damaged and has been set aside; the reports in it are not sent"
        );
        Ok(())
    }

    fn say_refusing(&mut self, fault: &Fault) {
        if !std::mem::replace(&mut self.refusing, true) {
            tracing::error!(
                file = %self.path.display(), %fault,
                "the disk refuses the spool; reports wait in memory and are still pushed"
            );
        }
    }

    fn say_written(&mut self) {
        if std::mem::take(&mut self.refusing) {
            tracing::info!(file = %self.path.display(), "the spool can be written again");
        }
    }
}

/// The first of `found` and as many after it as fit into `bytes`.
fn fitting(mut found: Vec<Stored>, bytes: usize) -> Vec<Stored> {
    let mut left = bytes;
    let mut first = true;
    found.retain(|report| {
        let size = report.json.get().len();
        let fits = std::mem::take(&mut first) || size <= left;
        left = if fits { left.saturating_sub(size) } else { 0 };
        fits
    });
    found
}

#[cfg(test)]
mod tests;
