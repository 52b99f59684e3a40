//! Which day is meant where the year, or all but the weekday, is left out. Pure.

use jiff::civil::{Date, Weekday};

use super::super::remark::{What, YearFrom};
use super::when::{When, Written};
use crate::inventory::folded;

/// What days are counted from.
#[derive(Debug)]
pub(super) struct Days {
    /// A whole date above the table, and otherwise the day on which the file was saved.
    near: Date,
    from: YearFrom,
    /// A day of the week that the table is about.
    week: Option<Date>,
}

/// A day, and what was supplied or is doubtful about it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) date: Date,
    /// What its year was taken from, where it has none.
    pub(super) year: Option<YearFrom>,
    pub(super) doubt: Option<What>,
}

impl Days {
    /// Looks for dates in what stands above the table: `Tuần 47 (từ ngày 16/11 đến 22/11/2026)`.
    pub(super) fn new<'a>(heading: impl Iterator<Item = &'a str>, saved: Date) -> Self {
        let mut days = Self { near: saved, from: YearFrom::Saved(saved), week: None };
        for text in heading {
            let whole =
                When::read(text).dates.into_iter().find_map(|date| date.in_year(date.year?));
            let Some(date) = whole else { continue };
            let plain = folded(text);
            // The day on which it was signed lies in the week before.
            let says = |word: &str| plain.split(|c: char| !c.is_alphanumeric()).any(|w| w == word);
            let of_week = says("tuan") || (says("tu") && says("den"));
            if of_week && days.week.is_none() {
                days.week = Some(date);
            }
            if of_week || days.from != YearFrom::Heading {
                (days.near, days.from) = (date, YearFrom::Heading);
            }
        }
        days
    }

    /// The day that a row means; `last` is that of the row before.
    ///
    /// # Errors
    /// Why it means none.
    pub(super) fn find(&self, when: &When, text: &str, last: Option<Date>) -> Result<Found, What> {
        let date = match (&when.dates[..], when.weekday) {
            ([], None) => return Err(What::NoDay),
            ([], Some(weekday)) => {
                let date = self.next(weekday, last).ok_or(What::NoDay)?;
                return Ok(Found { date, year: None, doubt: None });
            }
            ([date], _) => *date,
            _ => return Err(What::SeveralTimes(text.to_owned())),
        };
        let year = date.year.is_none().then_some(self.from);
        let date = self.nearest(date).ok_or_else(|| What::NotWhen(text.to_owned()))?;
        let wrong = when.weekday.filter(|weekday| *weekday != date.weekday());
        let doubt = wrong.map(|written| What::WrongWeekday { date, written });
        Ok(Found { date, year, doubt })
    }

    /// That weekday of the table's week, or else the first one from the last day on.
    fn next(&self, weekday: Weekday, last: Option<Date>) -> Option<Date> {
        let first = match self.week {
            Some(date) => {
                let since_monday = i32::from(date.weekday().to_monday_zero_offset());
                date.checked_sub(jiff::Span::new().days(since_monday)).ok()?
            }
            None => last?,
        };
        first.series(jiff::Span::new().days(1)).take(7).find(|date| date.weekday() == weekday)
    }

    /// A date without a year lies within half a year of what is near: a schedule written in
    /// December that tells of 04/01 means the January that comes.
    fn nearest(&self, date: Written) -> Option<Date> {
        if let Some(year) = date.year {
            return date.in_year(year);
        }
        let years = [-1, 0, 1].map(|step| self.near.year().saturating_add(step));
        let dates = years.into_iter().filter_map(|year| date.in_year(year));
        dates.min_by_key(|date| (*date - self.near).get_days().abs())
    }
}

impl Written {
    fn in_year(self, year: i16) -> Option<Date> {
        Date::new(year, self.month, self.day).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_year_that_is_left_out_is_the_nearest() {
        for (heading, saved, text, expected) in [
            ("", "2026-11-13", "Thứ Hai 16/11", "2026-11-16"),
            ("", "2026-12-28", "04/01", "2027-01-04"),
            ("", "2027-01-04", "28/12", "2026-12-28"),
            ("", "2027-06-01", "29/2", "2028-02-29"),
            (
                "Tuần 53 (từ ngày 28/12/2026 đến ngày 03/01/2027)",
                "2024-06-01",
                "01/01",
                "2027-01-01",
            ),
            ("Tuần 53 (từ 28/12 đến 03/01/2027)", "2024-06-01", "28/12", "2026-12-28"),
            ("Thanh Hóa, ngày 13 tháng 11 năm 2026", "2020-01-01", "16/11", "2026-11-16"),
            ("", "2020-01-01", "16/11/2026", "2026-11-16"),
        ] {
            let days = Days::new([heading].into_iter(), date(saved));
            let found = days.find(&When::read(text), text, None).unwrap();
            assert_eq!(found.date, date(expected), "{heading} {saved} {text}");
            assert_eq!(found.year.is_some(), !text.ends_with("2026"), "{text}");
        }
    }

    #[test]
    fn a_weekday_alone_is_that_of_the_week_or_the_next() {
        let week = "LỊCH HỌP TUẦN 47 (từ ngày 16/11/2026 đến ngày 22/11/2026)";
        for (heading, last, text, expected) in [
            (week, None, "Thứ Tư", Some("2026-11-18")),
            (week, None, "Chủ nhật", Some("2026-11-22")),
            ("đến ngày 22/11/2026, tuần 47", None, "Thứ Hai", Some("2026-11-16")),
            ("", Some("2026-11-16"), "Thứ Ba", Some("2026-11-17")),
            ("", Some("2026-11-16"), "Thứ Hai", Some("2026-11-16")),
            ("", None, "Thứ Ba", None),
            // Only the day on which it was signed is known.
            ("Ngày 13/11/2026", None, "Thứ Ba", None),
        ] {
            let days = Days::new([heading].into_iter(), date("2026-11-01"));
            let found = days.find(&When::read(text), text, last.map(date));
            assert_eq!(found.ok().map(|found| found.date), expected.map(date), "{heading} {text}");
        }
    }

    #[test]
    fn a_day_that_is_none_or_doubtful_is_told() {
        let days = Days::new(std::iter::empty(), date("2026-11-13"));
        let find = |text: &str| days.find(&When::read(text), text, None);
        assert!(matches!(find("31/11"), Err(What::NotWhen(_))));
        assert!(matches!(find("16/11 và 18/11"), Err(What::SeveralTimes(_))));
        assert!(matches!(find("Sáng"), Err(What::NoDay)));
        let doubt = find("Thứ Hai 17/11").unwrap().doubt;
        let expected = What::WrongWeekday { date: date("2026-11-17"), written: Weekday::Monday };
        assert_eq!(doubt, Some(expected));
    }
}
