//! The rows of a table as meetings. Pure.

use std::time::Duration;

use jiff::civil::{Date, Time};
use wire::ids::MeetingId;
use wire::limits::TEXT_CHARS;

use super::super::remark::What;
use super::columns::{Column, Columns, one_line};
use super::day::Days;
use super::draft::Draft;
use super::grid::Grid;
use super::when::{self, Hours, Session, When};

/// Reads the rows below the headings.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    columns: &'a Columns,
    days: Days,
    day: Option<Date>,
    session: Option<Session>,
    /// The row of the last meeting, to which a row without a subject may belong.
    open: Option<usize>,
    /// The row read last.
    last: usize,
    pub(super) drafts: Vec<Draft>,
    /// By row.
    pub(super) remarks: Vec<(usize, What)>,
    /// The first date whose year was supplied.
    pub(super) year: Option<(usize, What)>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(columns: &'a Columns, days: Days) -> Self {
        Self {
            columns,
            days,
            day: None,
            session: None,
            open: None,
            last: 0,
            drafts: Vec::new(),
            remarks: Vec::new(),
            year: None,
        }
    }

    pub(super) fn read(&mut self, grid: &Grid, from: usize) {
        for (row, cells) in grid.rows.get(from..).unwrap_or_default() {
            if let Err(what) = self.row(*row, cells) {
                self.open = None;
                self.remarks.push((*row, what));
            }
        }
    }

    fn row(&mut self, row: usize, cells: &[String]) -> Result<(), What> {
        let columns = self.columns;
        let text = |column| columns.cells(cells, column).collect::<Vec<_>>().join("\n");
        if self.last + 1 < row {
            // After a gap nothing goes on; what signs the schedule often follows one.
            self.open = None;
        }
        self.last = row;
        if Columns::read(cells).is_some() {
            // The headings once more, as on every printed page.
            self.outside(row);
            return Ok(());
        }
        let (title, sites) = (text(Column::Title), text(Column::Sites));
        if let Some(alone) = alone(cells).filter(|_| title.is_empty() && sites.is_empty())
            && let Some(done) = self.alone(row, alone)
        {
            return done;
        }
        let when = self.when(row, cells)?;
        if title.is_empty() {
            return self.without_title(row, &when, &sites);
        }
        let sites = if sites.is_empty() { text(Column::Place) } else { sites };
        let hours = match when.times[..] {
            [] => None,
            [hours] => Some(hours),
            _ => return Err(What::SeveralTimes(one_line(&text(Column::When)))),
        };
        let id = self.id(row, &text(Column::Id));
        let day = self.day.ok_or(What::NoDay)?;
        for (own, title) in entries(&title) {
            let Some(hours) = own.or(hours) else {
                self.remarks.push((row, What::NoTime(title)));
                continue;
            };
            let (hours, doubtful) = self.lifted(hours);
            if doubtful {
                let told = hours.start.strftime("%H:%M").to_string();
                self.remarks.push((row, What::OutsideSession(told)));
            }
            let duration = self.duration(row, hours, cells);
            let (id, sites) = (id.clone(), sites.clone());
            let start = day.to_datetime(hours.start);
            self.drafts.push(Draft { row, id, start, duration, title, sites });
            self.open = Some(row);
        }
        Ok(())
    }

    /// A row with one cell: a day over its meetings, a note, a signature.
    fn alone(&mut self, row: usize, text: &str) -> Option<Result<(), What>> {
        let when = When::read(text);
        // A sentence that mentions a day is no heading.
        let short = text.chars().count() <= 40;
        if short && when.has_day() && when.times.is_empty() {
            return Some(self.take_day(row, &when, text));
        }
        let says_when = short && !when.is_empty();
        if !says_when {
            self.outside(row);
        }
        (!says_when).then_some(Ok(()))
    }

    /// What the row says of its day and time, and takes the day over to the rows below it.
    fn when(&mut self, row: usize, cells: &[String]) -> Result<When, What> {
        let mut when = When::default();
        for text in self.columns.cells(cells, Column::When) {
            let said = When::read(text);
            if said.strange || (said.is_empty() && text.contains(char::is_alphanumeric)) {
                // The rows below must not take the day above.
                self.day = self.day.filter(|_| !said.times.is_empty());
                return Err(What::NotWhen(one_line(text)));
            }
            if said.has_day() {
                // Before anything else can fail, or the rows below would keep the day above.
                self.take_day(row, &said, text)?;
            }
            when = when.and(said);
        }
        if let Some(session) = when.session {
            self.session = Some(session);
        }
        Ok(when)
    }

    fn take_day(&mut self, row: usize, when: &When, text: &str) -> Result<(), What> {
        let found = match self.days.find(when, &one_line(text), self.day) {
            Ok(found) => found,
            Err(what) => {
                self.day = None;
                return Err(what);
            }
        };
        if self.day == Some(found.date) {
            return Ok(());
        }
        (self.day, self.session, self.open) = (Some(found.date), when.session, None);
        if let Some(from) = found.year {
            self.year.get_or_insert((row, What::Year { date: found.date, from }));
        }
        self.remarks.extend(found.doubt.map(|doubt| (row, doubt)));
        Ok(())
    }

    /// A row that goes on with the list of participants, gives a day, or says nothing here.
    fn without_title(&mut self, row: usize, when: &When, sites: &str) -> Result<(), What> {
        if !when.times.is_empty() {
            return Err(What::NoTitle);
        }
        let Some(open) = self.open.filter(|_| !sites.is_empty()) else {
            if !when.is_empty() && !sites.is_empty() {
                return Err(What::NoTitle);
            }
            if when.is_empty() {
                self.outside(row);
            }
            return Ok(());
        };
        for draft in self.drafts.iter_mut().filter(|draft| draft.row == open) {
            draft.sites.push('\n');
            draft.sites.push_str(sites);
        }
        Ok(())
    }

    fn lifted(&self, hours: Hours) -> (Hours, bool) {
        let Some(session) = self.session else { return (hours, false) };
        let start = session.lift(hours.start);
        (Hours { start, end: hours.end.map(|end| session.lift(end)) }, !session.holds(start))
    }

    /// By the end that the row gives, wherever it gives it.
    fn duration(&mut self, row: usize, hours: Hours, cells: &[String]) -> Option<Duration> {
        let length = self.columns.cells(cells, Column::Length).next();
        let end = self.columns.cells(cells, Column::End).next();
        let (told, minutes) = if let Some(end) = hours.end {
            (end.strftime("%H:%M").to_string(), between(hours.start, end))
        } else if let Some(length) = length {
            (length.to_owned(), when::minutes(length))
        } else {
            let end = end?;
            let time = match When::read(end).times[..] {
                [time] => Some(self.lifted(time).0.start),
                _ => None,
            };
            (end.to_owned(), time.and_then(|time| between(hours.start, time)))
        };
        if minutes.is_none_or(|minutes| minutes == 0) {
            self.remarks.push((row, What::BadLength(one_line(&told))));
        }
        let minutes = minutes.filter(|minutes| *minutes > 0)?;
        Some(Duration::from_secs(u64::from(minutes) * 60))
    }

    fn id(&mut self, row: usize, text: &str) -> Option<MeetingId> {
        if text.is_empty() {
            return None;
        }
        let id = text.parse().ok();
        if id.is_none() {
            self.remarks.push((row, What::BadId(one_line(text))));
        }
        id
    }

    /// Joins neighbouring rows into one remark.
    fn outside(&mut self, row: usize) {
        self.open = None;
        if let Some((_, What::OutsideTable { last })) = self.remarks.last_mut()
            && *last + 1 == row
        {
            *last = row;
            return;
        }
        self.remarks.push((row, What::OutsideTable { last: row }));
    }
}

/// The one cell of a row that has no other.
fn alone(cells: &[String]) -> Option<&str> {
    let mut filled = cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
    let first = filled.next()?;
    filled.next().is_none().then_some(first)
}

fn between(start: Time, end: Time) -> Option<u32> {
    u32::try_from(start.duration_until(end).as_mins()).ok()
}

/// The meetings in one cell: each line that begins with a time begins one.
fn entries(title: &str) -> Vec<(Option<Hours>, String)> {
    let mut entries: Vec<(Option<Hours>, String)> = Vec::new();
    for line in title.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match (when::leading(line), entries.last_mut()) {
            (Some((hours, rest)), _) => entries.push((Some(hours), rest.to_owned())),
            (None, Some((_, text))) => *text = format!("{text} {line}"),
            (None, None) => entries.push((None, line.to_owned())),
        }
    }
    for (_, text) in &mut entries {
        *text = one_line(text).chars().take(TEXT_CHARS).collect();
    }
    entries
}
