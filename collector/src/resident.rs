//! How much of the program stays in memory.

use std::time::Duration;

/// Configuration, inventory and the handshakes of all agents are done by then.
const STARTED: Duration = Duration::from_secs(30);

/// What runs seldom (a report for a month, a workbook of meetings) is given back too. What is
/// needed after all comes back by some hundred page faults, a fifth of a millisecond.
const TRIM_EVERY: Duration = Duration::from_mins(5);

/// Heaps of glibc's: one for each thread that takes reports and one for whatever writes and packs.
/// Each thread has its own otherwise, up to sixteen on two processors, and in each stays what a
/// scrape left behind. With a single one the threads wait for each other: a report then takes a
/// fifth more processor time.
#[cfg(target_env = "gnu")]
const HEAPS: i32 = 3;

/// Makes threads share a few heaps. Other C libraries have one anyhow. To be called before a second
/// thread starts.
#[cfg_attr(target_env = "gnu", expect(unsafe_code, reason = "a call to the C library"))]
pub fn share_heaps() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: takes two numbers, and is told them before any other thread allocates. Where it
        // refuses, all works as before.
        let _ = unsafe { nix::libc::mallopt(nix::libc::M_ARENA_MAX, HEAPS) };
    }
}

/// Keeps resident what runs each few seconds: beside Prometheus and Grafana on a small server, the
/// collector should not be noticed.
pub async fn keep_small() {
    tokio::time::sleep(STARTED).await;
    loop {
        wire::working_set::trim();
        tokio::time::sleep(TRIM_EVERY).await;
    }
}
