//! The directory of calendars. Each file stands for itself: a bad one takes no other with it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wire::yaml::{Fault, Faults};

use super::icalendar::Event;
use super::{Calendar, MEETINGS, Meeting, Origin, icalendar, yaml};
use crate::inventory;

/// Files that are read: one a week for four years.
const FILES: usize = 200;

/// What one file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    meetings: Vec<Meeting>,
    /// Not meetings yet: an event in one file may move or cancel one of another.
    events: Vec<Event>,
}

/// The calendars in `directory`, by name. Others are left alone, as are hidden files and the
/// traces that editors leave.
pub fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let hidden =
            path.file_name().is_none_or(|name| name.to_string_lossy().starts_with(['.', '~', '#']));
        if !hidden && reader(&path).is_some() {
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

type Reader = fn(&Path, &str) -> Result<Content, Faults>;

fn reader(path: &Path) -> Option<Reader> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "yaml" | "yml" => Some(|path, text| {
            yaml::read(path, text).map(|meetings| Content { meetings, ..Content::default() })
        }),
        "ics" => Some(|path, text| {
            icalendar::read(path, text).map(|events| Content { events, ..Content::default() })
        }),
        _ => None,
    }
}

/// Reads `bytes`, the content of `path`.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Arc<Content>, Faults> {
    let reader = reader(path).ok_or_else(|| {
        whole(path, "a calendar is a file whose name ends in .yaml or .ics".to_owned())
    })?;
    let text = inventory::decode(bytes).map_err(|message| whole(path, message))?;
    reader(path, &text).map(Arc::new)
}

/// One calendar of all files, and what is wrong between them. Of two meetings with one id the
/// one in the first file stays.
#[must_use]
pub fn assemble(files: &BTreeMap<PathBuf, Arc<Content>>) -> (Calendar, Vec<Fault>) {
    let (mut calendar, mut faults) = (Calendar::default(), Vec::new());
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
    let (mut files, mut faults) = (BTreeMap::new(), Vec::new());
    for path in list(directory).map_err(|error| unread(directory, &error))? {
        match inventory::read(&path).map_err(|error| unread(&path, &error)) {
            Ok(bytes) => match parse(&path, &bytes) {
                Ok(content) => drop(files.insert(path, content)),
                Err(found) => faults.extend(found.0),
            },
            Err(found) => faults.extend(found.0),
        }
    }
    let (calendar, between) = assemble(&files);
    faults.extend(between);
    if faults.is_empty() { Ok(calendar) } else { Err(Faults(faults)) }
}

/// The fault of what cannot be read at all.
#[must_use]
pub fn unread(path: &Path, error: &io::Error) -> Faults {
    whole(path, format!("cannot be read: {error}"))
}

pub(super) fn whole(path: &Path, message: String) -> Faults {
    Faults(vec![Fault { file: path.to_owned(), line: 0, column: 0, key: String::new(), message }])
}
