//! Judges as time passes, for everyone who wants to know: the rim around [`crate::readiness`].

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;
use wire::UnixMillis;

use crate::absences::Absence;
use crate::exposition::Verdicts;
use crate::fleet;
use crate::inventory::Inventory;
use crate::readiness::{Judge, Judgement, Policy, World};

mod ahead;

pub use ahead::{Ahead, Coming};

/// Between two judgements from T-30 of a meeting to its end: short beside the 5 s of a scrape, so
/// that of the 20 s in which a fault must show hardly any are lost here. Reports of a few hundred
/// sites come more often than this, so waking for each of them would be no sooner.
const REHEARSED: Duration = Duration::from_millis(500);

/// Between two judgements from T-60 on: rooms are being switched on, and people look.
const WATCHED: Duration = Duration::from_secs(2);

/// A pause is at least so many times as long as the judgement before it, which thus takes at most
/// a fifth of a core. A few hundred sites take some milliseconds, ten thousand a quarter of a
/// second: then a second passes between two, and that still fits into the 20.
const PAUSES: u32 = 4;

/// Between two judgements otherwise: as often as reports come, and soon enough for a meeting
/// that was just written down and is about to start.
const RESTING: Duration = Duration::from_secs(15);

/// What is expected at a moment.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Which sites.
    pub inventory: Arc<Inventory>,
    /// Which meetings.
    pub meetings: Coming,
    /// Who is excused.
    pub absences: Arc<Vec<Absence>>,
}

/// The latest judgement, and what is made of it once for all readers.
#[derive(Debug)]
pub struct Judged {
    /// The judgement.
    pub judgement: Judgement,
    /// What it was judged by.
    pub expected: Expected,
    /// Its lines.
    pub verdicts: Arc<Verdicts>,
}

/// The latest judgement as all tasks share it.
#[derive(Debug)]
pub struct Shared {
    latest: RwLock<Arc<Judged>>,
    woken: Notify,
}

impl Default for Shared {
    fn default() -> Self {
        let judgement = Judgement {
            at: 0,
            sites: BTreeMap::new(),
            meetings: Vec::new(),
            incidents: Vec::new(),
        };
        let judged = Judged { judgement, expected: Expected::default(), verdicts: Arc::default() };
        Self { latest: RwLock::new(Arc::new(judged)), woken: Notify::new() }
    }
}

impl Shared {
    /// The latest judgement.
    #[must_use]
    pub fn latest(&self) -> Arc<Judged> {
        Arc::clone(&self.latest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has it judged as soon as may be: somebody changed what is expected and looks at the board.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    fn replace(&self, judged: Judged) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(judged);
    }
}

/// The task that judges.
#[derive(Debug)]
pub struct Judging {
    fleet: Arc<fleet::Shared>,
    policy: Policy,
    judge: Judge,
    shared: Arc<Shared>,
    /// How long the last judgement took.
    took: Duration,
}

impl Judging {
    /// One that has not judged yet.
    #[must_use]
    pub fn new(fleet: Arc<fleet::Shared>, policy: Policy, shared: Arc<Shared>) -> Self {
        Self { fleet, policy, judge: Judge::default(), shared, took: Duration::ZERO }
    }

    /// Judges until stopped. `expected` is asked each time, and `told` of what was judged: both
    /// on a thread that may wait.
    pub async fn run(
        mut self,
        mut expected: impl FnMut(UnixMillis) -> Expected + Send + 'static,
        mut told: impl FnMut(&Judged) + Send + 'static,
        stop: CancellationToken,
    ) {
        loop {
            // No request should wait for it.
            let work = tokio::task::spawn_blocking(move || {
                let (now, begun) = (crate::now(), Instant::now());
                self.judge_at(now, expected(now));
                told(&self.shared.latest());
                self.took = begun.elapsed();
                (self, expected, told)
            });
            match work.await {
                Ok(back) => (self, expected, told) = back,
                Err(error) => return error!(%error, "judging has ended; verdicts stay as they are"),
            }
            let (least, pause) = (self.took * PAUSES, self.pause());
            let shared = Arc::clone(&self.shared);
            let pause = async move {
                tokio::time::sleep(least).await;
                let rest = pause.saturating_sub(least);
                let _ = tokio::time::timeout(rest, shared.woken.notified()).await;
            };
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Judges once.
    pub fn judge_at(&mut self, now: UnixMillis, expected: Expected) {
        let fleet = self.fleet.snapshot(now);
        let judgement = self.judge.judge(World {
            fleet: &fleet,
            inventory: &expected.inventory,
            occurrences: &expected.meetings.soon,
            policy: &self.policy,
            absences: &expected.absences,
        });
        let before = self.shared.latest();
        let verdicts =
            Verdicts::render(&judgement, &expected.meetings.soon, &expected.inventory, &before);
        self.shared.replace(Judged { judgement, expected, verdicts: Arc::new(verdicts) });
    }

    /// How long nothing need be judged.
    fn pause(&self) -> Duration {
        let judged = self.shared.latest();
        let now = judged.judgement.at;
        let mut meetings = judged.expected.meetings.soon.iter();
        let pause = if judged.judgement.meetings.is_empty() {
            RESTING
        } else if meetings.any(|meeting| meeting.is_urgent(now)) {
            REHEARSED
        } else {
            WATCHED
        };
        pause.max(self.took * PAUSES)
    }
}

#[cfg(test)]
mod tests {
    use super::ahead::tests::meeting;
    use super::*;

    #[test]
    fn what_was_judged_is_there_for_everyone() {
        let yaml = b"sites: [{ id: a, name: A }]";
        let inventory = crate::inventory::parse("sites.yaml".as_ref(), yaml).unwrap();
        let fleet = Arc::new(fleet::Shared::default());
        fleet.lock().set_inventory(&inventory);
        let shared = Arc::new(Shared::default());
        let mut judging = Judging::new(fleet, Policy::default(), Arc::clone(&shared));
        let expected = Expected {
            inventory: Arc::new(inventory),
            meetings: Coming::soon(vec![meeting("now", 0, &["a"])], 1),
            absences: Arc::default(),
        };
        judging.judge_at(1, expected);
        let judged = shared.latest();
        assert_eq!(judged.judgement.at, 1);
        assert_eq!(judged.judgement.meetings.len(), 1);
        assert!(judged.expected.meetings.next_meeting(&"a".parse().unwrap()).is_some());
    }
}
