//! Runs probes: the runner, not the probe, keeps the deadline, times, counts and labels.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wire::ProbeName;
use wire::reading::{Capability, Failure, Reading, Reason};

use crate::platform;
use crate::probes::Probe;
use crate::schedule::Schedule;
use crate::tally::{Run, Tally, Trace};

/// A probe with all its settings.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its name in the configuration.
    pub name: ProbeName,
    /// From one run's start to the next.
    pub every: Duration,
    /// When a run is cut off.
    pub timeout: Duration,
    /// What a meeting needs that it is evidence of.
    pub capability: Option<Capability>,
    /// What it measures.
    pub probe: Probe,
}

/// A reading, and when its run ended on the monotonic clock.
pub type Finished = (Reading, u64);

/// Runs `task` by its schedule until `stop`, each in a task of its own, so that none delays
/// another. A run under way at `stop` is dropped: it has nothing to say yet.
pub async fn keep(
    mut task: Task,
    schedule: Schedule,
    readings: mpsc::Sender<Finished>,
    stop: CancellationToken,
) {
    let mut tally = Tally::default();
    let mut tick = schedule.first(platform::monotonic_ms());
    while stop.run_until_cancelled(sleep_until(tick)).await.is_some() {
        let run = task.run(&mut tally, false);
        let Some((reading, _)) = stop.run_until_cancelled(run).await else { return };
        let now = platform::monotonic_ms();
        if readings.send((reading, now)).await.is_err() {
            return;
        }
        let next = schedule.next(tick, now);
        if next.missed > 0 {
            tally.add("bridge_probe_missed_total", None, next.missed as f64);
        }
        tick = next.tick;
    }
}

/// Sleeps to a moment of the platform's monotonic clock.
///
/// That clock counts on while the PC sleeps and tokio's does not, so long waits are cut into
/// pieces: after a night in standby a probe runs at once and not hours later.
async fn sleep_until(tick: u64) {
    /// How late a run may be after the PC wakes up.
    const PIECE: u64 = 30_000;
    loop {
        let left = tick.saturating_sub(platform::monotonic_ms());
        if left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(left.min(PIECE))).await;
    }
}

impl Task {
    /// One run; with `traced`, the probe tells its steps.
    pub async fn run(&mut self, tally: &mut Tally, traced: bool) -> (Reading, Trace) {
        tally.add("bridge_probe_runs_total", None, 1.0);
        let mut run = Run::new(tally, self.every, self.timeout, traced);
        let start = Instant::now();
        let outcome = match timeout(self.timeout, self.probe.run(&mut run)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::new(
                Reason::Timeout,
                format_args!("cut off after {} ms", self.timeout.as_millis()),
            )),
        };
        let duration_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let failure = outcome.err().map(|failure| bounded(&failure));
        if let Some(failure) = &failure {
            run.count_of("bridge_probe_failures_total", failure.reason.label(), 1.0);
        }
        let (samples, trace) = run.finish();
        let reading = Reading {
            probe: self.name.clone(),
            kind: self.probe.kind().into(),
            capability: self.capability,
            every_ms: u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX),
            age_ms: 0,
            duration_us,
            failure,
            samples,
        };
        (reading, trace)
    }
}

/// Details may quote what a stranger sent; the collector would refuse a longer one.
fn bounded(failure: &Failure) -> Failure {
    let detail: String = failure.detail.chars().take(wire::limits::TEXT_CHARS).collect();
    Failure { reason: failure.reason, detail: detail.into() }
}
