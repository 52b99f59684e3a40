//! The report of a month: by area, the sites that failed most, and the meetings.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;
use wire::{Language, SiteId, UnixMillis};

use super::order::place;
use super::words::{self, moment};
use super::{Cell, Document, Section};
use crate::readiness::Verdict;
use crate::roll_call::Entry;
use crate::roll_call::attendance::Disagreement;
use crate::roll_call::later::Later;
use crate::roll_call::remembered::Remembered;

/// Sites in the list of the worst: a page.
const WORST: usize = 20;

/// A month of Vietnam's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(Date);

impl Month {
    /// From its first moment to that of the next month.
    #[must_use]
    pub fn bounds(self) -> (UnixMillis, UnixMillis) {
        let midnight = |date: Date| {
            let zoned = date.to_zoned(words::zone());
            zoned.map_or(UnixMillis::MAX, |zoned| zoned.timestamp().as_millisecond())
        };
        let next = self.0.checked_add(1.month()).unwrap_or(Date::MAX);
        (midnight(self.0), midnight(next))
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let well = text.len() == 7 && text.as_bytes().get(4) == Some(&b'-');
        let date = if well { format!("{text}-01").parse().ok() } else { None };
        date.map(Self).ok_or_else(|| format!("{text:?} is not a month; write it as in 2026-11"))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// What is counted of some sites in some meetings, at T-0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    meetings: usize,
    asked: usize,
    verdicts: [usize; Verdict::ALL.len()],
    line_faults: usize,
    site_faults: usize,
    false_ready: usize,
    false_alarms: usize,
}

impl Tally {
    fn of(&self, verdict: Verdict) -> usize {
        self.verdicts[verdict as usize]
    }

    fn take(&mut self, entry: &Entry, later: Option<Later>, wrong: Option<Disagreement>) {
        self.asked += 1;
        self.verdicts[entry.verdict as usize] += 1;
        self.line_faults += usize::from(later == Some(Later::LineDown));
        self.site_faults += usize::from(later == Some(Later::SiteDown));
        self.false_ready += usize::from(wrong == Some(Disagreement::FalseReady));
        self.false_alarms += usize::from(wrong == Some(Disagreement::FalseAlarm));
    }

    /// Ready, also with limits, of those who were to be there.
    fn ready_share(&self) -> Option<f64> {
        let expected = self.asked - self.of(Verdict::Excused);
        let ready = self.of(Verdict::Ready) + self.of(Verdict::Degraded);
        if expected == 0 { None } else { Some(ready as f64 / expected as f64) }
    }

    fn failed(&self) -> usize {
        self.of(Verdict::NotReady) + self.of(Verdict::Unknown)
    }

    fn cells(&self) -> Vec<Cell> {
        let counts = [
            self.of(Verdict::NotReady),
            self.of(Verdict::Unknown),
            self.of(Verdict::Excused),
            self.line_faults,
            self.site_faults,
            self.false_ready,
            self.false_alarms,
        ];
        let mut cells = vec![
            Cell::Number(self.meetings),
            Cell::Number(self.asked),
            Cell::Share(self.ready_share()),
        ];
        cells.extend(counts.map(Cell::Number));
        cells
    }
}

fn columns(first: &[&str], language: Language) -> Vec<String> {
    let numbers = [
        language.pick("Cuộc họp", "Meetings"),
        language.pick("Lượt điểm danh", "Sites asked"),
        language.pick("Tỷ lệ sẵn sàng lúc T-0", "Ready at T-0"),
        language.pick("Chưa sẵn sàng", "Not ready"),
        language.pick("Không rõ", "Unknown"),
        language.pick("Được miễn", "Excused"),
        language.pick("Lỗi đường truyền", "Line faults"),
        language.pick("Máy không hoạt động", "Site down"),
        language.pick("Báo sẵn sàng sai", "False ready"),
        language.pick("Báo động sai", "False alarms"),
    ];
    first.iter().chain(&numbers).map(|&column| column.to_owned()).collect()
}

/// The meetings of a month, counted.
#[derive(Debug, Default)]
struct Numbers<'a> {
    total: Tally,
    /// By the area's id; its name is the one it had last.
    areas: BTreeMap<Option<&'a str>, (&'a str, Tally)>,
    sites: BTreeMap<&'a SiteId, (&'a Entry, Tally)>,
}

impl<'a> Numbers<'a> {
    fn of(meetings: &'a [Remembered]) -> Self {
        let mut numbers = Self::default();
        for meeting in meetings {
            numbers.take(meeting);
        }
        numbers
    }

    fn take(&mut self, meeting: &'a Remembered) {
        let Some(recalled) = meeting.at_start() else { return };
        let wrong: BTreeMap<_, _> = meeting.wrong().collect();
        self.total.meetings += 1;
        let mut there = Vec::new();
        for (site, entry) in &recalled.call.sites {
            let later = recalled.later.get(site).copied();
            let wrong = wrong.get(site).copied();
            let id = entry.area.as_ref().map(|area| area.id.as_str());
            let name = entry.area.as_ref().map_or("", |area| area.name.as_str());
            let area = self.areas.entry(id).or_default();
            area.0 = name;
            area.1.take(entry, later, wrong);
            let own = self.sites.entry(site).or_insert((entry, Tally::default()));
            own.0 = entry;
            own.1.meetings += 1;
            own.1.take(entry, later, wrong);
            self.total.take(entry, later, wrong);
            there.push(id);
        }
        there.sort_unstable();
        there.dedup();
        for id in there {
            self.areas.entry(id).or_default().1.meetings += 1;
        }
    }
}

/// A month's meetings, in the order of their starts.
#[must_use]
pub fn month(
    meetings: &[Remembered],
    month: Month,
    language: Language,
    now: UnixMillis,
) -> Document {
    let numbers = Numbers::of(meetings);
    let heading = language.pick("Báo cáo sẵn sàng điểm cầu tháng", "Readiness of sites in");
    let shown = month.0.strftime(language.pick("%m/%Y", "%Y-%m"));
    let unrecorded = meetings.len() - numbers.total.meetings;
    let fact = |vi: &str, en: &str, value: String| (language.pick(vi, en).to_owned(), value);
    Document {
        language,
        title: format!("{heading} {shown}"),
        facts: vec![
            fact(
                "Cuộc họp có điểm danh T-0",
                "Meetings with a roll call at T-0",
                numbers.total.meetings.to_string(),
            ),
            fact("Cuộc họp không có điểm danh T-0", "Meetings without one", unrecorded.to_string()),
            fact(
                "Tỷ lệ sẵn sàng lúc T-0",
                "Ready at T-0",
                words::share(numbers.total.ready_share(), language),
            ),
        ],
        sections: vec![
            areas(&numbers, language),
            worst(&numbers, language),
            list(meetings, language),
        ],
        made_at: now,
    }
}

fn areas(numbers: &Numbers<'_>, language: Language) -> Section {
    let mut areas: Vec<_> = numbers.areas.iter().collect();
    areas.sort_by_cached_key(|(id, (name, _))| (id.is_none(), place(name), **id));
    let mut rows: Vec<_> = areas
        .into_iter()
        .map(|(id, (name, tally))| {
            let nowhere = language.pick("(không thuộc địa bàn nào)", "(in no area)");
            let name = if id.is_none() { nowhere } else { name };
            [vec![Cell::text(name)], tally.cells()].concat()
        })
        .collect();
    if !rows.is_empty() {
        let all = language.pick("Tổng cộng", "Total");
        rows.push([vec![Cell::text(all)], numbers.total.cells()].concat());
    }
    Section {
        heading: language.pick("Theo địa bàn", "By area").to_owned(),
        nothing: language.pick("chưa có điểm danh nào", "no roll calls").to_owned(),
        columns: columns(&[language.pick("Địa bàn", "Area")], language),
        rows,
        long: false,
    }
}

fn worst(numbers: &Numbers<'_>, language: Language) -> Section {
    let mut sites: Vec<_> =
        numbers.sites.iter().filter(|(_, (_, tally))| tally.failed() > 0).collect();
    sites.sort_by_cached_key(|(site, (entry, tally))| {
        let most = std::cmp::Reverse((tally.failed(), tally.of(Verdict::NotReady)));
        (most, place(&entry.name), (**site).clone())
    });
    let row = |(site, (entry, tally)): (&&SiteId, &(&Entry, Tally))| {
        let area = entry.area.as_ref().map_or("", |area| &area.name);
        let first = vec![Cell::text(site.as_str()), Cell::text(&entry.name), Cell::text(area)];
        [first, tally.cells()].concat()
    };
    let first = [
        language.pick("Mã", "Site"),
        language.pick("Điểm cầu", "Name"),
        language.pick("Địa bàn", "Area"),
    ];
    let (vi, en) = ("Điểm cầu hay gặp sự cố nhất", "Sites that failed most");
    Section {
        heading: language.pick(vi, en).to_owned(),
        nothing: language.pick("không có", "none").to_owned(),
        columns: columns(&first, language),
        rows: sites.into_iter().take(WORST).map(row).collect(),
        long: false,
    }
}

fn list(meetings: &[Remembered], language: Language) -> Section {
    let row = |meeting: &Remembered| {
        let recalled = meeting.at_start().or_else(|| meeting.latest())?;
        let (call, mut tally) = (&recalled.call, Tally::default());
        let wrong: BTreeMap<_, _> = meeting.wrong().collect();
        for (site, entry) in &call.sites {
            tally.take(entry, recalled.later.get(site).copied(), wrong.get(site).copied());
        }
        let first = vec![
            Cell::text(moment(call.key.start, language)),
            Cell::text(&call.title),
            Cell::text(&call.key.meeting),
            Cell::text(call.key.moment.label()),
        ];
        // The count of meetings would be 1 in each line.
        Some(first.into_iter().chain(tally.cells().into_iter().skip(1)).collect())
    };
    let first = [
        language.pick("Bắt đầu", "Start"),
        language.pick("Cuộc họp", "Meeting"),
        language.pick("Mã", "Id"),
        language.pick("Thời điểm", "Moment"),
    ];
    let mut columns = columns(&first, language);
    columns.remove(first.len());
    Section {
        heading: language.pick("Các cuộc họp", "Meetings").to_owned(),
        nothing: language.pick("không có", "none").to_owned(),
        columns,
        rows: meetings.iter().filter_map(row).collect(),
        long: false,
    }
}
