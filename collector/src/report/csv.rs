//! A report for Excel of Vietnamese Windows.

use super::{Cell, Document};

/// Excel takes a file for UTF-8 only with this in front.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Vietnam's Windows writes decimals with a comma, so its Excel separates columns by this.
const SEPARATOR: &str = ";";

/// Tables one below another, each under its heading, parted by a line without anything.
pub(super) fn write(document: &Document) -> String {
    let mut lines: Vec<Vec<String>> = vec![vec![guarded(&document.title)]];
    for (name, value) in &document.facts {
        lines.push(vec![guarded(name), guarded(value)]);
    }
    for section in &document.sections {
        lines.push(Vec::new());
        lines.push(vec![guarded(&section.heading)]);
        lines.push(section.columns.iter().map(|column| guarded(column)).collect());
        lines.extend(section.rows.iter().map(|row| row.iter().map(cell).collect()));
    }
    let mut text = BYTE_ORDER_MARK.to_owned();
    for line in lines {
        text.push_str(&written(&line));
        text.push_str("\r\n");
    }
    text
}

fn cell(cell: &Cell) -> String {
    match cell {
        // The separator of columns says which decimals Excel reads, whatever the language.
        Cell::Share(_) => cell.shown(wire::Language::Vi),
        _ => guarded(&cell.shown(wire::Language::Vi)),
    }
}

/// Excel runs a cell that begins like a formula; behind an apostrophe it is text (OWASP, CSV
/// injection). Names and titles come from files that many people write.
fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn written(line: &[String]) -> String {
    let quoted = |cell: &String| {
        let plain = !cell.contains(SEPARATOR) && !cell.contains([',', '\t', '"', '\r', '\n']);
        if plain { cell.clone() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    };
    let cells: Vec<_> = line.iter().map(quoted).collect();
    cells.join(SEPARATOR)
}
