//! A timer of the kernel's own (`timerfd_create(2)`).
//!
//! The runtime's timers are kept in wheels with spokes of 64 ms, and wake the thread at the spoke
//! and again at the moment itself. Between two echoes that is half of what they cost.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::sys::time::TimeSpec;
use nix::sys::timer::{Expiration, TimerSetTimeFlags};
use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// Wakes its task once for each wait.
#[derive(Debug)]
pub struct Alarm(io::Result<AsyncFd<Timer>>);

#[derive(Debug)]
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Alarm {
    /// An alarm. Where the kernel gives none (no descriptors are left) the runtime's timer takes
    /// its place, which costs more and is as right.
    #[must_use]
    pub fn open() -> Self {
        Self(timer())
    }

    /// Returns at `moment`, or at once if that is past.
    pub async fn sleep_until(&mut self, moment: Instant) {
        let woken = match &self.0 {
            Ok(timer) => wait(timer, moment).await.is_ok(),
            Err(_) => false,
        };
        if !woken {
            tokio::time::sleep_until(moment).await;
        }
    }
}

#[expect(unsafe_code, reason = "tokio has no safe way to watch a descriptor")]
fn timer() -> io::Result<AsyncFd<Timer>> {
    let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
    let timer = Timer(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?);
    // SAFETY: the descriptor is the timer's own; it is neither given away nor exchanged, and is
    // closed with it.
    Ok(unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?)
}

async fn wait(timer: &AsyncFd<Timer>, moment: Instant) -> io::Result<()> {
    loop {
        let left = moment.saturating_duration_since(Instant::now());
        // A timer of no time at all would be none.
        if left.is_zero() {
            return Ok(());
        }
        let expiration = Expiration::OneShot(TimeSpec::from_duration(left));
        timer.get_ref().0.set(expiration, TimerSetTimeFlags::empty())?;
        // Nothing is read: setting the timer anew forgets that it has expired.
        timer.readable().await?.clear_ready();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_rings_early_also_after_a_wait_that_was_broken_off() {
        let mut alarm = Alarm::open();
        let soon = Duration::from_millis(3);
        for _ in 0..5 {
            tokio::select! {
                biased;
                () = alarm.sleep_until(Instant::now() + soon) => {}
                () = std::future::ready(()) => {}
            }
            std::thread::sleep(soon);
            let moment = Instant::now() + soon;
            alarm.sleep_until(moment).await;
            assert!(Instant::now() >= moment);
        }
    }

    #[tokio::test]
    async fn a_moment_that_is_past_is_not_waited_for() {
        Alarm::open().sleep_until(Instant::now()).await;
    }

    #[tokio::test]
    async fn without_a_timer_of_the_kernel_the_runtimes_own_serves() {
        let mut alarm = Alarm(Err(io::ErrorKind::Other.into()));
        let moment = Instant::now() + Duration::from_millis(3);
        alarm.sleep_until(moment).await;
        assert!(Instant::now() >= moment);
    }
}
