//! The profiles in force, as all requests share them, and the task that moves a change along.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::{ETAG, HeaderValue};
use hyper::{Response, StatusCode};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use wire::profile::Standing;
use wire::{SiteId, UnixMillis};

use super::rollout::Event;
use super::{Look, Phase, Profiles, Rollout, page};
use crate::fleet::{self, Snapshot};
use crate::inventory::Inventory;
use crate::judging;
use crate::listener::Body;
use crate::telemetry::Telemetry;
use crate::{answers, store};

/// Between two steps. A fleet is changed over minutes.
const STEP: Duration = Duration::from_secs(2);

/// Answers agents and whoever asks how a change stands.
#[derive(Debug)]
pub struct Desk {
    rollout: Mutex<Rollout>,
    /// What the file says, and whether it was read since the last step.
    file: Mutex<(Option<Arc<Profiles>>, bool)>,
}

impl Desk {
    /// The file was read anew. What was withdrawn is tried again: somebody has looked at it.
    pub fn set_file(&self, profiles: Profiles) {
        *lock(&self.file) = (Some(Arc::new(profiles)), true);
    }

    /// Takes what a push said of its profile; the etag to answer.
    pub(crate) fn push(&self, site: &SiteId, standing: Option<Standing>) -> Option<Box<str>> {
        // An agent that knows no profiles is told of none.
        let standing = standing?;
        let mut rollout = lock(&self.rollout);
        rollout.heard(site, standing);
        rollout.offer(site).map(|text| text.etag.clone())
    }

    /// `GET /v1/profile` of a site.
    pub(crate) fn profile(&self, site: &SiteId) -> Response<Body> {
        let text = lock(&self.rollout).offer(site).cloned();
        let Some(text) = text else { return answers::empty(StatusCode::NOT_FOUND) };
        let mut answer = answers::json_bytes(StatusCode::OK, text.text.clone().into_bytes());
        if let Ok(etag) = HeaderValue::from_str(&text.etag) {
            answer.headers_mut().insert(ETAG, etag);
        }
        answer
    }

    /// `GET /api/v1/profiles`: how the change stands, and each site.
    pub(crate) fn page(&self) -> Response<Body> {
        answers::json_bytes(StatusCode::OK, page::page(&lock(&self.rollout)))
    }
}

/// Moves changes along.
#[derive(Debug)]
pub struct Mover {
    desk: Arc<Desk>,
    fleet: Arc<fleet::Shared>,
    judged: Arc<judging::Shared>,
    telemetry: Arc<Telemetry>,
    connection: Connection,
    /// What the documents were last made of.
    made_of: Option<(Arc<Profiles>, Arc<Inventory>)>,
}

impl Mover {
    /// Starts from what the store knows; `file` is what the file says, where there is one.
    pub fn open(
        connection: Connection,
        file: Option<Profiles>,
        (fleet, judged): (&Arc<fleet::Shared>, &Arc<judging::Shared>),
        telemetry: Arc<Telemetry>,
    ) -> rusqlite::Result<(Arc<Desk>, Self)> {
        let rollout = Rollout::restore(store::profiles::proved(&connection)?);
        let file = Mutex::new((file.map(Arc::new), false));
        let desk = Arc::new(Desk { rollout: Mutex::new(rollout), file });
        let (fleet, judged) = (Arc::clone(fleet), Arc::clone(judged));
        let mover =
            Self { desk: Arc::clone(&desk), fleet, judged, telemetry, connection, made_of: None };
        Ok((desk, mover))
    }

    /// Steps until stopped. Each step may wait for the disk.
    pub async fn run(mut self, now: fn() -> UnixMillis, stop: CancellationToken) {
        let mut steps = tokio::time::interval(STEP);
        steps.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(steps.tick()).await.is_some() {
            let step = tokio::task::spawn_blocking(move || {
                self.step(now());
                self
            });
            match step.await {
                Ok(mover) => self = mover,
                Err(error) => return error!(%error, "profiles stay as they are offered now"),
            }
        }
    }

    fn step(&mut self, now: UnixMillis) {
        let (file, asked) = {
            let mut file = lock(&self.desk.file);
            (file.0.clone(), std::mem::take(&mut file.1))
        };
        let Some(profiles) = file else { return };
        let judged = self.judged.latest();
        self.want(&profiles, &judged.expected.inventory, asked);
        // The fleet is looked at only while something is tried, which is seldom.
        if *lock(&self.desk.rollout).phase() == Phase::Trying {
            let snapshot = self.fleet.snapshot(now);
            let look = |site: &SiteId| look(&snapshot, &judged, site);
            let event = lock(&self.desk.rollout).step(now, look);
            if let Some(event) = event {
                self.tell(&event, now);
            }
        }
        self.measure();
    }

    fn want(&mut self, profiles: &Arc<Profiles>, inventory: &Arc<Inventory>, asked: bool) {
        let same = self.made_of.as_ref().is_some_and(|(file, sites)| {
            Arc::ptr_eq(file, profiles) && Arc::ptr_eq(sites, inventory)
        });
        if same {
            return;
        }
        self.made_of = Some((Arc::clone(profiles), Arc::clone(inventory)));
        let documents = profiles.documents(inventory);
        for name in &documents.unmatched {
            warn!(name, "profiles: matches no site, area or level, or more than one");
        }
        let mut rollout = lock(&self.desk.rollout);
        let news = rollout.want(documents.of, profiles.trial);
        if asked {
            rollout.again();
        } else if news && *rollout.phase() == Phase::Trying {
            match store::profiles::withdrawn(&self.connection, &rollout.revision()) {
                Ok(Some(reason)) => rollout.stays_withdrawn(reason),
                Ok(None) => {}
                Err(error) => error!(%error, "whether the profiles were withdrawn is not known"),
            }
        }
        if news && *rollout.phase() == Phase::Settled {
            drop(rollout);
            self.keep_proved();
        }
    }

    fn tell(&mut self, event: &Event, now: UnixMillis) {
        match event {
            Event::Tried(sites) => {
                let names: Vec<&str> = sites.iter().map(SiteId::as_str).collect();
                info!(sites = names.join(" "), "changed profiles are tried");
            }
            Event::Proved => {
                info!("the changed profiles did no harm and are offered to all");
                self.keep_proved();
            }
            Event::Withdrew(reason) => {
                error!(
                    reason,
                    "the changed profiles are taken back; the ones before are offered again"
                );
                let revision = lock(&self.desk.rollout).revision();
                let kept = store::profiles::withdraw(&mut self.connection, &revision, reason, now);
                self.say(kept);
            }
        }
    }

    fn keep_proved(&mut self) {
        let proved: BTreeMap<_, _> = lock(&self.desk.rollout).proved().clone();
        let kept = store::profiles::keep_proved(&mut self.connection, &proved);
        self.say(kept);
    }

    fn say(&self, kept: rusqlite::Result<()>) {
        if let Err(error) = kept {
            self.telemetry.store_errors.inc();
            error!(%error, "how the profiles stand could not be written; a restart tries them again");
        }
    }

    fn measure(&self) {
        let rollout = lock(&self.desk.rollout);
        let withdrawn = matches!(rollout.phase(), Phase::Withdrawn(_));
        self.telemetry.profiles_withdrawn.set(i64::from(withdrawn));
        for (state, count) in page::counts(&rollout) {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.telemetry.profile_sites.with_label_values(&[state]).set(count);
        }
    }
}

fn look(snapshot: &Snapshot, judged: &judging::Judged, id: &SiteId) -> Look {
    let now = snapshot.now;
    let Some((_, site)) = snapshot.site(id.as_str()) else { return Look::default() };
    let meeting = judged.expected.meetings.next_meeting(id);
    let failing =
        site.probes().filter(|(_, probe)| probe.is_fresh(now) && probe.reading.failure.is_some());
    Look {
        up: site.is_up(now),
        heard_at: site.last_seen().unwrap_or(UnixMillis::MIN),
        busy: meeting.is_some_and(|meeting| meeting.is_near(now)),
        failing: failing.map(|(name, _)| name.clone()).collect(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A step that panicked has changed nothing that the next would not.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
