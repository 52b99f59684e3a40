//! What an office reports upward: a meeting, or a month by areas. Pure: what is remembered in,
//! text out.
//!
//! ```text
//!  Remembered ─▶ meeting | month ─▶ Document ─▶ table (terminal) | csv (Excel) | html (A4)
//! ```

use wire::{Language, UnixMillis};

mod csv;
mod html;
mod meeting;
mod month;
pub(crate) mod order;
mod table;
mod words;

pub use meeting::meeting;
pub use month::{Month, month};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal, with colours or without.
    Table {
        /// Whether the terminal shows colours.
        colours: bool,
    },
    /// For Excel of Vietnamese Windows.
    Csv,
    /// One page for the printer.
    Html,
}

/// A report in any format: headings, facts and tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    language: Language,
    title: String,
    facts: Vec<(String, String)>,
    sections: Vec<Section>,
    /// When it was made.
    made_at: UnixMillis,
}

/// A table with its heading.
#[derive(Debug, Clone, PartialEq)]
struct Section {
    heading: String,
    /// What stands in the place of no rows.
    nothing: String,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// A full list, too long for a terminal.
    long: bool,
}

/// A cell by what it means.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Text(String),
    Number(usize),
    /// From 0 to 1; none of nothing.
    Share(Option<f64>),
    /// A verdict's word and its standing.
    Verdict(String, Standing),
}

/// How good a verdict is; never told by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    Fair,
    Bad,
    Dark,
    Apart,
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// As people read it.
    fn shown(&self, language: Language) -> String {
        match self {
            Self::Text(text) | Self::Verdict(text, _) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Share(share) => words::share(*share, language),
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Share(_))
    }
}

impl Document {
    /// The report as text in a format.
    #[must_use]
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Table { colours } => table::write(self, colours),
            Format::Csv => csv::write(self),
            Format::Html => html::write(self),
        }
    }
}

#[cfg(test)]
mod tests;
