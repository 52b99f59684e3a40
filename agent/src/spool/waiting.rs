//! Reports in memory while the disk refuses them.

use std::collections::VecDeque;

use super::{Key, Statistics, Stored};

/// An eighth of the agent's memory budget, and half an hour of ordinary reports each 15 s: long
/// enough for somebody to empty a disk.
const BYTES: u64 = 1024 * 1024;

/// The queue, oldest in front.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queue: VecDeque<Stored>,
}

impl Waiting {
    pub(super) fn push(&mut self, report: Stored) {
        self.queue.push_back(report);
    }

    pub(super) fn reports(&self) -> impl Iterator<Item = &Stored> {
        self.queue.iter()
    }

    /// Whether all of these reports are here and none is on disk.
    pub(super) fn holds(&self, mut keys: impl Iterator<Item = Key>) -> bool {
        keys.all(|key| self.queue.iter().any(|report| report.key() == key))
    }

    pub(super) fn newest(&self, reports: usize) -> Vec<Stored> {
        self.queue.iter().rev().take(reports).cloned().collect()
    }

    pub(super) fn oldest(&self, reports: usize) -> Vec<Stored> {
        self.queue.iter().take(reports).cloned().collect()
    }

    /// Drops the oldest until the rest fits, the newest always staying; returns the counts.
    pub(super) fn evict(&mut self) -> Statistics {
        let mut bytes = self.bytes();
        let mut evicted = 0;
        while bytes > BYTES && self.queue.len() > 1 {
            let Some(report) = self.queue.pop_front() else { break };
            bytes -= report.bytes();
            evicted += 1;
        }
        Statistics { produced: evicted, evicted_by_disk_full: evicted, ..Statistics::default() }
    }

    /// Drops what is settled; returns the counts.
    pub(super) fn settle(&mut self, accepted: &[Key], refused: &[Key]) -> Statistics {
        let accepted = self.drop_all(accepted);
        let refused = self.drop_all(refused);
        Statistics { produced: accepted + refused, accepted, refused, ..Statistics::default() }
    }

    pub(super) fn statistics(&self) -> Statistics {
        let reports = self.queue.len() as u64;
        Statistics {
            reports,
            bytes: self.bytes(),
            oldest_taken_at: self.queue.front().map(|report| report.taken_at),
            produced: reports,
            ..Statistics::default()
        }
    }

    fn bytes(&self) -> u64 {
        self.queue.iter().map(Stored::bytes).sum()
    }

    fn drop_all(&mut self, keys: &[Key]) -> u64 {
        let before = self.queue.len();
        self.queue.retain(|report| !keys.contains(&report.key()));
        (before - self.queue.len()) as u64
    }
}
