//! The inventory as a sheet, saved by Excel: one site a line, columns by their header in English
//! or Vietnamese, with or without marks.

mod cells;
mod columns;

use std::path::Path;

use csv::{ReaderBuilder, StringRecord};
use wire::yaml::{Fault, Faults};

use super::Inventory;
use super::draft::{Draft, Item, SiteDraft};
use cells::Areas;
use columns::Columns;

pub(super) fn read(file: &Path, text: &str) -> Result<Inventory, Faults> {
    let mut sheet = Sheet { file, faults: Vec::new() };
    let inventory = sheet.read(text);
    match inventory {
        Some(inventory) if sheet.faults.is_empty() => Ok(inventory),
        _ => {
            sheet.faults.sort_by_key(|fault| fault.line);
            Err(Faults(sheet.faults))
        }
    }
}

struct Sheet<'a> {
    file: &'a Path,
    faults: Vec<Fault>,
}

/// A line of the sheet with its number.
struct Row {
    line: usize,
    cells: StringRecord,
}

impl Sheet<'_> {
    fn fault(&mut self, line: usize, key: &str, message: impl Into<String>) {
        let (file, key, message) = (self.file.to_owned(), key.to_owned(), message.into());
        self.faults.push(Fault { file, line, column: 0, key, message });
    }

    fn read(&mut self, text: &str) -> Option<Inventory> {
        let mut rows = self.rows(text).into_iter();
        let Some(header) = rows.next() else {
            self.fault(1, "", "the sheet is empty; its first line names the columns");
            return None;
        };
        let rows: Vec<Row> = rows.collect();
        let columns = match Columns::read(&header.cells, |at| filled(&rows, at)) {
            Ok(columns) => columns,
            Err(wrong) => {
                for (key, message) in wrong {
                    self.fault(header.line, &key, message);
                }
                return None;
            }
        };
        let mut areas = Areas::default();
        let mut sites = Vec::new();
        for row in &rows {
            sites.push(self.site(row, &columns, &mut areas));
        }
        let draft = Draft { areas: areas.into_drafts(), sites };
        Some(self.judge(draft, &header, &rows, &columns))
    }

    /// The lines that say something.
    fn rows(&mut self, text: &str) -> Vec<Row> {
        // One kind of line end, so that lines can be counted.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let delimiter = separator(&text);
        let mut lines = Lines { text: &text, at: 0, line: 1 };
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for record in reader.records() {
            match record {
                Ok(cells) => {
                    let line = lines.at(cells.position());
                    let says = cells.iter().any(|cell| !cell.trim().is_empty());
                    if says && !(line == 1 && told_separator(&text).is_some()) {
                        rows.push(Row { line, cells });
                    }
                }
                Err(error) => self.fault(0, "", format!("not a CSV file: {error}")),
            }
        }
        rows
    }

    fn site(&mut self, row: &Row, columns: &Columns, areas: &mut Areas) -> SiteDraft {
        let mut site = SiteDraft::default();
        for (at, cell) in row.cells.iter().enumerate() {
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            let Some((column, header)) = columns.at(at) else {
                self.fault(
                    row.line,
                    "",
                    format!("cell {} (`{cell}`) stands under no header; a cell that contains the separator needs quotes", at + 1),
                );
                continue;
            };
            if let Err(message) = cells::fill(&mut site, column, cell, areas) {
                self.fault(row.line, header, message);
            }
        }
        site
    }

    /// Applies the rules, and gives what they find its line and header.
    fn judge(&mut self, draft: Draft, header: &Row, rows: &[Row], columns: &Columns) -> Inventory {
        let line = |item: Item| match item {
            Item::Site(index) => rows.get(index).map_or(header.line, |row| row.line),
            Item::Area(_) | Item::Areas | Item::Sites => header.line,
        };
        let (inventory, breaches) = super::rules::apply(draft);
        for breach in breaches {
            let key = match breach.of {
                Item::Site(_) => columns.header(breach.key).to_owned(),
                Item::Area(_) => columns.header("area").to_owned(),
                Item::Areas | Item::Sites => String::new(),
            };
            let message = match breach.first {
                Some(first) => format!("{} (in line {})", breach.message, line(first)),
                None => breach.message,
            };
            let place = line(breach.of);
            // A cell that could not be read has its fault already.
            let has_fault =
                |key: &str| self.faults.iter().any(|fault| fault.line == place && fault.key == key);
            let half_gone = breach.pair
                && (has_fault(columns.header("lat")) || has_fault(columns.header("lon")));
            if !half_gone && !has_fault(&key) {
                self.fault(place, &key, message);
            }
        }
        inventory
    }
}

fn filled(rows: &[Row], at: usize) -> bool {
    rows.iter().any(|row| row.cells.get(at).is_some_and(|cell| !cell.trim().is_empty()))
}

/// The separator of Excel's own first line `sep=;`.
fn told_separator(text: &str) -> Option<u8> {
    let first = text.lines().next()?;
    match first.trim_end().strip_prefix("sep=")?.as_bytes() {
        [separator] => Some(*separator),
        _ => None,
    }
}

/// What separates the cells.
///
/// Excel takes what the system's region calls its list separator: `;` where the comma is the
/// decimal sign, as in Viet Nam.
fn separator(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |separator: u8| header.bytes().filter(|byte| *byte == separator).count();
    // The last of equally frequent ones is taken: `;` where nothing tells.
    let frequent = [b',', b'\t', b';'].into_iter().max_by_key(|byte| count(*byte));
    told_separator(text).or(frequent).unwrap_or(b';')
}

/// Counts the lines up to a record. The reader's own count stands still at blank lines.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn at(&mut self, position: Option<&csv::Position>) -> usize {
        let start = position.and_then(|position| usize::try_from(position.byte()).ok());
        let rest = start.and_then(|start| self.text.get(start..)).unwrap_or_default();
        let start = self.text.len() - rest.trim_start_matches('\n').len();
        let passed = self.text.get(self.at..start).unwrap_or_default();
        self.line += passed.matches('\n').count();
        self.at = start;
        self.line
    }
}

#[cfg(test)]
mod tests;
