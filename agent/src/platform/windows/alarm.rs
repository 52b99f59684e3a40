//! A timer: the runtime's own. Windows wakes a program only at its ticks (15.6 ms apart, unless
//! some program asks for more), so nothing would come of a finer one.

use tokio::time::Instant;

/// Wakes its task once for each wait.
#[derive(Debug)]
pub struct Alarm(());

impl Alarm {
    /// An alarm.
    #[must_use]
    pub fn open() -> Self {
        Self(())
    }

    /// Returns at `moment`, or at once if that is past.
    pub async fn sleep_until(&mut self, moment: Instant) {
        tokio::time::sleep_until(moment).await;
    }
}
