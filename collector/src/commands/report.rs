//! `report`: what an office reports upward.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use wire::Language;

use super::CommandError;
use crate::config::Config;
use crate::report::{self, Format, Month};
use crate::roll_call::remembered;
use crate::{StartError, now, store};

/// What to report on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A meeting by its occurrence's id.
    Meeting(String),
    /// All meetings of a month.
    Month(Month),
}

/// Writes a report to `output`, or to `out` where there is none. A file that is there is
/// replaced: the same report is made again when attendance has come.
pub fn report(
    config: &Config,
    subject: &Subject,
    format: Format,
    language: Language,
    output: Option<&PathBuf>,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    let document = match subject {
        Subject::Meeting(id) => {
            let Some(remembered) = remembered::meeting(&connection, id)? else {
                let nearest = remembered::nearest(&connection, id)?;
                return Err(CommandError::UnknownMeeting { meeting: id.clone(), nearest });
            };
            report::meeting(&remembered, language, now())
        }
        Subject::Month(month) => {
            let (from, to) = month.bounds();
            let meetings = remembered::between(&connection, from, to)?;
            report::month(&meetings, *month, language, now())
        }
    };
    let text = document.write(format);
    let written = match output {
        Some(path) => fs::write(path, text),
        None => out.write_all(text.as_bytes()).and_then(|()| out.flush()),
    };
    written.map_err(|source| {
        let path = output.cloned().unwrap_or_else(|| PathBuf::from("standard output"));
        CommandError::Output { path, source }
    })
}
