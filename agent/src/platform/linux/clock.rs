//! The kernel's clocks.

use std::io;
use std::time::Duration;

use nix::libc;
use nix::time::{ClockId, clock_gettime};

use crate::platform::ClockState;

/// Milliseconds since switch-on. `CLOCK_BOOTTIME` and not `CLOCK_MONOTONIC`, which stands still
/// while the PC sleeps: an interval over a night must be as long as the night.
#[must_use]
pub fn monotonic_ms() -> u64 {
    // The call fails only for clocks the kernel lacks, and this one is there since 2.6.39.
    clock_gettime(ClockId::CLOCK_BOOTTIME)
        .map_or(0, |time| u64::try_from(Duration::from(time).as_millis()).unwrap_or(u64::MAX))
}

/// What the kernel says of its wall clock, by adjtimex(2).
pub fn clock_state() -> io::Result<ClockState> {
    let (state, timex) = adjtimex()?;
    let synchronised = state != libc::TIME_ERROR;
    Ok(ClockState {
        synchronised,
        estimated_error: synchronised.then(|| estimated_error(&timex)).flatten(),
    })
}

/// systemd-timesyncd writes 0, because it does not estimate; no clock is right to the last bit,
/// so 0 is no estimate.
fn estimated_error(timex: &libc::timex) -> Option<Duration> {
    u64::try_from(timex.esterror).ok().filter(|micros| *micros > 0).map(Duration::from_micros)
}

#[expect(unsafe_code, reason = "no maintained crate wraps adjtimex(2) safely")]
fn adjtimex() -> io::Result<(libc::c_int, libc::timex)> {
    // SAFETY: a `timex` is made of integers only, for which all zeroes are valid values.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live, exclusively borrowed `timex`. Its `modes` are 0, which
    // asks and sets nothing, so the call needs no rights and changes only this struct.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    if state < 0 { Err(io::Error::last_os_error()) } else { Ok((state, timex)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_since_switch_on_runs_forward_and_agrees_with_the_kernels_file() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let now = monotonic_ms();
        assert!(now as f64 / 1000.0 >= seconds - 0.01, "{now} ms, {seconds} s");
        assert!(monotonic_ms() >= now);
    }

    #[test]
    fn a_clock_without_an_estimate_claims_none() {
        let (_, mut timex) = adjtimex().unwrap();
        timex.esterror = 0;
        assert_eq!(estimated_error(&timex), None);
        timex.esterror = 250;
        assert_eq!(estimated_error(&timex), Some(Duration::from_micros(250)));
    }

    #[test]
    fn the_kernel_answers_without_rights() {
        clock_state().unwrap();
    }
}
