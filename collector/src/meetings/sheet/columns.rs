//! Which column is which, by its heading in Vietnamese or English, with or without marks.

use crate::inventory::folded;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// The day, the half of it, the time: any of them, in any mixture.
    When,
    End,
    Length,
    Title,
    Sites,
    /// Of use only where no column says who takes part.
    Place,
    Id,
    /// What people keep beside it for themselves.
    Ignored,
}

/// Headings, folded and without punctuation.
#[rustfmt::skip]
const EXACT: &[(Column, &[&str])] = &[
    (Column::When, &["thu", "ngay", "thu ngay", "thu ngay thang", "ngay thang", "ngay thang nam", "ngay hop",
        "ngay gio", "ngay gio hop", "gio", "gio hop", "gio bat dau", "bat dau", "buoi", "date", "day", "time",
        "start"]),
    (Column::End, &["ket thuc", "gio ket thuc", "thoi gian ket thuc", "den", "den gio", "end"]),
    (Column::Length, &["thoi luong", "duration", "length"]),
    (Column::Title, &["cuoc hop", "ten cuoc hop", "hoi nghi", "ten hoi nghi", "cong viec", "noi dung", "subject",
        "title", "meeting"]),
    (Column::Sites, &["don vi", "cac don vi", "don vi tham du", "don vi du hop", "don vi tham gia", "participants",
        "sites", "thanh phan", "diem cau"]),
    (Column::Place, &["place", "location", "noi hop"]),
    (Column::Id, &["ma", "ma cuoc hop", "ma hop", "id"]),
    (Column::Ignored, &["stt", "tt", "so tt", "no", "note", "notes", "phong hop", "tai lieu", "chuan bi",
        "lai xe", "xe", "chair", "lanh dao", "truc ky thuat"]),
];

/// Beginnings of headings that go on in many ways: `Thành phần tham dự (điểm cầu)`.
const BEGINNINGS: &[(Column, &str)] = &[
    (Column::When, "thoi gian"),
    (Column::Title, "noi dung"),
    (Column::Title, "ten cuoc hop"),
    (Column::Sites, "thanh phan"),
    (Column::Sites, "diem cau"),
    (Column::Sites, "cac diem cau"),
    (Column::Place, "dia diem"),
    (Column::Ignored, "chu tri"),
    (Column::Ignored, "nguoi chu tri"),
    (Column::Ignored, "lanh dao chu tri"),
    (Column::Ignored, "don vi chu tri"),
    (Column::Ignored, "don vi chuan bi"),
    (Column::Ignored, "co quan"),
    (Column::Ignored, "ghi chu"),
];

/// The columns of one table.
#[derive(Debug)]
pub(super) struct Columns {
    known: Vec<Option<Column>>,
    /// Headings that say nothing to this program.
    pub(super) strange: Vec<String>,
}

impl Columns {
    /// Reads a row as headings; none where it is not the head of a schedule.
    pub(super) fn read(row: &[String]) -> Option<Self> {
        let known: Vec<Option<Column>> = row.iter().map(|heading| find(heading)).collect();
        let has = |column| known.contains(&Some(column));
        if !has(Column::When) || !has(Column::Title) {
            return None;
        }
        let unknown = row
            .iter()
            .zip(&known)
            .filter(|(text, known)| known.is_none() && !text.trim().is_empty());
        let strange = unknown.map(|(text, _)| one_line(text)).collect();
        Some(Self { known, strange })
    }

    /// How many headings are known.
    pub(super) fn count(&self) -> usize {
        self.known.iter().flatten().count()
    }

    /// The cells of a column, or of several of its kind, that say something.
    pub(super) fn cells<'a>(
        &'a self,
        row: &'a [String],
        column: Column,
    ) -> impl Iterator<Item = &'a str> {
        let cells = row.iter().zip(&self.known).filter(move |(_, known)| **known == Some(column));
        cells.map(|(text, _)| text.trim()).filter(|text| !text.is_empty())
    }
}

/// A text on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn find(heading: &str) -> Option<Column> {
    let plain: String = folded(heading)
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter } else { ' ' })
        .collect();
    let plain = one_line(&plain);
    let exact = EXACT.iter().find(|(_, known)| known.contains(&plain.as_str()));
    let begins = |beginning: &str| {
        plain.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let by_beginning = || BEGINNINGS.iter().find(|(_, beginning)| begins(beginning));
    exact.map(|(column, _)| *column).or_else(|| by_beginning().map(|(column, _)| *column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_however_they_are_written() {
        for (heading, expected) in [
            ("Thứ, ngày", Some(Column::When)),
            ("THỜI GIAN\n(giờ)", Some(Column::When)),
            ("Buổi", Some(Column::When)),
            ("Giờ kết thúc", Some(Column::End)),
            ("Nội dung\ncông việc", Some(Column::Title)),
            ("Thành phần tham dự (điểm cầu)", Some(Column::Sites)),
            ("Thanh phan", Some(Column::Sites)),
            ("Địa điểm", Some(Column::Place)),
            ("Chủ trì", Some(Column::Ignored)),
            ("STT", Some(Column::Ignored)),
            ("Thủ trưởng đơn vị", None),
            ("Giao ban tuần", None),
            ("", None),
        ] {
            assert_eq!(find(heading), expected, "{heading}");
        }
    }
}
