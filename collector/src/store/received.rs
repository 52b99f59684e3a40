//! Which reports were received, so that each counts once however often it is sent, and when
//! each site was heard last.
//!
//! One thread writes. It takes whatever waits, decides in memory what is new, and makes all of
//! it durable in one transaction: a disk that needs 100 ms for a commit then carries a thousand
//! batches in it instead of one. Nobody is answered before the commit.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;
use wire::{SiteId, UnixMillis};

use crate::telemetry::Telemetry;

mod intervals;
mod ledger;
mod tables;

pub use ledger::{Reception, Verdict};
pub use tables::{SCHEMA, lives_since};

use ledger::Ledger;

/// Receptions that may wait for the disk; further requests wait in front of the queue, where
/// [`PATIENCE`] and the listener's connection limit bound them.
const QUEUE: usize = 4096;

/// Receptions in one transaction: enough for every agent of a province at once, few enough to
/// stay below a second of writing.
const GROUP: usize = 1024;

/// How long the first of a group waits for others. No agent notices it, and ten thousand of them
/// then cost a disk a hundred commits a second at most instead of one each.
const GATHER: Duration = Duration::from_millis(10);

/// How long a request waits for the disk. An agent gives up on its request after some 30 s; a
/// clear answer before that is better than a cut connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often old boots are looked for.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// What the store knew when it was opened.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct History {
    /// Every boot of every site.
    pub boots: Vec<PastBoot>,
}

/// What is remembered of one start of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastBoot {
    /// Whose agent.
    pub site: SiteId,
    /// Which start.
    pub boot: Uuid,
    /// When it was heard last.
    pub heard_at: UnixMillis,
    /// Its clock minus the collector's in milliseconds, if ever measured.
    pub clock_offset: Option<i64>,
}

/// The disk did not take it, or not in time; the agent should come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the collector's store cannot write now")]
pub struct Unavailable;

/// The way to the thread that makes receptions durable.
#[derive(Debug, Clone)]
pub struct Handle {
    inbox: mpsc::Sender<Message>,
    telemetry: Arc<Telemetry>,
}

type Verdicts = oneshot::Sender<Result<Vec<Verdict>, Unavailable>>;

#[derive(Debug)]
enum Message {
    Record(Reception, Verdicts),
    Close,
}

/// Loads what was received and starts the thread. Must be called within a tokio runtime.
///
/// # Errors
/// When the store cannot be read or the thread not started.
pub fn start(
    connection: Connection,
    telemetry: Arc<Telemetry>,
) -> Result<(Handle, History), rusqlite::Error> {
    let mut ledger = Ledger::default();
    let mut history = History::default();
    tables::each_boot(&connection, |(site, boot, stored)| {
        let past = PastBoot {
            site: site.clone(),
            boot,
            heard_at: stored.heard_at,
            clock_offset: stored.clock_offset,
        };
        history.boots.push(past);
        ledger.load(site, boot, stored);
    })?;
    let (inbox, messages) = mpsc::channel(QUEUE);
    let handle = Handle { inbox, telemetry: Arc::clone(&telemetry) };
    let runtime = tokio::runtime::Handle::current();
    let writer = Writer { connection, ledger, telemetry, runtime, failing: false, pruned: None };
    thread::Builder::new()
        .name("received".to_owned())
        .spawn(move || writer.run(messages))
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    Ok((handle, history))
}

impl Handle {
    /// Counts the reports of a request and returns what became of each once that is durable.
    ///
    /// # Errors
    /// Nothing of the request was counted, or it is not known whether it was.
    pub async fn record(&self, reception: Reception) -> Result<Vec<Verdict>, Unavailable> {
        let (answer, verdicts) = oneshot::channel();
        let settled = async {
            self.inbox.send(Message::Record(reception, answer)).await.map_err(|_| Unavailable)?;
            let waiting = self.inbox.max_capacity() - self.inbox.capacity();
            self.telemetry.store_queue.set(i64::try_from(waiting).unwrap_or(i64::MAX));
            verdicts.await.map_err(|_| Unavailable)?
        };
        // What is written after the patience ended is a duplicate when it comes again.
        tokio::time::timeout(PATIENCE, settled).await.unwrap_or(Err(Unavailable))
    }

    /// Lets the thread finish what it was given, and returns when the store is closed.
    pub async fn close(&self) {
        if self.inbox.send(Message::Close).await.is_ok() {
            self.inbox.closed().await;
        }
    }
}

/// The thread.
struct Writer {
    connection: Connection,
    ledger: Ledger,
    telemetry: Arc<Telemetry>,
    /// Where answers are given: to wake those who wait from here would go through the kernel for
    /// each of them.
    runtime: tokio::runtime::Handle,
    /// Whether the last commit failed: one line in the log for a full disk, not one a second.
    failing: bool,
    pruned: Option<Instant>,
}

impl Writer {
    fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut open = true;
        while open && let Some(message) = messages.blocking_recv() {
            if messages.len() < GROUP && matches!(message, Message::Record(..)) {
                thread::sleep(GATHER);
            }
            let mut group = Vec::new();
            let mut next = Some(message);
            while let Some(message) = next {
                match message {
                    Message::Record(reception, answer) => group.push((reception, answer)),
                    Message::Close => open = false,
                }
                next = if group.len() < GROUP { messages.try_recv().ok() } else { None };
            }
            let waiting = i64::try_from(messages.len()).unwrap_or(i64::MAX);
            self.telemetry.store_queue.set(waiting);
            self.settle(group);
        }
        // Closed before `messages` is dropped, for that is what `close` waits for.
        drop(self);
    }

    fn settle(&mut self, group: Vec<(Reception, Verdicts)>) {
        let mut answers = Vec::with_capacity(group.len());
        let mut now = UnixMillis::MIN;
        for (reception, answer) in group {
            now = now.max(reception.received_at);
            answers.push((answer, self.ledger.take(&reception)));
        }
        if self.pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
            self.pruned = Some(Instant::now());
            self.ledger.prune(now);
        }
        let stored = self.store();
        self.runtime.spawn(async move {
            for (answer, verdicts) in answers {
                // Whoever asked may have gone; then it comes again and gets the same answer.
                let _ = answer.send(stored.map(|()| verdicts));
            }
        });
    }

    fn store(&mut self) -> Result<(), Unavailable> {
        let began = Instant::now();
        let saved = tables::save(&mut self.connection, &self.ledger);
        match saved {
            Ok(()) => {
                self.ledger.keep();
                self.telemetry.store_commit_seconds.observe(began.elapsed().as_secs_f64());
                if self.failing {
                    tracing::info!("the store writes again");
                }
                self.failing = false;
                Ok(())
            }
            Err(error) => {
                self.ledger.undo();
                self.telemetry.store_errors.inc();
                if !self.failing {
                    tracing::error!(%error, "the store cannot write; agents are told to come again. Is the disk full?");
                }
                self.failing = true;
                Err(Unavailable)
            }
        }
    }
}

#[cfg(test)]
mod tests;
