use std::path::Path;

use super::*;
use crate::inventory;

const SITES: &str = "
areas: [{ id: hoang-hoa, name: Hoằng Hóa }]
sites:
  - { id: a, name: A, level: commune, area: hoang-hoa }
  - { id: b, name: B, level: province }
";

fn calendar(text: &str) -> Calendar {
    let path = Path::new("giao-ban.yaml");
    let content = files::parse(path, files::Text::new(text.as_bytes(), None))
        .unwrap_or_else(|faults| panic!("{faults}"));
    let (calendar, faults) = files::assemble(&BTreeMap::from([(path.to_owned(), content)]));
    assert_eq!(faults, []);
    calendar
}

fn at(text: &str) -> UnixMillis {
    format!("{text}+07:00").parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn occurrences(calendar: &Calendar, from: &str, to: &str) -> Vec<Occurrence> {
    let inventory = inventory::parse(Path::new("sites.yaml"), SITES.as_bytes()).unwrap();
    calendar.occurrences(&inventory, at(from), at(to))
}

const WEEKLY: &str = "
meetings:
  - id: giao-ban-tuan
    title: \"Giao ban trực tuyến tuần\"
    start: 2026-11-23T07:30
    duration: 2h30m
    repeat: \"FREQ=WEEKLY;BYDAY=MO\"
    except: [2026-12-07]
    moved: { 2026-11-30: 2026-12-01T14:00 }
    sites: { levels: [commune], areas: [hoang-hoa, elsewhere], ids: [], except: [] }
    needs: [network, camera]
";

#[test]
fn a_weekly_meeting_takes_place_but_where_it_is_moved_or_left_out() {
    let calendar = calendar(WEEKLY);
    let found = occurrences(&calendar, "2026-11-20T00:00", "2026-12-15T00:00");
    let times: Vec<_> = found.iter().map(|o| (o.id.as_str(), o.start, o.end)).collect();
    assert_eq!(
        times,
        [
            ("giao-ban-tuan@2026-11-23T07:30", at("2026-11-23T07:30"), at("2026-11-23T10:00")),
            ("giao-ban-tuan@2026-11-30T07:30", at("2026-12-01T14:00"), at("2026-12-01T16:30")),
            ("giao-ban-tuan@2026-12-14T07:30", at("2026-12-14T07:30"), at("2026-12-14T10:00")),
        ]
    );
    assert_eq!(found[0].sites.iter().map(SiteId::as_str).collect::<Vec<_>>(), ["a"]);
    assert_eq!(found[0].unmatched, ["elsewhere"]);
    assert_eq!(found[0].needs, Some(vec![Capability::Network, Capability::Camera]));
    assert_eq!(found[0].title, "Giao ban trực tuyến tuần");
}

#[test]
fn a_window_holds_what_touches_it() {
    let calendar = calendar(WEEKLY);
    for (from, to, count) in [
        ("2026-11-23T10:00", "2026-11-30T23:00", 0),
        ("2026-11-23T09:59", "2026-11-23T10:00", 1),
        ("2026-11-23T07:00", "2026-11-23T07:30", 0),
        ("2026-11-30T00:00", "2026-12-01T14:01", 1),
    ] {
        assert_eq!(occurrences(&calendar, from, to).len(), count, "{from} {to}");
    }
}

#[test]
fn a_single_meeting_may_have_an_offset_and_everybody() {
    let calendar =
        calendar("meetings: [{ id: m, title: M, start: '2026-11-23T00:30Z', duration: 1h }]");
    let found = occurrences(&calendar, "2026-01-01T00:00", "2026-12-31T00:00");
    assert_eq!(found[0].id, "m@2026-11-23T07:30", "by the wall of its zone");
    assert_eq!((found.len(), found[0].sites.len()), (1, 2));
}

#[test]
fn a_cancelled_meeting_does_not_take_place() {
    let text = WEEKLY.replace("duration", "cancelled: true\n    duration");
    assert_eq!(occurrences(&calendar(&text), "2026-01-01T00:00", "2027-01-01T00:00"), []);
}

#[test]
fn one_look_is_bounded_in_number_and_time() {
    let daily: Vec<String> = (0..20)
        .map(|n| {
            format!("  - {{ id: m{n}, title: M, start: 2020-01-01T07:00, duration: 1h, repeat: FREQ=DAILY }}\n")
        })
        .collect();
    let calendar = calendar(&format!("meetings:\n{}", daily.concat()));
    let (slots, beyond) = calendar.slots(at("2026-01-01T00:00"), i64::MAX);
    assert_eq!((slots.len(), beyond), (OCCURRENCES, 20 * 400 - OCCURRENCES));
    assert!(slots.is_sorted_by_key(|slot| slot.start));
}

#[test]
fn every_fault_is_found_at_once_with_its_place() {
    let text = "
meetings:
  - { id: a, title: A, start: 2026-11-24, duration: 1h }
  - { id: b, title: A, start: 2026-11-24T07:30, duration: 1h, repeat: 'FREQ=WEEKLY;BYDAY=MO' }
  - { id: b, title: B, start: 2026-11-23T07:30, duration: 8d, repeat: FREQ=HOURLY }
  - { id: c, title: '', start: 2026-11-23T07:30, duration: 1h, except: [2026-11-24], sites: {} }
  - { id: d, title: D, start: 2026-11-23T07:30, duration: 1h, timezone: Saigon, needs: [tea] }
  - { id: e, title: E, start: 2026-11-23T07:30, duration: 1h, except: [2026-11-23], moved: { 2026-11-23: 2026-11-24T07:30 } }
  - { id: 'f@g', start: 2026-11-23T07:30, duration: soon, sites: { are: [] } }
  - { title: H }
";
    let faults =
        files::parse(Path::new("m.yaml"), files::Text::new(text.as_bytes(), None)).unwrap_err();
    let faults: Vec<String> = faults.0.iter().map(ToString::to_string).collect();
    let expected = [
        "m.yaml:3:31: meetings[0].start: \"2026-11-24\" is not a time like 2026-11-23T07:30",
        "m.yaml:4:31: meetings[1].start: does not fit `repeat`, which first gives 2026-11-30T07:30",
        "m.yaml:5:11: meetings[2].id: the id `b` is taken already (in line 4)",
        "m.yaml:5:59: meetings[2].duration: a meeting lasts longer than nothing and at most 7d",
        "m.yaml:5:71: meetings[2].repeat: FREQ=HOURLY: a meeting repeats daily at most",
        "m.yaml:6:21: meetings[3].title: give a title of at most 256 characters",
        "m.yaml:6:64: meetings[3].except: the meeting does not take place on 2026-11-24 anyway",
        "m.yaml:6:86: meetings[3].sites: names nobody",
        "m.yaml:7:73: meetings[4].timezone: \"Saigon\" is not a time zone like Asia/Ho_Chi_Minh",
        "m.yaml:7:89: meetings[4].needs[0]: unknown word `tea`",
        "m.yaml:8:106: meetings[5].moved.2026-11-23: stands in `except` too",
        "m.yaml:9:11: meetings[6].id: \"f@g\" is not an id",
        "m.yaml:9:53: meetings[6].duration: \"soon\" is not a duration",
        "m.yaml:9:68: meetings[6].sites.are: unknown key `are`",
        "m.yaml:10:5: meetings[7].id: the key `id` is missing here",
        "m.yaml:10:5: meetings[7].start: the key `start` is missing here",
        "m.yaml:10:5: meetings[7].duration: the key `duration` is missing here",
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{expected}\n{faults:#?}");
    }
}

#[test]
fn an_id_is_taken_once_in_all_files() {
    let content =
        files::parse(Path::new("a.yaml"), files::Text::new(WEEKLY.as_bytes(), None)).unwrap();
    let files = ["a.yaml", "b.yaml"].map(|name| (PathBuf::from(name), Arc::clone(&content)));
    let (calendar, faults) = files::assemble(&BTreeMap::from(files));
    assert_eq!(calendar.meetings.len(), 1);
    assert_eq!(faults[0].to_string(), "b.yaml: the id `giao-ban-tuan` is taken in a.yaml");
}

proptest::proptest! {
    #[test]
    fn no_calendar_makes_reading_panic(text in "(meetings|:|- |id|start|2026-11-23T07:30|\n| |[a-z]|,|\\{|\\})*") {
        let _ = files::parse(Path::new("m.yaml"), files::Text::new(text.as_bytes(), None));
    }
}

#[test]
fn nothing_like_a_list_of_meetings_is_too_strange() {
    crate::mutations::survives(&[WEEKLY], |bytes| {
        let path = Path::new("giao-ban.yaml");
        let content =
            files::parse(path, files::Text::new(bytes, None)).map_err(|faults| faults.0)?;
        let (calendar, _) = files::assemble(&BTreeMap::from([(path.to_owned(), content)]));
        Ok::<_, Vec<wire::yaml::Fault>>(
            calendar.slots(at("2026-11-01T00:00"), at("2027-01-01T00:00")).1,
        )
    });
}
