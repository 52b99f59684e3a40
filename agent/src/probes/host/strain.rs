//! What kills meetings on old PCs, from the system's totals to what happened since the run before.

use std::time::Instant;

use crate::platform::Strain;
use crate::tally::Run;

/// What was before.
#[derive(Debug, Clone)]
pub(super) struct Before {
    at: Instant,
    strain: Strain,
}

/// Tells it, and keeps it for the next run.
pub(super) fn record(
    run: &mut Run<'_>,
    before: &mut Option<Before>,
    now: Instant,
    strain: &Strain,
) {
    let last = before.replace(Before { at: now, strain: strain.clone() });
    let last = last.as_ref();
    throttled(run, last, now, strain);
    if let Some(share) = strain.memory_stalled {
        run.gauge("bridge_host_memory_stalled_ratio", share);
        run.step(
            || format!("Trong phút vừa qua máy chờ bộ nhớ {:.1}% thời gian.", share * 100.0),
            || {
                format!(
                    "In the last minute everything waited for memory {:.1} % of the time.",
                    share * 100.0
                )
            },
        );
    }
    if let Some(kills) = strain.out_of_memory_kills {
        let before = last.and_then(|last| last.strain.out_of_memory_kills).unwrap_or(kills);
        let new = kills.saturating_sub(before);
        run.count("bridge_host_out_of_memory_kills_total", new as f64);
        if kills > 0 {
            run.step(
                || format!("Từ khi bật máy, {kills} chương trình đã bị đóng vì hết bộ nhớ."),
                || format!("Since switch-on {kills} programs were ended for want of memory."),
            );
        }
    }
    swapped_in(run, last, strain);
    disk_failures(run, last, strain);
    for (disk, failing) in &strain.disks_failing {
        run.gauge_of("bridge_host_disk_failing", disk, f64::from(u8::from(*failing)));
        if *failing {
            run.step(
                || format!("Ổ đĩa {disk} tự báo sắp hỏng: sao lưu và thay ổ ngay."),
                || format!("Disk {disk} foretells its end: back it up and replace it now."),
            );
        }
    }
    for (disk, errors) in &strain.disk_errors {
        run.gauge_of("bridge_host_disk_errors", disk, *errors as f64);
        if *errors > 0 {
            run.step(
                || format!("Ổ đĩa {disk} đã ghi nhận {errors} lỗi: sao lưu và thay ổ."),
                || format!("Disk {disk} has {errors} recorded errors: back it up and replace it."),
            );
        }
    }
}

fn swapped_in(run: &mut Run<'_>, last: Option<&Before>, strain: &Strain) {
    let Some(total) = strain.swapped_in_bytes else { return };
    let before = last.and_then(|last| last.strain.swapped_in_bytes).unwrap_or(total);
    run.count("bridge_host_swap_in_bytes_total", total.saturating_sub(before) as f64);
}

fn disk_failures(run: &mut Run<'_>, last: Option<&Before>, strain: &Strain) {
    for (disk, total) in &strain.disk_failures {
        let of_disk = |last: &Before| {
            last.strain.disk_failures.iter().find(|(name, _)| name == disk).map(|(_, count)| *count)
        };
        let before = last.and_then(of_disk).unwrap_or(*total);
        let new = total.saturating_sub(before);
        run.count_of("bridge_host_disk_failures_total", disk, new as f64);
        if new > 0 {
            run.step(
                || format!("Ổ đĩa {disk} vừa có thêm {new} lệnh lỗi: kiểm tra cáp, sao lưu, thay ổ."),
                || format!("Disk {disk} has failed {new} more commands: check its cable, back it up, replace it."),
            );
        }
    }
}

/// The share of the time since the run before; a share needs two moments.
fn throttled(run: &mut Run<'_>, last: Option<&Before>, now: Instant, strain: &Strain) {
    let totals =
        last.and_then(|last| Some((last.at, last.strain.throttled?))).zip(strain.throttled);
    let Some(((at, before), total)) = totals else { return };
    let elapsed = now.saturating_duration_since(at).as_secs_f64();
    if elapsed > 0.0 {
        let share = (total.saturating_sub(before).as_secs_f64() / elapsed).min(1.0);
        run.gauge("bridge_host_throttled_ratio", share);
        run.step(
            || format!("Máy nóng làm bộ xử lý chạy chậm {:.0}% thời gian.", share * 100.0),
            || format!("Heat slowed a processor down {:.0} % of the time.", share * 100.0),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::probes::bench::Bench;

    #[test]
    fn totals_become_shares_and_counts_of_the_time_between() {
        let (mut bench, mut before, start) = (Bench::default(), None, Instant::now());
        for (seconds, throttled, kills, share, counted) in [
            (0, 90_000, 5, None, 0.0),
            (60, 90_000, 5, Some(0.0), 0.0),
            (120, 105_000, 6, Some(0.25), 1.0),
            (180, 999_000, 6, Some(1.0), 1.0),
        ] {
            let strain = Strain {
                throttled: Some(Duration::from_millis(throttled)),
                out_of_memory_kills: Some(kills),
                swapped_in_bytes: Some(kills * 4096),
                disk_failures: vec![("sda".to_owned(), kills)],
                ..Strain::default()
            };
            let now = start + Duration::from_secs(seconds);
            let found = bench.record(|run| record(run, &mut before, now, &strain));
            assert_eq!(found.number("bridge_host_throttled_ratio"), share, "{seconds}");
            let kills = found.number("bridge_host_out_of_memory_kills_total");
            assert_eq!(kills, Some(counted), "{seconds}");
            let swapped = found.number("bridge_host_swap_in_bytes_total");
            assert_eq!(swapped, Some(counted * 4096.0), "{seconds}");
            let failures = found.number_of("bridge_host_disk_failures_total", "sda");
            assert_eq!(failures, Some(counted), "{seconds}");
        }
    }

    #[test]
    fn a_disk_that_foretells_its_end_is_told_to_be_replaced() {
        let disks_failing =
            vec![("PhysicalDrive0".to_owned(), false), ("PhysicalDrive1".to_owned(), true)];
        let strain = Strain { disks_failing, ..Strain::default() };
        let found = Bench::default().record(|run| record(run, &mut None, Instant::now(), &strain));
        assert_eq!(found.number_of("bridge_host_disk_failing", "PhysicalDrive0"), Some(0.0));
        assert_eq!(found.number_of("bridge_host_disk_failing", "PhysicalDrive1"), Some(1.0));
        assert!(
            found.steps().contains("Disk PhysicalDrive1 foretells its end"),
            "{}",
            found.steps()
        );
    }

    #[test]
    fn what_the_system_does_not_tell_is_not_told() {
        let found = Bench::default()
            .record(|run| record(run, &mut None, Instant::now(), &Strain::default()));
        assert!(found.samples.is_empty());
    }
}
