//! The release in force, as all requests share it, and the task that gives it to more and more.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use rusqlite::Connection;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use wire::batch::NextMeeting;
use wire::update::{Standing, Version};
use wire::{SiteId, UnixMillis};

use super::parts::{self, Pacer};
use super::rollout::{Event, Standings};
use super::{Look, Phase, Release, Rollout, Stage, Updates, page};
use crate::answers;
use crate::config::Config;
use crate::fleet::{self, Snapshot};
use crate::judging;
use crate::listener::Body;
use crate::store::updates::{self as store, Head};
use crate::telemetry::Telemetry;

/// Between two steps. A fleet is changed over hours; whoever stops it waits no longer than this.
const STEP: Duration = Duration::from_secs(2);

/// Seconds after which an agent may ask again for a part that the line has no room for.
const RETRY_AFTER: u64 = 30;

/// In the place of a stage where there is none.
pub const WITHDRAWN: &str = "withdrawn";
/// See [`WITHDRAWN`].
pub const STOPPED: &str = "stopped";

/// Answers agents and whoever asks how a release stands.
#[derive(Debug)]
pub struct Desk {
    state_dir: PathBuf,
    updates: Updates,
    fleet: Arc<fleet::Shared>,
    pacer: Mutex<Pacer>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rollout: Option<Rollout>,
    standings: Standings,
}

/// What a push said of the program itself.
#[derive(Debug)]
pub(crate) enum Said {
    /// How it stands with updates.
    Standing(Standing),
    /// An agent at work that takes none.
    Off,
    /// Nothing: somebody who asks in its place.
    Nothing,
}

impl Desk {
    /// Takes what a push said; the id of the manifest to answer. A site whose meeting is near is
    /// offered nothing.
    pub(crate) fn push(
        &self,
        site: &SiteId,
        said: Said,
        meeting: Option<&NextMeeting>,
        now: UnixMillis,
    ) -> Option<Box<str>> {
        let mut state = lock(&self.state);
        let State { rollout, standings } = &mut *state;
        let standing = match said {
            Said::Nothing => return None,
            Said::Off => {
                standings.remove(site);
                return None;
            }
            Said::Standing(standing) => standing,
        };
        let offer = rollout.as_ref().and_then(|rollout| rollout.offer(site, &standing));
        let id = offer.map(|offer| offer.id.clone());
        standings.insert(site.clone(), standing);
        id.filter(|_| !meeting.is_some_and(|meeting| meeting.is_near(now)))
    }

    /// `GET /v1/update` of a site: the manifest it is offered.
    pub(crate) fn manifest(&self, site: &SiteId) -> Response<Body> {
        let state = lock(&self.state);
        let offer = state.standings.get(site).and_then(|standing| {
            let offer = state.rollout.as_ref()?.offer(site, standing)?;
            Some(offer.text.to_string())
        });
        match offer {
            Some(text) => answers::text(StatusCode::OK, text),
            None => answers::empty(StatusCode::NOT_FOUND),
        }
    }

    /// `GET /v1/update/{id}` of a site: a part of the program it is offered.
    pub(crate) async fn part(
        &self,
        site: &SiteId,
        id: &str,
        range: Option<&str>,
    ) -> Response<Body> {
        if !self.offers(site, id) {
            return answers::empty(StatusCode::NOT_FOUND);
        }
        let Some(range) = range.and_then(parts::range) else {
            return answers::text(StatusCode::BAD_REQUEST, "a program is given in parts\n");
        };
        let booked = lock(&self.pacer).book(range.end - range.start, Instant::now());
        let Some(at) = booked else {
            let later = answers::empty(StatusCode::SERVICE_UNAVAILABLE);
            return answers::retry_after(later, RETRY_AFTER);
        };
        sleep_until(at).await;
        let (path, asked) = (super::program(&self.state_dir, id), range.clone());
        let read = tokio::task::spawn_blocking(move || parts::read(&path, &asked)).await;
        match read.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(Some((bytes, size))) => partial(bytes, range.start, size),
            Ok(None) => answers::empty(StatusCode::RANGE_NOT_SATISFIABLE),
            Err(error) => {
                error!(%error, id, "the program of an update cannot be read");
                answers::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    fn offers(&self, site: &SiteId, id: &str) -> bool {
        let state = lock(&self.state);
        let standing = state.standings.get(site);
        let offer = standing.and_then(|standing| state.rollout.as_ref()?.offer(site, standing));
        offer.is_some_and(|offer| *offer.id == *id)
    }

    /// `GET /api/v1/updates`: how the release stands, and each site that takes updates.
    pub(crate) fn page(&self, now: UnixMillis) -> Response<Body> {
        let snapshot = self.fleet.snapshot(now);
        let state = lock(&self.state);
        let version = |site: &SiteId| version_of(&snapshot, site);
        let page = page::page(state.rollout.as_ref(), &state.standings, version);
        answers::json_bytes(StatusCode::OK, page)
    }
}

fn partial(bytes: Vec<u8>, first: u64, size: u64) -> Response<Body> {
    let last = first + (bytes.len() as u64).saturating_sub(1);
    let mut answer = answers::json_bytes(StatusCode::PARTIAL_CONTENT, bytes);
    let binary = HeaderValue::from_static("application/octet-stream");
    answer.headers_mut().insert(CONTENT_TYPE, binary);
    if let Ok(range) = HeaderValue::try_from(format!("bytes {first}-{last}/{size}")) {
        answer.headers_mut().insert(CONTENT_RANGE, range);
    }
    answer
}

/// Gives a release to more and more.
#[derive(Debug)]
pub struct Mover {
    desk: Arc<Desk>,
    judged: Arc<judging::Shared>,
    telemetry: Arc<Telemetry>,
    connection: Connection,
    /// What the store said last.
    head: Option<Head>,
}

impl Mover {
    /// Goes on with what the store knows.
    pub fn open(
        connection: Connection,
        config: &Config,
        (fleet, judged): (&Arc<fleet::Shared>, &Arc<judging::Shared>),
        telemetry: Arc<Telemetry>,
    ) -> rusqlite::Result<(Arc<Desk>, Self)> {
        let updates = config.updates.clone();
        let desk = Arc::new(Desk {
            state_dir: config.state_dir.clone(),
            pacer: Mutex::new(Pacer::new(updates.megabits)),
            updates,
            fleet: Arc::clone(fleet),
            state: Mutex::default(),
        });
        let judged = Arc::clone(judged);
        let mut mover = Self { desk: Arc::clone(&desk), judged, telemetry, connection, head: None };
        mover.look()?;
        Ok((desk, mover))
    }

    /// Steps until stopped. Each step may wait for the disk.
    pub async fn run(mut self, now: fn() -> UnixMillis, stop: CancellationToken) {
        if !self.desk.updates.are_on() {
            return;
        }
        let mut steps = tokio::time::interval(STEP);
        steps.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(steps.tick()).await.is_some() {
            let step = tokio::task::spawn_blocking(move || {
                let stepped = self.look().and_then(|()| self.step(now()));
                if let Err(error) = stepped {
                    self.telemetry.store_errors.inc();
                    error!(%error, "how the agents' update stands could not be read or written");
                }
                self
            });
            match step.await {
                Ok(mover) => self = mover,
                Err(error) => return error!(%error, "the agents' update stays where it is now"),
            }
        }
    }

    /// Takes what a command beside this program has offered or stopped.
    fn look(&mut self) -> rusqlite::Result<()> {
        let head = store::head(&self.connection)?;
        if head == self.head || !self.desk.updates.are_on() {
            return Ok(());
        }
        let rollout = match &head {
            Some(head) => self.rollout(head)?,
            None => None,
        };
        lock(&self.desk.state).rollout = rollout;
        self.head = head;
        Ok(())
    }

    fn rollout(&self, head: &Head) -> rusqlite::Result<Option<Rollout>> {
        let Updates { keys, stages, .. } = &self.desk.updates;
        let texts = store::manifests(&self.connection, head.id)?;
        let release = match Release::of(&texts, keys) {
            Ok(release) => release,
            Err(fault) => {
                error!(%fault, version = head.version, "the release is not offered");
                return Ok(None);
            }
        };
        info!(version = %release.version, phase = head.phase, "the release that counts");
        let chosen = store::chosen(&self.connection, head.id)?;
        Ok(Some(Rollout::restore(release, *stages, phase(head), chosen)))
    }

    fn step(&mut self, now: UnixMillis) -> rusqlite::Result<()> {
        let (snapshot, judged) = (self.desk.fleet.snapshot(now), self.judged.latest());
        let look = |site: &SiteId| look(&snapshot, &judged, site);
        let event = {
            let mut state = lock(&self.desk.state);
            let State { rollout, standings } = &mut *state;
            rollout.as_mut().and_then(|rollout| rollout.step(now, standings, look))
        };
        if let Some(event) = event {
            tell(&event);
            self.keep()?;
        }
        self.measure(&snapshot);
        Ok(())
    }

    fn keep(&mut self) -> rusqlite::Result<()> {
        let state = lock(&self.desk.state);
        let (Some(head), Some(rollout)) = (&mut self.head, &state.rollout) else { return Ok(()) };
        let (phase, reason) = match rollout.phase() {
            Phase::Rolling(stage) => (stage.name(), ""),
            Phase::Withdrawn(reason) => (WITHDRAWN, reason.as_str()),
            Phase::Stopped => (STOPPED, ""),
        };
        let chosen = rollout.chosen().map(|(site, chosen)| (site, chosen.since));
        if store::keep(&self.connection, (head.id, &head.phase), (phase, reason), chosen)? {
            (head.phase, head.reason) = (phase.to_owned(), reason.to_owned());
        }
        Ok(())
    }

    fn measure(&self, snapshot: &Snapshot) {
        let state = lock(&self.desk.state);
        let rollout = state.rollout.as_ref();
        let withdrawn =
            rollout.is_some_and(|rollout| matches!(rollout.phase(), Phase::Withdrawn(_)));
        self.telemetry.update_withdrawn.set(i64::from(withdrawn));
        let version = |site: &SiteId| version_of(snapshot, site);
        for (name, count) in page::counts(rollout, &state.standings, version) {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.telemetry.update_sites.with_label_values(&[name]).set(count);
        }
    }
}

fn tell(event: &Event) {
    match event {
        Event::Chose(sites) => {
            let names: Vec<&str> = sites.iter().map(SiteId::as_str).collect();
            info!(sites = names.join(" "), "offered the agents' update");
        }
        Event::Widened(stage) => {
            info!(stage = stage.name(), "the agents' update did no harm and goes to more sites");
        }
        Event::Withdrew(reason) => {
            warn!(reason, "the agents' update is withdrawn and offered to nobody any more");
        }
    }
}

/// Where a release stands by what is kept. A stage of a later version is begun anew.
fn phase(head: &Head) -> Phase {
    match head.phase.as_str() {
        WITHDRAWN => Phase::Withdrawn(head.reason.clone()),
        STOPPED => Phase::Stopped,
        name => {
            let stage = Stage::ALL.into_iter().find(|stage| stage.name() == name);
            Phase::Rolling(stage.unwrap_or(Stage::Trial))
        }
    }
}

fn look(snapshot: &Snapshot, judged: &judging::Judged, id: &SiteId) -> Look {
    let now = snapshot.now;
    let Some((_, site)) = snapshot.site(id.as_str()) else { return Look::default() };
    let meeting = judged.expected.meetings.next_meeting(id);
    Look {
        up: site.is_up(now),
        heard_at: site.last_seen().unwrap_or(UnixMillis::MIN),
        busy: meeting.is_some_and(|meeting| meeting.is_near(now)),
        version: version_of(snapshot, id),
    }
}

fn version_of(snapshot: &Snapshot, id: &SiteId) -> Option<Version> {
    snapshot.site(id.as_str())?.1.agent()?.version.parse().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A step that panicked has changed nothing that the next would not.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
