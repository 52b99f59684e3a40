use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::{Calendar, Occurrence, files};
use super::*;
use crate::inventory;

const OUTLOOK: &str = include_str!("../../../../tests/calendars/outlook.ics");
const CANCELLED: &str = include_str!("../../../../tests/calendars/outlook-cancelled.ics");
const GOOGLE: &str = include_str!("../../../../tests/calendars/google.ics");
const EXCHANGE: &str = include_str!("../../../../tests/calendars/exchange.ics");
const ZIMBRA: &str = include_str!("../../../../tests/calendars/zimbra.ics");

const SITES: &str = "
areas: [{ id: hoang-hoa, name: Hoằng Hóa }]
sites:
  - { id: th-0316, name: UBND xã Hoằng Lộc, area: hoang-hoa }
  - { id: th-0317, name: UBND xã Hoằng Quỳ, area: hoang-hoa }
  - { id: th-0001, name: UBND tỉnh }
";

fn assembled(texts: &[&str]) -> (Calendar, Vec<Fault>) {
    let contents = texts.iter().enumerate().map(|(index, text)| {
        let path = PathBuf::from(format!("{index}.ics"));
        let content = files::parse(&path, files::Text::new(text.as_bytes(), None));
        (path, content.unwrap_or_else(|faults| panic!("{faults}")))
    });
    files::assemble(&contents.collect())
}

fn at(text: &str) -> UnixMillis {
    format!("{text}+07:00").parse::<Timestamp>().unwrap().as_millisecond()
}

fn occurrences(texts: &[&str]) -> Vec<Occurrence> {
    let inventory = inventory::parse(Path::new("sites.yaml"), SITES.as_bytes()).unwrap();
    let (calendar, faults) = assembled(texts);
    assert_eq!(faults, []);
    calendar.occurrences(&inventory, at("2026-11-01T00:00"), at("2027-01-05T00:00"))
}

/// `30/11 07:30 as 01/12 14:00-16:00 title: sites | unmatched`, without the `as` where it is not
/// moved.
fn told(texts: &[&str]) -> Vec<String> {
    let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let wall = |at: UnixMillis| zone.to_datetime(Timestamp::from_millisecond(at).unwrap());
    let tell = |o: Occurrence| {
        let original: DateTime = o.id.split_once('@').unwrap().1.parse().unwrap();
        let moved = if original == wall(o.start) {
            String::new()
        } else {
            format!("{} as ", original.strftime("%d/%m %H:%M"))
        };
        let sites: Vec<_> = o.sites.iter().map(wire::SiteId::as_str).collect();
        let (start, end) = (wall(o.start).strftime("%d/%m %H:%M"), wall(o.end).strftime("%H:%M"));
        let (title, sites, unmatched) = (&o.title, sites.join(" "), o.unmatched.join("; "));
        format!("{moved}{start}-{end} {title}: {sites} | {unmatched}")
    };
    occurrences(texts).into_iter().map(tell).collect()
}

#[test]
fn outlooks_weekly_meeting_with_one_left_out_and_one_moved() {
    assert_eq!(
        told(&[OUTLOOK]),
        [
            "23/11 07:30-10:00 Giao ban trực tuyến tuần, khối xã: th-0316 th-0317 | Phòng họp tầng 3",
            "30/11 07:30 as 01/12 14:00-16:00 Giao ban trực tuyến tuần (dời lịch): th-0316 | ",
            "14/12 07:30-10:00 Giao ban trực tuyến tuần, khối xã: th-0316 th-0317 | Phòng họp tầng 3",
            "21/12 07:30-10:00 Giao ban trực tuyến tuần, khối xã: th-0316 th-0317 | Phòng họp tầng 3",
        ]
    );
}

#[test]
fn a_cancellation_in_another_file_counts_whatever_the_files_order() {
    for files in [[OUTLOOK, CANCELLED], [CANCELLED, OUTLOOK]] {
        let told = told(&files);
        assert_eq!(told.len(), 3);
        assert!(!told.iter().any(|line| line.starts_with("14/12")), "{told:?}");
    }
}

#[test]
fn googles_attendees_areas_and_times_in_utc() {
    assert_eq!(
        told(&[GOOGLE]),
        [
            "02/11 08:00-09:00 Giao ban tháng: th-0316 th-0317 | ",
            "24/11 08:00-10:00 Họp phòng chống bão số 14: th-0317 | Nguyễn Văn An",
            "04/01 08:00-09:00 Giao ban tháng: th-0316 th-0317 | ",
        ]
    );
}

#[test]
fn zimbras_daily_session_with_the_property_of_our_own() {
    assert_eq!(
        told(&[ZIMBRA]),
        [
            "08/12 08:00-17:00 Kỳ họp Hội đồng nhân dân: th-0001 th-0316 th-0317 | ",
            "10/12 08:00-17:00 Kỳ họp Hội đồng nhân dân: th-0001 th-0316 th-0317 | ",
        ]
    );
}

#[test]
fn exchanges_zones_of_its_own_and_of_half_hours() {
    assert_eq!(
        told(&[EXCHANGE]),
        [
            // Noon in summer time of eleven hours; eight o'clock here.
            "24/11 12:00 as 24/11 08:00-09:30 Họp với thành phố kết nghĩa: th-0001 | ",
            "02/12 10:00 as 02/12 11:30-12:30 Tập huấn trực tuyến hằng ngày: th-0316 | ",
            "03/12 10:00 as 03/12 11:30-12:30 Tập huấn trực tuyến hằng ngày: th-0316 | ",
            "04/12 10:00 as 04/12 11:30-12:30 Tập huấn trực tuyến hằng ngày: th-0316 | ",
        ]
    );
}

#[test]
fn this_and_all_later_ones_move_together_until_the_next_change() {
    let row = event("DTSTART:20261123T073000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=6");
    let at_two = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20261130T073000\nSEQUENCE:1\nDTSTART:20261201T140000\nDURATION:PT2H",
    );
    let once =
        event("RECURRENCE-ID:20261207T073000\nSEQUENCE:1\nDTSTART:20261207T090000\nDURATION:PT1H");
    let no_more = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20261221T073000\nSEQUENCE:2\nSTATUS:CANCELLED\nDTSTART:20261221T073000",
    );
    let expected = [
        "23/11 07:30-08:30 S: th-0001 | ",
        "30/11 07:30 as 01/12 14:00-16:00 S: th-0001 | ",
        "07/12 07:30 as 07/12 09:00-10:00 S: th-0001 | ",
        "14/12 07:30 as 15/12 14:00-16:00 S: th-0001 | ",
    ];
    assert_eq!(told(&[&row, &at_two, &once, &no_more]), expected);
    assert_eq!(told(&[&no_more, &once, &at_two, &row]), expected, "in whatever order they come");
    let earlier = at_two.replace("20261201T140000", "20261127T140000");
    assert_eq!(
        told(&[&row, &earlier, &no_more])[1],
        "30/11 07:30 as 27/11 14:00-16:00 S: th-0001 | "
    );
}

/// An event of `uid` with these lines.
fn event(lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u@x\nSUMMARY:S\nX-NHIPCAU-SITES:th-0001\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"
    )
}

#[test]
fn of_two_versions_the_higher_sequence_counts() {
    let old = event("SEQUENCE:1\nDTSTAMP:20261101T000000Z\nDTSTART:20261123T073000\nDURATION:PT1H");
    let new = event("SEQUENCE:2\nDTSTAMP:20261031T000000Z\nDTSTART:20261123T083000\nDURATION:PT2H");
    for files in [[&old, &new], [&new, &old]] {
        assert_eq!(told(&[files[0], files[1]]), ["23/11 08:30-10:30 S: th-0001 | "]);
    }
    let off =
        event("SEQUENCE:2\nDTSTAMP:20261102T000000Z\nSTATUS:CANCELLED\nDTSTART:20261123T083000");
    assert_eq!(told(&[&new, &off]), Vec::<String>::new());
    let other_day =
        event("RECURRENCE-ID:20261123T073000\nSEQUENCE:1\nDTSTART:20261124T073000\nDURATION:PT1H");
    assert_eq!(told(&[&new, &other_day]).len(), 1, "moved once, before the whole row was");
}

#[test]
fn single_occurrences_stand_alone_where_their_row_is_not_known() {
    let one = event("RECURRENCE-ID:20261123T073000\nDTSTART:20261124T073000\nDURATION:PT1H");
    let two = event("RECURRENCE-ID:20261130T073000\nDTSTART:20261130T080000\nDURATION:PT1H");
    assert_eq!(
        told(&[&one, &two]),
        [
            "23/11 07:30 as 24/11 07:30-08:30 S: th-0001 | ",
            "30/11 07:30 as 30/11 08:00-09:00 S: th-0001 | "
        ]
    );
}

#[test]
fn additional_days_belong_to_the_row() {
    let row = event(
        "DTSTART:20261124T073000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=1\nRDATE;VALUE=DATE:20261126",
    );
    let days: Vec<String> = told(&[&row]).iter().map(|line| line[..5].to_owned()).collect();
    assert_eq!(days, ["24/11", "26/11", "30/11"], "the first start, the added day, the rule's");
}

#[test]
fn an_id_stays_as_long_as_the_uid() {
    let ids = |text: &str| {
        let (calendar, _) = assembled(&[text]);
        calendar.meetings.keys().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(ids(ZIMBRA), ["d3a1c2f4-7b6e-4d5a-8c9b-0e1f2a3b4c5d"]);
    let long = ids(OUTLOOK);
    assert!(long[0].starts_with("ics-") && long[0].len() == 20, "{long:?}");
    assert_eq!(long, ids(OUTLOOK));
}

#[test]
fn faults_name_their_lines() {
    let zone = "DTSTART;TZID=Nowhere:20261123T073000\nDURATION:PT1H";
    for (text, fault) in [
        ("hello".to_owned(), "a.ics: does not begin with BEGIN:VCALENDAR"),
        (event(zone), "a.ics:6:1: DTSTART: the time zone \"Nowhere\" is not known"),
        (event("DTSTART:soonTea\nDURATION:PT1H"), "a.ics:6:1: DTSTART: soonTea is not a time like"),
        (event("DTSTART:20261123T073000"), "a.ics:6:1: DTEND: is missing"),
        (event("DTSTART:20261123T073000\nDTEND:20261123T073000"), "a.ics:7:1: DTEND: 2026"),
        (event(""), "a.ics:2:1: DTSTART: is missing"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u".to_owned(), "a.ics:2:1: VEVENT: has no end"),
    ] {
        let faults = files::parse(Path::new("a.ics"), files::Text::new(text.as_bytes(), None))
            .unwrap_err()
            .to_string();
        assert!(faults.starts_with(fault), "{fault}: {faults}");
    }
    let hourly = event("DTSTART:20261123T073000\nDURATION:PT1H\nRRULE:FREQ=HOURLY");
    let (calendar, faults) = assembled(&[OUTLOOK, &hourly]);
    assert_eq!(calendar.meetings.len(), 1, "the others stay");
    assert_eq!(
        faults[0].to_string(),
        "1.ics:2:1: RRULE: FREQ=HOURLY: a meeting repeats daily at most"
    );
}

#[test]
fn a_zone_that_the_file_describes_is_known() {
    let described = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\nTZOFFSETTO:+0800\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:u\nDTSTART;TZID=Customized Time Zone:20261123T083000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\nEND:VCALENDAR\n";
    let starts: Vec<_> = occurrences(&[described]).iter().map(|o| o.start).collect();
    assert_eq!(starts, [at("2026-11-23T07:30"), at("2026-11-24T07:30")]);
}

proptest::proptest! {
    // Rules are followed for a year in each.
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn no_calendar_makes_reading_panic(
        lines in proptest::collection::vec("(BEGIN|END|UID|DTSTART|DTEND|DURATION|EXDATE|RRULE|RECURRENCE-ID|TZID|ă)?(;|:|=|\"|TZID=|VEVENT|VCALENDAR|2026|1123T073000Z|FREQ=DAILY|,|-?PT1H|\\PC)*", 0..20)
    ) {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n{}\nEND:VEVENT\n", lines.join("\n"));
        if let Ok(content) = files::parse(Path::new("a.ics"), files::Text::new(text.as_bytes(), None)) {
            let (calendar, _) = files::assemble(&BTreeMap::from([(PathBuf::from("a.ics"), content)]));
            let _ = calendar.slots(at("2026-01-01T00:00"), at("2027-01-01T00:00"));
        }
    }
}

#[test]
fn nothing_like_a_calendar_is_too_strange() {
    crate::mutations::survives(&[OUTLOOK, CANCELLED, GOOGLE, EXCHANGE, ZIMBRA], |bytes| {
        let path = PathBuf::from("a.ics");
        let content =
            files::parse(&path, files::Text::new(bytes, None)).map_err(|faults| faults.0)?;
        let (calendar, faults) = files::assemble(&BTreeMap::from([(path, content)]));
        let (slots, _) = calendar.slots(at("2026-11-01T00:00"), at("2027-01-01T00:00"));
        let slots = slots.len();
        Ok::<_, Vec<Fault>>((slots, faults))
    });
}

#[test]
fn entries_of_whole_days_are_no_meetings_and_somebody_is_told() {
    let day = |uid: &str, title: &str| {
        format!(
            "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20261101T000000Z\nDTSTART;VALUE=DATE:20261123\nDTEND;VALUE=DATE:20261124\nSUMMARY:{title}\nEND:VEVENT\n"
        )
    };
    let entries = [day("1", "Nghỉ lễ"), day("2", "Trực")].concat();
    let (calendar, faults) =
        assembled(&[&format!("BEGIN:VCALENDAR\nVERSION:2.0\n{entries}END:VCALENDAR\n")]);
    assert_eq!((calendar.meetings.len(), faults), (0, Vec::new()));
    let told: Vec<_> =
        calendar.remarks.iter().map(|remark| remark.told(wire::Language::En)).collect();
    assert_eq!(
        told,
        ["0.ics: not read: 2 entries of whole days, without a start, like “Nghỉ lễ”; write \
             times where they are meetings"]
    );
    assert!(calendar.remarks[0].is_loss());
}
