//! A bridge's PC: itself, its network interface, its clock, its UPS.

use ::tests::dice::Dice;
use agent::tally::Run;
use wire::reading::Failure;
use wire::{DeviceState, UnixMillis};

use super::{Circumstances, between};
use crate::fault::Fault;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// What a runaway recording writes in a second: a full disk within the hour.
const WRITES: f64 = 12e6;

/// What is left of a disk that fills: little enough to end before the next meeting does.
const LEFT: f64 = 36e9;

/// Between two looks, for what grows from one to the next.
const LOOK_SECONDS: f64 = 15.0;

/// How long a charged UPS carries a room, in seconds.
const UPS_RUNTIME: f64 = 45.0 * 60.0;

/// A dead battery of the clock: the PC starts at the date its maker set.
const YEARS_BACK: UnixMillis = 16 * 365 * 24 * 60 * 60 * 1000;

/// One PC.
#[derive(Debug)]
pub(super) struct Pc {
    /// What its clock is ahead of the true time, where it is wrong.
    pub(super) clock_off: UnixMillis,
    processors: f64,
    memory: f64,
    disk: f64,
    /// Share of the disk that is free while nothing is wrong.
    free: f64,
    /// How long ago it was switched on when it was first seen, in seconds.
    on_for: f64,
    switched_on: Option<f64>,
}

impl Pc {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let minutes = i64::try_from(dice.between(2, 25)).unwrap_or(2) * 60_000;
        let clock_off = match dice.between(0, 3) {
            0 => -YEARS_BACK,
            1 => minutes,
            _ => -minutes,
        };
        let large = dice.chance(0.5);
        Self {
            clock_off,
            processors: if large { 8.0 } else { 4.0 },
            memory: if large { 16.0 * GIB } else { 8.0 * GIB },
            disk: if large { 512e9 } else { 256e9 },
            free: between(dice, 0.3, 0.8),
            on_for: between(dice, 600.0, 300_000.0),
            switched_on: None,
        }
    }

    /// What a probe of the PC sees; all of them always see something.
    #[expect(clippy::unnecessary_wraps, reason = "as every probe answers")]
    pub(super) fn look(
        &mut self,
        run: &mut Run<'_>,
        kind: &str,
        circumstances: Circumstances<'_>,
        dice: &mut Dice,
    ) -> Result<(), Failure> {
        match kind {
            "host" => self.host(run, circumstances, dice),
            "link" => link(run, circumstances, dice),
            "clock" => clock(run, circumstances),
            _ => ups(run, circumstances, dice),
        }
        Ok(())
    }

    fn host(&mut self, run: &mut Run<'_>, circumstances: Circumstances<'_>, dice: &mut Dice) {
        let felt = circumstances.felt;
        let busy = if circumstances.in_meeting { 0.45 } else { 0.04 } * between(dice, 0.5, 1.5);
        let seconds = circumstances.every.as_secs_f64();
        run.gauge("bridge_host_cpus", self.processors);
        run.gauge("bridge_host_cpu_usage_ratio", busy);
        run.count("bridge_host_cpu_busy_seconds_total", busy * seconds * self.processors);
        run.gauge("bridge_host_memory_size_bytes", self.memory);
        let available = self.memory * between(dice, 0.45, 0.55);
        run.gauge("bridge_host_memory_available_bytes", available.floor());
        run.gauge("bridge_host_swap_used_bytes", 0.0);
        run.gauge_of("bridge_host_disk_size_bytes", "C:", self.disk);
        let free = match felt.lasting(Fault::DiskFilling) {
            // An empty disk still has the system's reserve.
            Some(lasting) => (LEFT - WRITES * lasting as f64 / 1e3).max(0.2e9),
            None => self.disk * self.free,
        };
        run.gauge_of("bridge_host_disk_available_bytes", "C:", free.floor());
        let celsius = 38.0 + 40.0 * busy + between(dice, -1.0, 1.0);
        run.gauge_of("bridge_host_temperature_celsius", "cpu", celsius.round());
        let clock_off = if felt.has(Fault::ClockWrong) { self.clock_off } else { 0 };
        let now = circumstances.now as f64 / 1e3;
        let since = *self.switched_on.get_or_insert(now - self.on_for);
        run.gauge("bridge_host_boot_timestamp_seconds", (since + clock_off as f64 / 1e3).floor());
        let pending = felt.has(Fault::RestartPending);
        run.gauge("bridge_host_restart_pending", f64::from(u8::from(pending)));
    }
}

fn link(run: &mut Run<'_>, circumstances: Circumstances<'_>, dice: &mut Dice) {
    // The PC's cable ends at the room's modem: a cut beyond that does not show here.
    let name = "Ethernet";
    run.gauge_of("bridge_link_up", name, 1.0);
    run.gauge_of("bridge_link_speed_bytes_per_second", name, 125_000_000.0);
    run.gauge_of("bridge_link_full_duplex", name, 1.0);
    // A meeting is 2 Mbit/s each way.
    let rate = if circumstances.in_meeting { 250_000.0 } else { 4_000.0 };
    let seconds = circumstances.every.as_secs_f64().min(8.0 * LOOK_SECONDS);
    for way in ["receive", "transmit"] {
        let bytes = (rate * seconds * between(dice, 0.7, 1.3)).floor();
        run.count_of(&format!("bridge_link_{way}_bytes_total"), name, bytes);
        let lossy = circumstances.felt.has(Fault::LossyLine) && way == "receive";
        let errors = if lossy { dice.between(0, 3) } else { 0 };
        run.count_of(&format!("bridge_link_{way}_errors_total"), name, errors as f64);
    }
}

fn clock(run: &mut Run<'_>, circumstances: Circumstances<'_>) {
    let wrong = circumstances.felt.has(Fault::ClockWrong);
    run.gauge("bridge_clock_synchronised", f64::from(u8::from(!wrong)));
    if !wrong {
        run.gauge("bridge_clock_estimated_error_seconds", 0.002);
    }
}

fn ups(run: &mut Run<'_>, circumstances: Circumstances<'_>, dice: &mut Dice) {
    let (name, load) = ("room", between(dice, 0.28, 0.34));
    let lasting = circumstances.felt.lasting(Fault::OnBattery);
    run.device(name, DeviceState::Ok);
    let used = lasting.map_or(0.0, |lasting| lasting as f64 / 1e3 / UPS_RUNTIME);
    let charge = (1.0 - used).max(0.05);
    run.gauge_of("bridge_ups_mains_online", name, f64::from(u8::from(lasting.is_none())));
    run.gauge_of("bridge_ups_charge_ratio", name, charge);
    run.gauge_of("bridge_ups_load_ratio", name, load);
    run.gauge_of("bridge_ups_runtime_seconds", name, (UPS_RUNTIME * charge).floor());
}
