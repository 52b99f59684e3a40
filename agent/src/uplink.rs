//! The uplink: reports from the spool to the collector, the newest first.
//!
//! ```text
//!             newest 4, at once when appended
//!   spool ──▶ fresh lane ───────────┐
//!     │       after a failure: full jitter, then the newest alone
//!     │                             ├──▶ push: batch, zstd, TLS ──▶ collector
//!     ├─────▶ backlog lane ─────────┤         │ classes of answers, halving
//!     │       the rest, oldest first│         ▼
//!     │       32 at a time, paced   │    settled in the spool
//!     ✕       heartbeat lane ───────┘
//!             near a meeting: no report for 4 s is told from no agent
//! ```
//! The lanes never carry the same report: the newest four belong to the fresh lane, the backlog
//! lane takes what is older, and only while the fresh lane succeeds. So the current state is
//! visible first and the backlog fills the gap behind it, both with their original times.

mod class;
pub(crate) mod client;
mod counters;
mod knock;
pub(crate) mod mark;
pub mod pace;
mod proxy;
mod push;
mod settlement;

pub use counters::{Cause, Counters};
pub use knock::{Closed, knock};
pub use mark::Mark;
pub use proxy::ProxyFault;

pub(crate) use client::Part;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::UnixMillis;
use wire::enrolment::Dismissal;
use wire::limits::BODY_BYTES;

use crate::cadence::Timetable;
use crate::contact::Notebook;
use crate::identity::Identity;
use crate::platform;
use crate::profile::{self, Profile};
use crate::spool;
use crate::trust::TrustError;
use crate::update;
use client::Client;
use pace::Pauses;
use push::{Push, Trouble};

/// A minute of reports at the full cadence: a hiccup heals without the backlog lane.
pub const FRESH_REPORTS: usize = 4;

/// Of a backlog batch: large enough that zstd finds what reports share, small enough that a line
/// of 2 Mbit/s is free again after a fifth of a second.
pub const BACKLOG_REPORTS: usize = 32;

/// Of any batch before compression: bounds what the agent holds in memory at once, and is ample
/// for 32 ordinary reports of 5 kB. zstd adds next to nothing to what it cannot compress, so
/// the body's own limit holds too.
const BATCH_BYTES: usize = 256 * 1024;
const _: () = assert!(BATCH_BYTES < BODY_BYTES);

/// A fresh batch is a few kilobytes: whoever has not answered by then is gone, and TCP would
/// need minutes to say so.
const FRESH_TIMEOUT: Duration = Duration::from_secs(10);

/// A backlog batch of some 40 KB over a line of 20 kbit/s.
const BACKLOG_TIMEOUT: Duration = Duration::from_secs(30);

/// How often is looked whether heartbeats have begun: tokio's clock stands still while the PC
/// sleeps, so a long wait is cut into pieces.
const HEARTBEAT_LOOK: Duration = Duration::from_secs(30);

/// Over which the first heartbeats of all sites of a meeting are spread.
const HEARTBEATS_BEGIN_WITHIN: Duration = Duration::from_secs(4);

/// Of the 5 s in which an agent ends, the rest is for the spool to close.
const LAST_PUSH: Duration = Duration::from_secs(4);

/// Why the uplink cannot start.
#[derive(Debug, thiserror::Error)]
pub enum UplinkError {
    /// The proxy setting is no URL.
    #[error("proxy {proxy:?}: {error}; write http://host:port")]
    Proxy {
        /// What was set.
        proxy: String,
        /// What is wrong with it.
        error: String,
    },
    /// The authority's certificate is unusable.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The client could not be built.
    #[error("the client for the collector could not be built: {0}")]
    Client(String),
}

/// Pushes reports to the collector.
#[derive(Debug)]
pub struct Uplink {
    client: Client,
    boot: Uuid,
    counters: Arc<Counters>,
    clock_off: UnixMillis,
    notebook: Option<Notebook>,
    profile: Option<profile::Ends>,
    update: Option<update::Ends>,
}

/// Fetches this site's profile, and updates, over the uplink's own connection.
#[derive(Debug)]
pub(crate) struct Fetcher(Client);

impl Fetcher {
    /// The profile; `None` where there is none. The error says why it could not be had.
    pub(crate) async fn profile(&self) -> Result<Option<Profile>, String> {
        match self.0.profile().await {
            Ok(fetched) => {
                Ok(fetched.map(|(etag, text)| Profile { etag: etag.into_boxed_str(), text }))
            }
            Err(failed) => Err(failed.detail),
        }
    }

    /// The manifest of the update on offer; `None` where there is none.
    pub(crate) async fn manifest(&self) -> Result<Option<String>, String> {
        self.0.manifest().await.map_err(|failed| failed.detail)
    }

    /// A part of the program of the update `id`.
    pub(crate) async fn part(&self, id: &str, range: Range<u64>) -> Result<Part, String> {
        self.0.part(id, range).await.map_err(|failed| failed.detail)
    }
}

impl Uplink {
    /// An uplink for `identity`. Without `proxy` the environment decides (`HTTPS_PROXY`,
    /// `NO_PROXY`). `boot` is this start of the agent.
    pub fn new(
        identity: &Identity,
        proxy: Option<&str>,
        boot: Uuid,
        counters: Arc<Counters>,
    ) -> Result<Self, UplinkError> {
        Ok(Self {
            client: Client::new(identity, proxy)?,
            boot,
            counters,
            clock_off: 0,
            notebook: None,
            profile: None,
            update: None,
        })
    }

    /// Tells the time wrong by so much, for simulated agents: a real one has its PC's clock.
    #[must_use]
    pub fn with_clock_off(self, clock_off: UnixMillis) -> Self {
        Self { clock_off, ..self }
    }

    /// Notes in `notebook` when the collector last took something.
    #[must_use]
    pub fn noting(self, notebook: Notebook) -> Self {
        Self { notebook: Some(notebook), ..self }
    }

    /// Says with each push which profile runs, and hands on which one is on offer.
    #[must_use]
    pub fn following(self, ends: profile::Ends) -> Self {
        Self { profile: Some(ends), ..self }
    }

    /// Says with each push how this agent stands with updates, and hands on which is on offer.
    #[must_use]
    pub fn updating(self, ends: Option<update::Ends>) -> Self {
        Self { update: ends, ..self }
    }

    pub(crate) fn fetcher(&self) -> Fetcher {
        Fetcher(self.client.clone())
    }

    /// Pushes until `stop`, then once more; ends within 4 s of it.
    ///
    /// What answers say of the site's next meeting goes to `meetings`. Ends at once where another PC
    /// has taken the site over, and tells who.
    pub async fn run(
        self,
        spool: spool::Handle,
        meetings: watch::Sender<Timetable>,
        stop: CancellationToken,
    ) -> Option<Dismissal> {
        let push = Push::new(self.client, self.boot, self.counters, spool, meetings)
            .with_clock_off(self.clock_off)
            .noting(self.notebook)
            .following(self.profile)
            .updating(self.update);
        let (say_good, way_is_good) = watch::channel(false);
        let lanes = async {
            let others = async {
                tokio::join!(
                    backlog(&push, way_is_good.clone(), Pauses::FLEET),
                    heartbeat(&push, way_is_good),
                )
            };
            tokio::select! {
                dismissal = fresh(&push, &say_good) => dismissal,
                // They end only after `say_good` is gone, which `fresh` holds.
                _ = others => std::future::pending().await,
            }
        };
        let dismissed = stop.run_until_cancelled(lanes).await;
        if dismissed.is_some() {
            return dismissed;
        }
        match timeout(LAST_PUSH, push.newest(FRESH_REPORTS, LAST_PUSH)).await {
            Ok(Ok(_)) => {}
            Ok(Err(trouble)) => {
                tracing::warn!(%trouble, "the last push failed; its reports stay in the spool");
            }
            Err(_) => tracing::warn!("the last push took too long; its reports stay in the spool"),
        }
        None
    }
}

/// Sends the newest whenever there is a new one, and again until it succeeds.
async fn fresh(push: &Push, way: &watch::Sender<bool>) -> Dismissal {
    let mut failures = 0;
    let mut told = None;
    loop {
        // After an outage 10,000 agents come back within seconds: the newest of each first.
        let reports = if failures > 0 { 1 } else { FRESH_REPORTS };
        let seen = push.spool().statistics().produced;
        match push.newest(reports, FRESH_TIMEOUT).await {
            Ok(0) => push.spool().appended(seen).await,
            Ok(_) => {
                if told.take().is_some() {
                    tracing::info!(failures, "the collector takes reports again");
                }
                failures = 0;
                way.send_replace(true);
                push.spool().appended(seen).await;
            }
            Err(Trouble { dismissed: Some(dismissal), .. }) => return dismissal,
            Err(trouble) => {
                failures += 1;
                way.send_replace(false);
                if told.replace(trouble.cause) != Some(trouble.cause) {
                    say(&trouble);
                }
                sleep(wait(&trouble, failures)).await;
            }
        }
    }
}

/// Sends what is older than the newest few, oldest first, while the way is good.
async fn backlog(push: &Push, mut way: watch::Receiver<bool>, pauses: Pauses) {
    let mut pause = pauses.first(chance());
    loop {
        if !*way.borrow_and_update() {
            if way.wait_for(|good| *good).await.is_err() {
                return;
            }
            pause = pauses.first(chance());
        }
        sleep(pause).await;
        let waiting = usize::try_from(push.spool().statistics().reports).unwrap_or(usize::MAX);
        let reports = waiting.saturating_sub(FRESH_REPORTS).min(BACKLOG_REPORTS);
        if reports == 0 {
            pause = pauses.idle(chance());
            continue;
        }
        let began = Instant::now();
        pause = match push.oldest(reports, BACKLOG_TIMEOUT).await {
            Ok(_) => pauses.after(began.elapsed(), chance()),
            Err(trouble) => {
                tracing::debug!(%trouble, "a batch of the backlog failed");
                wait(&trouble, u32::MAX).max(pauses.idle(chance()))
            }
        };
    }
}

/// Near a meeting, says that the agent is alive whenever nothing else was answered for a while.
///
/// It has a connection of its own when the other lanes' is in use: a connection that died without
/// a word, or a large report on a slow line, must not look like a dead site. While the way is
/// bad it leaves the trying to the fresh lane.
async fn heartbeat(push: &Push, mut way: watch::Receiver<bool>) {
    let mut meetings = push.meetings();
    let mut failures = 0;
    loop {
        if way.wait_for(|good| *good).await.is_err() {
            return;
        }
        let now = platform::monotonic_ms();
        let timetable = *meetings.borrow_and_update();
        let Some(every) = timetable.at(now).heartbeat() else {
            let begins =
                timetable.heartbeats_from(now).map(|from| Duration::from_millis(from - now));
            let pause = match begins.filter(|begins| *begins < HEARTBEAT_LOOK) {
                // Each in a place of its own, or all sites of a meeting would beat together.
                Some(begins) => begins + HEARTBEATS_BEGIN_WITHIN.mul_f64(chance()),
                None => HEARTBEAT_LOOK,
            };
            tokio::select! {
                changed = meetings.changed() => if changed.is_err() { return },
                () = sleep(pause) => {}
            }
            continue;
        };
        let silent_for = Duration::from_millis(now.saturating_sub(push.answered_at()));
        if let Some(left) = every.checked_sub(silent_for).filter(|left| !left.is_zero()) {
            sleep(left).await;
            continue;
        }
        match push.beat(every).await {
            Ok(()) => failures = 0,
            Err(trouble) => {
                failures += 1;
                tracing::debug!(%trouble, "a heartbeat failed");
                sleep(wait(&trouble, failures)).await;
            }
        }
    }
}

fn wait(trouble: &Trouble, failures: u32) -> Duration {
    match trouble.cause {
        Cause::Credential | Cause::Cloned | Cause::Replaced => pace::credential(chance()),
        _ => pace::backoff(failures, trouble.asked, chance()),
    }
}

/// Said once for each cause, not for each try.
fn say(trouble: &Trouble) {
    if trouble.cause == Cause::Credential {
        tracing::error!(
            "the collector refuses this PC's credential; readings are kept; \
             if it was revoked by mistake, enrol this PC again with a new code"
        );
    } else if trouble.cause == Cause::Cloned {
        tracing::error!(
            "another PC uses this PC's credential and was there first: a copied disk? \
             nothing of this PC counts; enrol it with a code of its own: \
             nhipcau-agent enroll --replace CODE"
        );
    } else {
        tracing::warn!(%trouble, "reports cannot be delivered; they wait in the spool");
    }
}

/// A number in 0..1. Without randomness agents are less spread, no more.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX))
}

#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod tests;
