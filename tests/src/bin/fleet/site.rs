//! One simulated site: the agent's own assembler, schedule, cadence, spool and uplink around
//! probes whose readings are made up.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ::tests::wait;
use agent::cadence::{Cadence, Timetable};
use agent::identity::Identity;
use agent::report::{Assembler, Moment};
use agent::schedule::Schedule;
use agent::spool::{self, Limits};
use agent::tally::{Run, Tally};
use agent::uplink::{Counters, UplinkError};
use agent::{own, platform};
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::reading::Name;
use wire::{AgentInfo, Reading};

use crate::fault::{Fault, Felt, Troubles};
use crate::line::{Line, Standing};
use crate::readings::{Bridge, Circumstances, PROBES};

/// As agents are configured.
const REPORT_EVERY: Duration = Duration::from_secs(15);

/// Tokio's longest sleep is bounded; nothing is missed by looking once an hour.
const LOOK_AT_LEAST: u64 = 60 * 60 * 1000;

/// What is known of a site from outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) felt: Felt,
    /// Reports that the collector has taken since the fleet's start, and those that wait.
    pub(crate) delivered: u64,
    pub(crate) waiting: u64,
}

/// One site.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) identity: Identity,
    /// The address of somebody who never answers.
    pub(crate) nowhere: String,
    /// Version and system of its agent.
    pub(crate) agent: AgentInfo,
    pub(crate) bridge: Bridge,
    pub(crate) troubles: Troubles,
    /// When the fleet started, on the monotonic clock.
    pub(crate) fleet_start: u64,
    pub(crate) seen: Rc<RefCell<Seen>>,
}

/// One start of its agent.
struct Boot {
    assembler: Assembler,
    probes: Vec<Running>,
    spool: spool::Handle,
    counters: Arc<Counters>,
    timetable: watch::Receiver<Timetable>,
    standing: watch::Sender<Standing>,
    delivered_before: u64,
}

/// A probe of it.
struct Running {
    probe: usize,
    schedule: Schedule,
    tally: Tally,
    tick: u64,
}

/// Why an agent ended.
#[derive(PartialEq, Eq)]
enum End {
    SwitchedOff,
    Stopped,
}

impl Site {
    /// Lives until `stop`; its PC may be switched off and on meanwhile.
    pub(crate) async fn live(mut self, stop: CancellationToken) -> Result<(), UplinkError> {
        while !stop.is_cancelled() {
            let now = platform::monotonic_ms();
            if self.feel(now).has(Fault::SwitchedOff) {
                let back = self.changes_after(now);
                stop.run_until_cancelled(sleep_until(back)).await;
            } else {
                self.run_agent(&stop).await?;
            }
        }
        Ok(())
    }

    async fn run_agent(&mut self, stop: &CancellationToken) -> Result<(), UplinkError> {
        let boot = Uuid::new_v4();
        let (spool, work) = spool::Handle::in_memory(Limits::default());
        spawn_local(work);
        let counters = Arc::<Counters>::default();
        let (meetings, timetable) = watch::channel(Timetable::default());
        let (standing, stands) = watch::channel(self.standing());
        let line = Line {
            identity: self.identity.clone(),
            nowhere: self.nowhere.clone(),
            boot,
            counters: Arc::clone(&counters),
            spool: spool.clone(),
        };
        let stop_line = CancellationToken::new();
        let pushing = spawn_local(line.run(stands, meetings, stop_line.clone()));

        let start = platform::monotonic_ms();
        let agent = AgentInfo { version: self.version(), os: self.agent.os.clone() };
        let assembler = Assembler::new(boot, agent, REPORT_EVERY, start);
        let probes = running(self.identity.site.as_str(), start);
        let delivered_before = self.seen.borrow().delivered;
        let boot =
            Boot { assembler, probes, spool, counters, timetable, standing, delivered_before };
        if self.keep(boot, stop).await == End::SwitchedOff {
            pushing.abort();
            return Ok(());
        }
        stop_line.cancel();
        pushing.await.unwrap_or(Ok(()))
    }

    async fn keep(&mut self, mut boot: Boot, stop: &CancellationToken) -> End {
        loop {
            let now = platform::monotonic_ms();
            if self.feel(now).has(Fault::SwitchedOff) {
                return End::SwitchedOff;
            }
            let stands = self.standing();
            boot.standing.send_if_modified(|before| std::mem::replace(before, stands) != stands);
            self.measure(&mut boot, now);
            let timetable = *boot.timetable.borrow();
            if timetable.no_later_than_full(now, boot.assembler.closes_at()) <= now {
                self.close(&mut boot).await;
            }
            let closes_at = timetable.no_later_than_full(now, boot.assembler.closes_at());
            let ticks = boot.probes.iter().map(|running| running.tick);
            let next = ticks.chain([closes_at, self.changes_after(now)]).min().unwrap_or(now);
            tokio::select! {
                () = sleep_until(next) => {}
                Ok(()) = boot.timetable.changed() => {
                    self.close(&mut boot).await;
                    boot.pace_anew();
                }
                () = stop.cancelled() => {
                    self.close(&mut boot).await;
                    return End::Stopped;
                }
            }
        }
    }

    /// Runs what is due.
    fn measure(&mut self, boot: &mut Boot, now: u64) {
        let timetable = *boot.timetable.borrow();
        let cadence = timetable.at(now);
        for running in boot.probes.iter_mut().filter(|running| running.tick <= now) {
            let probe = &PROBES[running.probe];
            let circumstances = Circumstances {
                felt: &self.seen.borrow().felt,
                now: wait::now(),
                every: timetable.again_within(probe.every, running.tick),
                in_meeting: cadence == Cadence::Meeting,
            };
            let reading = self.bridge.read(probe, &mut running.tally, circumstances);
            boot.assembler.add(reading, now, cadence.heartbeat().is_some());
            running.tick = timetable.next(&running.schedule, running.tick, now).tick;
        }
    }

    async fn close(&self, boot: &mut Boot) {
        let uptime = platform::monotonic_ms();
        let unix = wait::now().saturating_add(self.standing().clock_off);
        let stretch = boot.timetable.borrow_and_update().at(uptime).report_stretch();
        let every = REPORT_EVERY * stretch;
        let statistics = boot.spool.statistics();
        let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        let Some(mut own) = own::reading(&statistics, &boot.counters, every_ms) else { return };
        self.usage(&mut own, uptime);
        let report = boot.assembler.close(Moment { unix, uptime }, every, own);
        // It fails only when the spool has ended, and with it the fleet.
        let _ = boot.spool.append(&report).await;
        let mut seen = self.seen.borrow_mut();
        seen.delivered = boot.delivered_before + statistics.accepted;
        seen.waiting = statistics.reports;
    }

    /// What one agent uses: what this process uses is the whole fleet's.
    fn usage(&self, own: &mut Reading, uptime: u64) {
        let (memory, cpu) =
            ("bridge_agent_resident_memory_bytes", "bridge_agent_cpu_seconds_total");
        own.samples.retain(|sample| match &sample.name {
            Name::Known(row) => row.name != memory && row.name != cpu,
            Name::Unknown => true,
        });
        let mut tally = Tally::default();
        let mut run = Run::of_the_moment(&mut tally);
        run.gauge(memory, 7.2e6);
        run.count(cpu, uptime.saturating_sub(self.fleet_start) as f64 / 1e3 * 0.0006);
        own.samples.extend(run.finish().samples);
    }

    /// What is wrong now, for whoever looks.
    fn feel(&mut self, now: u64) -> Felt {
        let felt = self.troubles.at(now.saturating_sub(self.fleet_start));
        self.seen.borrow_mut().felt.clone_from(&felt);
        felt
    }

    /// On the monotonic clock.
    fn changes_after(&self, now: u64) -> u64 {
        let since_start = now.saturating_sub(self.fleet_start);
        self.fleet_start.saturating_add(self.troubles.changes_after(since_start))
    }

    fn standing(&self) -> Standing {
        let felt = &self.seen.borrow().felt;
        let wrong = felt.has(Fault::ClockWrong);
        Standing {
            cut: felt.has(Fault::LineCut),
            clock_off: if wrong { self.bridge.clock_off() } else { 0 },
        }
    }

    fn version(&self) -> Box<str> {
        let old = self.seen.borrow().felt.has(Fault::OldAgent);
        if old { "0.0.7".into() } else { self.agent.version.clone() }
    }
}

impl Boot {
    /// A meeting is near, or no more.
    fn pace_anew(&mut self) {
        let now = platform::monotonic_ms();
        let timetable = *self.timetable.borrow_and_update();
        for running in &mut self.probes {
            running.tick = timetable.next(&running.schedule, now, now).tick;
        }
    }
}

fn running(site: &str, start: u64) -> Vec<Running> {
    let one = |(number, probe): (usize, &crate::readings::Probe)| {
        let schedule = Schedule::new(site, probe.name, probe.every);
        let tick = schedule.first(start);
        Running { probe: number, schedule, tally: Tally::default(), tick }
    };
    PROBES.iter().enumerate().map(one).collect()
}

/// Sleeps to a moment of the monotonic clock.
async fn sleep_until(moment: u64) {
    let left = moment.saturating_sub(platform::monotonic_ms());
    tokio::time::sleep(Duration::from_millis(left.min(LOOK_AT_LEAST))).await;
}
