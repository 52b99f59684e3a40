//! iCalendar (RFC 5545) as Outlook, Google and Zimbra write it: events first, then, from the
//! events of all files, meetings.
//!
//! ```text
//!  text ─▶ lines ─▶ Event ─┐
//!  other files ─▶ Event ───┴▶ newest of each (UID, RECURRENCE-ID) ─▶ Meeting with its changes
//! ```

use std::path::Path;
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SpanRelativeTo, Timestamp};
use wire::UnixMillis;
use wire::limits::TEXT_CHARS;
use wire::yaml::{Fault, Faults};

use super::remark::{Remark, What};
use super::{MEETINGS, Participants};

mod lines;
mod meeting;
mod vtimezone;
mod zones;

#[cfg(test)]
mod tests;

use lines::{Line, lines};
pub(super) use meeting::meetings;

/// A congress of a week, as in YAML.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// One `VEVENT`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    uid: String,
    /// Of two with one UID and one recurrence the newer counts: by `SEQUENCE`, then `DTSTAMP`.
    sequence: i64,
    stamp: UnixMillis,
    /// `METHOD:CANCEL` or `STATUS:CANCELLED`.
    cancelled: bool,
    /// The occurrence that it replaces.
    recurrence: Option<UnixMillis>,
    /// Whether it replaces all after that one too (`RANGE=THISANDFUTURE`).
    and_later: bool,
    zone: TimeZone,
    start: DateTime,
    duration: Duration,
    title: String,
    rule: Option<String>,
    except: Vec<UnixMillis>,
    also: Vec<UnixMillis>,
    participants: Participants,
    /// The line of its `BEGIN`.
    line: usize,
}

/// What a calendar says.
#[derive(Debug)]
pub(super) struct Entries {
    pub(super) events: Vec<Event>,
    pub(super) remarks: Vec<Remark>,
}

/// Reads the events of `text`, the content of `file`. Entries of whole days are no meetings:
/// nobody could be ready in time. That they were left out is a remark.
pub(super) fn read(file: &Path, text: &str) -> Result<Entries, Faults> {
    let lines = lines(text);
    let mut reader = Reader {
        file,
        lines: &lines,
        zone: super::yaml::vietnam(),
        faults: Vec::new(),
        days: Vec::new(),
    };
    if !lines.first().is_some_and(|line| begins(line, "VCALENDAR")) {
        reader.fault(0, "", "does not begin with BEGIN:VCALENDAR".to_owned());
    }
    let events = reader.events();
    if !reader.faults.is_empty() {
        return Err(Faults(reader.faults));
    }
    let remarks = whole_days(file, &reader.days).into_iter().collect();
    Ok(Entries { events, remarks })
}

fn whole_days(file: &Path, titles: &[String]) -> Option<Remark> {
    let first = titles.first()?.clone();
    let what = What::WholeDays { entries: titles.len(), first };
    Some(Remark { file: file.to_owned(), sheet: None, row: 0, what })
}

fn begins(line: &Line, what: &str) -> bool {
    line.name == "BEGIN" && line.value.trim().eq_ignore_ascii_case(what)
}

struct Reader<'a> {
    file: &'a Path,
    lines: &'a [Line],
    /// That of times that name none.
    zone: TimeZone,
    faults: Vec<Fault>,
    /// What entries of whole days are called.
    days: Vec<String>,
}

impl Reader<'_> {
    fn events(&mut self) -> Vec<Event> {
        let head = |name: &str| self.lines.iter().find(|line| line.name == name);
        let cancelled = head("METHOD").is_some_and(|line| line.value.trim() == "CANCEL");
        if let Some(zone) = head("X-WR-TIMEZONE").and_then(|line| zones::by_name(&line.value)) {
            self.zone = zone;
        }
        let mut events = Vec::new();
        let mut rest = self.lines;
        while let Some(begin) = rest.iter().position(|line| begins(line, "VEVENT")) {
            if events.len() == MEETINGS {
                let message = format!("more than {MEETINGS} events; export a shorter time");
                self.fault(rest[begin].number, "VEVENT", message);
                break;
            }
            let number = rest[begin].number;
            rest = &rest[begin + 1..];
            let end = rest.iter().position(|line| line.name == "END" && line.value == "VEVENT");
            let Some(end) = end else {
                self.fault(number, "VEVENT", "has no end; the file is cut short".to_owned());
                break;
            };
            events.extend(self.event(number, &own(&rest[..end]), cancelled));
            rest = &rest[end + 1..];
        }
        events
    }

    fn event(&mut self, number: usize, lines: &[&Line], cancelled: bool) -> Option<Event> {
        let one = |name: &str| lines.iter().copied().find(|line| line.name == name);
        let (uid, recurrence_line) = (one("UID"), one("RECURRENCE-ID"));
        let Some(uid) = uid.map(Line::text).filter(|uid| !uid.trim().is_empty()) else {
            self.fault(number, "VEVENT", "has no UID".to_owned());
            return None;
        };
        let recurrence = match recurrence_line {
            Some(line) => Some(self.moment(line)?),
            None => None,
        };
        let status = one("STATUS").is_some_and(|line| line.value.trim() == "CANCELLED");
        let Some(start_line) = one("DTSTART").or(recurrence_line) else {
            self.fault(number, "DTSTART", "is missing".to_owned());
            return None;
        };
        if is_day(&start_line.value) {
            self.days.push(title(one("SUMMARY")));
            return None;
        }
        let (start, zone) = self.wall(start_line)?;
        let cancelled = cancelled || status;
        // Some programs cancel without saying how long it would have been.
        let duration = if cancelled && one("DTEND").or(one("DURATION")).is_none() {
            Duration::from_hours(1)
        } else {
            self.duration(lines, start_line)?
        };
        Some(Event {
            uid: uid.trim().to_owned(),
            sequence: one("SEQUENCE").and_then(|l| l.value.trim().parse().ok()).unwrap_or(0),
            stamp: one("DTSTAMP").and_then(|line| self.moment(line)).unwrap_or(0),
            cancelled,
            recurrence,
            and_later: recurrence_line
                .and_then(|line| line.parameter("RANGE"))
                .is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE")),
            zone,
            start,
            duration,
            title: title(one("SUMMARY")),
            rule: one("RRULE").map(|line| line.value.clone()),
            except: self.moments(lines, "EXDATE", start),
            also: self.moments(lines, "RDATE", start),
            participants: participants(lines),
            line: number,
        })
    }

    fn duration(&mut self, lines: &[&Line], start: &Line) -> Option<Duration> {
        let one = |name: &str| lines.iter().copied().find(|line| line.name == name);
        let (line, millis) = if let Some(end) = one("DTEND") {
            (end, self.moment(end)?.checked_sub(self.moment(start)?))
        } else if let Some(line) = one("DURATION") {
            let span: Option<jiff::Span> = line.value.trim().parse().ok();
            let length = span.and_then(|s| s.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
            (line, length.and_then(|length| i64::try_from(length.as_millis()).ok()))
        } else {
            self.fault(start.number, "DTEND", "is missing, and so is DURATION".to_owned());
            return None;
        };
        let duration = millis.and_then(|millis| u64::try_from(millis).ok());
        match duration.map(Duration::from_millis) {
            Some(duration) if !duration.is_zero() && duration <= LONGEST => Some(duration),
            _ => {
                let message =
                    format!("{}: lasts longer than nothing and at most 7 days", line.value);
                self.fault(line.number, &line.name, message);
                None
            }
        }
    }

    /// Every value of every line of that name. A day means the occurrence of that day.
    fn moments(&mut self, lines: &[&Line], name: &str, start: DateTime) -> Vec<UnixMillis> {
        let mut moments = Vec::new();
        for line in lines.iter().filter(|line| line.name == name) {
            for value in line.value.split(',') {
                let value = if is_day(value) {
                    format!("{}T{}", value.trim(), start.strftime("%H%M%S"))
                } else {
                    value.to_owned()
                };
                moments.extend(self.moment(&Line { value, ..(*line).clone() }));
            }
        }
        moments
    }

    fn moment(&mut self, line: &Line) -> Option<UnixMillis> {
        let (wall, zone) = self.wall(line)?;
        zone.to_timestamp(wall).ok().map(Timestamp::as_millisecond)
    }

    /// A time as it stands on the wall, and where.
    fn wall(&mut self, line: &Line) -> Option<(DateTime, TimeZone)> {
        let value = line.value.trim();
        let utc = value.strip_suffix(['Z', 'z']);
        let text = utc.unwrap_or(value);
        let wall = DateTime::strptime("%Y%m%dT%H%M%S", text)
            .or_else(|_| Date::strptime("%Y%m%d", text).map(|day| day.at(0, 0, 0, 0)));
        let Ok(wall) = wall else {
            let message = format!("{value} is not a time like 20261123T073000");
            self.fault(line.number, &line.name, message);
            return None;
        };
        if utc.is_some() {
            // Occurrences are named by the wall of those who meet.
            let moment = TimeZone::UTC.to_timestamp(wall).ok()?;
            return Some((self.zone.to_datetime(moment), self.zone.clone()));
        }
        let zone = match line.parameter("TZID") {
            None => self.zone.clone(),
            Some(name) => {
                let zone = zones::by_name(name).or_else(|| self.described(name));
                if zone.is_none() {
                    let message = format!("the time zone {name:?} is not known");
                    self.fault(line.number, &line.name, message);
                }
                zone?
            }
        };
        Some((wall, zone))
    }

    /// The zone of that name as the file's own `VTIMEZONE` describes it.
    fn described(&self, name: &str) -> Option<TimeZone> {
        let id = |line: &Line| line.name == "TZID" && line.value.trim() == name.trim();
        let begin = self.lines.iter().position(id)?;
        let ends = |line: &Line| line.name == "END" && line.value.trim() == "VTIMEZONE";
        vtimezone::zone(self.lines[begin..].split(ends).next()?)
    }

    fn fault(&mut self, line: usize, key: &str, message: String) {
        let column = usize::from(line > 0);
        // Nobody mends more in one go.
        if self.faults.len() < 100 {
            let file = self.file.to_owned();
            self.faults.push(Fault { file, line, column, key: key.to_owned(), message });
        }
    }
}

/// The lines of the event itself: alarms in it have times and texts of their own.
fn own(lines: &[Line]) -> Vec<&Line> {
    let mut depth = 0_usize;
    let of_event = |line: &&Line| {
        let inner = depth > 0 || line.name == "BEGIN";
        match line.name.as_str() {
            "BEGIN" => depth += 1,
            "END" => depth = depth.saturating_sub(1),
            _ => {}
        }
        !inner
    };
    lines.iter().filter(of_event).collect()
}

fn is_day(value: &str) -> bool {
    !value.contains(['T', 't'])
}

fn title(line: Option<&Line>) -> String {
    let text = line.map(Line::text).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let title: String = text.chars().take(TEXT_CHARS).collect();
    if title.is_empty() { "?".to_owned() } else { title }
}

/// Whom the event names: `X-NHIPCAU-SITES` alone where it is given; otherwise attendees, places
/// and categories.
fn participants(lines: &[&Line]) -> Participants {
    let all = |name: &'static str| lines.iter().copied().filter(move |line| line.name == name);
    let text = |line: &Line| vec![line.text()];
    let mut names: Vec<Vec<String>> = all("X-NHIPCAU-SITES").map(text).collect();
    if names.is_empty() {
        names.extend(all("ATTENDEE").map(attendee));
        names.extend(all("LOCATION").map(text));
        names.extend(all("CATEGORIES").map(text));
    }
    names.retain(|spellings| spellings.iter().any(|name| !name.trim().is_empty()));
    Participants { names, ..Participants::default() }
}

/// An attendee by name, or by mail address: `th-0316@tinh.gov.vn` may be that of a site.
fn attendee(line: &Line) -> Vec<String> {
    let value = line.value.trim();
    let address = match value.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &value[7..],
        _ => value,
    };
    let name = line.parameter("CN").filter(|name| !name.is_empty()).unwrap_or(address);
    let local = address.split('@').next().unwrap_or(address);
    vec![name.to_owned(), local.to_owned()]
}
