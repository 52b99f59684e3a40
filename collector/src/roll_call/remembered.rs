//! A meeting as it is remembered: its roll calls as they were written, beside what was learnt
//! afterwards.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Connection;
use wire::{SiteId, UnixMillis};

use super::attendance::{Attendance, Disagreement, disagreement};
use super::later::{Later, Life, learnt};
use super::{Moment, RollCall};
use crate::store::{attendance, received, roll_calls};

/// How long before a moment an agent may have reported last and still have lived then.
const BEFORE_MILLIS: i64 = 60 * 60 * 1000;

/// All that is remembered of one meeting.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// Its roll calls as time passed; never empty.
    pub calls: Vec<Recalled>,
    /// Who took part.
    pub attendance: Attendance,
}

/// A roll call and what was learnt later.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalled {
    /// As it was written.
    pub call: RollCall,
    /// Of the sites that were silent.
    pub later: BTreeMap<SiteId, Later>,
}

impl Remembered {
    /// The latest roll call.
    #[must_use]
    pub fn latest(&self) -> Option<&Recalled> {
        self.calls.last()
    }

    /// The roll calls of the meeting's last known start, of which there is at most one a moment.
    pub fn of_last_start(&self) -> impl Iterator<Item = &Recalled> {
        let start = self.latest().map(|recalled| recalled.call.key.start);
        self.calls.iter().filter(move |recalled| Some(recalled.call.key.start) == start)
    }

    /// The roll call of its start, the one that counts; none where the collector was down or the
    /// meeting was called off in time.
    #[must_use]
    pub fn at_start(&self) -> Option<&Recalled> {
        self.of_last_start().find(|recalled| recalled.call.key.moment == Moment::Start)
    }

    /// The sites whose verdict at the start contradicts what happened. Before the first roll call
    /// of a start there is nothing to contradict.
    pub fn wrong(&self) -> impl Iterator<Item = (&SiteId, Disagreement)> {
        let sites = self.at_start().into_iter().flat_map(|recalled| &recalled.call.sites);
        sites.filter_map(|(site, entry)| {
            Some((site, disagreement(entry.verdict, *self.attendance.get(site)?)?))
        })
    }

    fn new(calls: Vec<RollCall>, attendance: Attendance, lives: &Lives) -> Option<Self> {
        let calls: Vec<_> = calls.into_iter().map(|call| Recalled::new(call, lives)).collect();
        if calls.is_empty() { None } else { Some(Self { calls, attendance }) }
    }
}

type Lives = HashMap<SiteId, Vec<Life>>;

impl Recalled {
    /// How many sites only lost their line, as far as is known by now.
    #[must_use]
    pub fn lines_down(&self) -> usize {
        self.later.values().filter(|later| **later == Later::LineDown).count()
    }

    fn new(call: RollCall, lives: &Lives) -> Self {
        let learnt = |(site, entry)| {
            let lives = lives.get(site).map_or(&[][..], Vec::as_slice);
            let site: &SiteId = site;
            Some((site.clone(), learnt(entry, call.recorded_at, lives)?))
        };
        let later = call.sites.iter().filter_map(learnt).collect();
        Self { call, later }
    }
}

/// One meeting; `None` where there is no roll call of it.
///
/// # Errors
/// When the store cannot be read.
pub fn meeting(connection: &Connection, id: &str) -> rusqlite::Result<Option<Remembered>> {
    let calls = roll_calls::of_meeting(connection, id)?;
    let Some(first) = calls.first() else { return Ok(None) };
    let lives = received::lives_since(connection, first.recorded_at - BEFORE_MILLIS)?;
    Ok(Remembered::new(calls, attendance::of_meeting(connection, id)?, &lives))
}

/// The meetings whose last known start lies in `from..to`, in the order of their starts, each
/// with its last roll call alone: that of T-0 where there is one, and a month of the others
/// would not fit in memory at ten thousand sites.
///
/// # Errors
/// When the store cannot be read.
pub fn between(
    connection: &Connection,
    from: UnixMillis,
    to: UnixMillis,
) -> rusqlite::Result<Vec<Remembered>> {
    let lives = received::lives_since(connection, from - BEFORE_MILLIS)?;
    let mut meetings = Vec::new();
    for id in roll_calls::meetings_between(connection, from, to)? {
        let last = roll_calls::of_meeting(connection, &id)?.pop();
        let attendance = attendance::of_meeting(connection, &id)?;
        let remembered = Remembered::new(last.into_iter().collect(), attendance, &lives);
        let starts_in = |remembered: &Remembered| {
            let start = remembered.latest().map(|recalled| recalled.call.key.start);
            start.is_some_and(|start| (from..to).contains(&start))
        };
        meetings.extend(remembered.filter(starts_in));
    }
    Ok(meetings)
}

/// The id that may have been meant, of meetings that have a roll call.
///
/// # Errors
/// When the store cannot be read.
pub fn nearest(connection: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    let known = roll_calls::meetings(connection)?;
    let words: Vec<_> = known.iter().map(String::as_str).collect();
    if let Some(nearest) = wire::yaml::nearest(id, &words) {
        return Ok(Some(nearest.to_owned()));
    }
    // Whoever gives the meeting without its time means the last one.
    let meeting = id.split('@').next().unwrap_or_default();
    let of_meeting = |known: &&String| known.split('@').next() == Some(meeting);
    Ok(known.iter().filter(of_meeting).max().cloned())
}
