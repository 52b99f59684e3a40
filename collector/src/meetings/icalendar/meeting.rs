//! Events become meetings: of each occurrence the newest event counts, whichever file it is in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use wire::UnixMillis;
use wire::ids::MeetingId;
use wire::yaml::Fault;

use super::super::{Change, Later, Meeting, Moved, Origin, Rule, on_the_wall};
use super::Event;

/// UIDs beyond this make ids that nobody can read or type; they are shortened to a digest.
const READABLE: usize = 40;

/// Makes the meetings of all events, each with its file and the faults of its rule.
pub(in super::super) fn meetings<'a>(
    events: impl Iterator<Item = (&'a PathBuf, &'a Event)>,
) -> (Vec<(Meeting, Origin)>, Vec<Fault>) {
    // By what each replaces: nothing, one occurrence, or one and all after it.
    type Newest<'a> = BTreeMap<Option<(UnixMillis, bool)>, (&'a PathBuf, &'a Event)>;
    let mut by_uid: BTreeMap<&str, Newest<'_>> = BTreeMap::new();
    for (file, event) in events {
        let newest = by_uid.entry(&event.uid).or_default();
        let replaced = event.recurrence.map(|recurrence| (recurrence, event.and_later));
        let (_, kept) = newest.entry(replaced).or_insert((file, event));
        if age(event) > age(kept) {
            newest.insert(replaced, (file, event));
        }
    }
    let (mut meetings, mut faults) = (Vec::new(), Vec::new());
    for mut events in by_uid.into_values() {
        let master = events.remove(&None);
        let Some((file, first)) = master.or_else(|| events.values().next().copied()) else {
            continue;
        };
        let changes: Vec<&Event> = events.into_values().map(|(_, event)| event).collect();
        match meeting(first, master.is_some(), &changes) {
            Ok(meeting) => meetings.push((meeting, Origin::File(file.clone()))),
            Err(message) => faults.push(Fault {
                file: file.clone(),
                line: first.line,
                column: 1,
                key: "RRULE".to_owned(),
                message,
            }),
        }
    }
    (meetings, faults)
}

/// What orders two events of one occurrence; a cancellation is the last word.
fn age(event: &Event) -> (i64, UnixMillis, bool) {
    (event.sequence, event.stamp, event.cancelled)
}

fn meeting(first: &Event, is_master: bool, others: &[&Event]) -> Result<Meeting, String> {
    let rule = first.rule.as_ref().filter(|_| is_master);
    let rule = rule.map(|rule| Rule::parse(rule, first.start, &first.zone)).transpose()?;
    let mut meeting = Meeting {
        id: id(&first.uid)?,
        title: first.title.clone(),
        zone: first.zone.clone(),
        start: first.start,
        duration: first.duration,
        rule,
        changes: BTreeMap::new(),
        later: Vec::new(),
        cancelled: is_master && first.cancelled,
        participants: first.participants.clone(),
        needs: None,
    };
    let own_start = first.starts_at();
    let last = others.iter().filter_map(|event| event.recurrence).max().max(own_start);
    let given: BTreeSet<UnixMillis> =
        meeting.starts().take_while(|start| Some(*start) <= last).collect();
    if is_master {
        // The first start belongs to the meeting even where the rule would not give it.
        let also = own_start.filter(|start| !given.contains(start)).into_iter();
        for start in also.chain(first.also.iter().copied()) {
            meeting.set(start, Change::Moved(Moved { start, ..Moved::default() }));
        }
        for start in &first.except {
            meeting.set(*start, Change::Dropped);
        }
    } else {
        // Only single occurrences are known: none takes place but these.
        meeting.changes.insert(meeting.start, Change::Dropped);
    }
    for event in others {
        let Some(original) = event.recurrence else { continue };
        // Left over from before the whole row was moved.
        if is_master && !given.contains(&original) && event.sequence < first.sequence {
            continue;
        }
        if event.and_later && is_master {
            meeting.later.extend(event.as_later(original, &meeting.zone));
        } else {
            meeting.set(original, event.as_change());
        }
    }
    Ok(meeting)
}

impl Meeting {
    fn set(&mut self, original: UnixMillis, change: Change) {
        self.changes.insert(on_the_wall(original, &self.zone), change);
    }
}

impl Event {
    fn starts_at(&self) -> Option<UnixMillis> {
        self.zone.to_timestamp(self.start).ok().map(jiff::Timestamp::as_millisecond)
    }

    fn as_later(&self, original: UnixMillis, zone: &TimeZone) -> Option<Later> {
        let from = on_the_wall(original, zone);
        let start = on_the_wall(self.starts_at()?, zone);
        Some(Later { from, by: from.duration_until(start), change: self.as_change() })
    }

    fn as_change(&self) -> Change {
        match self.starts_at() {
            Some(start) if !self.cancelled => Change::Moved(Moved {
                start,
                duration: Some(self.duration),
                title: Some(self.title.clone()),
                participants: Some(self.participants.clone()),
            }),
            _ => Change::Dropped,
        }
    }
}

/// An id that stays the same as long as the UID does.
fn id(uid: &str) -> Result<MeetingId, String> {
    let local = uid.split('@').next().unwrap_or(uid);
    if local.len() <= READABLE
        && let Ok(id) = local.parse()
    {
        return Ok(id);
    }
    let digest = Sha256::digest(uid.as_bytes());
    let digest = data_encoding::HEXLOWER.encode(&digest[..8]);
    format!("ics-{digest}").parse().map_err(|error| format!("{error}"))
}
