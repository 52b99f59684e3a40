//! The clock of a meeting: what matters when. Outside it a dark room is normal.

use wire::UnixMillis;

use crate::meetings::Occurrence;

const MINUTE: i64 = 60_000;

/// Rooms switch on and agents measure at full cadence: an hour is what handbooks for commune
/// rooms give the technician.
pub const WATCH: i64 = 60 * MINUTE;

/// The rehearsal begins; faults count at once.
pub const REHEARSAL: i64 = 30 * MINUTE;

impl Occurrence {
    /// Whether its sites are watched: from T−60 to the end.
    #[must_use]
    pub fn is_watched(&self, now: UnixMillis) -> bool {
        self.is_within(WATCH, now)
    }

    /// Whether faults count at once: from T−30 to the end.
    #[must_use]
    pub fn is_urgent(&self, now: UnixMillis) -> bool {
        self.is_within(REHEARSAL, now)
    }

    fn is_within(&self, lead: i64, now: UnixMillis) -> bool {
        self.start.saturating_sub(lead) <= now && now < self.end
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_mark_holds_until_the_end() {
        let meeting = Occurrence {
            id: "giao-ban@2026-11-23T07:30".to_owned(),
            title: String::new(),
            start: 100 * MINUTE,
            end: 220 * MINUTE,
            sites: BTreeSet::new(),
            needs: None,
            unmatched: vec![],
        };
        for (minute, watched, urgent) in [
            (39, false, false),
            (40, true, false),
            (69, true, false),
            (70, true, true),
            (219, true, true),
            (220, false, false),
        ] {
            let now = minute * MINUTE;
            assert_eq!((meeting.is_watched(now), meeting.is_urgent(now)), (watched, urgent));
        }
    }
}
