//! The JSON of `/api/v1/meetings`. Pure.

use serde::Serialize;
use serde_json::value::RawValue;
use wire::reading::Capability;
use wire::yaml::Faults;
use wire::{Language, SiteId, UnixMillis};

use super::{Calendar, Directory, Meeting, Origin, Plan, Remark, Resolved, Slot};
use crate::api::Moment;
use crate::inventory::Inventory;

/// How far the list looks ahead, as `check` does.
const AHEAD_MILLIS: i64 = 14 * 24 * 60 * 60 * 1000;

/// Occurrences on a meeting's own page: a quarter of weekly ones.
const NEXT: usize = 13;

#[derive(Debug, Serialize)]
pub(super) struct List<'a> {
    now: Moment,
    meetings: Vec<Head<'a>>,
    occurrences: Vec<Line>,
    /// Occurrences of these days that are not in the list, which is bounded.
    left_out: usize,
    /// What was not read of schedules, and what was guessed.
    remarks: Vec<RemarkLine>,
}

/// Something to be said of a schedule.
#[derive(Debug, Serialize)]
struct RemarkLine {
    file: String,
    sheet: Option<String>,
    /// As the spreadsheet program counts; 0 for the sheet as a whole.
    row: usize,
    /// Whether something is not in force because of it.
    lost: bool,
    vi: String,
    en: String,
}

/// A meeting without its times.
#[derive(Debug, Serialize)]
struct Head<'a> {
    id: &'a str,
    title: &'a str,
    /// `file` or `api`; none for a preview.
    source: Option<&'static str>,
    /// The file's name.
    file: Option<String>,
    timezone: Option<&'a str>,
    duration_seconds: u64,
    repeats: bool,
    cancelled: bool,
    needs: Option<&'a [Capability]>,
}

#[derive(Debug, Serialize)]
pub(super) struct Page<'a> {
    now: Moment,
    #[serde(flatten)]
    head: Head<'a>,
    occurrences: Vec<FullLine>,
    /// As it was posted, to be changed and put again.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'a RawValue>,
}

/// An occurrence in the list.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    title: String,
    start: Moment,
    end: Moment,
    /// How many take part.
    site_count: usize,
    unmatched: Vec<String>,
}

/// An occurrence on its meeting's page.
#[derive(Debug, Serialize)]
struct FullLine {
    #[serde(flatten)]
    line: Line,
    sites: Vec<SiteId>,
}

/// What is wrong with a request.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    error: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<FaultLine>,
}

#[derive(Debug, Serialize)]
struct FaultLine {
    line: usize,
    column: usize,
    key: String,
    message: String,
}

impl Told {
    pub(super) fn faulty(faults: &Faults) -> Self {
        let lines = faults.0.iter().map(|fault| FaultLine {
            line: fault.line,
            column: fault.column,
            key: fault.key.clone(),
            message: fault.message.clone(),
        });
        Self { error: "the meeting has faults", faults: lines.collect() }
    }
}

pub(super) fn list(plan: &Plan, now: UnixMillis) -> List<'_> {
    let calendar: &Calendar = &plan.calendar;
    let directory = Directory::new(&plan.inventory);
    let (slots, left_out) = calendar.slots(now, now.saturating_add(AHEAD_MILLIS));
    let occurrences = slots.iter().map(|slot| {
        let who = slot.participants().resolve(&directory);
        line(slot, who.sites.len(), who.unmatched)
    });
    List {
        now: Moment(now),
        occurrences: occurrences.collect(),
        meetings: calendar
            .meetings
            .values()
            .map(|(meeting, origin)| head(meeting, Some(origin)))
            .collect(),
        left_out,
        remarks: calendar.remarks.iter().map(remark).collect(),
    }
}

fn remark(remark: &Remark) -> RemarkLine {
    RemarkLine {
        file: remark.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sheet: remark.sheet.clone(),
        row: remark.row,
        lost: remark.is_loss(),
        vi: remark.told(Language::Vi),
        en: remark.told(Language::En),
    }
}

pub(super) fn one<'a>(
    meeting: &'a Meeting,
    origin: Option<&Origin>,
    definition: Option<&'a RawValue>,
    inventory: &Inventory,
    now: UnixMillis,
) -> Page<'a> {
    let directory = Directory::new(inventory);
    let occurrences = meeting.next(now, NEXT).into_iter().map(|slot| {
        let Resolved { sites, unmatched } = slot.participants().resolve(&directory);
        let line = line(&slot, sites.len(), unmatched);
        FullLine { line, sites: sites.into_iter().collect() }
    });
    let (now, occurrences) = (Moment(now), occurrences.collect());
    Page { now, occurrences, head: head(meeting, origin), definition }
}

fn head<'a>(meeting: &'a Meeting, origin: Option<&Origin>) -> Head<'a> {
    let file = match origin {
        Some(Origin::File(path)) => {
            path.file_name().map(|name| name.to_string_lossy().into_owned())
        }
        _ => None,
    };
    Head {
        id: meeting.id.as_str(),
        title: &meeting.title,
        source: origin.map(|origin| match origin {
            Origin::File(_) => "file",
            Origin::Api => "api",
        }),
        file,
        timezone: meeting.zone.iana_name(),
        duration_seconds: meeting.duration.as_secs(),
        repeats: meeting.rule.is_some(),
        cancelled: meeting.cancelled,
        needs: meeting.needs.as_deref(),
    }
}

fn line(slot: &Slot<'_>, site_count: usize, unmatched: Vec<String>) -> Line {
    Line {
        id: slot.id(),
        title: slot.title().to_owned(),
        start: Moment(slot.start),
        end: Moment(slot.end),
        site_count,
        unmatched,
    }
}
