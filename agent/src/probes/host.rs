//! The PC itself: processor, memory, disks, temperatures, switch-on, batteries, mains, updates.
//!
//! Nothing here judges; whether a full disk hinders a meeting is the collector's policy.

mod sensors;
mod strain;

use std::time::{Duration, Instant};

use serde::Deserialize;
use wire::reading::{Capability, Failure};

use self::sensors::Snapshot;
use super::aside::Aside;
use super::failure;
use crate::platform::{self, SystemTimes};
use crate::tally::Run;

/// `host: {}`: there is nothing to configure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// What the processors had done at the run before: a share needs two moments.
    #[serde(skip)]
    before: Option<SystemTimes>,
    #[serde(skip)]
    strain: Option<strain::Before>,
    #[serde(skip)]
    sensors: Aside<Snapshot>,
}

impl Host {
    /// Disks and memory fill in minutes, and temperatures rise as slowly.
    pub const EVERY: Duration = Duration::from_mins(1);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Host);

    /// Sensors on slow buses take tenths of a second each; a sleeping disk wakes in seconds.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Looks at the PC.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        // First what answers at once, so that a hung disk does not hide it.
        let times = platform::system_times()
            .map_err(|error| failure::of(&error, "read the processors' times"))?;
        processors(run, self.before.replace(times), times);
        boot(run, times);
        let asking = self.sensors.ask(sensors::look);
        let what = "read disks and sensors";
        let snapshot = failure::within(failure::patience(run), what, asking).await?;
        record(run, &snapshot);
        strain::record(run, &mut self.strain, Instant::now(), &snapshot.strain);
        Ok(())
    }
}

fn processors(run: &mut Run<'_>, before: Option<SystemTimes>, now: SystemTimes) {
    run.gauge("bridge_host_cpus", f64::from(now.processors));
    // The first run counts nothing: what was before the agent is not since its start.
    let before = before.unwrap_or(now);
    let busy = now.busy.saturating_sub(before.busy).as_secs_f64();
    let total = now.total.saturating_sub(before.total).as_secs_f64();
    run.count("bridge_host_cpu_busy_seconds_total", busy);
    if total > 0.0 {
        let share = (busy / total).min(1.0);
        run.gauge("bridge_host_cpu_usage_ratio", share);
        run.step(
            || format!("Bộ xử lý bận {:.0}% kể từ lần đo trước.", share * 100.0),
            || format!("Processors busy {:.0} % since the run before.", share * 100.0),
        );
    } else {
        run.step(
            || format!("{} bộ xử lý logic; tỷ lệ bận có từ lần đo thứ hai.", now.processors),
            || {
                format!(
                    "{} logical processors; their load is known from the second run on.",
                    now.processors
                )
            },
        );
    }
}

fn boot(run: &mut Run<'_>, times: SystemTimes) {
    run.gauge("bridge_host_boot_timestamp_seconds", times.boot_unix_seconds);
    let hours = || platform::monotonic_ms() as f64 / 3_600_000.0;
    run.step(
        || format!("Máy đã bật {:.1} giờ.", hours()),
        || format!("Switched on {:.1} hours ago.", hours()),
    );
}

fn record(run: &mut Run<'_>, snapshot: &Snapshot) {
    memory(run, snapshot);
    for disk in &snapshot.disks {
        let (size, available) = (disk.size as f64, disk.available as f64);
        run.gauge_of("bridge_host_disk_size_bytes", &disk.mount_point, size);
        run.gauge_of("bridge_host_disk_available_bytes", &disk.mount_point, available);
        run.step(
            || format!("Ổ đĩa {}: còn trống {}.", disk.mount_point, of(available, size)),
            || format!("Disk {}: free {}.", disk.mount_point, of(available, size)),
        );
    }
    for (sensor, celsius) in &snapshot.temperatures {
        run.gauge_of("bridge_host_temperature_celsius", sensor, *celsius);
        run.step(
            || format!("Nhiệt độ {sensor}: {celsius:.0} °C."),
            || format!("Temperature of {sensor}: {celsius:.0} °C."),
        );
    }
    restart(run, snapshot.restart_pending);
}

fn memory(run: &mut Run<'_>, snapshot: &Snapshot) {
    let Some(memory) = snapshot.memory else { return };
    let (size, available) = (memory.size as f64, memory.available as f64);
    run.gauge("bridge_host_memory_size_bytes", size);
    run.gauge("bridge_host_memory_available_bytes", available);
    run.gauge("bridge_host_swap_used_bytes", memory.swap_used as f64);
    run.step(
        || format!("Bộ nhớ: còn dùng được {}.", of(available, size)),
        || format!("Memory: available {}.", of(available, size)),
    );
}

fn restart(run: &mut Run<'_>, pending: Option<bool>) {
    let Some(pending) = pending else { return };
    run.gauge("bridge_host_restart_pending", f64::from(u8::from(pending)));
    if pending {
        run.step(
            || "Máy đang chờ khởi động lại để cài xong bản cập nhật.".to_owned(),
            || "The PC waits for a restart to finish an update.".to_owned(),
        );
    }
}

/// `3.2 GiB / 7.7 GiB (42%)`
fn of(part: f64, whole: f64) -> String {
    const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
    format!("{:.1} GiB / {:.1} GiB ({:.0}%)", part / GIB, whole / GIB, part / whole * 100.0)
}

#[cfg(test)]
mod tests {
    use super::sensors::Disk;
    use super::*;
    use crate::platform::Memory;
    use crate::probes::Probe;
    use crate::probes::bench::{Bench, config};

    fn times(busy: u64, total: u64) -> SystemTimes {
        SystemTimes {
            boot_unix_seconds: 1_795_000_000.0,
            processors: 4,
            busy: Duration::from_secs(busy),
            total: Duration::from_secs(total),
        }
    }

    #[test]
    fn load_is_counted_from_the_agents_first_look_on() {
        let mut bench = Bench::default();
        let first = bench.record(|run| processors(run, None, times(1000, 9000)));
        assert_eq!(first.number("bridge_host_cpu_busy_seconds_total"), Some(0.0));
        assert_eq!(first.number("bridge_host_cpu_usage_ratio"), None);
        assert_eq!(first.number("bridge_host_cpus"), Some(4.0));

        let second =
            bench.record(|run| processors(run, Some(times(1000, 9000)), times(1015, 9060)));
        assert_eq!(second.number("bridge_host_cpu_busy_seconds_total"), Some(15.0));
        assert_eq!(second.number("bridge_host_cpu_usage_ratio"), Some(0.25));
    }

    #[test]
    fn times_that_run_backwards_count_nothing() {
        let found =
            Bench::default().record(|run| processors(run, Some(times(100, 200)), times(90, 190)));
        assert_eq!(found.number("bridge_host_cpu_busy_seconds_total"), Some(0.0));
        assert_eq!(found.number("bridge_host_cpu_usage_ratio"), None);
    }

    #[test]
    fn a_snapshot_becomes_gauges_by_device() {
        let snapshot = Snapshot {
            memory: Some(Memory { size: 8, available: 6, swap_used: 1 }),
            disks: vec![Disk { mount_point: "/".to_owned(), size: 100, available: 40 }],
            temperatures: vec![("coretemp Package id 0".to_owned(), 51.0)],
            strain: platform::Strain::default(),
            restart_pending: Some(true),
        };
        let found = Bench::default().record(|run| record(run, &snapshot));
        for (name, label, value) in [
            ("bridge_host_disk_size_bytes", "/", 100.0),
            ("bridge_host_disk_available_bytes", "/", 40.0),
            ("bridge_host_temperature_celsius", "coretemp Package id 0", 51.0),
        ] {
            assert_eq!(found.number_of(name, label), Some(value), "{name}");
        }
        assert_eq!(found.number("bridge_host_memory_available_bytes"), Some(6.0));
        assert_eq!(found.number("bridge_host_swap_used_bytes"), Some(1.0));
        assert_eq!(found.number("bridge_host_restart_pending"), Some(1.0));
    }

    const ROOT: &str = if cfg!(windows) { "C:\\" } else { "/" };

    #[tokio::test]
    async fn this_pc_has_processors_memory_and_a_root_disk() {
        let mut bench = Bench::default();
        let mut probe = Probe::Host(config("{}"));
        let found = bench.run(&mut probe).await;
        assert_eq!(found.result, Ok(()));
        assert!(found.number("bridge_host_cpus").unwrap() >= 1.0);
        assert!(found.number("bridge_host_memory_size_bytes").unwrap() > 1e6);
        assert!(found.labels("bridge_host_disk_size_bytes").contains(&ROOT), "{}", found.steps());
    }
}
