//! Runs probes: the runner, not the probe, keeps the deadline, times, counts and labels.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wire::ProbeName;
use wire::reading::{Capability, Failure, Reading, Reason};

use crate::cadence::Timetable;
use crate::platform;
use crate::probes::Probe;
use crate::schedule::Schedule;
use crate::tally::{Observed, Run, Tally, Trace};

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
    mut timetable: watch::Receiver<Timetable>,
    readings: mpsc::Sender<Finished>,
    stop: CancellationToken,
) {
    let mut tally = Tally::default();
    let mut last = platform::monotonic_ms();
    let mut tick = schedule.first(last);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Ok(()) = timetable.changed() => {
                let now = platform::monotonic_ms();
                tick = timetable.borrow_and_update().next(&schedule, last.max(now), now).tick;
                continue;
            }
            () = sleep_until(tick) => {}
        }
        let (every, again) = {
            let timetable = timetable.borrow();
            (timetable.at(tick).interval(task.every), timetable.again_within(task.every, tick))
        };
        let run = task.run(&mut tally, every, false);
        let Some((mut reading, _)) = stop.run_until_cancelled(run).await else { return };
        reading.every_ms = millis(again);
        let now = platform::monotonic_ms();
        if readings.send((reading, now)).await.is_err() {
            return;
        }
        let next = timetable.borrow().next(&schedule, tick, now);
        if next.missed > 0 {
            tally.add("bridge_probe_missed_total", None, next.missed as f64);
        }
        (last, tick) = (tick, next.tick);
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
    /// One run of a probe that runs each `every` now; with `traced`, it tells its steps.
    pub async fn run(
        &mut self,
        tally: &mut Tally,
        every: Duration,
        traced: bool,
    ) -> (Reading, Trace) {
        tally.add("bridge_probe_runs_total", None, 1.0);
        // Where it runs more often than configured, it must be done in time for the next run;
        // where it runs more seldom, a run is no longer for that.
        let (pace, limit) = (self.every.min(every), self.timeout.min(every));
        let mut run = Run::new(tally, pace, limit, traced);
        let start = Instant::now();
        let outcome = match timeout(limit, self.probe.run(&mut run)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::new(
                Reason::Timeout,
                format_args!("cut off after {} ms", limit.as_millis()),
            )),
        };
        let duration_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let failure = outcome.err().map(|failure| bounded(&failure));
        if let Some(failure) = &failure {
            run.count_of("bridge_probe_failures_total", failure.reason.label(), 1.0);
        }
        let Observed { samples, troubles, trace } = run.finish();
        let reading = Reading {
            probe: self.name.clone(),
            kind: self.probe.kind().into(),
            capability: self.capability,
            every_ms: millis(every),
            age_ms: 0,
            duration_us,
            failure,
            samples,
            troubles,
        };
        (reading, trace)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Details may quote what a stranger sent; the collector would refuse a longer one.
fn bounded(failure: &Failure) -> Failure {
    let detail: String = failure.detail.chars().take(wire::limits::TEXT_CHARS).collect();
    Failure { reason: failure.reason, detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddr};
    use tokio::task::{LocalSet, spawn_local};

    use crate::probes::{Probe, ProbeConfig};

    fn task(name: &str, probe: &str) -> Task {
        let config: ProbeConfig = serde_yaml::from_str(probe).unwrap();
        let [probe] = <[Probe; 1]>::try_from(config.into_kinds()).unwrap();
        Task {
            name: name.parse().unwrap(),
            every: Duration::from_millis(200),
            timeout: Duration::from_millis(150),
            capability: None,
            probe,
        }
    }

    /// A listener whose queue is full, so that further connections hang: Linux drops their SYN.
    fn full_listener() -> (socket2::Socket, Vec<socket2::Socket>, u16) {
        use socket2::{Domain, Socket, Type};
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let waiting = (0..4).map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address);
            socket
        });
        let waiting = waiting.collect();
        let port = address.as_socket().unwrap().port();
        (listener, waiting, port)
    }

    #[tokio::test]
    async fn a_hung_probe_is_cut_off_at_its_deadline_and_delays_nobody() {
        let (_listener, _waiting, port) = full_listener();
        let hung = task("hung", &format!("tcp: {{ host: 127.0.0.1, port: {port} }}"));
        let quick = task("quick", "clock: {}");
        let stop = CancellationToken::new();
        let (_meetings, timetable) = watch::channel(Timetable::default());
        let (sender, mut readings) = mpsc::channel(8);
        let probes = LocalSet::new();
        for task in [hung, quick] {
            let schedule = Schedule::new("th-0316", task.name.as_str(), task.every);
            probes.spawn_local(keep(
                task,
                schedule,
                timetable.clone(),
                sender.clone(),
                stop.clone(),
            ));
        }
        drop(sender);
        let gathered = probes
            .run_until(async {
                let (mut hung, mut quick) = (Vec::new(), 0);
                while hung.len() < 3 {
                    let (reading, _) = readings.recv().await.unwrap();
                    if reading.probe.as_str() == "hung" { hung.push(reading) } else { quick += 1 }
                }
                stop.cancel();
                (hung, quick)
            })
            .await;
        for reading in gathered.0 {
            assert_eq!(reading.failure.unwrap().reason, Reason::Timeout);
        }
        assert!(gathered.1 >= 2, "the quick probe ran {} times beside it", gathered.1);
    }

    #[tokio::test]
    async fn probes_end_at_the_stop_and_the_channel_closes() {
        let stop = CancellationToken::new();
        let (_meetings, timetable) = watch::channel(Timetable::default());
        let (sender, mut readings) = mpsc::channel(8);
        LocalSet::new()
            .run_until(async {
                let task = task("quick", "clock: {}");
                let schedule = Schedule::new("th-0316", "quick", task.every);
                spawn_local(keep(task, schedule, timetable, sender, stop.clone()));
                assert!(readings.recv().await.is_some());
                stop.cancel();
                while readings.recv().await.is_some() {}
            })
            .await;
    }

    #[test]
    fn a_strangers_words_are_cut_to_what_a_report_may_carry() {
        let long = Failure::new(Reason::Protocol, "ố".repeat(10_000));
        assert_eq!(bounded(&long).detail.chars().count(), wire::limits::TEXT_CHARS);
    }
}
