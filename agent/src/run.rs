//! `run`: joins the stages, from the first tick to the last push.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::profile::Standing;
use wire::{AgentInfo, Reading, SiteId, UnixMillis};

use crate::cadence::Timetable;
use crate::config::Config;
use crate::contact::Notebook;
use crate::enrol::Asking;
use crate::identity::{self, Identity, IdentityError};
use crate::profile::{Ends, Follower, Probing};
use crate::report::{Assembler, Moment};
use crate::runner::Finished;
use crate::spool::{self, SpoolError};
use crate::update::{Role, Updating};
use crate::uplink::{self, UplinkError};
use crate::version::version;
use crate::{machine, own, page, platform};

/// Readings on their way to the assembler. It never waits for anything slow, so this only
/// bounds a moment's burst.
const READINGS_WAITING: usize = 64;

/// How often an agent that is not enrolled yet looks whether it has been.
const ENROLMENT_POLL: Duration = Duration::from_secs(2);

/// Configuration, spool, handshake and first reports are done by then.
const STARTED: Duration = Duration::from_secs(10);

/// What runs seldom (a handshake after a cut line, a new profile) is given back too. What is needed
/// after all comes back by some sixty page faults, a tenth of a millisecond.
const TRIM_EVERY: Duration = Duration::from_mins(5);

/// Why an agent cannot run.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RunError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Uplink(#[from] UplinkError),
    /// Said to whoever reads the log of the service, which starts again and waits for a code.
    #[error(
        "site {site} is another PC now ({by}), enrolled in the place of this one: this agent has stopped; \
         if that is a mistake, enrol this PC again with a new code, else remove nhipcau-agent from it"
    )]
    Replaced { site: SiteId, by: String },
    #[error("this PC was enrolled anew; start the agent again for it to be that site")]
    EnrolledAnew,
}

/// Why an agent ended in good order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// The update with this id is ready to be tried.
    Update(Box<str>),
}

/// Measures and pushes until `stop`; then spools what was measured, pushes once more and ends
/// within five seconds.
///
/// All of it stays on the thread of [`runtime::block_on`](crate::runtime::block_on), so no probe
/// has to be fit for several.
///
/// `path` is where the configuration was read from, `role` which program this is.
pub async fn run(
    config: Config,
    path: &Path,
    role: Role,
    stop: CancellationToken,
) -> Result<Ended, RunError> {
    // The agent also ends where its uplink learns that it is not the site any more, and where there
    // is an update to switch to; nothing of it stays then.
    let stop = stop.child_token();
    let _gone = stop.clone().drop_guard();
    let (meetings, timetable) = watch::channel(Timetable::default());
    let latest = Rc::new(page::Latest::default());
    // Before the PC is a site, the page says what is still to be done.
    page::open(&config.file, Rc::clone(&latest), meetings.clone(), &stop).await;
    spawn_local(stop.clone().run_until_cancelled_owned(platform::hear_sessions()));
    let proxy = config.file.proxy.as_deref();
    let Some(identity) = enrolled(&config.file.state_dir, proxy, &stop).await? else {
        return Ok(Ended::Stopped);
    };
    let limits = config.file.spool.limits();
    let spool = spool::Handle::open(&config.file.state_dir, limits)?;
    let boot = Uuid::new_v4();
    tracing::info!(version = version(), site = %identity.site, collector = %identity.collector, %boot, probes = config.tasks.len(), "agent started");

    let counters = Arc::new(uplink::Counters::default());
    let stop_uplink = CancellationToken::new();
    let (offered, offers) = watch::channel(None);
    let (standing, stands) = watch::channel(Standing::default());
    let (ends, updating) = Updating::of(&config.file, timetable.clone()).unzip();
    let uplink =
        uplink::Uplink::new(&identity, config.file.proxy.as_deref(), boot, Arc::clone(&counters))?
            .noting(Notebook::of(&config.file.state_dir))
            .following(Ends { offered, standing: stands })
            .updating(ends);
    let switch = updating.map(|updating| {
        let follower = updating.follower(path, role, uplink.fetcher());
        let stop = stop.clone();
        spawn_local(async move {
            let switch = stop.run_until_cancelled(follower.run()).await;
            stop.cancel();
            switch
        })
    });
    let (every, state_dir) = (config.file.report_every.0, config.file.state_dir.clone());
    let start = platform::monotonic_ms();
    // Closes when the last probe has stopped and nobody can start another.
    let (sender, readings) = mpsc::channel(READINGS_WAITING);
    let probing = Probing::new(identity.site.clone(), timetable.clone(), sender, stop.clone());
    let follower = Follower::begin(config.file, probing, (offers, standing), uplink.fetcher());
    spawn_local(follower.run(stop.clone()));
    spawn_local(stop.clone().run_until_cancelled_owned(trim()));
    let pushing = {
        let pushing = uplink.run(spool.clone(), meetings, stop_uplink.clone());
        let stop = stop.clone();
        spawn_local(async move { pushing.await.inspect(|_| stop.cancel()) })
    };
    let assembler = Assembler::new(boot, agent_info(), every, start);
    let gathering =
        Gathering { assembler, every, timetable, spool: spool.clone(), counters, latest };
    gathering.until(&stop, readings).await;

    stop_uplink.cancel();
    let dismissed = pushing.await.unwrap_or_else(|error| {
        tracing::error!(%error, "the uplink ended badly");
        None
    });
    let left = spool.close().await;
    tracing::info!(spooled = left.reports, "agent stopped");
    let Some(dismissal) = dismissed else {
        let switch = match switch {
            Some(switch) => switch.await.unwrap_or_default(),
            None => None,
        };
        return Ok(switch.map_or(Ended::Stopped, Ended::Update));
    };
    if !identity::set_aside(&state_dir, &identity)? {
        return Err(RunError::EnrolledAnew);
    }
    Err(RunError::Replaced { site: identity.site, by: dismissal.by })
}

/// The identity, as soon as there is one; `None` if stopped before.
async fn enrolled(
    state_dir: &Path,
    proxy: Option<&str>,
    stop: &CancellationToken,
) -> Result<Option<Identity>, IdentityError> {
    let (mut asking, mut told) = (Asking::default(), false);
    loop {
        if let Some(identity) = identity::load(state_dir)? {
            if !machine::is_another(state_dir, &identity) {
                machine::remember(state_dir, &identity);
                return Ok(Some(identity));
            }
            if !told {
                tracing::error!(site = %identity.site, "this identity was made on another machine: the disk was copied, \
                    and this PC does not report as that site; enrol it with a code of its own");
                told = true;
            }
        }
        stop.run_until_cancelled(asking.turn(state_dir, proxy)).await;
        let waited = stop.run_until_cancelled(tokio::time::sleep(ENROLMENT_POLL)).await;
        if waited.is_none() {
            return Ok(None);
        }
    }
}

/// Keeps resident what runs each few seconds: old PCs have 2 GiB.
async fn trim() {
    tokio::time::sleep(STARTED).await;
    loop {
        platform::trim_working_set();
        tokio::time::sleep(TRIM_EVERY).await;
    }
}

/// Readings into reports, reports into the spool.
struct Gathering {
    assembler: Assembler,
    every: Duration,
    timetable: watch::Receiver<Timetable>,
    spool: spool::Handle,
    counters: Arc<uplink::Counters>,
    latest: Rc<page::Latest>,
}

impl Gathering {
    async fn until(mut self, stop: &CancellationToken, mut readings: mpsc::Receiver<Finished>) {
        loop {
            let now = platform::monotonic_ms();
            let closes_at =
                self.timetable.borrow().no_later_than_full(now, self.assembler.closes_at());
            tokio::select! {
                Some((reading, at)) = readings.recv() => self.add(reading, at),
                () = sleep_until(closes_at) => self.close().await,
                // A meeting is near, or no more: the next cycle is reckoned anew.
                Ok(()) = self.timetable.changed() => self.close().await,
                () = stop.cancelled() => break,
            }
        }
        // The probes end at the same token; what they said before is still in the channel.
        while let Some((reading, at)) = readings.recv().await {
            self.add(reading, at);
        }
        self.close().await;
    }

    fn add(&mut self, reading: Reading, at: u64) {
        self.latest.note(&reading, at);
        let urgent = self.timetable.borrow().at(at).heartbeat().is_some();
        self.assembler.add(reading, at, urgent);
    }

    async fn close(&mut self) {
        let statistics = self.spool.statistics();
        let now = Moment { unix: unix_ms(), uptime: platform::monotonic_ms() };
        let every = self.every * self.timetable.borrow_and_update().at(now.uptime).report_stretch();
        let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        let Some(own) = own::reading(&statistics, &self.counters, every_ms) else { return };
        let report = self.assembler.close(now, every, own);
        // A report that the disk refused is in the spool's memory; the spool has said so.
        if let Err(error) = self.spool.append(&report).await {
            tracing::error!(%error, seq = report.seq, "a report could not be kept");
        }
    }
}

/// Sleeps to a moment of the monotonic clock.
async fn sleep_until(moment: u64) {
    let left = moment.saturating_sub(platform::monotonic_ms());
    tokio::time::sleep(Duration::from_millis(left)).await;
}

/// The PC's clock, which is not trusted; before 1970 it says 1970.
pub(crate) fn unix_ms() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// This program, for whoever gets its reports.
pub(crate) fn agent_info() -> AgentInfo {
    let bounded = |text: String| text.chars().take(wire::limits::TEXT_CHARS).collect::<String>();
    AgentInfo { version: version().into(), os: bounded(platform::os_name()).into() }
}
