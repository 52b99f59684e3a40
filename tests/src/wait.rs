//! Waiting for something to become true, without sleeping for luck.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::program;

/// Far above what anything here takes: on a loaded machine a test is slow, not red. The longest
/// wait is a backlog's, which an agent begins to send up to a minute after an outage and tries
/// again up to 90 s after a failure.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// Between two looks. Short beside what is waited for, long beside what a look costs.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks until there is something to see. `look` says what it saw instead.
///
/// # Panics
/// After [`PATIENCE`], with the last thing seen instead.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(seen) => return seen,
            Err(instead) if Instant::now() >= end => {
                panic!("waited {PATIENCE:?} for {what}; at last: {instead}")
            }
            Err(_) => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// `Ok` if it holds, else what was seen instead.
pub fn seen(holds: bool, instead: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(instead()) }
}

/// The time by this machine's clock, in Unix milliseconds.
#[must_use]
pub fn now() -> wire::UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// A moment as RFC 3339, by `date`: no crate for one line.
#[must_use]
pub fn utc(millis: wire::UnixMillis) -> String {
    let mut command = Command::new("date");
    command.args(["--utc", "+%FT%T+00:00", &format!("--date=@{}", millis / 1000)]);
    String::from_utf8_lossy(&program::finish(command).stdout).trim().to_owned()
}
