//! The spool: the agent's durable queue of reports that the collector has not settled yet.

mod handle;

pub use handle::Handle;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::value::RawValue;
use uuid::Uuid;
use wire::UnixMillis;

/// How much the spool may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of reports.
    pub bytes: u64,
    /// Age of the oldest report, in time the agent was running.
    pub age: Duration,
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
    /// Reports the collector refused for good.
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

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process holds the file.
    #[error("{0} is in use: another agent is running with this state directory; stop it first")]
    InUse(PathBuf),
    /// The directory or file cannot be opened by this user.
    #[error("cannot open {path}: {error}; the agent's user must be able to write there")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The spool's thread has ended.
    #[error("the spool is closed")]
    Closed,
    /// The disk refused a change; it will be tried again.
    #[error("the spool could not be written: {0}")]
    Write(String),
}
