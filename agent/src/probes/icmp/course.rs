//! When the requests of a burst leave. Pure.

use std::time::{Duration, Instant};

/// A request may leave so much later at most: far less than a cycle's margin for late timers.
const SLACK: Duration = Duration::from_millis(50);

/// How requests are spread over what is left of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// From one request to the next.
    pub(super) gap: Duration,
    /// A reply after this is late.
    pub(super) timeout: Duration,
}

impl Pace {
    /// `count` requests, of which the last has its whole time-out left, at most half of it all.
    pub(super) fn new(left: Duration, count: u16, timeout: Duration) -> Self {
        let timeout = timeout.min(left / 2);
        let gaps = u32::from(count.saturating_sub(1).max(1));
        Self { gap: left.saturating_sub(timeout) / gaps, timeout }
    }

    /// How much later than its moment a request may leave. Nothing hangs on the moment, and a
    /// processor that is awake for another program sends for four fifths of the price.
    pub(super) fn slack(self) -> Duration {
        SLACK.min(self.gap / 4)
    }
}

/// The requests of one burst, in their turn.
#[derive(Debug)]
pub(super) struct Course {
    pace: Pace,
    begins: Instant,
    /// Nobody listens after it.
    ends: Instant,
    /// The latest that left.
    departed: Instant,
    next: u16,
    count: u16,
}

impl Course {
    pub(super) fn new(pace: Pace, count: u16, begins: Instant, ends: Instant) -> Self {
        Self { pace, begins, ends, departed: begins, next: 0, count }
    }

    /// The index of the request that leaves now; `None` where none leaves any more.
    ///
    /// A PC that hung for a while sends no more than it can still hear of: what it missed is not
    /// the path's loss. Half the time-out is enough to send; a reply that takes longer than what
    /// is left is counted one run later.
    pub(super) fn depart(&mut self, now: Instant) -> Option<u16> {
        if now + self.pace.timeout / 2 > self.ends {
            self.stop();
        }
        let index = (!self.is_over()).then_some(self.next)?;
        (self.next, self.departed) = (index + 1, now);
        Some(index)
    }

    /// When the next request is due.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.is_over()).then(|| self.moment(self.next))
    }

    /// When the last request has left, unless this PC hangs.
    pub(super) fn last(&self) -> Instant {
        self.moment(self.count.saturating_sub(1)) + self.slack()
    }

    /// See [`Pace::slack`].
    pub(super) fn slack(&self) -> Duration {
        self.pace.slack()
    }

    /// After this no reply is worth waiting for.
    pub(super) fn heard_until(&self) -> Instant {
        if self.is_over() { self.ends.min(self.departed + self.pace.timeout) } else { self.ends }
    }

    pub(super) fn is_over(&self) -> bool {
        self.next >= self.count
    }

    /// No further request leaves.
    pub(super) fn stop(&mut self) {
        self.next = self.count;
    }

    fn moment(&self, index: u16) -> Instant {
        self.begins + self.pace.gap * u32::from(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn requests_are_spread_so_that_the_last_can_still_be_answered() {
        let table = [
            (S(20), 10, Pace { gap: S(2), timeout: S(2) }),
            (S(2), 10, Pace { gap: S(1) / 9, timeout: S(1) }),
            (S(0), 10, Pace { gap: S(0), timeout: S(0) }),
            (S(5), 1, Pace { gap: S(3), timeout: S(2) }),
        ];
        for (left, count, pace) in table {
            assert_eq!(Pace::new(left, count, S(2)), pace, "{count} in {left:?}");
        }
    }

    #[test]
    fn each_request_leaves_once_and_the_last_is_waited_for() {
        let begins = Instant::now();
        let pace = Pace { gap: S(2), timeout: S(2) };
        let mut course = Course::new(pace, 3, begins, begins + S(7));
        assert_eq!(course.last(), begins + S(4) + SLACK);
        for (index, due) in [(0, 0), (1, 2), (2, 4)] {
            let due = begins + S(due);
            assert_eq!((course.due(), course.heard_until()), (Some(due), begins + S(7)));
            assert_eq!(course.depart(due), Some(index));
        }
        assert_eq!((course.due(), course.is_over()), (None, true));
        assert_eq!(course.depart(begins + S(5)), None);
        assert_eq!(course.heard_until(), begins + S(6), "the time-out of the last one");
    }

    #[test]
    fn requests_close_together_keep_their_moments_closer() {
        let slack = |gap| Pace { gap, timeout: S(2) }.slack();
        assert_eq!((slack(S(2)), slack(S(1) / 100)), (SLACK, S(1) / 400));
    }

    #[test]
    fn a_pc_that_hung_catches_up_only_as_far_as_it_can_hear() {
        let begins = Instant::now();
        let pace = Pace { gap: S(1), timeout: S(2) };
        let mut course = Course::new(pace, 9, begins, begins + S(10));
        assert_eq!(course.depart(begins + S(9)), Some(0), "a second is left for its reply");
        assert_eq!(course.due(), Some(begins + S(1)), "what was missed is due at once");
        assert_eq!(course.depart(begins + S(9) + S(1) / 10), None);
        assert_eq!((course.due(), course.heard_until()), (None, begins + S(10)));
    }
}
