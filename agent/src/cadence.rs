//! How often is measured: the clock of the site's next meeting. Pure.
//!
//! ```text
//!            T-60 min                     T                    end
//!  ── resting ──┼── full: as configured ──┼── in the meeting ───┼── resting ──
//!   an eighth of probes and reports        probes rest, the heartbeat goes on
//! ```
//! The times are kept on this PC's monotonic clock, so that a wrong date does no harm and the
//! clock of the meeting runs on while the collector is away. Without a calendar there is nothing
//! to rest for: all is measured as configured.

use wire::UnixMillis;
use wire::batch::NextMeeting;

use crate::schedule::{Next, Schedule};

/// Rooms switch on an hour before their meeting, and are measured from then.
const FULL_BEFORE: u64 = 60 * 60 * 1000;

/// One run in so many while resting: a report each two minutes instead of each 15 s keeps a
/// metered line below 1 MB a day.
pub const RESTING: u32 = 8;

/// Differences below this are the way's own delay and no news.
const SAME: u64 = 2_000;

/// What is measured how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// Everything as configured.
    Full,
    /// Nobody meets soon.
    Resting,
    /// A meeting runs: the line is the meeting's.
    Meeting,
}

impl Cadence {
    /// By what the intervals of probes grow.
    #[must_use]
    pub fn stretch(self) -> u32 {
        match self {
            Self::Full => 1,
            Self::Resting | Self::Meeting => RESTING,
        }
    }

    /// By what the cycle of reports grows.
    #[must_use]
    pub fn report_stretch(self) -> u32 {
        match self {
            Self::Full | Self::Meeting => 1,
            Self::Resting => RESTING,
        }
    }
}

/// The site's next or running meeting on the monotonic clock, in milliseconds; none where the
/// collector's calendar names none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timetable(Option<(u64, u64)>);

impl Timetable {
    /// What an answer says that came at `uptime` and whose collector's clock said `now`.
    #[must_use]
    pub fn new(meeting: Option<&NextMeeting>, now: UnixMillis, uptime: u64) -> Self {
        let here = |moment: UnixMillis| uptime.saturating_add_signed(moment.saturating_sub(now));
        Self(meeting.map(|meeting| (here(meeting.start), here(meeting.end))))
    }

    /// Whether the other says the same, but for the way's delay.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Some(a), Some(b)) => a.0.abs_diff(b.0) < SAME && a.1.abs_diff(b.1) < SAME,
            (a, b) => a == b,
        }
    }

    /// The cadence at a moment.
    #[must_use]
    pub fn at(&self, uptime: u64) -> Cadence {
        match self.0 {
            None => Cadence::Full,
            Some((start, end)) if uptime < full_from(start) || uptime >= end => Cadence::Resting,
            Some((start, _)) if uptime < start => Cadence::Full,
            Some(_) => Cadence::Meeting,
        }
    }

    /// `moment`, or the beginning of the full cadence where that comes sooner.
    #[must_use]
    pub fn no_later_than_full(&self, now: u64, moment: u64) -> u64 {
        match self.0.map(|(start, _)| full_from(start)) {
            Some(full) if full > now => moment.min(full),
            _ => moment,
        }
    }

    /// The next run of a probe that ran last at `last`.
    #[must_use]
    pub fn next(&self, schedule: &Schedule, last: u64, now: u64) -> Next {
        let next = schedule.stretched(self.at(now).stretch()).next(last, now);
        let tick = self.no_later_than_full(now, next.tick);
        if tick == next.tick {
            return next;
        }
        // Its own place in the first full interval, or all sites would begin at once.
        Next { tick: schedule.next(tick, tick).tick.min(next.tick), missed: next.missed }
    }
}

fn full_from(start: u64) -> u64 {
    start.saturating_sub(FULL_BEFORE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const MINUTE: u64 = 60_000;

    /// A meeting from minute 100 to 200 of this PC's clock, told by a collector of another time.
    fn timetable() -> Timetable {
        let meeting =
            NextMeeting { id: "giao-ban".into(), start: 1_000_000_000, end: 1_006_000_000 };
        Timetable::new(Some(&meeting), 1_000_000_000 - 90 * 60_000, 10 * MINUTE)
    }

    #[test]
    fn the_meetings_clock_is_kept_on_the_monotonic_one() {
        for (minute, cadence) in [
            (0, Cadence::Resting),
            (39, Cadence::Resting),
            (40, Cadence::Full),
            (99, Cadence::Full),
            (100, Cadence::Meeting),
            (199, Cadence::Meeting),
            (200, Cadence::Resting),
        ] {
            assert_eq!(timetable().at(minute * MINUTE), cadence, "minute {minute}");
        }
    }

    #[test]
    fn without_a_calendar_all_is_measured_as_configured() {
        assert_eq!(Timetable::default().at(0), Cadence::Full);
        assert_eq!(Timetable::new(None, 5, 7), Timetable::default());
    }

    #[test]
    fn a_resting_probe_wakes_for_the_full_cadence_in_its_own_place() {
        let schedule = Schedule::new("th-0316", "mcu", Duration::from_secs(15));
        let full = 40 * MINUTE;
        let Next { tick, .. } = timetable().next(&schedule, full - 20_000, full - 10_000);
        assert!(tick > full && tick <= full + 15_000, "{tick}");
        let resting = timetable().next(&schedule, 0, 1_000).tick;
        assert!(resting <= 1_000 + 15_000 * u64::from(RESTING));
        let after = timetable().next(&schedule, resting, resting).tick;
        assert_eq!(after - resting, 15_000 * u64::from(RESTING));
    }

    #[test]
    fn the_ways_delay_is_no_news_and_a_moved_meeting_is() {
        let moved = |millis: i64| {
            let meeting = NextMeeting {
                id: "giao-ban".into(),
                start: 1_000_000_000 + millis,
                end: 1_006_000_000,
            };
            Timetable::new(Some(&meeting), 1_000_000_000 - 90 * 60_000, 10 * MINUTE)
        };
        assert!(timetable().is_like(&moved(300)));
        assert!(!timetable().is_like(&moved(60_000)));
        assert!(!timetable().is_like(&Timetable::default()));
    }
}
