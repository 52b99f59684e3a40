//! The collector.
//!
//! ```text
//!  agents ══TLS══▶ listener ─▶ routes ─▶ auth ─▶ ingest ─▶ store (SQLite: counted once)
//!                                 └────▶ enrol      │
//!  sites.yaml ─▶ inventory ─┐                       ▼
//!  meetings/  ─▶ meetings  ─┼▶ watch ─────────▶   fleet ─▶ exposition ─▶ /metrics ◀── Prometheus
//!  absences   ─▶ absences  ─┤    │                  │ ├──▶ api        ─▶ /api/v1
//!  profiles   ─▶ profiles  ─┤    │                  │ ├──▶ profiles   ─▶ agents
//!  calendars  ─▶ polling   ─┘    │                  │ └──▶ updates    ─▶ agents
//!                                ▼                  ▼
//!                            readiness ◀──────── judging ─▶ roll_call ─▶ store ─▶ report
//!                                                    └─────▶ board     ─▶ / ◀── browsers
//!  people ─▶ sign_in ─▶ permission ─▶ an act ─▶ store, with its line in the audit log
//! ```
//!
//! `inventory`, `meetings`, `ingest` (decoding), `permission`, `users`, `fleet`, `readiness`,
//! `exposition` and `api` are pure: they take values and `now`. Sockets, disk and clock live in
//! `listener`, `sign_in`, `store`, `polling`, `watch`, `judging` and here.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use wire::{SiteId, UnixMillis};

// What is configured and expected.
pub mod absences;
pub mod acknowledgements;
pub mod config;
pub mod inventory;
pub mod meetings;
pub mod polling;
pub mod watch;

// A report's way.
pub mod auth;
pub mod enrol;
pub mod fleet;
pub mod ingest;
pub mod judging;
pub mod listener;
pub mod readiness;
pub mod roll_call;
pub mod routes;

// What sites are to run, and which PCs wait to become one.
pub mod profiles;
pub mod updates;
pub mod waiting;

// Who may look and act, and who did.
pub mod audit;
pub mod permission;
pub mod sign_in;
pub mod users;

// Its readers.
pub mod api;
pub mod board;
pub mod exposition;
pub mod report;

// The collector about itself.
pub mod telemetry;

// How it speaks.
mod answers;
mod bucket;
mod refusal;
mod seldom;

// What outlives the process.
pub mod authority;
pub mod store;

// How it starts, and what an operator types.
pub mod commands;
pub mod resident;
mod start;

pub use start::{Listeners, StartError};

#[cfg(test)]
#[path = "../../tests/fuzz/mutations.rs"]
mod mutations;

use auth::{Auth, Tokens, keeper};
use authority::Authority;
use board::Board;
use config::{Config, MeetingUrl};
use enrol::Enrolment;
use fleet::Fleet;
use ingest::Ingest;
use ingest::rivals::Rivals;
use judging::{Ahead, Expected, Judged, Judging};
use listener::{Listener, Patience, descriptors};
use polling::Inbox;
use profiles::desk::Mover;
use roll_call::desk::Desk;
use roll_call::recorder::Recorder;
use routes::{Port, Routes};
use seldom::Seldom;
use store::received;
use telemetry::Telemetry;
use updates::desk::Mover as Updater;
use watch::{Readers, Watch};

/// Ten thousand sites, and as many connections again that a bad line has left behind and nobody
/// has missed yet. One at rest costs 10 KiB.
const AGENTS_CONNECTIONS: usize = 16_384;

/// A few Prometheus servers, and a few dozen people whose browsers open six each.
const OPERATIONS_CONNECTIONS: usize = 256;

/// A collector that has all it needs but sockets.
#[derive(Debug)]
pub struct Collector {
    telemetry: Arc<Telemetry>,
    fleet: Arc<fleet::Shared>,
    plan: Arc<meetings::Shared>,
    judging: Judging,
    absences: Arc<absences::Shared>,
    recorder: Recorder,
    board: Arc<Board>,
    acknowledgements: acknowledgements::desk::Desk,
    profiles: (Arc<profiles::desk::Desk>, Mover),
    updates: Updater,
    watch: Watch,
    polling: (Arc<Inbox>, Vec<MeetingUrl>),
    received: received::Handle,
    agents_authority: Arc<Authority>,
    operations_authority: Option<Arc<Authority>>,
    routes: Routes,
    stop: CancellationToken,
}

impl Collector {
    /// Reads everything that can be at fault and starts the store's threads. Runs until `stop`.
    pub fn open(config: &Config, stop: CancellationToken) -> Result<Self, StartError> {
        let connect = || store::open(&config.state_dir);
        let telemetry = Arc::new(Telemetry::new()?);
        let inbox = Arc::new(Inbox::open(connect()?, &config.meeting_urls)?);
        let (inventory, news, watch) =
            Watch::begin(config, Arc::clone(&inbox), Arc::clone(&telemetry))?;
        let calendar = news.calendar.unwrap_or_default();
        let tokens = Tokens::read(&config.operations)?;
        let agents_authority = Arc::new(Authority::of_agents(config, now())?);
        let operations_authority = Authority::of_operations(config, &agents_authority, now())?;
        let (received, history) = received::start(connect()?, Arc::clone(&telemetry))?;
        let fleet = Arc::new(fleet::Shared::new(Fleet::restore(&history)));
        fleet.lock().set_inventory(&inventory);
        let auth = Arc::new(Auth::default());
        let rivals = Arc::new(Rivals::default());
        let (shown, known) = (Arc::clone(&fleet), Arc::clone(&rivals));
        let changed = move |auth: &Auth, renewed: &[SiteId]| {
            let mut fleet = shown.lock();
            fleet.set_enrolled(&auth.enrolled());
            for site in renewed {
                known.anew(site);
                fleet.set_contest(site, None);
            }
        };
        let keeper = keeper::start(connect()?, Arc::clone(&auth), changed)?;
        let judged = Arc::new(judging::Shared::default());
        let judging =
            Judging::new(Arc::clone(&fleet), config.readiness.clone(), Arc::clone(&judged));
        let given = Arc::new(acknowledgements::Shared::default());
        let acknowledgements = acknowledgements::desk::Desk::open(
            connect()?,
            Arc::clone(&given),
            Arc::clone(&judged),
        )?;
        let board = Arc::new(Board::new(Arc::clone(&judged), given));
        let recorder = Recorder::new(connect()?, now())?;
        let ingest = Ingest::new(
            Arc::clone(&fleet),
            received.clone(),
            &history,
            Arc::clone(&telemetry),
            rivals,
        );
        info!(sites = inventory.sites.len(), "inventory read");
        if config.meetings.is_some() {
            info!(meetings = calendar.meetings.len(), "calendar read");
        }
        let plan = Arc::new(meetings::Shared::default());
        plan.set_inventory(Arc::new(inventory));
        plan.set_calendar(calendar);
        let calendar = meetings::desk::Desk::open(connect()?, Arc::clone(&plan))?;
        let absences = Arc::new(absences::Shared::default());
        absences.set_file(news.absences.unwrap_or_default());
        let excuses = absences::desk::Desk::open(connect()?, Arc::clone(&absences))?;
        let people = sign_in::Desk::open(connect()?, config.operations.has_tls(), now())?;
        let (profiles, mover) =
            Mover::open(connect()?, news.profiles, (&fleet, &judged), Arc::clone(&telemetry))?;
        let (updates, updater) =
            Updater::open(connect()?, config, (&fleet, &judged), Arc::clone(&telemetry))?;
        let routes = Routes {
            profiles: Arc::clone(&profiles),
            updates,
            calendar,
            acknowledgements: acknowledgements.clone(),
            excuses,
            waiting: waiting::Desk::new(connect()?, Arc::clone(&fleet)),
            auth,
            enrolment: Enrolment::new(keeper, Arc::clone(&fleet), Arc::clone(&telemetry)),
            ingest,
            fleet: Arc::clone(&fleet),
            judged,
            board: Arc::clone(&board),
            memory: Desk::new(connect()?),
            telemetry: Arc::clone(&telemetry),
            tokens,
            people,
            log: audit::desk::Desk::new(connect()?),
            patience: Patience::default(),
            stop: stop.clone(),
            strangers: Seldom::default(),
        };
        Ok(Self {
            telemetry,
            fleet,
            plan,
            judging,
            absences,
            recorder,
            board,
            acknowledgements,
            profiles: (profiles, mover),
            updates: updater,
            watch,
            polling: (inbox, config.meeting_urls.clone()),
            received,
            agents_authority,
            operations_authority,
            routes,
            stop,
        })
    }

    /// Serves until stopped. Agents' requests in progress are finished first; meanwhile
    /// operations still answer, `/-/ready` with 503.
    pub async fn run(self, listeners: Listeners) -> Result<(), StartError> {
        if let Ok((agents, operations)) = listeners.addresses() {
            info!(endpoint = "agents", address = %agents, "listening");
            info!(endpoint = "operations", address = %operations, "listening");
        }
        let agents_tls = self.agents_authority.tls()?;
        let operations_tls = self.operations_authority.as_ref().map(|a| a.tls()).transpose()?;
        let agents_connections =
            descriptors::connections(AGENTS_CONNECTIONS, OPERATIONS_CONNECTIONS);
        let listener = |name, socket, tls, connections| Listener {
            name,
            socket,
            tls,
            connections,
            patience: Patience::default(),
            telemetry: Arc::clone(&self.telemetry),
        };
        let agents = listener("agents", listeners.agents, Some(agents_tls), agents_connections);
        let operations =
            listener("operations", listeners.operations, operations_tls, OPERATIONS_CONNECTIONS);
        let routes = Arc::new(self.routes);
        let drained = CancellationToken::new();
        let authorities = std::iter::once(self.agents_authority).chain(self.operations_authority);
        let tending = tokio::spawn(tend(authorities.collect(), self.telemetry, self.stop.clone()));
        let (begun, first) = oneshot::channel();
        let judging = tokio::spawn(judge(
            self.judging,
            Arc::clone(&self.plan),
            Arc::clone(&self.absences),
            (self.recorder, self.board, self.acknowledgements),
            begun,
            self.stop.clone(),
        ));
        // Whoever comes meanwhile waits in the sockets' queues: no scrape lacks verdicts, and no
        // page says of an expected site that there is none. Without judging all else goes on.
        let _ = first.await;
        let (profiles, mover) = self.profiles;
        let moving = tokio::spawn(mover.run(now, self.stop.clone()));
        let updating = tokio::spawn(self.updates.run(now, self.stop.clone()));
        let (fleet, plan, absences) = (self.fleet, self.plan, self.absences);
        let readers = Readers { fleet, plan, absences, profiles };
        let watching = tokio::spawn(self.watch.run(readers, self.stop.clone()));
        let (inbox, urls) = self.polling;
        let polling = tokio::spawn(inbox.run(urls, self.stop.clone()));
        let operations =
            tokio::spawn(serve(operations, Port::Operations, Arc::clone(&routes), drained.clone()));
        serve(agents, Port::Agents, routes, self.stop).await;
        drained.cancel();
        for (task, ended) in [
            ("operations", operations.await.map(Ok)),
            ("watch", watching.await),
            ("judging", judging.await.map(Ok)),
            ("polling", polling.await.map(Ok)),
            ("profiles", moving.await.map(Ok)),
            ("updates", updating.await.map(Ok)),
            ("certificates", tending.await.map(Ok)),
        ] {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => error!(task, %error, "ended with an error"),
                Err(error) => error!(task, %error, "ended with a panic"),
            }
        }
        self.received.close().await;
        info!("stopped");
        Ok(())
    }
}

async fn serve(listener: Listener, port: Port, routes: Arc<Routes>, stop: CancellationToken) {
    let service = move |request, peer| {
        let routes = Arc::clone(&routes);
        // In a box of its own: what answering needs is held while a request is answered, not by
        // thousands of connections that wait for their next.
        Box::pin(async move { routes.answer(port, request, peer, now()).await })
    };
    listener.serve(service, stop).await;
}

/// Judges by the plan in force, and has what was judged written down; `begun` hears of the first
/// time.
async fn judge(
    judging: Judging,
    plan: Arc<meetings::Shared>,
    absences: Arc<absences::Shared>,
    (mut recorder, board, acknowledgements): (Recorder, Arc<Board>, acknowledgements::desk::Desk),
    begun: oneshot::Sender<()>,
    stop: CancellationToken,
) {
    let mut ahead = Ahead::default();
    let expected = move |now: UnixMillis| {
        let plan = plan.plan();
        let meetings = ahead.look(&plan, now);
        Expected { inventory: plan.inventory, meetings, absences: absences.all() }
    };
    let mut begun = Some(begun);
    let told = move |judged: &Judged| {
        let Expected { inventory, meetings, .. } = &judged.expected;
        acknowledgements.settle(judged, now());
        board.take(judged, now());
        recorder.take(&judged.judgement, &meetings.soon, inventory);
        if let Some(begun) = begun.take() {
            // Nobody waits where the collector was stopped at once.
            let _ = begun.send(());
        }
    };
    judging.run(expected, told, stop).await;
}

/// Keeps certificates fresh.
async fn tend(
    authorities: Vec<Arc<Authority>>,
    telemetry: Arc<Telemetry>,
    stop: CancellationToken,
) {
    let mut said = String::new();
    loop {
        for authority in &authorities {
            let (tended, pin) = (Arc::clone(authority), authority.pin());
            // Renewal writes files and waits for the disk.
            match tokio::task::spawn_blocking(move || tended.tend(now())).await {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => {
                    info!(expires_at = authority.expires_at(), "new certificate");
                    if authority.pin() != pin {
                        error!("its authority is another one: every agent must enrol again");
                    }
                }
                Ok(Err(error)) if error.to_string() == said => {}
                Ok(Err(error)) => {
                    error!(%error, "no new certificate; the one in use stays");
                    said = error.to_string();
                }
                Err(error) => error!(%error, "looking after certificates"),
            }
        }
        if let Some(agents) = authorities.first() {
            let seconds = agents.expires_at() as f64 / 1000.0;
            telemetry.certificate_expiry_timestamp_seconds.set(seconds);
        }
        let pause = tokio::time::sleep(Authority::TEND_EVERY);
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

/// The machine's clock, read at the rim alone.
#[must_use]
pub fn now() -> UnixMillis {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}
