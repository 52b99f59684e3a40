//! Workbooks of Excel (`.xlsx`, `.xlsm`) as grids. Cell by cell and never as a whole: a single
//! space far out makes a whole sheet a million rows long.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Bound;

use calamine::{DataRef, Dimensions, ExcelDateTime, Reader, SheetVisible, Xlsx, XlsxError};

use super::grid::{COLUMNS, Grid, ROWS};

/// What a workbook may become when unpacked; a year's schedule has one or two megabytes.
const UNPACKED_BYTES: u64 = 64 * 1024 * 1024;

/// Sheets that are looked at: one a week for a year and some notes.
const SHEETS: usize = 64;

/// Reads every sheet that is shown, and names those that are hidden.
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<Grid>, Vec<String>), String> {
    check_size(bytes)?;
    let broken = |error: XlsxError| format!("not a workbook that can be read: {error}");
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let sheets = workbook.sheets_metadata().to_vec();
    if sheets.len() > SHEETS {
        return Err(format!("{} sheets; at most {SHEETS} are read", sheets.len()));
    }
    let several = sheets.len() > 1;
    let (mut grids, mut hidden) = (Vec::new(), Vec::new());
    for sheet in sheets {
        if sheet.visible == SheetVisible::Visible {
            let mut grid = grid(&mut workbook, &sheet.name).map_err(broken)?;
            grid.name = several.then_some(sheet.name);
            grids.push(grid);
        } else {
            hidden.push(sheet.name);
        }
    }
    Ok((grids, hidden))
}

/// A workbook is a ZIP archive, and one of a few kilobytes can unpack to gigabytes.
fn check_size(bytes: &[u8]) -> Result<(), String> {
    let broken = |error: zip::result::ZipError| format!("not a workbook: {error}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut size = 0_u64;
    for index in 0..archive.len() {
        size = size.saturating_add(archive.by_index_raw(index).map_err(broken)?.size());
    }
    if size > UNPACKED_BYTES {
        let most = UNPACKED_BYTES / 1024 / 1024;
        return Err(format!(
            "more than {most} MiB unpacked; keep the schedule in a file of its own"
        ));
    }
    Ok(())
}

fn grid(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Grid, XlsxError> {
    let merged = workbook.merge_cells_by_sheet_name(sheet)?;
    let mut cells: BTreeMap<u32, BTreeMap<u32, String>> = BTreeMap::new();
    let mut reader = workbook.worksheet_cells_reader(sheet)?;
    while let Some(cell) = reader.next_cell()? {
        let (row, column) = cell.get_position();
        let text = text(cell.get_value());
        // One row more than is read, so that it shows.
        if column < limit(COLUMNS) && !text.trim().is_empty() && cells.len() <= ROWS {
            cells.entry(row).or_default().insert(column, text);
        }
    }
    spread(&merged, &mut cells);
    let mut grid = Grid::default();
    for (row, cells) in cells {
        let width = cells.last_key_value().map_or(0, |(column, _)| column + 1);
        let row_of = |column| cells.get(&column).cloned().unwrap_or_default();
        grid.push(row as usize + 1, (0..width).map(row_of).collect());
    }
    Ok(grid)
}

fn limit(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

/// A cell merged over several rows belongs to each of them, as far as they say anything else.
fn spread(merged: &[Dimensions], cells: &mut BTreeMap<u32, BTreeMap<u32, String>>) {
    for Dimensions { start, end } in merged {
        let Some(text) = cells.get(&start.0).and_then(|row| row.get(&start.1)).cloned() else {
            continue;
        };
        let below = (Bound::Excluded(start.0), Bound::Included(end.0));
        if end.0 <= start.0 {
            continue;
        }
        for (_, row) in cells.range_mut(below) {
            row.entry(start.1).or_insert_with(|| text.clone());
        }
    }
}

/// What a person sees in the cell, as far as it matters.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::DateTime(moment) => moment_text(moment),
        DataRef::DateTimeIso(text) => text.replace('T', " "),
        DataRef::Bool(_) | DataRef::DurationIso(_) | DataRef::Empty => String::new(),
        DataRef::Error(error) => error.to_string(),
    }
}

/// Days before 1900 are none: such a cell holds a time alone.
fn moment_text(moment: &ExcelDateTime) -> String {
    let days = moment.as_f64();
    // To the minute: a third of a day has no end in binary.
    let minutes = (days.fract() * 24.0 * 60.0).round();
    let (hours, minutes) = ((minutes / 60.0).floor(), minutes % 60.0);
    let time = format!("{hours:02}:{minutes:02}");
    if days < 1.0 {
        return time;
    }
    let (year, month, day, ..) = moment.to_ymd_hms_milli();
    let date = format!("{day:02}/{month:02}/{year}");
    if days.fract() == 0.0 { date } else { format!("{date} {time}") }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn days_and_times_are_told_as_people_write_them() {
        for (days, expected) in [
            (0.3125, "07:30"),
            (1.0 / 3.0, "08:00"),
            (46_342.0, "16/11/2026"),
            (46_342.562_5, "16/11/2026 13:30"),
        ] {
            let moment = ExcelDateTime::new(days, ExcelDateTimeType::DateTime, false);
            assert_eq!(moment_text(&moment), expected);
        }
    }

    #[test]
    fn what_is_no_workbook_says_so() {
        for bytes in [&b""[..], b"PK\x03\x04", b"Ng\xC3\xA0y;Gi\xE1\xBB\x9D"] {
            assert!(read(bytes).unwrap_err().contains("not a workbook"));
        }
    }
}
