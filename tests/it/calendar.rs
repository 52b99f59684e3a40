//! A real collector with meetings from everywhere: files, schedules, a web address, other programs.

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use jiff::civil::Date;
use jiff::{Span, Zoned};
use nix::sys::signal::Signal;
use serde_json::{Value as Json, json};
use tests::collector::{Collector, OPERATE_TOKEN};
use tests::program::{self, Program};
use tests::{http, wait};

const SUCCESS: &str = "nhipcau_collector_config_last_reload_successful";

const SITES: &str = "areas: [{ id: hoang-hoa, name: Hoằng Hóa }]
sites:
  - { id: th-0316, name: UBND xã Hoằng Lộc, area: hoang-hoa, needs: [network] }
  - { id: th-0317, name: UBND xã Hoằng Quỳ, area: hoang-hoa, needs: [network] }
  - { id: th-0001, name: UBND tỉnh, needs: [network] }
";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("calendars").join(name)
}

/// The day after tomorrow where the meetings are: near enough to be told, whatever the hour. One
/// day for all tests, also over midnight.
fn soon() -> Date {
    static SOON: LazyLock<Date> = LazyLock::new(|| {
        let here = Zoned::now().in_tz("Asia/Ho_Chi_Minh").unwrap();
        here.date().checked_add(Span::new().days(2)).unwrap()
    });
    *SOON
}

fn weekly(title: &str) -> String {
    let day = soon();
    format!(
        "meetings: [{{ id: giao-ban, title: {title}, start: {day}T07:30, duration: 1h, repeat: FREQ=WEEKLY }}]\n"
    )
}

/// A schedule with a row that cannot be read and a name that nobody bears.
fn schedule() -> String {
    let day = soon().strftime("%d/%m");
    format!(
        "LỊCH HỌP TUẦN;;;\nNội dung;Thành phần;Ngày;Giờ\n\
         Phòng chống bão;xã Hoằng Lộc, Trạm bơm;{day};13h30 - 15h00\nHọp tổ;tất cả;;Sáng\n"
    )
}

fn published(title: &str) -> String {
    let day = soon().strftime("%Y%m%d");
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:tap-huan\r\n\
         DTSTAMP:20260101T000000Z\r\nSUMMARY:{title}\r\nDTSTART;TZID=SE Asia Standard Time:{day}T090000\r\n\
         DTEND;TZID=SE Asia Standard Time:{day}T100000\r\nLOCATION:UBND tỉnh\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// Python's own web server over a directory; it answers 304 to what has not changed.
struct Web {
    folder: tempfile::TempDir,
    program: Program,
    port: u16,
    published: u64,
}

impl Web {
    fn start() -> Option<Self> {
        if std::process::Command::new("python3").arg("--version").output().is_err() {
            println!("SKIPPED: python3 is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (program, port) = Self::serve(folder.path(), 0);
        Some(Self { folder, program, port, published: 0 })
    }

    fn serve(folder: &Path, port: u16) -> (Program, u16) {
        let mut command = program::mortal("python3");
        command.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", &port.to_string()]);
        command.arg("--directory").arg(folder);
        let mut program = Program::start("web", command);
        let port = program.hear("its port", |line| {
            line.split_once(" port ")?.1.split_whitespace().next()?.parse().ok()
        });
        (program, port)
    }

    /// Each is a day newer than the one before: the server tells whole seconds.
    fn publish(&mut self, text: &str) {
        self.published += 1;
        let next = self.folder.path().join("next");
        fs::write(&next, text).unwrap();
        let saved = UNIX_EPOCH + Duration::from_hours(24 * 365 * 50 + 24 * self.published);
        File::options().append(true).open(&next).unwrap().set_modified(saved).unwrap();
        fs::rename(next, self.folder.path().join("hop.ics")).unwrap();
    }
}

fn send(collector: &Collector, method: &str, path: &str, body: &Json) -> http::Response {
    let mut stream = http::connect(collector.operations()).unwrap();
    let bearer = format!("Bearer {OPERATE_TOKEN}");
    let headers = [
        ("Content-Type", "application/json"),
        ("Connection", "close"),
        ("Authorization", bearer.as_str()),
    ];
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    stream.write_all(&http::request(method, path, &headers, &body)).unwrap();
    http::read(&mut BufReader::new(stream)).unwrap()
}

/// Ids and titles of all meetings.
fn meetings(collector: &Collector) -> Vec<(String, String)> {
    let list = collector.get("/api/v1/meetings", &[]).json();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let meetings = list["meetings"].as_array().unwrap().iter();
    meetings.map(|meeting| (text(&meeting["id"]), text(&meeting["title"]))).collect()
}

#[track_caller]
fn wait_for(collector: &Collector, id: &str, title: &str) {
    wait::until(title, || {
        let all = meetings(collector);
        let there = all.contains(&(id.to_owned(), title.to_owned()));
        wait::seen(there, || format!("{all:?}"))
    });
}

fn configure(collector: &mut Collector, more: &str) {
    collector.stop();
    let config = fs::read_to_string(collector.config()).unwrap();
    fs::write(collector.config(), config + more).unwrap();
    collector.run();
}

fn put(collector: &Collector, name: &str, content: &[u8]) {
    let folder = collector.config().with_file_name("meetings");
    let next = collector.config().with_file_name("next");
    fs::write(&next, content).unwrap();
    fs::rename(next, folder.join(name)).unwrap();
}

#[test]
fn meetings_come_from_files_schedules_an_address_and_other_programs() {
    let Some(mut web) = Web::start() else { return };
    web.publish(&published("Tập huấn"));
    let mut collector = Collector::start_with_calendar(SITES, &weekly("Giao ban"));
    for name in ["zimbra.ics", "lich-tuan-47.xlsx"] {
        put(&collector, name, &fs::read(fixture(name)).unwrap());
    }
    put(&collector, "lich.csv", schedule().as_bytes());
    let url = format!("http://127.0.0.1:{}/hop.ics", web.port);
    configure(&mut collector, &format!("meeting_urls: [{{ name: so, url: '{url}' }}]\n"));

    let storm = format!("{}-phong-chong-bao", soon());
    wait_for(&collector, "giao-ban", "Giao ban");
    wait_for(&collector, &storm, "Phòng chống bão");
    wait_for(&collector, "d3a1c2f4-7b6e-4d5a-8c9b-0e1f2a3b4c5d", "Kỳ họp Hội đồng nhân dân");
    wait_for(&collector, "2026-11-16-giao-ban-truc-tuyen-tuan", "Giao ban trực tuyến tuần");
    wait_for(&collector, "tap-huan", "Tập huấn");

    let urgent = json!({ "id": "khan", "title": "Họp khẩn", "start": format!("{}T10:00", soon()), "duration": "1h" });
    assert_eq!(send(&collector, "POST", "/api/v1/meetings?preview=true", &urgent).status, 200);
    assert_eq!(collector.get("/api/v1/meetings/khan", &[]).status, 404, "a preview only");
    assert_eq!(send(&collector, "POST", "/api/v1/meetings", &urgent).status, 201);
    wait_for(&collector, "khan", "Họp khẩn");

    let told = collector.do_command(&["check"]);
    let said = program::said(&told);
    assert!(told.status.success(), "{said}");
    let day = soon().strftime("%d/%m/%Y");
    for expected in [
        format!("{day} 07:30–08:30  Giao ban: 3 sites [giao-ban@{}T07:30]", soon()),
        format!("{day} 09:00–10:00  Tập huấn: 1 site [tap-huan@{}T09:00]", soon()),
        format!("{day} 13:30–15:00  Phòng chống bão: 1 site [{storm}@{}T13:30]", soon()),
        "unclear: “Trạm bơm” matches no site".to_owned(),
        "lich.csv, row 4: not read: “Họp tổ” has no time".to_owned(),
        "lich-tuan-47.xlsx, row 11: not read: ".to_owned(),
        "lich.csv, row 3: days without a year: taken as ".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected}\n{said}");
    }
}

#[test]
fn a_saved_calendar_counts_at_once_and_a_spoilt_one_not_at_all() {
    let mut collector = Collector::start_with_calendar(SITES, &weekly("Giao ban"));
    wait_for(&collector, "giao-ban", "Giao ban");
    collector.write_meetings(&weekly("Giao ban tháng"));
    wait_for(&collector, "giao-ban", "Giao ban tháng");

    put(&collector, "lich.xlsx", b"PK\x03\x04 cut short");
    collector.wait_for(SUCCESS, &[], |success| success < 0.5);
    assert!(collector.program().said().contains("lich.xlsx: not a workbook"), "and it is named");
    assert_eq!(meetings(&collector).len(), 1, "the others stay");
    put(&collector, "lich.xlsx", &fs::read(fixture("lich-xa.xlsx")).unwrap());
    collector.wait_for(SUCCESS, &[], |success| success > 0.5);
    wait_for(&collector, "xa-53-1", "Giao ban xã");
    put(&collector, "lich.xlsx", b"spoilt again");
    collector.wait_for(SUCCESS, &[], |success| success < 0.5);
    wait_for(&collector, "xa-53-1", "Giao ban xã");
    assert!(!collector.do_command(&["check"]).status.success(), "a fault before it is started");
}

#[test]
fn a_fetched_calendar_outlives_its_server_and_a_restart() {
    let Some(mut web) = Web::start() else { return };
    web.publish(&published("Tập huấn"));
    let mut collector = Collector::start_with_calendar(SITES, "meetings: []\n");
    let url = format!("http://127.0.0.1:{}/hop.ics", web.port);
    configure(&mut collector, &format!("meeting_urls: [{{ name: so, url: '{url}' }}]\n"));
    wait_for(&collector, "tap-huan", "Tập huấn");
    collector.program().signal(Signal::SIGHUP);
    web.program.hear("an answer without a body", |line| line.contains(" 304 ").then_some(()));

    web.program.kill();
    collector.program().signal(Signal::SIGHUP);
    collector.wait_for(SUCCESS, &[], |success| success < 0.5);
    let said = collector.program().said();
    assert!(said.contains("meeting_urls[so]: "), "{said}");
    assert!(!said.contains("hop.ics"), "the address may be a secret: {said}");
    wait_for(&collector, "tap-huan", "Tập huấn");
    collector.stop();
    collector.run();
    wait_for(&collector, "tap-huan", "Tập huấn");

    web.publish(&published("Tập huấn đợt 2"));
    (web.program, _) = Web::serve(web.folder.path(), web.port);
    wait::until("the new calendar", || {
        // Whenever it asks: the server may have come a moment too late for the last time.
        collector.program().signal(Signal::SIGHUP);
        let all = meetings(&collector);
        wait::seen(all.iter().any(|(_, title)| title == "Tập huấn đợt 2"), || {
            format!("{all:?}")
        })
    });
    collector.wait_for(SUCCESS, &[], |success| success > 0.5);
}

#[test]
fn an_absence_excuses_a_silent_site_until_it_is_taken_away() {
    let collector = Collector::start(SITES);
    let excused = [("site", "th-0316"), ("state", "excused")];
    collector.wait_for("bridge_ready_state", &excused, |excused| excused < 0.5);
    let absence = json!({ "site": "th-0316", "from": "2026-01-01", "to": "2126-01-01", "reason": "sửa phòng họp" });
    let made = send(&collector, "POST", "/api/v1/absences", &absence);
    assert_eq!(made.status, 201, "{made:?}");
    collector.wait_for("bridge_ready_state", &excused, |excused| excused > 0.5);
    let path = format!("/api/v1/absences/{}", made.json()["id"]);
    assert_eq!(send(&collector, "DELETE", &path, &Json::Null).status, 204);
    collector.wait_for("bridge_ready_state", &excused, |excused| excused < 0.5);
}
