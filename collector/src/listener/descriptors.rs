//! How many connections this process can have: each takes a descriptor.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tracing::warn;

/// For the store, logs, the inventory and whatever a library opens.
const OTHERS: usize = 64;

/// Raises the limit as far as the system allows without rights, because its default of 1,024 is
/// for programs that use `select`; then says how many of the wanted connections there can be
/// beside `reserved` others.
pub(crate) fn connections(wanted: usize, reserved: usize) -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
    let limit = match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let possible = limit.saturating_sub(reserved + OTHERS).max(1);
    if possible < wanted {
        warn!(limit, possible, wanted, "the limit of open files is low; raise LimitNOFILE");
    }
    possible.min(wanted)
}
