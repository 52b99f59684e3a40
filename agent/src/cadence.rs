//! How often is measured: the clock of the site's next meeting. Pure.
//!
//! ```text
//!            T-60 min               T-30 min      T                    end
//!  ── resting ──┼── full: as configured ─┼─ rehearsal ─┼── in the meeting ───┼── resting ──
//!   an eighth of probes and reports        probes each 5 s   probes rest
//!                                          the heartbeat goes on each 4 s
//! ```
//! The times are kept on this PC's monotonic clock, so that a wrong date does no harm and the
//! clock of the meeting runs on while the collector is away. Without a calendar there is nothing
//! to rest for: all is measured as configured.

use std::time::Duration;

use wire::UnixMillis;
use wire::batch::NextMeeting;

use crate::schedule::{Next, Schedule};

/// Rooms switch on an hour before their meeting, and are measured from then.
const FULL_BEFORE: u64 = 60 * 60 * 1000;

/// The rehearsal: from here on a fault must be known within 20 s.
const REHEARSAL_BEFORE: u64 = 30 * 60 * 1000;

/// Between two runs in the rehearsal. A fault just after a run is found by the next, which may
/// take its whole interval to be sure: twice this, and 10 s are left for the way to the alert.
const REHEARSED: Duration = Duration::from_secs(5);

/// A probe that runs more seldom than this is slow because it is heavy or because what it looks
/// at changes slowly; it stays so in the rehearsal.
const REHEARSED_UP_TO: Duration = Duration::from_mins(1);

/// Between two signs of life from the rehearsal to the end of the meeting. The collector holds a
/// site for silent after three of them: one push may be lost and its repetition with it, and of
/// the 20 s there are 8 left for the scrape and the rules.
const HEARTBEAT: Duration = Duration::from_secs(4);

/// One run in so many while resting: a report each two minutes instead of each 15 s keeps a
/// metered line below 1 MB a day.
pub const RESTING: u32 = 8;

/// Differences below this are the way's own delay and no news.
const SAME: u64 = 2_000;

/// Who looks on asks each few seconds; a minute after the last time nobody does any more.
const LOOK: u64 = 60_000;

/// What is measured how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// Everything as configured.
    Full,
    /// Nobody meets soon.
    Resting,
    /// A meeting is about to start: faults must be known at once.
    Rehearsal,
    /// A meeting runs: the line is the meeting's.
    Meeting,
}

impl Cadence {
    /// Between two runs of a probe that is configured to run each `every`.
    #[must_use]
    pub fn interval(self, every: Duration) -> Duration {
        match self {
            Self::Rehearsal if every <= REHEARSED_UP_TO => every.min(REHEARSED),
            Self::Full | Self::Rehearsal => every,
            Self::Resting | Self::Meeting => every.saturating_mul(RESTING),
        }
    }

    /// Between two signs of life, where the collector is promised one.
    #[must_use]
    pub fn heartbeat(self) -> Option<Duration> {
        matches!(self, Self::Rehearsal | Self::Meeting).then_some(HEARTBEAT)
    }

    /// By what the cycle of reports grows.
    #[must_use]
    pub fn report_stretch(self) -> u32 {
        match self {
            Self::Full | Self::Rehearsal | Self::Meeting => 1,
            Self::Resting => RESTING,
        }
    }
}

/// What decides the cadence, on the monotonic clock, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timetable {
    /// Start and end of the site's next or running meeting; none where the collector's calendar
    /// names none.
    meeting: Option<(u64, u64)>,
    /// Until then somebody in the room looks on and wants to see at once what was mended.
    looked_at_until: u64,
}

impl Timetable {
    /// What an answer says that came at `uptime` and whose collector's clock said `now`.
    #[must_use]
    pub fn new(meeting: Option<&NextMeeting>, now: UnixMillis, uptime: u64) -> Self {
        let here = |moment: UnixMillis| uptime.saturating_add_signed(moment.saturating_sub(now));
        let meeting = meeting.map(|meeting| (here(meeting.start), here(meeting.end)));
        Self { meeting, looked_at_until: 0 }
    }

    /// Takes the meeting of `told`, unless it is the same but for the way's delay; whether it did.
    pub fn heed(&mut self, told: &Self) -> bool {
        let same = match (self.meeting, told.meeting) {
            (Some(a), Some(b)) => a.0.abs_diff(b.0) < SAME && a.1.abs_diff(b.1) < SAME,
            (a, b) => a == b,
        };
        if !same {
            self.meeting = told.meeting;
        }
        !same
    }

    /// Somebody in the room looks on at `uptime`; whether that is news.
    pub fn look(&mut self, uptime: u64) -> bool {
        let news = self.looked_at_until < uptime.saturating_add(LOOK / 2);
        if news {
            self.looked_at_until = uptime.saturating_add(LOOK);
        }
        news
    }

    /// Start and end of the meeting that runs or comes next.
    #[must_use]
    pub fn meeting(&self, uptime: u64) -> Option<(u64, u64)> {
        self.meeting.filter(|(_, end)| uptime < *end)
    }

    /// The cadence at a moment.
    #[must_use]
    pub fn at(&self, uptime: u64) -> Cadence {
        match self.meeting {
            None => Cadence::Full,
            Some((start, end)) if uptime < full_from(start) || uptime >= end => {
                if uptime < self.looked_at_until { Cadence::Full } else { Cadence::Resting }
            }
            Some((start, _)) if uptime < rehearsal_from(start) => Cadence::Full,
            Some((start, _)) if uptime < start => Cadence::Rehearsal,
            Some(_) => Cadence::Meeting,
        }
    }

    /// `moment`, or the beginning of the full cadence where that comes sooner.
    #[must_use]
    pub fn no_later_than_full(&self, now: u64, moment: u64) -> u64 {
        match self.meeting.map(|(start, _)| full_from(start)) {
            Some(full) if full > now => moment.min(full),
            _ => moment,
        }
    }

    /// When heartbeats begin, where that is still to come.
    #[must_use]
    pub fn heartbeats_from(&self, now: u64) -> Option<u64> {
        self.meeting.map(|(start, _)| rehearsal_from(start)).filter(|from| *from > now)
    }

    /// Whether a meeting runs, or starts within so many milliseconds.
    #[must_use]
    pub fn is_near(&self, now: u64, within: u64) -> bool {
        self.meeting.is_some_and(|(start, end)| now < end && now.saturating_add(within) > start)
    }

    /// The next run of a probe that ran last at `last`.
    #[must_use]
    pub fn next(&self, schedule: &Schedule, last: u64, now: u64) -> Next {
        let next = self.paced(schedule, now).next(last, now);
        let mut tick = self.no_later_than_full(now, next.tick);
        if let Some(rehearsal) = self.heartbeats_from(now) {
            tick = tick.min(rehearsal);
        }
        if tick == next.tick {
            return next;
        }
        // Its own place in the first interval from then on, or all sites would begin at once.
        let place = self.paced(schedule, tick).next(tick, tick).tick;
        Next { tick: place.min(next.tick), missed: next.missed }
    }

    /// Within which a probe that runs at `tick` runs again, whatever begins or ends by then:
    /// what it says now must stay good for so long.
    #[must_use]
    pub fn again_within(&self, every: Duration, tick: u64) -> Duration {
        let now = self.at(tick).interval(every);
        let then = tick.saturating_add(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        now.max(self.at(then).interval(every))
    }

    fn paced(&self, schedule: &Schedule, at: u64) -> Schedule {
        schedule.paced(self.at(at).interval(schedule.every()))
    }
}

fn rehearsal_from(start: u64) -> u64 {
    start.saturating_sub(REHEARSAL_BEFORE)
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
            (69, Cadence::Full),
            (70, Cadence::Rehearsal),
            (99, Cadence::Rehearsal),
            (100, Cadence::Meeting),
            (199, Cadence::Meeting),
            (200, Cadence::Resting),
        ] {
            assert_eq!(timetable().at(minute * MINUTE), cadence, "minute {minute}");
        }
    }

    #[test]
    fn a_meeting_is_near_until_it_ends() {
        let near = |minute: u64| timetable().is_near(minute * MINUTE, 60 * MINUTE);
        assert_eq!([39, 40, 41, 150, 199, 200].map(near), [false, false, true, true, true, false]);
        assert!(!Timetable::default().is_near(0, 60 * MINUTE));
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
    fn in_the_rehearsal_what_is_quick_is_measured_each_five_seconds() {
        let every = |seconds| Cadence::Rehearsal.interval(Duration::from_secs(seconds)).as_secs();
        assert_eq!([2, 15, 60, 61, 3600].map(every), [2, 5, 5, 61, 3600]);
        let schedule = Schedule::new("th-0316", "mcu", Duration::from_secs(15));
        let rehearsal = 70 * MINUTE;
        let tick = timetable().next(&schedule, rehearsal - 9_000, rehearsal - 8_000).tick;
        assert!(tick <= rehearsal + 5_000, "{tick}");
        let next = timetable().next(&schedule, rehearsal + 1_000, rehearsal + 1_000).tick;
        assert!(next <= rehearsal + 6_000, "{next}");
    }

    #[test]
    fn what_is_said_before_a_slower_cadence_stays_good_until_the_next_run() {
        let every = Duration::from_secs(15);
        let within = |minute: u64, seconds: u64| {
            timetable().again_within(every, minute * MINUTE + seconds * 1000).as_secs()
        };
        assert_eq!(within(80, 0), 5);
        assert_eq!(within(99, 58), 15 * u64::from(RESTING), "the last run before the meeting");
        assert_eq!(within(101, 0), 15 * u64::from(RESTING));
    }

    #[test]
    fn signs_of_life_are_promised_from_the_rehearsal_to_the_end() {
        let promised = |minute: u64| timetable().at(minute * MINUTE).heartbeat().is_some();
        assert_eq!([39, 69, 70, 199, 200].map(promised), [false, false, true, true, false]);
        assert_eq!(timetable().heartbeats_from(0), Some(70 * MINUTE));
        assert_eq!(timetable().heartbeats_from(70 * MINUTE), None);
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
        assert!(!timetable().heed(&moved(300)));
        assert!(timetable().heed(&moved(60_000)));
        assert!(timetable().heed(&Timetable::default()));
    }

    #[test]
    fn who_looks_on_is_not_told_old_news() {
        let mut looked = timetable();
        assert_eq!(looked.at(MINUTE), Cadence::Resting);
        assert!(looked.look(MINUTE), "somebody comes");
        assert!(!looked.look(MINUTE + 5_000), "and goes on looking");
        assert!(looked.look(MINUTE + 40_000));
        assert_eq!(looked.at(MINUTE + 99_000), Cadence::Full);
        assert_eq!(looked.at(MINUTE + 100_000), Cadence::Resting);
        assert!(!looked.heed(&timetable()), "a push in between changes nothing");
        assert_eq!(looked.at(MINUTE + 99_000), Cadence::Full);
        // The line is the meeting's, whoever looks.
        looked.look(150 * MINUTE);
        assert_eq!(looked.at(150 * MINUTE), Cadence::Meeting);
        assert_eq!(looked.meeting(150 * MINUTE), Some((100 * MINUTE, 200 * MINUTE)));
        assert_eq!(looked.meeting(200 * MINUTE), None);
    }
}
