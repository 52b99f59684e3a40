//! The probes that run now. A new plan starts and stops only what it changes.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;
use tokio_util::sync::CancellationToken;
use wire::{ProbeName, SiteId};

use super::Planned;
use crate::cadence::Timetable;
use crate::runner::{self, Finished};
use crate::schedule::Schedule;

/// Starts and stops probes. When it is dropped and all of them have ended, the channel of their
/// readings closes.
#[derive(Debug)]
pub(crate) struct Probing {
    site: SiteId,
    timetable: watch::Receiver<Timetable>,
    readings: mpsc::Sender<Finished>,
    stop: CancellationToken,
    running: BTreeMap<ProbeName, Running>,
}

#[derive(Debug)]
struct Running {
    spec: Option<serde_json::Value>,
    stop: CancellationToken,
}

impl Probing {
    /// None yet, of a site that ends at `stop`.
    pub(crate) fn new(
        site: SiteId,
        timetable: watch::Receiver<Timetable>,
        readings: mpsc::Sender<Finished>,
        stop: CancellationToken,
    ) -> Self {
        Self { site, timetable, readings, stop, running: BTreeMap::new() }
    }

    /// Runs these and no others; says how many were started and how many stopped.
    pub(crate) fn apply(&mut self, plan: Vec<Planned>) -> (usize, usize) {
        let wanted: BTreeSet<&ProbeName> = plan.iter().map(|planned| &planned.task.name).collect();
        let mut stopped = 0;
        self.running.retain(|name, running| {
            let stays = wanted.contains(name);
            if !stays {
                running.stop.cancel();
                stopped += 1;
            }
            stays
        });
        let mut started = 0;
        for planned in plan {
            if self.running.get(&planned.task.name).is_some_and(|runs| runs.spec == planned.spec) {
                continue;
            }
            if let Some(changed) = self.running.remove(&planned.task.name) {
                changed.stop.cancel();
                stopped += 1;
            }
            self.start(planned);
            started += 1;
        }
        (started, stopped)
    }

    fn start(&mut self, Planned { task, spec }: Planned) {
        let schedule = Schedule::new(self.site.as_str(), task.name.as_str(), task.every);
        let (name, stop) = (task.name.clone(), self.stop.child_token());
        let (timetable, readings) = (self.timetable.clone(), self.readings.clone());
        spawn_local(runner::keep(task, schedule, timetable, readings, stop.clone()));
        self.running.insert(name, Running { spec, stop });
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::task::LocalSet;

    use super::super::plan;
    use super::*;

    fn planned(text: &str) -> Vec<Planned> {
        let file = crate::config::parse(Path::new("agent.yaml"), "").unwrap().file;
        plan(&file, text).unwrap()
    }

    #[tokio::test]
    async fn a_probe_that_a_new_profile_does_not_touch_runs_on() {
        let (readings, _receiver) = mpsc::channel(8);
        let (_meetings, timetable) = watch::channel(Timetable::default());
        let site: SiteId = "th-0316".parse().unwrap();
        let probing = |readings| Probing::new(site, timetable, readings, CancellationToken::new());
        let probes = LocalSet::new();
        probes
            .run_until(async {
                let mut probing = probing(readings);
                let first = r#"{"probes":{"clock":{"clock":{}},"host":{"host":{}}}}"#;
                assert_eq!(probing.apply(planned(first)), (2, 0));
                assert_eq!(probing.apply(planned(first)), (0, 0));
                let clock = probing.running["clock"].stop.clone();
                let next = r#"{"probes":{"clock":{"clock":{}},"host":{"every":"1m","host":{}}}}"#;
                assert_eq!(probing.apply(planned(next)), (1, 1));
                assert_eq!(probing.apply(planned(r#"{"probes":{"clock":{"clock":{}}}}"#)), (0, 1));
                assert!(!clock.is_cancelled());
            })
            .await;
    }
}
