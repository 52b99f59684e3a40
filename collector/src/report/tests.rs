//! Reports of made-up meetings, held against the files in `tests/golden`.

use std::path::Path;

use super::*;
use crate::readiness::Verdict;
use crate::roll_call::attendance::{Attendance, Presence};
use crate::roll_call::later::Later;
use crate::roll_call::remembered::{Recalled, Remembered};
use crate::roll_call::{Entry, Key, Moment, NamedArea, RecordedReason, RollCall};

/// 07:30 on Monday, 23 November 2026 in Vietnam.
const START: UnixMillis = 1_795_393_800_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

fn reason(code: &str, subject: &str) -> RecordedReason {
    RecordedReason {
        code: code.to_owned(),
        capability: None,
        subject: subject.to_owned(),
        value: None,
        evidence_at: None,
    }
}

fn call(start: UnixMillis, moment: Moment, verdicts: [Verdict; 5]) -> Recalled {
    // Id, name, area, why.
    let rows = [
        (
            "th-0316",
            "UBND xã Hoằng Lộc",
            Some(("hoang-hoa", "Hoằng Hóa")),
            reason("camera_missing", "Logitech C920"),
        ),
        (
            "th-0317",
            "UBND xã Hoằng Quỳ",
            Some(("hoang-hoa", "Hoằng Hóa")),
            reason("site_silent", ""),
        ),
        (
            "th-0400",
            "UBND xã <Đông> & \"Tây\"",
            Some(("dong-son", "Đông Sơn")),
            reason("code_of_tomorrow", ""),
        ),
        (
            "th-0401",
            "=HYPERLINK(\"http://x\";\"y\")",
            Some(("dong-son", "Đông Sơn")),
            reason("absence_agreed", "sửa mái"),
        ),
        ("th-0500", "Phường 2", None, reason("code_of_tomorrow", "")),
    ];
    let entry = |name: &str, area: Option<(&str, &str)>, verdict, reason| Entry {
        name: name.to_owned(),
        area: area.map(|(id, name)| NamedArea { id: id.parse().unwrap(), name: name.to_owned() }),
        level: "commune".to_owned(),
        verdict,
        reasons: if verdict == Verdict::Ready { Vec::new() } else { vec![reason] },
        evidence_at: None,
        heard_at: None,
    };
    let sites = rows.into_iter().zip(verdicts).map(|((id, name, area, reason), verdict)| {
        (id.parse().unwrap(), entry(name, area, verdict, reason))
    });
    let late = if moment == Moment::FiveBefore { 130_000 } else { 2_000 };
    let call = RollCall {
        key: Key { meeting: format!("giao-ban@{start}"), start, moment },
        title: "Giao ban <tuần>".to_owned(),
        end: start + 9_000_000,
        recorded_at: moment.of(start) + late,
        unmatched: vec!["xã Không Có".to_owned()],
        sites: sites.collect(),
    };
    let silent = call.sites.iter().filter(|(_, entry)| entry.verdict == Verdict::Unknown);
    let later = silent.map(|(site, _)| (site.clone(), Later::LineDown)).collect();
    Recalled { call, later }
}

fn remembered() -> Remembered {
    use Verdict::{Degraded, Excused, NotReady, Ready, Unknown};
    Remembered {
        calls: vec![
            call(START, Moment::FiveBefore, [NotReady, Ready, NotReady, Excused, Ready]),
            call(START, Moment::Start, [NotReady, Unknown, Degraded, Excused, Ready]),
        ],
        attendance: [
            ("th-0316", Presence::Present),
            ("th-0317", Presence::Late),
            ("th-0500", Presence::Absent),
        ]
        .map(|(site, presence)| (site.parse().unwrap(), presence))
        .into(),
    }
}

fn a_month() -> Document {
    use Verdict::{Ready, Unknown};
    let quiet = Remembered {
        calls: vec![call(START + DAY, Moment::Start, [Ready, Unknown, Ready, Ready, Ready])],
        attendance: Attendance::default(),
    };
    let unrecorded = Remembered {
        calls: vec![call(START + 2 * DAY, Moment::FifteenBefore, [Ready; 5])],
        attendance: Attendance::default(),
    };
    let november = "2026-11".parse().unwrap();
    month(&[remembered(), quiet, unrecorded], november, Language::Vi, START + 9 * DAY)
}

fn a_meeting(language: Language) -> Document {
    meeting(&remembered(), language, START + DAY)
}

/// `NHIPCAU_GOLDEN=write` makes the files anew; look at the difference before it is kept.
fn held_against(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("NHIPCAU_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(golden == text, "{}: differs from what is written now:\n{text}", path.display());
}

#[test]
fn sheets_are_what_excel_opens() {
    held_against("meeting.csv", &a_meeting(Language::Vi).write(Format::Csv));
    held_against("month.csv", &a_month().write(Format::Csv));
    let text = a_month().write(Format::Csv);
    assert!(text.starts_with('\u{feff}') && text.ends_with("\r\n"));
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
}

#[test]
fn pages_are_what_a_printer_prints() {
    held_against("meeting.html", &a_meeting(Language::En).write(Format::Html));
    held_against("month.html", &a_month().write(Format::Html));
}

#[test]
fn tables_are_what_a_terminal_shows() {
    let plain = Format::Table { colours: false };
    held_against("meeting.txt", &a_meeting(Language::Vi).write(plain));
    held_against("month.txt", &a_month().write(plain));
    assert!(!a_meeting(Language::Vi).write(plain).contains('\u{1b}'));
    let coloured = a_meeting(Language::Vi).write(Format::Table { colours: true });
    assert!(coloured.contains("\u{1b}[1;31mchưa sẵn sàng\u{1b}[0m"));
}

#[test]
fn nothing_that_people_write_becomes_markup_or_formula() {
    let mut meeting = remembered();
    for recalled in &mut meeting.calls {
        recalled.call.title = "<script>alert(1)</script>\u{1b}]0;x\u{7}".to_owned();
        for entry in recalled.call.sites.values_mut() {
            entry.name = "@SUM(1+1)*cmd|' /C calc'!A0".to_owned();
        }
    }
    let document = super::meeting(&meeting, Language::Vi, START);
    assert!(!document.write(Format::Html).contains("<script"));
    assert!(!document.write(Format::Table { colours: false }).contains(['\u{1b}', '\u{7}']));
    let sheet = document.write(Format::Csv);
    assert!(sheet.contains(";'@SUM") && !sheet.contains(";@SUM"));
}

#[test]
fn a_month_is_one_of_vietnams_calendar() {
    let (from, to) = "2026-11".parse::<Month>().unwrap().bounds();
    assert_eq!(words::moment(from, Language::En), "2026-11-01 00:00");
    assert_eq!(words::moment(to, Language::En), "2026-12-01 00:00");
    assert_eq!("2026-12".parse::<Month>().unwrap().to_string(), "2026-12");
    for text in ["2026-13", "2026-1", "11-2026", "2026-11-01", "", "２０２６-11"] {
        let fault = text.parse::<Month>().unwrap_err();
        assert!(fault.contains("as in 2026-11"), "{text}: {fault}");
    }
}

#[test]
fn shares_never_flatter() {
    let cases = [(1.0, "100,0%"), (0.9996, "99,9%"), (0.29, "29,0%"), (0.0, "0,0%")];
    for (share, text) in cases {
        assert_eq!(words::share(Some(share), Language::Vi), text);
    }
    assert_eq!(words::share(None, Language::En), "–");
}
