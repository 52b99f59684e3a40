//! The report of one meeting.

use std::collections::BTreeSet;

use wire::{Language, SiteId, UnixMillis};

use super::order::place;
use super::words::{self, moment, time};
use super::{Cell, Document, Section};
use crate::readiness::Verdict;
use crate::roll_call::remembered::{Recalled, Remembered};
use crate::roll_call::{Entry, RollCall};

/// Verdicts as a count lists them.
const SHOWN: [Verdict; 5] =
    [Verdict::Ready, Verdict::Degraded, Verdict::NotReady, Verdict::Unknown, Verdict::Excused];

/// One meeting, its roll calls and what was learnt later.
#[must_use]
pub fn meeting(remembered: &Remembered, language: Language, now: UnixMillis) -> Document {
    let calls: Vec<&Recalled> = remembered.of_last_start().collect();
    let Some(latest) = calls.last() else {
        return Document {
            language,
            title: String::new(),
            facts: Vec::new(),
            sections: Vec::new(),
            made_at: now,
        };
    };
    let page = Page { remembered, calls: &calls, latest, language };
    let open = page.sites(|entry| matches!(entry.verdict, Verdict::NotReady | Verdict::Unknown));
    let excused = page.sites(|entry| entry.verdict == Verdict::Excused);
    let limited = page.sites(|entry| entry.verdict == Verdict::Degraded);
    let moment = latest.call.key.moment.label();
    let section = |vi: &str, en: &str, nothing: (&str, &str), rows| Section {
        heading: format!("{} {moment}", language.pick(vi, en)),
        nothing: language.pick(nothing.0, nothing.1).to_owned(),
        columns: page.columns(),
        rows,
        long: false,
    };
    let none = ("không có", "none");
    let mut sections = vec![
        page.moments(),
        section(
            "Chưa sẵn sàng hoặc không rõ lúc",
            "Not ready or unknown at",
            none,
            page.rows(&open),
        ),
        section("Sẵn sàng, còn hạn chế lúc", "Degraded at", none, page.rows(&limited)),
        section("Được miễn lúc", "Excused at", none, page.rows(&excused)),
    ];
    sections.extend(page.disagreements());
    sections.push(Section {
        heading: language.pick("Toàn bộ điểm cầu", "Every site").to_owned(),
        nothing: language.pick("không có", "none").to_owned(),
        columns: page.columns(),
        rows: page.rows(&page.sites(|_| true)),
        long: true,
    });
    Document { language, title: page.title(), facts: page.facts(), sections, made_at: now }
}

struct Page<'a> {
    remembered: &'a Remembered,
    calls: &'a [&'a Recalled],
    latest: &'a Recalled,
    language: Language,
}

impl Page<'_> {
    fn title(&self) -> String {
        let heading = self.language.pick("Điểm danh điểm cầu", "Roll call");
        format!("{heading}: {}", self.latest.call.title)
    }

    fn facts(&self) -> Vec<(String, String)> {
        let (call, language) = (&self.latest.call, self.language);
        let fact = |vi: &str, en: &str, value: String| (language.pick(vi, en).to_owned(), value);
        let mut facts = vec![
            fact("Mã cuộc họp", "Meeting", call.key.meeting.clone()),
            fact("Bắt đầu", "Start", moment(call.key.start, language)),
            fact("Kết thúc", "End", moment(call.end, language)),
            fact("Số điểm cầu", "Sites", call.sites.len().to_string()),
        ];
        if self.remembered.at_start().is_none() {
            let (vi, en) = ("không được ghi", "not recorded");
            facts.push(fact("Điểm danh T-0", "Roll call at T-0", language.pick(vi, en).to_owned()));
        }
        if !call.unmatched.is_empty() {
            let names = call.unmatched.join(", ");
            facts.push(fact("Không khớp danh mục", "Not in the inventory", names));
        }
        facts
    }

    fn moments(&self) -> Section {
        let language = self.language;
        let mut columns = vec![
            language.pick("Thời điểm", "Moment").to_owned(),
            language.pick("Ghi lúc", "Recorded").to_owned(),
        ];
        columns.extend(SHOWN.map(|verdict| verdict.word(language).to_owned()));
        columns.push(language.pick("Chỉ mất đường truyền", "Only the line").to_owned());
        let row = |recalled: &&Recalled| {
            let call = &recalled.call;
            let mut row = vec![Cell::text(call.key.moment.label()), self.recorded(call)];
            row.extend(SHOWN.map(|verdict| Cell::Number(call.count(verdict))));
            row.push(Cell::Number(recalled.lines_down()));
            row
        };
        Section {
            heading: language.pick("Số điểm cầu theo thời điểm", "Sites at each moment").to_owned(),
            nothing: String::new(),
            columns,
            rows: self.calls.iter().map(row).collect(),
            long: false,
        }
    }

    fn recorded(&self, call: &RollCall) -> Cell {
        let at = time(call.recorded_at);
        let minutes = call.late_millis() / 60_000;
        Cell::text(match (minutes, self.language) {
            (0, _) => at,
            (_, Language::Vi) => format!("{at} (muộn {minutes} phút)"),
            (_, Language::En) => format!("{at} ({minutes} min late)"),
        })
    }

    fn columns(&self) -> Vec<String> {
        let mut columns = vec![
            self.language.pick("Mã", "Site"),
            self.language.pick("Điểm cầu", "Name"),
            self.language.pick("Địa bàn", "Area"),
        ];
        columns.extend(self.calls.iter().map(|recalled| recalled.call.key.moment.label()));
        columns.push(self.language.pick("Về sau được biết", "Learnt later"));
        columns.push(self.language.pick("Dự họp", "Attendance"));
        // The longest comes last, where it moves nothing else on a terminal.
        columns.push(self.language.pick("Lý do", "Reasons"));
        columns.into_iter().map(str::to_owned).collect()
    }

    /// Sites of the latest roll call, the gravest first, then by area and name.
    fn sites(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<(&SiteId, &Entry)> {
        let mut sites: Vec<_> =
            self.latest.call.sites.iter().filter(|(_, entry)| wanted(entry)).collect();
        sites.sort_by_cached_key(|(site, entry)| {
            let area = entry.area.as_ref().map(|area| place(&area.name));
            (gravity(entry.verdict), area, place(&entry.name), (*site).clone())
        });
        sites
    }

    fn rows(&self, sites: &[(&SiteId, &Entry)]) -> Vec<Vec<Cell>> {
        sites.iter().map(|(site, entry)| self.row(site, entry)).collect()
    }

    fn row(&self, site: &SiteId, entry: &Entry) -> Vec<Cell> {
        let area = entry.area.as_ref().map_or("", |area| &area.name);
        let mut row = vec![Cell::text(site.as_str()), Cell::text(&entry.name), Cell::text(area)];
        row.extend(self.calls.iter().map(|recalled| match recalled.call.sites.get(site) {
            Some(then) => words::verdict(then.verdict, self.language),
            None => Cell::text(""),
        }));
        let later = self.latest.later.get(site).copied();
        let presence = self.remembered.attendance.get(site).copied();
        row.push(Cell::text(words::later(later, self.language)));
        row.push(Cell::text(words::presence(entry.verdict, presence, self.language)));
        row.push(Cell::text(words::reasons(&entry.reasons, self.language)));
        row
    }

    /// Where attendance contradicts the roll call; nothing to say before it is posted.
    fn disagreements(&self) -> Option<Section> {
        if self.remembered.attendance.is_empty() {
            return None;
        }
        let wrong: BTreeSet<_> = self.remembered.wrong().map(|(site, _)| site).collect();
        let sites: Vec<_> =
            self.sites(|_| true).into_iter().filter(|(site, _)| wrong.contains(site)).collect();
        let (vi, en) = ("Điểm danh và dự họp trái nhau", "Roll call and attendance disagree");
        Some(Section {
            heading: self.language.pick(vi, en).to_owned(),
            nothing: self.language.pick("không có", "none").to_owned(),
            columns: self.columns(),
            rows: self.rows(&sites),
            long: false,
        })
    }
}

/// What must be acted on comes first; what was agreed comes last.
fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NotReady => 0,
        Verdict::Unknown => 1,
        Verdict::Degraded => 2,
        Verdict::Ready => 3,
        Verdict::Excused => 4,
    }
}
