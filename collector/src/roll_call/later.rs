//! What was learnt after a roll call: when an agent's backlog arrives, its reports tell whether
//! the site itself was down or only its line. Pure, and computed when read: what was known at
//! the time stays as it was written.

use wire::UnixMillis;

use super::Entry;
use crate::readiness::Verdict;

/// How far from the moment a report may lie and still tell that the agent lived then: agents
/// report every 15 s around a meeting, and half a minute of them may have been lost.
const NEAR_MILLIS: i64 = 60_000;

/// A site heard within this time had a line: as long as the shortest time to live of a reading.
const SILENT_MILLIS: i64 = 90_000;

/// The number of an agent's first report after its start.
const FIRST_SEQ: u64 = 1;

/// What became known of a site that was silent when the roll was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Later {
    /// Its agent measured at that moment and its reports came later.
    LineDown,
    /// Its agent did not run at that moment: power, or the PC.
    SiteDown,
    /// Nothing that would tell has arrived.
    NothingYet,
}

impl Later {
    /// In JSON.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::LineDown => "line_down",
            Self::SiteDown => "site_down",
            Self::NothingYet => "nothing_yet",
        }
    }
}

/// The reports received of one start of an agent, early and late ones alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The lowest number received.
    pub first_seq: u64,
    /// When the earliest of them was taken.
    pub first_at: UnixMillis,
    /// When the latest of them was taken.
    pub last_at: UnixMillis,
}

/// What `lives`, all that was received of the site, tells of an entry written at `recorded_at`;
/// `None` where there was no silence to explain.
///
/// An agent numbers its reports through one start, so reports from before and after the moment
/// tell that it ran in between, even where those in between were evicted. A PC that slept
/// through the moment looks the same, and is taken for a line that was down.
#[must_use]
pub fn learnt(entry: &Entry, recorded_at: UnixMillis, lives: &[Life]) -> Option<Later> {
    let silent = entry.heard_at.is_none_or(|at| at < recorded_at - SILENT_MILLIS);
    if entry.verdict != Verdict::Unknown || !silent {
        return None;
    }
    let alive = |life: &Life| {
        life.first_at <= recorded_at + NEAR_MILLIS && life.last_at >= recorded_at - NEAR_MILLIS
    };
    // Backlog arrives oldest first, so once a start after the moment is here from its very
    // first report, nothing from before it is still on the way.
    let begun_after =
        |life: &Life| life.first_seq <= FIRST_SEQ && life.first_at > recorded_at + NEAR_MILLIS;
    Some(if lives.iter().any(alive) {
        Later::LineDown
    } else if lives.iter().any(begun_after) {
        Later::SiteDown
    } else {
        Later::NothingYet
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMillis = 10_000_000;

    fn entry(verdict: Verdict, heard_at: Option<UnixMillis>) -> Entry {
        Entry {
            name: "a".to_owned(),
            area: None,
            level: String::new(),
            verdict,
            reasons: Vec::new(),
            evidence_at: None,
            heard_at,
        }
    }

    #[test]
    fn backlog_tells_whether_the_site_or_its_line_was_down() {
        let life = |first_seq, first: i64, last: i64| Life {
            first_seq,
            first_at: AT + first * 1000,
            last_at: AT + last * 1000,
        };
        let cases: [(&str, &[Life], Later); 8] = [
            ("nothing came", &[], Later::NothingYet),
            ("silent since before", &[life(1, -3600, -300)], Later::NothingYet),
            ("reports from right through it", &[life(1, -3600, 900)], Later::LineDown),
            ("the moment's reports evicted", &[life(500, -3600, 7200)], Later::LineDown),
            ("a report half a minute before", &[life(1, -3600, -30)], Later::LineDown),
            (
                "only the newest yet",
                &[life(1, -3600, -300), life(90, 1800, 1900)],
                Later::NothingYet,
            ),
            ("started after it", &[life(1, -3600, -300), life(1, 600, 1900)], Later::SiteDown),
            ("first start ever", &[life(1, 600, 1900)], Later::SiteDown),
        ];
        for (name, lives, later) in cases {
            let found = learnt(&entry(Verdict::Unknown, None), AT, lives);
            assert_eq!(found, Some(later), "{name}");
        }
    }

    #[test]
    fn there_is_nothing_to_explain_where_there_was_no_silence() {
        let through = [Life { first_seq: 1, first_at: 0, last_at: 2 * AT }];
        for verdict in Verdict::ALL {
            let found = learnt(&entry(verdict, None), AT, &through);
            assert_eq!(found.is_some(), verdict == Verdict::Unknown, "{verdict:?}");
        }
        let heard = entry(Verdict::Unknown, Some(AT - 10_000));
        assert_eq!(learnt(&heard, AT, &through), None, "its camera gave no evidence");
        let silent = entry(Verdict::Unknown, Some(AT - 120_000));
        assert_eq!(learnt(&silent, AT, &through), Some(Later::LineDown));
    }
}
