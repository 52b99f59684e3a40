//! The directory of calendars. Each file stands for itself: a bad one takes no other with it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::Date;
use wire::yaml::{Fault, Faults};

use super::icalendar::{Entries, Event};
use super::sheet::Schedule;
use super::{Calendar, MEETINGS, Meeting, Origin, Remark, icalendar, sheet, yaml};
use crate::inventory;

/// Files that are read: one a week for four years.
const FILES: usize = 200;

/// What one file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    meetings: Vec<Meeting>,
    /// Not meetings yet: an event in one file may move or cancel one of another.
    events: Vec<Event>,
    remarks: Vec<Remark>,
}

/// The calendars in `directory`, by name. Others are left alone, as are hidden files and the
/// traces that editors leave.
pub fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let hidden =
            path.file_name().is_none_or(|name| name.to_string_lossy().starts_with(['.', '~', '#']));
        if !hidden && format(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    if files.len() > FILES {
        let message = format!("{} calendars; at most {FILES} are read", files.len());
        return Err(io::Error::new(io::ErrorKind::QuotaExceeded, message));
    }
    Ok(files)
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
enum Format {
    Yaml,
    ICalendar,
    Csv,
    Workbook,
    /// A sheet in a format that is not read; whoever put it there should learn so.
    Other,
}

fn format(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "yaml" | "yml" => Format::Yaml,
        "ics" => Format::ICalendar,
        "csv" => Format::Csv,
        "xlsx" | "xlsm" => Format::Workbook,
        "xls" | "xlsb" | "ods" => Format::Other,
        _ => return None,
    })
}

/// The content of one file and the day on which it was saved: days in schedules are often
/// written without a year.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The content.
    pub bytes: &'a [u8],
    /// By the file system.
    pub saved: Date,
}

impl<'a> Text<'a> {
    /// Content saved at a moment; today where nobody knows.
    #[must_use]
    pub fn new(bytes: &'a [u8], saved: Option<SystemTime>) -> Self {
        let saved = saved.and_then(|saved| Timestamp::try_from(saved).ok());
        let moment = saved.unwrap_or_else(Timestamp::now);
        Self { bytes, saved: yaml::vietnam().to_datetime(moment).date() }
    }
}

/// Reads the content of `path`.
pub fn parse(path: &Path, text: Text<'_>) -> Result<Arc<Content>, Faults> {
    let Text { bytes, saved } = text;
    let decoded = || inventory::decode(bytes).map_err(|message| whole(path, message));
    let content = match format(path) {
        Some(Format::Yaml) => Content::of_meetings(yaml::read(path, &decoded()?)?),
        Some(Format::ICalendar) => Content::of_entries(icalendar::read(path, &decoded()?)?),
        Some(Format::Csv) => Content::of_schedule(sheet::read_csv(path, &decoded()?, saved)?),
        Some(Format::Workbook) => Content::of_schedule(sheet::read_workbook(path, bytes, saved)?),
        Some(Format::Other) | None => {
            let message = "this format is not read; save the schedule as .xlsx, .csv or .ics";
            return Err(whole(path, message.to_owned()));
        }
    };
    Ok(Arc::new(content))
}

/// Reads what was fetched as a calendar, whatever its address is called.
pub(crate) fn parse_icalendar(place: &Path, bytes: &[u8]) -> Result<Arc<Content>, Faults> {
    let text = inventory::decode(bytes).map_err(|message| whole(place, message))?;
    Ok(Arc::new(Content::of_entries(icalendar::read(place, &text)?)))
}

impl Content {
    fn of_meetings(meetings: Vec<Meeting>) -> Self {
        Self { meetings, ..Self::default() }
    }

    fn of_entries(entries: Entries) -> Self {
        let Entries { events, remarks } = entries;
        Self { events, remarks, ..Self::default() }
    }

    fn of_schedule(schedule: Schedule) -> Self {
        let Schedule { meetings, remarks } = schedule;
        Self { meetings, remarks, ..Self::default() }
    }
}

/// One calendar of all files, and what is wrong between them. Of two meetings with one id the
/// one in the first file stays.
#[must_use]
pub fn assemble(files: &BTreeMap<PathBuf, Arc<Content>>) -> (Calendar, Vec<Fault>) {
    let (mut calendar, mut faults) = (Calendar::default(), Vec::new());
    calendar.remarks = files.values().flat_map(|content| content.remarks.iter().cloned()).collect();
    let written = files.iter().flat_map(|(path, content)| {
        content.meetings.iter().map(|meeting| (meeting.clone(), Origin::File(path.clone())))
    });
    let events = files
        .iter()
        .flat_map(|(path, content)| content.events.iter().map(move |event| (path, event)));
    let (of_events, bad_rules) = icalendar::meetings(events);
    faults.extend(bad_rules);
    for (meeting, origin) in written.chain(of_events) {
        let Origin::File(path) = &origin else { continue };
        if calendar.meetings.len() == MEETINGS {
            faults.extend(whole(path, format!("more than {MEETINGS} meetings in all")).0);
            break;
        }
        if let Some((_, Origin::File(first))) = calendar.meetings.get(&meeting.id) {
            let message = format!("the id `{}` is taken in {}", meeting.id, first.display());
            faults.extend(whole(path, message).0);
            continue;
        }
        calendar.meetings.insert(meeting.id.clone(), (Arc::new(meeting), origin));
    }
    (calendar, faults)
}

/// Reads the whole directory.
///
/// # Errors
/// Every fault of every file.
pub fn load(directory: &Path) -> Result<Calendar, Faults> {
    load_with(Some(directory), BTreeMap::new())
}

/// Reads the directory, where there is one, and with it what was fetched.
///
/// # Errors
/// Every fault of every file.
pub fn load_with(
    directory: Option<&Path>,
    fetched: BTreeMap<PathBuf, Arc<Content>>,
) -> Result<Calendar, Faults> {
    let (mut files, mut faults) = (fetched, Vec::new());
    let listed = directory.map(|at| list(at).map_err(|error| unread(at, &error))).transpose()?;
    for path in listed.unwrap_or_default() {
        let parsed = read(&path).and_then(|(bytes, saved)| parse(&path, Text::new(&bytes, saved)));
        match parsed {
            Ok(content) => drop(files.insert(path, content)),
            Err(found) => faults.extend(found.0),
        }
    }
    let (calendar, between) = assemble(&files);
    faults.extend(between);
    if faults.is_empty() { Ok(calendar) } else { Err(Faults(faults)) }
}

/// The content of a file, and when it was saved.
pub(crate) fn read(path: &Path) -> Result<(Vec<u8>, Option<SystemTime>), Faults> {
    let bytes = inventory::read(path).map_err(|error| unread(path, &error))?;
    Ok((bytes, std::fs::metadata(path).and_then(|data| data.modified()).ok()))
}

/// The fault of what cannot be read at all.
#[must_use]
pub fn unread(path: &Path, error: &io::Error) -> Faults {
    whole(path, format!("cannot be read: {error}"))
}

pub(super) fn whole(path: &Path, message: String) -> Faults {
    Faults(vec![Fault { file: path.to_owned(), line: 0, column: 0, key: String::new(), message }])
}
