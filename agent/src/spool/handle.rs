//! The spool's thread: an fsync on an old disk takes 100 ms and must not delay an echo.

use std::path::Path;

use uuid::Uuid;
use wire::Report;

use super::{Limits, SpoolError, Statistics, Stored};

/// The way to the spool, for many tasks.
#[derive(Debug, Clone)]
pub struct Handle {}

impl Handle {
    /// Opens the spool in `state_dir` and starts its thread.
    pub fn open(_state_dir: &Path, _limits: Limits) -> Result<Self, SpoolError> {
        Err(SpoolError::Closed)
    }

    /// Keeps a report; returns when it is on disk, or in memory where the disk refuses. Wakes
    /// [`Handle::appended`].
    pub async fn append(&self, _report: &Report) -> Result<(), SpoolError> {
        std::future::pending().await
    }

    /// Waits for the next report appended.
    pub async fn appended(&self) {
        std::future::pending().await
    }

    /// The newest reports, newest first: at least one if there is any, then as many as fit.
    pub async fn newest(&self, _reports: usize, _bytes: usize) -> Result<Vec<Stored>, SpoolError> {
        std::future::pending().await
    }

    /// The oldest reports, oldest first: at least one if there is any, then as many as fit.
    pub async fn oldest(&self, _reports: usize, _bytes: usize) -> Result<Vec<Stored>, SpoolError> {
        std::future::pending().await
    }

    /// Drops what the collector accepted or refused for good, and counts it.
    pub async fn settle(
        &self,
        _accepted: Vec<(Uuid, u64)>,
        _refused: Vec<(Uuid, u64)>,
    ) -> Result<(), SpoolError> {
        std::future::pending().await
    }

    /// The totals after the last change; never waits for the disk.
    pub async fn statistics(&self) -> Statistics {
        Statistics::default()
    }

    /// Writes what waits, ends the thread and tells what is left.
    pub async fn close(&self) -> Statistics {
        self.statistics().await
    }
}
