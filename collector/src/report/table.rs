//! A report for the terminal.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{Cell, Document, Section, Standing};

const RESET: &str = "\u{1b}[0m";
const BOLD: &str = "\u{1b}[1m";

/// Titles, facts and tables; long lists are for the other formats.
pub(super) fn write(document: &Document, colours: bool) -> String {
    let bold = |text: &str| {
        if colours { format!("{BOLD}{text}{RESET}") } else { text.to_owned() }
    };
    let mut text = format!("{}\n", bold(&clean(&document.title)));
    for (name, value) in &document.facts {
        text.push_str(&clean(name));
        text.push_str(": ");
        text.push_str(&clean(value));
        text.push('\n');
    }
    for section in document.sections.iter().filter(|section| !section.long) {
        text.push('\n');
        text.push_str(&bold(&clean(&section.heading)));
        text.push('\n');
        if section.rows.is_empty() {
            text.push_str("  ");
            text.push_str(&clean(&section.nothing));
            text.push('\n');
        } else {
            table(&mut text, section, document, colours);
        }
    }
    text
}

fn table(text: &mut String, section: &Section, document: &Document, colours: bool) {
    let shown: Vec<Vec<String>> = section
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| clean(&cell.shown(document.language))).collect())
        .collect();
    // A column in which nothing stands only pushes the others off the screen.
    let empty = |at: usize| shown.iter().all(|row| row.get(at).is_none_or(String::is_empty));
    let kept: Vec<usize> = (0..section.columns.len()).filter(|at| !empty(*at)).collect();
    let width = |at: usize| {
        let cells = shown.iter().filter_map(|row| row.get(at)).chain(section.columns.get(at));
        cells.map(|cell| columns(cell)).max().unwrap_or_default()
    };
    let widths: Vec<usize> = kept.iter().map(|at| width(*at)).collect();
    let heads = kept.iter().map(|at| (section.columns[*at].as_str(), None));
    line(text, heads.zip(&widths).map(|((cell, meaning), width)| (cell, meaning, *width)), false);
    for (row, cells) in section.rows.iter().zip(&shown) {
        let cells = kept.iter().filter_map(|at| Some((cells.get(*at)?.as_str(), row.get(*at))));
        let cells = cells.zip(&widths).map(|((cell, meaning), width)| (cell, meaning, *width));
        line(text, cells, colours);
    }
}

fn line<'a>(
    text: &mut String,
    cells: impl Iterator<Item = (&'a str, Option<&'a Cell>, usize)>,
    colours: bool,
) {
    let mut whole = String::new();
    for (cell, meaning, width) in cells {
        let gap = " ".repeat(width.saturating_sub(columns(cell)));
        let painted = match meaning {
            Some(Cell::Verdict(_, standing)) if colours => {
                format!("{}{cell}{RESET}", colour(*standing))
            }
            _ => cell.to_owned(),
        };
        whole.push_str("  ");
        if meaning.is_some_and(Cell::is_number) {
            whole.push_str(&gap);
            whole.push_str(&painted);
        } else {
            whole.push_str(&painted);
            whole.push_str(&gap);
        }
    }
    text.push_str(whole.trim_end());
    text.push('\n');
}

fn colour(standing: Standing) -> &'static str {
    match standing {
        Standing::Good => "\u{1b}[34m",
        Standing::Fair => "\u{1b}[33m",
        Standing::Bad => "\u{1b}[1;31m",
        Standing::Dark => "\u{1b}[1;35m",
        Standing::Apart => "\u{1b}[2m",
    }
}

/// Names come from files and from the network; a terminal must not obey them.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// How many columns of a terminal a text takes: marks stand on their letters.
fn columns(text: &str) -> usize {
    text.nfc().filter(|c| !is_combining_mark(*c)).count()
}
