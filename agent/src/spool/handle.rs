//! The spool's thread: an fsync on an old disk takes 100 ms and must not delay an echo.

use std::path::Path;
use std::thread;
use std::time::Instant;

use serde_json::value::to_raw_value;
use tokio::sync::{mpsc, oneshot, watch};
use wire::Report;

use super::{Key, Limits, Spool, SpoolError, Statistics, Stored};

/// Every caller waits for its answer, so there are never more commands than callers: the
/// assembler, the two lanes of the uplink, the one that closes.
const COMMANDS: usize = 8;

/// `SQLite` needs some tens of kilobytes.
const STACK_BYTES: usize = 512 * 1024;

/// The way to the spool, for many tasks.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    statistics: watch::Receiver<Statistics>,
}

#[derive(Debug)]
enum Command {
    Append(Stored, oneshot::Sender<()>),
    Newest(usize, usize, oneshot::Sender<Vec<Stored>>),
    Oldest(usize, usize, oneshot::Sender<Vec<Stored>>),
    Settle(Vec<Key>, Vec<Key>, oneshot::Sender<Result<(), SpoolError>>),
    Close(oneshot::Sender<()>),
}

impl Handle {
    /// Opens the spool in `state_dir` and starts its thread.
    pub fn open(state_dir: &Path, limits: Limits) -> Result<Self, SpoolError> {
        let spool = Spool::open(state_dir, limits)?;
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let (told, statistics) = watch::channel(spool.statistics());
        thread::Builder::new()
            .name("spool".into())
            .stack_size(STACK_BYTES)
            .spawn(move || Worker { spool, told, opened: Instant::now() }.work(receiver))
            .map_err(|error| SpoolError::Open { path: state_dir.to_owned(), error })?;
        Ok(Self { commands, statistics })
    }

    /// A spool without file and thread, for simulated agents, of which one process runs thousands:
    /// it works for as long as the second value is awaited, which ends with the last handle.
    pub fn in_memory(limits: Limits) -> (Self, impl Future<Output = ()>) {
        let spool = Spool::in_memory(limits);
        let (commands, mut receiver) = mpsc::channel(COMMANDS);
        let (told, statistics) = watch::channel(spool.statistics());
        let mut worker = Worker { spool, told, opened: Instant::now() };
        let work = async move {
            while let Some(command) = receiver.recv().await {
                if let Some(closed) = worker.carry_out(command) {
                    // Whoever asked may be gone.
                    let _ = closed.send(());
                    return;
                }
            }
        };
        (Self { commands, statistics }, work)
    }

    /// Keeps a report; returns when it is on disk, or in memory where the disk refuses.
    pub async fn append(&self, report: &Report) -> Result<(), SpoolError> {
        let json = to_raw_value(report).map_err(|error| SpoolError::Write(error.to_string()))?;
        let (boot, seq, taken_at) = (report.boot, report.seq, report.taken_at);
        let stored = Stored { boot, seq, taken_at, json };
        self.ask(|answer| Command::Append(stored, answer)).await
    }

    /// Waits for the next report after the first `produced` ones ([`Statistics::produced`]).
    pub async fn appended(&self, produced: u64) {
        let mut statistics = self.statistics.clone();
        // A spool that is closed appends no more, and says so to whoever asks for reports.
        let _ = statistics.wait_for(|now| now.produced != produced).await;
    }

    /// The newest reports, newest first: at least one if there is any, then as many as fit.
    pub async fn newest(&self, reports: usize, bytes: usize) -> Result<Vec<Stored>, SpoolError> {
        self.ask(|answer| Command::Newest(reports, bytes, answer)).await
    }

    /// The oldest reports, oldest first: at least one if there is any, then as many as fit.
    pub async fn oldest(&self, reports: usize, bytes: usize) -> Result<Vec<Stored>, SpoolError> {
        self.ask(|answer| Command::Oldest(reports, bytes, answer)).await
    }

    /// Drops what the collector accepted or refused for good, and counts it.
    pub async fn settle(&self, accepted: Vec<Key>, refused: Vec<Key>) -> Result<(), SpoolError> {
        self.ask(|answer| Command::Settle(accepted, refused, answer)).await?
    }

    /// The totals after the last change; never waits for the disk.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        *self.statistics.borrow()
    }

    /// Writes what waits, closes the file and ends the thread; tells what is left. Every later
    /// call fails with [`SpoolError::Closed`].
    pub async fn close(&self) -> Statistics {
        // A thread that has ended has closed its file.
        let _ = self.ask(Command::Close).await;
        self.statistics()
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, SpoolError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| SpoolError::Closed)?;
        answered.await.map_err(|_| SpoolError::Closed)
    }
}

/// What runs on the thread.
struct Worker {
    spool: Spool,
    told: watch::Sender<Statistics>,
    opened: Instant,
}

impl Worker {
    fn work(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(command) = commands.blocking_recv() {
            if let Some(closed) = self.carry_out(command) {
                self.told.send_replace(self.spool.close());
                drop(commands);
                let _ = closed.send(());
                return;
            }
        }
    }

    /// An answer that nobody waits for any more is dropped. Returns whom to tell of the end.
    fn carry_out(&mut self, command: Command) -> Option<oneshot::Sender<()>> {
        match command {
            Command::Append(report, answer) => {
                self.spool.append(report, self.opened.elapsed());
                self.tell();
                let _ = answer.send(());
            }
            Command::Newest(reports, bytes, answer) => {
                let _ = answer.send(self.spool.newest(reports, bytes));
                self.tell();
            }
            Command::Oldest(reports, bytes, answer) => {
                let _ = answer.send(self.spool.oldest(reports, bytes));
                self.tell();
            }
            Command::Settle(accepted, refused, answer) => {
                let settled = self.spool.settle(&accepted, &refused);
                self.tell();
                let _ = answer.send(settled);
            }
            Command::Close(answer) => return Some(answer),
        }
        None
    }

    fn tell(&self) {
        self.told.send_replace(self.spool.statistics());
    }
}
