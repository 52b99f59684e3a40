//! Processor time of the PC and of this program, from proc(5).

use std::io;
use std::path::Path;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::unistd::{SysconfVar, sysconf};

use super::read;
use crate::platform::{OwnUsage, SystemTimes};

/// `/proc/stat` counts in these, on every architecture: the kernel's `USER_HZ` is part of its
/// interface to programs.
const TICKS_PER_SECOND: u64 = 100;

/// user, nice, system, idle, iowait, irq, softirq and steal. The two fields after them, time of
/// guests, are already within user and nice.
const FIELDS: usize = 8;

/// Idle and iowait: a processor that waits for a disk is free for others.
const IDLE_FIELDS: [usize; 2] = [3, 4];

pub(super) fn system_times(root: &Path) -> io::Result<SystemTimes> {
    let text = read(root, "proc/stat")?;
    parse(&text).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "/proc/stat has no lines \"cpu\" and \"btime\"")
    })
}

fn parse(text: &str) -> Option<SystemTimes> {
    let fields = |name: &str| {
        text.lines().find_map(|line| {
            let (first, rest) = line.split_once(' ')?;
            (first == name).then_some(rest)
        })
    };
    let ticks: Vec<u64> = fields("cpu")?
        .split_ascii_whitespace()
        .take(FIELDS)
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let total: u64 = ticks.iter().sum();
    let idle: u64 = IDLE_FIELDS.iter().filter_map(|field| ticks.get(*field)).sum();
    let processors =
        text.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
    Some(SystemTimes {
        boot_unix_seconds: fields("btime")?.trim().parse().ok()?,
        processors: u32::try_from(processors).ok()?,
        busy: from_ticks(total - idle),
        total: from_ticks(total),
    })
}

fn from_ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(1000 / TICKS_PER_SECOND))
}

pub(super) fn own_usage(root: &Path) -> io::Result<OwnUsage> {
    let statm = read(root, "proc/self/statm")?;
    let pages = statm.split(' ').nth(1).and_then(|field| field.parse::<u64>().ok());
    let page = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|bytes| u64::try_from(bytes).ok());
    let (Some(pages), Some(page)) = (pages, page) else {
        let message = "/proc/self/statm does not tell the resident memory";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    };
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let cpu = duration(usage.user_time()) + duration(usage.system_time());
    Ok(OwnUsage { resident_bytes: pages.saturating_mul(page), cpu })
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec()).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  100 10 40 800 50 1 2 3 90 0\n\
                        cpu0 60 5 20 400 25 1 1 2 90 0\n\
                        cpu1 40 5 20 400 25 0 1 1 0 0\n\
                        intr 12345 0 9\n\
                        btime 1795000000\n\
                        procs_running 1\n";

    #[test]
    fn waiting_for_a_disk_is_idle_and_a_guests_time_counts_once() {
        let times = parse(STAT).unwrap();
        assert_eq!(times.busy, Duration::from_millis(1560));
        assert_eq!(times.total, Duration::from_millis(10_060));
        assert_eq!(times.processors, 2);
        assert!((times.boot_unix_seconds - 1_795_000_000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_file_without_the_lines_is_a_fault_and_no_panic() {
        for text in ["", "cpu", "cpu  1 2 x\nbtime 1", "cpu  1 2 3 4\n", "btime 7\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn this_program_uses_memory_and_time() {
        let usage = own_usage(Path::new("/")).unwrap();
        assert!(usage.resident_bytes > 100_000, "{usage:?}");
        assert!(usage.cpu > Duration::ZERO, "{usage:?}");
    }
}
