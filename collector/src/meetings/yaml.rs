//! `meetings/*.yaml`. The structs are the file; what they refuse, they refuse with its place.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de};
use wire::duration::Span;
use wire::ids::MeetingId;
use wire::limits::TEXT_CHARS;
use wire::reading::Capability;
use wire::yaml::{Faults, Findings};

use super::{Change, MEETINGS, Meeting, Moved, Participants, Rule, on_the_wall};

/// The longest meeting: a congress of a week.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// Days left out or moved, of one meeting: every working day of four years.
const CHANGES: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    meetings: Vec<Draft>,
}

/// What must be there is told by the rules, so that no meeting drops out and moves the others'
/// places in the list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Draft {
    id: Option<MeetingId>,
    title: String,
    start: Option<When>,
    duration: Option<Span>,
    repeat: Option<String>,
    timezone: Zone,
    except: Vec<Day>,
    moved: BTreeMap<Day, When>,
    cancelled: bool,
    sites: Option<Sites>,
    needs: Option<Vec<Capability>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sites {
    levels: Vec<String>,
    areas: Vec<String>,
    ids: Vec<String>,
    except: Vec<String>,
}

/// A time on the wall, or a moment.
#[derive(Debug, Clone, Copy)]
enum When {
    Wall(DateTime),
    Moment(Timestamp),
}

impl When {
    fn on_the_wall(self, zone: &TimeZone) -> DateTime {
        match self {
            Self::Wall(time) => time,
            Self::Moment(moment) => on_the_wall(moment.as_millisecond(), zone),
        }
    }

    fn moment(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Wall(time) => zone.to_timestamp(time).ok(),
            Self::Moment(moment) => Some(moment),
        }
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Ok(moment) = text.parse() {
            return Ok(Self::Moment(moment));
        }
        // A day alone would be midnight to jiff.
        let time = if text.contains(':') { text.parse().ok() } else { None };
        time.map(Self::Wall).ok_or_else(|| {
            de::Error::custom(format_args!(
                "{text:?} is not a time like 2026-11-23T07:30 or 2026-11-23T07:30+07:00"
            ))
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Day(Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Date::strptime("%Y-%m-%d", &text)
            .map(Self)
            .map_err(|_| de::Error::custom(format_args!("{text:?} is not a day like 2026-11-23")))
    }
}

#[derive(Debug)]
struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(vietnam())
    }
}

/// The zone of meetings that name none; the bundled data has it.
pub(crate) fn vietnam() -> TimeZone {
    TimeZone::get("Asia/Ho_Chi_Minh").unwrap_or(TimeZone::fixed(jiff::tz::offset(7)))
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        TimeZone::get(&text).map(Self).map_err(|_| {
            de::Error::custom(format_args!("{text:?} is not a time zone like Asia/Ho_Chi_Minh"))
        })
    }
}

/// Reads `text`, the content of `file`.
pub(super) fn read(file: &Path, text: &str) -> Result<Vec<Meeting>, Faults> {
    let (content, mut findings) = wire::yaml::open::<File>(file, text);
    let (mut meetings, mut taken) = (Vec::new(), BTreeMap::new());
    for (index, draft) in content.unwrap_or_default().meetings.into_iter().enumerate() {
        let path = format!("meetings[{index}]");
        if index == MEETINGS {
            let message = format!("more than {MEETINGS} meetings; part them among years");
            findings.add("meetings", message);
            break;
        }
        let Some((id, start, duration)) = draft.needed(&path, &mut findings) else { continue };
        if let Some(first) = taken.insert(id.clone(), index) {
            let line = findings.line(&format!("meetings[{first}].id")).unwrap_or_default();
            let message = format!("the id `{id}` is taken already (in line {line})");
            findings.add_alone(&format!("{path}.id"), message);
        }
        meetings.push(draft.meeting((id, start, duration), &path, &mut findings));
    }
    findings.finish(Some(meetings))
}

/// Reads `text`, a single meeting; JSON is YAML too.
pub(super) fn one(file: &Path, text: &str) -> Result<Meeting, Faults> {
    let (draft, mut findings) = wire::yaml::open::<Draft>(file, text);
    let draft = draft.unwrap_or_default();
    let needed = draft.needed("", &mut findings);
    let meeting = needed.map(|needed| draft.meeting(needed, "", &mut findings));
    findings.finish(meeting)
}

/// The path of `key` in the meeting at `path`.
fn at(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl Draft {
    /// What no meeting is without.
    fn needed(&self, path: &str, findings: &mut Findings) -> Option<(MeetingId, When, Duration)> {
        for (key, there) in [
            ("id", self.id.is_some()),
            ("start", self.start.is_some()),
            ("duration", self.duration.is_some()),
        ] {
            if !there {
                findings.add_alone(&at(path, key), format!("the key `{key}` is missing here"));
            }
        }
        Some((self.id.clone()?, self.start?, self.duration?.0))
    }

    fn meeting(
        self,
        (id, start, duration): (MeetingId, When, Duration),
        path: &str,
        findings: &mut Findings,
    ) -> Meeting {
        let mut fault = |key: &str, message: String| findings.add(&at(path, key), message);
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.is_empty() || title.chars().count() > TEXT_CHARS {
            fault("title", format!("give a title of at most {TEXT_CHARS} characters"));
        }
        if duration.is_zero() || duration > LONGEST {
            fault("duration", "a meeting lasts longer than nothing and at most 7d".to_owned());
        }
        let Zone(zone) = self.timezone;
        let start = start.on_the_wall(&zone);
        let rule = match self.repeat.map(|text| Rule::parse(&text, start, &zone)).transpose() {
            Ok(rule) => rule,
            Err(reason) => {
                fault("repeat", reason);
                None
            }
        };
        if self.sites.as_ref().is_some_and(Sites::is_empty) {
            fault(
                "sites",
                "names nobody; leave `sites` out where every site takes part".to_owned(),
            );
        }
        let mut meeting = Meeting {
            id,
            title,
            zone,
            start,
            duration,
            rule,
            changes: BTreeMap::new(),
            later: Vec::new(),
            cancelled: self.cancelled,
            participants: self.sites.unwrap_or_default().participants(),
            needs: self.needs,
        };
        meeting.check_start(&mut fault);
        meeting.change(&self.except, &self.moved, &mut fault);
        meeting
    }
}

impl Meeting {
    fn check_start(&self, fault: &mut impl FnMut(&str, String)) {
        let first = self.starts().next().map(|first| on_the_wall(first, &self.zone));
        match first {
            None => fault("start", format!("{} is no time in this zone", self.start)),
            Some(first) if first != self.start => {
                let right = first.strftime("%Y-%m-%dT%H:%M");
                fault("start", format!("does not fit `repeat`, which first gives {right}"));
            }
            Some(_) => {}
        }
    }

    fn change(
        &mut self,
        except: &[Day],
        moved: &BTreeMap<Day, When>,
        fault: &mut impl FnMut(&str, String),
    ) {
        if except.len().max(moved.len()) > CHANGES {
            fault("", format!("at most {CHANGES} days are left out or moved"));
            return;
        }
        let Some(last) = except.iter().chain(moved.keys()).max() else { return };
        let walls = self.starts().map(|start| on_the_wall(start, &self.zone));
        let starts: BTreeMap<Date, DateTime> = walls
            .take_while(|wall| wall.date() <= last.0)
            .map(|wall| (wall.date(), wall))
            .collect();
        let absent = |day: Date| format!("the meeting does not take place on {day} anyway");
        for Day(day) in except {
            match starts.get(day) {
                Some(start) => drop(self.changes.insert(*start, Change::Dropped)),
                None => fault("except", absent(*day)),
            }
        }
        for (Day(day), when) in moved {
            let key = format!("moved.{day}");
            match (starts.get(day), when.moment(&self.zone)) {
                (None, _) => fault(&key, absent(*day)),
                (_, None) => fault(&key, "is no time in this zone".to_owned()),
                (Some(start), Some(moment)) => {
                    let start_at = moment.as_millisecond();
                    let moved = Moved { start: start_at, ..Moved::default() };
                    if self.changes.insert(*start, Change::Moved(moved)).is_some() {
                        fault(&key, "stands in `except` too".to_owned());
                    }
                }
            }
        }
    }
}

impl Sites {
    fn is_empty(&self) -> bool {
        [&self.levels, &self.areas, &self.ids, &self.except].iter().all(|names| names.is_empty())
    }

    fn participants(self) -> Participants {
        let Self { levels, areas, ids, except } = self;
        let everybody = levels.is_empty() && areas.is_empty() && ids.is_empty();
        Participants { everybody, levels, areas, ids, names: Vec::new(), except }
    }
}
