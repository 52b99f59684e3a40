//! What is to be said of a calendar: what was not read, and what was guessed.

use std::path::PathBuf;

use jiff::civil::{Date, Weekday};
use wire::Language;

/// Something to be said of one row, or of rows, of a schedule, or of a whole calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The file.
    pub file: PathBuf,
    /// The sheet, where the workbook has several.
    pub sheet: Option<String>,
    /// The row as the spreadsheet program counts it, from 1; 0 of the sheet or file as a whole.
    pub row: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    // Not read.
    NoTitle,
    NoDay,
    NotWhen(String),
    NoTime(String),
    SeveralTimes(String),
    IdTaken(String),
    NoTable,
    Hidden,
    TooManyRows(usize),
    /// Entries of whole days: how many, and what the first is called.
    WholeDays {
        entries: usize,
        first: String,
    },
    // Read, but perhaps not as it was meant.
    WrongWeekday {
        date: Date,
        written: Weekday,
    },
    OutsideSession(String),
    BadId(String),
    BadLength(String),
    // Supplied.
    Year {
        date: Date,
        from: YearFrom,
    },
    Length {
        meetings: usize,
        hours: u64,
    },
    OutsideTable {
        last: usize,
    },
    Columns(Vec<String>),
}

/// What a missing year was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum YearFrom {
    /// A whole date above the table.
    Heading,
    /// The day on which the file was saved.
    Saved(Date),
}

impl Remark {
    /// Whether something in the file is not in force.
    #[must_use]
    pub fn is_loss(&self) -> bool {
        !matches!(
            self.what,
            What::Year { .. } | What::Length { .. } | What::OutsideTable { .. } | What::Columns(_)
        )
    }

    /// For people, with its place.
    #[must_use]
    pub fn told(&self, language: Language) -> String {
        let file = self.file.file_name().unwrap_or_default().to_string_lossy();
        let sheet = match &self.sheet {
            Some(sheet) => {
                language.pick(format!(", trang “{sheet}”"), format!(", sheet “{sheet}”"))
            }
            None => String::new(),
        };
        let row = match (self.row, &self.what) {
            (0, _) => String::new(),
            (row, What::OutsideTable { last }) if *last > row => {
                language.pick(format!(", dòng {row}–{last}"), format!(", rows {row}–{last}"))
            }
            (row, _) => language.pick(format!(", dòng {row}"), format!(", row {row}")),
        };
        let what = language.pick(self.what.vi(), self.what.en());
        format!("{file}{sheet}{row}: {what}")
    }
}

impl What {
    fn vi(&self) -> String {
        match self {
            Self::NoTitle => "không đọc: có ngày giờ nhưng không có nội dung".to_owned(),
            Self::NoDay => "không đọc: không có ngày; ghi ngày như 16/11/2026".to_owned(),
            Self::NotWhen(text) => {
                format!("không đọc: “{text}” không phải ngày giờ như Thứ Hai 16/11, Chiều, 07h30")
            }
            Self::NoTime(text) => {
                format!("không đọc: “{text}” không có giờ; ghi giờ như 07h30")
            }
            Self::SeveralTimes(text) => {
                format!("không đọc: “{text}” có nhiều ngày hoặc nhiều giờ; tách thành nhiều dòng")
            }
            Self::IdTaken(id) => format!("không đọc: mã {id} đã dùng cho cuộc họp khác"),
            Self::NoTable => {
                "không đọc: không tìm thấy dòng tiêu đề có cột ngày giờ và cột nội dung".to_owned()
            }
            Self::Hidden => "không đọc: trang đang bị ẩn".to_owned(),
            Self::TooManyRows(most) => format!("không đọc từ đây trở đi: quá {most} dòng"),
            Self::WholeDays { entries, first } => format!(
                "không đọc: {entries} mục cả ngày, không có giờ bắt đầu, như “{first}”; \
                 nếu là cuộc họp thì ghi giờ"
            ),
            Self::WrongWeekday { date, written } => {
                let date_told = date.strftime("%d/%m/%Y");
                let (right, written) = (weekday_vi(date.weekday()), weekday_vi(*written));
                format!("ngày {date_told} là {right}, không phải {written}; lấy theo ngày")
            }
            Self::OutsideSession(text) => {
                format!("“{text}” không khớp với buổi; lấy giờ như đã ghi")
            }
            Self::BadId(id) => format!("“{id}” không dùng làm mã được; mã chỉ gồm a-z, 0-9, - _ ."),
            Self::BadLength(text) => {
                format!("“{text}” không phải thời lượng như 2h30 hoặc giờ kết thúc sau giờ bắt đầu")
            }
            Self::Year { date, from } => {
                let from = match from {
                    YearFrom::Heading => "theo ngày ghi phía trên bảng".to_owned(),
                    YearFrom::Saved(day) => {
                        format!("theo ngày lưu tệp {}", day.strftime("%d/%m/%Y"))
                    }
                };
                format!("ngày không ghi năm: hiểu là {}, {from}", date.strftime("%d/%m/%Y"))
            }
            Self::Length { meetings, hours } => {
                format!("{meetings} cuộc họp không ghi giờ kết thúc: tính {hours} giờ")
            }
            Self::OutsideTable { .. } => "ngoài bảng, không phải cuộc họp".to_owned(),
            Self::Columns(names) => format!("các cột không dùng đến: {}", names.join(", ")),
        }
    }

    fn en(&self) -> String {
        match self {
            Self::NoTitle => "not read: a day or time without a subject".to_owned(),
            Self::NoDay => "not read: no day; write one like 16/11/2026".to_owned(),
            Self::NotWhen(text) => {
                format!("not read: “{text}” is no day or time like Thứ Hai 16/11, Chiều, 07h30")
            }
            Self::NoTime(text) => format!("not read: “{text}” has no time; write one like 07h30"),
            Self::SeveralTimes(text) => {
                format!("not read: “{text}” is several days or times; give each a row")
            }
            Self::IdTaken(id) => format!("not read: the id {id} is that of another meeting"),
            Self::NoTable => {
                "not read: no row names a column of days or times and one of subjects".to_owned()
            }
            Self::Hidden => "not read: the sheet is hidden".to_owned(),
            Self::TooManyRows(most) => format!("not read from here on: more than {most} rows"),
            Self::WholeDays { entries, first } => format!(
                "not read: {entries} entries of whole days, without a start, like “{first}”; \
                 write times where they are meetings"
            ),
            Self::WrongWeekday { date, written } => {
                let right = date.weekday();
                format!("{date} is a {right:?}, not a {written:?}; the date counts")
            }
            Self::OutsideSession(text) => {
                format!("“{text}” does not lie in its half of the day; taken as written")
            }
            Self::BadId(id) => format!("“{id}” cannot be an id; ids are of a-z, 0-9, - _ ."),
            Self::BadLength(text) => {
                format!("“{text}” is not a length like 2h30, or an end after the start")
            }
            Self::Year { date, from } => match from {
                YearFrom::Heading => {
                    format!("days without a year: taken as {date}, by the date above the table")
                }
                YearFrom::Saved(day) => {
                    format!("days without a year: taken as {date}, by the day it was saved, {day}")
                }
            },
            Self::Length { meetings, hours } => {
                format!("{meetings} meetings without an end: {hours} hours are assumed")
            }
            Self::OutsideTable { .. } => "outside the table, no meetings".to_owned(),
            Self::Columns(names) => {
                format!("columns that are of no use here: {}", names.join(", "))
            }
        }
    }
}

fn weekday_vi(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Thứ Hai",
        Weekday::Tuesday => "Thứ Ba",
        Weekday::Wednesday => "Thứ Tư",
        Weekday::Thursday => "Thứ Năm",
        Weekday::Friday => "Thứ Sáu",
        Weekday::Saturday => "Thứ Bảy",
        Weekday::Sunday => "Chủ nhật",
    }
}
