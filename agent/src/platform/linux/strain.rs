//! What kills meetings on old PCs: heat, memory, dying disks.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{number, read, read_at};
use crate::platform::Strain;

/// Far above any PC; a fault of a driver must not become a flood.
const PROCESSORS: usize = 512;

/// As many as the probe tells of file systems.
const DISKS: usize = 16;

pub(super) fn strain(root: &Path) -> Strain {
    Strain {
        throttled: throttled(root),
        memory_stalled: memory_stalled(root),
        // Only to administrators disks tell of themselves.
        disks_failing: Vec::new(),
        out_of_memory_kills: out_of_memory_kills(root),
        disk_errors: disk_errors(root),
        disk_failures: disk_failures(root),
        swapped_in_bytes: swapped_in_bytes(root),
    }
}

/// For how long heat has slowed the worst processor down since switch-on
/// (`arch/x86/kernel/cpu/mce/therm_throt.c` of the kernel; other processors do not tell).
fn throttled(root: &Path) -> Option<Duration> {
    let entries = fs::read_dir(root.join("sys/devices/system/cpu")).ok()?;
    let of = |processor: &Path| {
        let totals = ["core_throttle_total_time_ms", "package_throttle_total_time_ms"];
        let total = |name| number::<u64>(&processor.join("thermal_throttle").join(name));
        totals.into_iter().filter_map(total).max()
    };
    let worst = entries.flatten().take(PROCESSORS).filter_map(|entry| of(&entry.path())).max()?;
    Some(Duration::from_millis(worst))
}

/// The share of the last minute in which everything waited for memory
/// (Documentation/accounting/psi.rst of the kernel).
fn memory_stalled(root: &Path) -> Option<f64> {
    let text = read(root, "proc/pressure/memory").ok()?;
    let full = text.lines().find(|line| line.starts_with("full "))?;
    let percent: f64 =
        full.split(' ').find_map(|part| part.strip_prefix("avg60="))?.parse().ok()?;
    Some((percent / 100.0).clamp(0.0, 1.0))
}

/// How many programs the kernel has ended for want of memory since switch-on.
fn out_of_memory_kills(root: &Path) -> Option<u64> {
    event(root, "oom_kill ")
}

fn swapped_in_bytes(root: &Path) -> Option<u64> {
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    event(root, "pswpin ")?.checked_mul(u64::try_from(page).ok()?)
}

/// What the kernel has counted of its memory since switch-on.
fn event(root: &Path, name: &str) -> Option<u64> {
    let text = read(root, "proc/vmstat").ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.parse().ok()
}

/// What went wrong between the PC and its disks of the kinds SATA, SAS and USB
/// (`drivers/scsi/scsi_sysfs.c` of the kernel, numbers in hexadecimal); `NVMe` does not tell so.
fn disk_failures(root: &Path) -> Vec<(String, u64)> {
    let Ok(entries) = fs::read_dir(root.join("sys/block")) else { return Vec::new() };
    let mut failures: Vec<(String, u64)> = entries
        .flatten()
        .filter_map(|entry| {
            let count = |name: &str| {
                let text = read_at(&entry.path().join("device").join(name)).ok()?;
                u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
            };
            // Older kernels count what came late among the errors.
            let failures = count("ioerr_cnt")?.saturating_add(count("iotmo_cnt").unwrap_or(0));
            Some((entry.file_name().to_string_lossy().into_owned(), failures))
        })
        .take(DISKS)
        .collect();
    failures.sort();
    failures
}

/// What file systems of the kind ext4 have written down of their disks
/// (Documentation/ABI/testing/sysfs-fs-ext4 of the kernel); kept until somebody repairs them.
fn disk_errors(root: &Path) -> Vec<(String, u64)> {
    let Ok(entries) = fs::read_dir(root.join("sys/fs/ext4")) else { return Vec::new() };
    let mut errors: Vec<(String, u64)> = entries
        .flatten()
        .filter_map(|entry| {
            let count = number(&entry.path().join("errors_count"))?;
            Some((entry.file_name().to_string_lossy().into_owned(), count))
        })
        .take(DISKS)
        .collect();
    errors.sort();
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::tree::Tree;

    #[test]
    fn everything_is_told_where_the_kernel_tells_it() {
        let tree = Tree::default();
        let cpu = "sys/devices/system/cpu";
        for (file, text) in [
            (format!("{cpu}/cpu0/thermal_throttle/core_throttle_total_time_ms"), "1200"),
            (format!("{cpu}/cpu0/thermal_throttle/package_throttle_total_time_ms"), "1500"),
            (format!("{cpu}/cpu1/thermal_throttle/core_throttle_total_time_ms"), "7"),
            (format!("{cpu}/online"), "0-1"),
            ("proc/vmstat".to_owned(), "nr_free_pages 12\npswpin 2\noom_kill 3\noom_kill_x 9"),
            ("sys/block/sda/device/ioerr_cnt".to_owned(), "0x11"),
            ("sys/block/sda/device/iotmo_cnt".to_owned(), "0x2"),
            ("sys/block/sdb/device/ioerr_cnt".to_owned(), "0x0"),
            ("sys/block/nvme0n1/device/state".to_owned(), "live"),
            (
                "proc/pressure/memory".to_owned(),
                "some avg10=2.00 avg60=40.00 avg300=1.0 total=9\nfull avg10=0.00 avg60=12.50 avg300=0.1 total=5",
            ),
            ("sys/fs/ext4/sda2/errors_count".to_owned(), "4"),
            ("sys/fs/ext4/features/lazy_itable_init".to_owned(), "supported"),
        ] {
            tree.file(&file, text);
        }
        let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).unwrap().unwrap();
        let page = u64::try_from(page).unwrap();
        let expected = Strain {
            throttled: Some(Duration::from_millis(1500)),
            memory_stalled: Some(0.125),
            disks_failing: Vec::new(),
            out_of_memory_kills: Some(3),
            disk_errors: vec![("sda2".to_owned(), 4)],
            disk_failures: vec![("sda".to_owned(), 19), ("sdb".to_owned(), 0)],
            swapped_in_bytes: Some(2 * page),
        };
        assert_eq!(strain(tree.root()), expected);
    }

    #[test]
    fn a_kernel_that_tells_nothing_is_no_fault() {
        assert_eq!(strain(Tree::default().root()), Strain::default());
    }
}
