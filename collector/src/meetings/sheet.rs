//! The weekly schedule as offices write it, in Excel or saved as CSV: a title, a table whose
//! columns stand in any order, days in merged cells, a signature.
//!
//! ```text
//!  bytes ─▶ workbook ─┬▶ Grid ─▶ columns (the headings) ─▶ rows ─▶ Draft ─▶ Meeting
//!  text  ─▶ csv      ─┘                  │         when: Thứ Hai 16/11, 8 giờ 00’
//!                                        ▼         day: which year, which week
//!                                 Remark: every row that was not read, every guess
//! ```
//!
//! A row that cannot be read takes no other with it; a file without a table is a fault.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use wire::ids::MeetingId;
use wire::yaml::Faults;

use super::files::whole;
use super::remark::{Remark, What};
use super::{MEETINGS, Meeting};

mod columns;
mod day;
mod draft;
mod grid;
mod rows;
mod tokens;
mod when;
mod workbook;

#[cfg(test)]
mod tests;

use columns::Columns;
use day::Days;
use draft::{Draft, LENGTH};
use grid::{Grid, ROWS};
use rows::Rows;

/// Rows in which the headings are looked for; above them stand the office's name and a title.
const HEAD: usize = 40;

/// What a schedule says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Schedule {
    pub(super) meetings: Vec<Meeting>,
    pub(super) remarks: Vec<Remark>,
}

/// Reads a schedule saved as CSV. `saved` is the day on which it was.
pub(super) fn read_csv(file: &Path, text: &str, saved: Date) -> Result<Schedule, Faults> {
    // One kind of line end, so that rows can be counted.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    // The separator is the one with which the headings are found; Excel's own first line
    // `sep=;` is a row as any other then.
    let grids = [';', ',', '\t', '|'].map(|separator| Grid::of_csv(&text, separator));
    let known = |grid: &Grid| head(grid).map_or(0, |(_, columns)| columns.count());
    // The first of equally good ones: `;` is Vietnam's.
    let best = grids.into_iter().rev().max_by_key(known);
    schedule(file, best.into_iter().collect(), Vec::new(), saved)
}

/// Reads a schedule in a workbook.
pub(super) fn read_workbook(file: &Path, bytes: &[u8], saved: Date) -> Result<Schedule, Faults> {
    let (grids, hidden) = workbook::read(bytes).map_err(|message| whole(file, message))?;
    schedule(file, grids, hidden, saved)
}

/// Where the headings are.
fn head(grid: &Grid) -> Option<(usize, Columns)> {
    let rows = grid.rows.iter().take(HEAD).enumerate();
    let heads = rows.filter_map(|(index, (_, cells))| Some((index, Columns::read(cells)?)));
    // A sentence above the table may sound like headings, but not like more of them.
    heads.rev().max_by_key(|(_, columns)| columns.count())
}

fn schedule(
    file: &Path,
    grids: Vec<Grid>,
    hidden: Vec<String>,
    saved: Date,
) -> Result<Schedule, Faults> {
    let mut reader = Reader { file, taken: BTreeMap::new(), schedule: Schedule::default() };
    let mut tables = 0;
    for grid in grids {
        if let Some((at, columns)) = head(&grid) {
            tables += 1;
            reader.table(&grid, at, &columns, saved);
        } else if !grid.rows.is_empty() {
            reader.remark(grid.name.as_deref(), 0, What::NoTable);
        }
    }
    for name in hidden {
        reader.remark(Some(&name), 0, What::Hidden);
    }
    if tables == 0 {
        let message = "no row names the columns; a schedule has at least a column of days and \
                       times (Thứ, Ngày, Giờ, Thời gian) and one of subjects (Nội dung)";
        return Err(whole(file, message.to_owned()));
    }
    if reader.schedule.meetings.len() > MEETINGS {
        return Err(whole(file, format!("more than {MEETINGS} meetings; part them among years")));
    }
    Ok(reader.schedule)
}

struct Reader<'a> {
    file: &'a Path,
    taken: BTreeMap<MeetingId, usize>,
    schedule: Schedule,
}

impl Reader<'_> {
    fn table(&mut self, grid: &Grid, at: usize, columns: &Columns, saved: Date) {
        let name = grid.name.as_deref();
        let above = grid.rows.iter().take(at).flat_map(|(_, cells)| cells);
        let days = Days::new(name.into_iter().chain(above.map(String::as_str)), saved);
        let mut rows = Rows::new(columns, days);
        rows.read(grid, at + 1);
        let mut remarks = rows.remarks;
        remarks.extend(rows.year);
        let mut meetings = Vec::new();
        for named in draft::named(joined(rows.drafts), &mut self.taken) {
            match named {
                Ok(meeting) => meetings.push(meeting),
                Err(remark) => remarks.push(remark),
            }
        }
        let endless = meetings.iter().filter(|(_, draft)| draft.duration.is_none()).count();
        if endless > 0 {
            let hours = LENGTH.as_secs() / 3600;
            remarks.push((0, What::Length { meetings: endless, hours }));
        }
        if !columns.strange.is_empty() {
            let head = grid.rows.get(at).map_or(0, |(row, _)| *row);
            remarks.push((head, What::Columns(columns.strange.clone())));
        }
        if let Some(row) = grid.cut_at {
            remarks.push((row, What::TooManyRows(ROWS)));
        }
        remarks.sort_by_key(|(row, _)| *row);
        for (row, what) in remarks {
            self.remark(name, row, what);
        }
        self.schedule.meetings.extend(meetings.into_iter().map(|(id, draft)| meeting(id, &draft)));
    }

    fn remark(&mut self, sheet: Option<&str>, row: usize, what: What) {
        let (file, sheet) = (self.file.to_owned(), sheet.map(str::to_owned));
        self.schedule.remarks.push(Remark { file, sheet, row, what });
    }
}

/// One draft of each meeting, however many rows tell of it.
fn joined(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut joined: Vec<Draft> = Vec::new();
    for draft in drafts {
        match joined.iter_mut().find(|known| known.is_same(&draft)) {
            Some(known) => known.join(&draft),
            None => joined.push(draft),
        }
    }
    joined
}

fn meeting(id: MeetingId, draft: &Draft) -> Meeting {
    Meeting {
        id,
        title: draft.title.clone(),
        zone: super::yaml::vietnam(),
        start: draft.start,
        duration: draft.duration.unwrap_or(LENGTH),
        rule: None,
        changes: BTreeMap::new(),
        later: Vec::new(),
        cancelled: false,
        participants: draft.participants(),
        needs: None,
    }
}
