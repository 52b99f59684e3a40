//! Writes roll calls as judgements come. It waits for the disk, so it does not belong on a
//! thread that answers requests.

use std::collections::BTreeSet;

use rusqlite::Connection;
use tracing::{error, info};
use wire::UnixMillis;

use super::{Key, due};
use crate::inventory::Inventory;
use crate::meetings::Occurrence;
use crate::readiness::{Judgement, Verdict};
use crate::store::roll_calls;

/// Between two looks for roll calls that are kept no longer; they grow old a day at a time.
const PRUNE_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Writes each roll call once. Which are written is the store's to know; what is kept here only
/// spares the work.
#[derive(Debug)]
pub struct Recorder {
    connection: Connection,
    listening_since: UnixMillis,
    written: BTreeSet<Key>,
    /// Whether the last write failed: one line in the log for a full disk, not one a second.
    failing: bool,
    /// When it was last looked for those that are kept no longer.
    pruned_at: Option<UnixMillis>,
}

impl Recorder {
    /// Goes on where the last one was, for a collector that listens since `now`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(connection: Connection, now: UnixMillis) -> rusqlite::Result<Self> {
        let written = roll_calls::written(&connection, now)?;
        Ok(Self { connection, listening_since: now, written, failing: false, pruned_at: None })
    }

    /// Writes what is due. What the disk refuses is due again with the next judgement, until the
    /// meeting is over.
    pub fn take(
        &mut self,
        judgement: &Judgement,
        occurrences: &[Occurrence],
        inventory: &Inventory,
    ) {
        self.prune(judgement.at);
        let since = self.listening_since;
        let calls = due(judgement, occurrences, inventory, since, &self.written);
        if calls.is_empty() {
            return;
        }
        if let Err(error) = roll_calls::write(&mut self.connection, &calls) {
            if !self.failing {
                error!(%error, "a roll call cannot be written and is tried again. Is the disk full?");
            }
            self.failing = true;
            return;
        }
        self.failing = false;
        for call in calls {
            info!(
                meeting = call.key.meeting,
                moment = call.key.moment.label(),
                sites = call.sites.len(),
                ready = call.count(Verdict::Ready) + call.count(Verdict::Degraded),
                not_ready = call.count(Verdict::NotReady),
                unknown = call.count(Verdict::Unknown),
                excused = call.count(Verdict::Excused),
                late_seconds = call.late_millis() / 1000,
                "roll call"
            );
            self.written.insert(call.key);
        }
        let coming = |key: &Key| {
            occurrences.iter().any(|one| one.id == key.meeting && one.start == key.start)
        };
        self.written.retain(coming);
    }

    fn prune(&mut self, now: UnixMillis) {
        if self.pruned_at.is_some_and(|at| now.saturating_sub(at) < PRUNE_MILLIS) {
            return;
        }
        self.pruned_at = Some(now);
        match roll_calls::prune(&mut self.connection) {
            Ok(0) => {}
            Ok(removed) => info!(removed, "roll calls of more than five years ago are removed"),
            Err(error) => error!(%error, "old roll calls cannot be removed"),
        }
    }
}
