//! How much of the program stays in memory.

use std::time::Duration;

/// Configuration, inventory and the handshakes of all agents are done by then.
const STARTED: Duration = Duration::from_secs(30);

/// What runs seldom (a report for a month, a workbook of meetings) is given back too. What is
/// needed after all comes back by some hundred page faults, a fifth of a millisecond.
const TRIM_EVERY: Duration = Duration::from_mins(5);

/// One heap for each thread that takes reports and one for whatever writes and packs. Of one of
/// its own each thread would keep what a scrape left behind; with a single one the threads wait
/// for each other, and a report takes a fifth more processor time.
const HEAPS: i32 = 3;

/// Makes threads share a few heaps. To be called before a second thread starts.
pub fn share_heaps() {
    wire::working_set::share_heaps(HEAPS);
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
