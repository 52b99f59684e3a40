//! `audit`: who did what.

use std::fmt::Write as _;
use std::str::FromStr;

use jiff::civil::Date;
use wire::duration::Span;
use wire::{Language, UnixMillis};

use super::{CommandError, local};
use crate::config::Config;
use crate::store::audit::{self, Entry};
use crate::{StartError, audit as words, now, store};

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago.
    Ago(UnixMillis),
    /// From the beginning of a day in Vietnam.
    Day(UnixMillis),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(Span(ago)) = text.parse() {
            return Ok(Self::Ago(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)));
        }
        let day = Date::strptime("%Y-%m-%d", text).ok();
        let start = day.and_then(|day| day.in_tz("Asia/Ho_Chi_Minh").ok());
        start
            .map(|start| Self::Day(start.timestamp().as_millisecond()))
            .ok_or_else(|| "give a time like 7d or 12h, or a day like 2026-11-23".to_owned())
    }
}

impl Since {
    fn moment(self, now: UnixMillis) -> UnixMillis {
        match self {
            Self::Ago(ago) => now.saturating_sub(ago),
            Self::Day(day) => day,
        }
    }
}

/// The log since a moment, the earliest first: for the terminal, or as CSV that Excel opens.
pub fn log(
    config: &Config,
    since: Option<Since>,
    csv: bool,
    language: Language,
) -> Result<String, CommandError> {
    let connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    let moment = since.map_or(UnixMillis::MIN, |since| since.moment(now()));
    let entries = audit::since(&connection, moment)?;
    Ok(if csv { as_csv(&entries, language) } else { as_lines(&entries, language) })
}

fn as_lines(entries: &[Entry], language: Language) -> String {
    if entries.is_empty() {
        let (vi, en) = ("Nhật ký thao tác trống.\n", "The audit log is empty.\n");
        return language.pick(vi, en).to_owned();
    }
    let mut text = String::new();
    for entry in entries {
        let Entry { at, who, address, act, subject, before, after, .. } = entry;
        let from = if address.is_empty() { String::new() } else { format!(" [{address}]") };
        let change = match (before, after) {
            (None, None) => String::new(),
            (None, Some(after)) => format!(": {after}"),
            (Some(before), None) => format!(": {before} →"),
            (Some(before), Some(after)) => format!(": {before} → {after}"),
        };
        let (at, act) = (local(*at), words::word(act, language));
        let line = format!("{at}  {who}{from}  {act} {subject}{change}");
        // What people typed must not move a terminal's cursor.
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Writing to a String does not fail.
        let _ = writeln!(text, "{line}");
    }
    text
}

fn as_csv(entries: &[Entry], language: Language) -> String {
    let header = language.pick(
        ["Số", "Lúc", "Ai", "Địa chỉ", "Việc", "Mã việc", "Đối tượng", "Trước", "Sau"],
        ["Number", "When", "Who", "Address", "What", "Code", "Subject", "Before", "After"],
    );
    // As Excel on a Vietnamese Windows expects it.
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    let mut write = |cells: [&str; 9]| {
        // Writing to memory does not fail.
        let _ = writer.write_record(cells.map(harmless));
    };
    write(header);
    for Entry { id, at, who, address, act, subject, before, after } in entries {
        let (before, after) = (before.as_deref(), after.as_deref());
        let (id, at, word) = (id.to_string(), local(*at), words::word(act, language));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        write([&id, &at, who, address, word, act, subject, before, after]);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Excel takes a cell that begins like this for a formula, and runs it.
fn harmless(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(subject: &str) -> Entry {
        Entry {
            id: 1,
            at: 1_795_392_000_000,
            who: "lan".to_owned(),
            address: "10.0.0.1".to_owned(),
            act: "absence_add".to_owned(),
            subject: subject.to_owned(),
            before: None,
            after: Some("{\"reason\":\"a;b\"}".to_owned()),
        }
    }

    #[test]
    fn a_line_says_when_who_from_where_what_and_on_what() {
        let line = as_lines(&[entry("th-0316\u{1b}[2J")], Language::Vi);
        assert_eq!(
            line,
            "2026-11-23 07:00:00  lan [10.0.0.1]  báo vắng th-0316 [2J: {\"reason\":\"a;b\"}\n"
        );
        assert_eq!(as_lines(&[], Language::En), "The audit log is empty.\n");
    }

    #[test]
    fn excel_opens_the_log_and_runs_nothing_of_it() {
        let csv = as_csv(&[entry("=cmd()")], Language::En);
        let mut lines = csv.lines();
        assert_eq!(
            lines.next(),
            Some("\u{feff}Number;When;Who;Address;What;Code;Subject;Before;After")
        );
        let expected = "1;2026-11-23 07:00:00;lan;10.0.0.1;excused;absence_add;'=cmd();;\"{\"\"reason\"\":\"\"a;b\"\"}\"";
        assert_eq!(lines.next(), Some(expected));
    }

    #[test]
    fn a_moment_is_given_as_a_day_or_by_how_long_ago_it_was() {
        assert_eq!("2026-11-23".parse(), Ok(Since::Day(1_795_366_800_000)));
        assert_eq!("7d".parse::<Since>().unwrap().moment(604_800_001), 1);
        assert!("yesterday".parse::<Since>().unwrap_err().contains("7d"));
    }
}
