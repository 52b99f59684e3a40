//! The local page: what whoever sits in the room sees, in a real browser beside a real agent.

use std::io::{BufReader, Write};

use tests::agent::Agent;
use tests::browser::Browser;
use tests::collector::{Collector, inventory};
use tests::http;
use tests::link::Line;
use tests::ports;

const SITE: &str = "th-0001";

/// A meeting of the site that starts in twenty minutes, on the minute.
fn meeting() -> (String, String) {
    let start = jiff::Zoned::now().in_tz("Asia/Ho_Chi_Minh").unwrap();
    let start = start.checked_add(jiff::Span::new().minutes(20)).unwrap();
    let (start, told) = (start.strftime("%Y-%m-%dT%H:%M"), start.strftime("%H:%M").to_string());
    let sites = format!("{{ ids: [{SITE}] }}");
    let yaml = format!(
        "{{ id: giao-ban, title: Giao ban, start: {start}, duration: 1h, sites: {sites} }}"
    );
    (format!("meetings: [{yaml}]\n"), told)
}

/// Whether the line with this number has this state.
fn line(number: usize, state: &str) -> String {
    format!("document.querySelectorAll('#checks li')[{number} - 1]?.dataset.state === '{state}'")
}

#[test]
fn the_room_sees_what_is_to_be_done_when_the_meeting_is_and_that_nobody_answers() {
    let (calendar, starts) = meeting();
    let collector = Collector::start_with_calendar(&inventory(&[SITE]), &calendar);
    let port = ports::free();
    let mut agent = Agent::new(&format!(
        "page_port: {port}\nprobes: {{ clock: {{ every: 2s, clock: {{}} }} }}\n"
    ));
    agent.run_until("not enrolled yet");
    let page = format!("http://127.0.0.1:{port}/");
    let Some(mut room) = Browser::open(&format!("{page}?lang=vi")) else { return };
    let said = "document.querySelector('#said').innerText";
    room.wait_for(&format!(
        "{said}.startsWith('✖ Việc cần làm trước tiên (mục 3): xin mã ghi danh')"
    ));
    room.wait_for(&line(3, "red"));
    room.wait_for(
        "document.querySelector('#what').innerText === 'ghi danh: máy này chưa được ghi danh'",
    );

    agent.enrol(&collector.code(SITE));
    room.wait_for(&format!("document.querySelector('#site').innerText.includes('{SITE}')"));
    for number in [1, 2, 3, 4, 9, 10, 11] {
        room.wait_for(&line(number, "green"));
    }
    let next = "document.querySelector('#meeting').innerText";
    room.wait_for(&format!("{next}.startsWith('Cuộc họp tiếp theo: ')"));
    room.wait_for(&format!(
        "{next}.includes('{starts}') && / còn 00:[12]\\d:\\d\\d$/.test({next})"
    ));
    room.wait_for("document.querySelector('#at').innerText.startsWith('Kiểm tra lúc ')");

    collector.link.set(Line::Cut);
    room.wait_for(&line(10, "red"));
    room.wait_for(&format!("{said}.startsWith('✖ Việc cần làm trước tiên (mục ')"));
    room.wait_for("[...document.querySelectorAll('#checks li.bad')].every((line) => line.dataset.state === 'yellow' || line.querySelector('.mend').innerText.startsWith('→ '))");
    collector.link.set(Line::Good);
    room.wait_for(&line(10, "green"));

    let told = room.read_aloud();
    let heading = told
        .iter()
        .find(|(role, name)| role == "status" || (role == "heading" && !name.is_empty()));
    assert!(heading.is_some(), "{told:#?}");
    room.go(&format!("{page}?lang=en"));
    room.wait_for("document.documentElement.lang === 'en'");
    room.wait_for(&format!("{next}.startsWith('Next meeting: ')"));
    room.wait_for("document.documentElement.scrollWidth <= innerWidth");

    agent.kill();
    room.wait_for("document.querySelector('#stale').checkVisibility()");
    room.wait_for("document.querySelector('#stale').innerText.includes('has not answered since ')");
}

#[test]
fn a_page_from_elsewhere_learns_nothing_and_a_taken_port_stops_nothing() {
    let collector = Collector::start(&inventory(&[SITE]));
    let port = ports::free();
    let config = format!("page_port: {port}\nprobes: {{ clock: {{ every: 2s, clock: {{}} }} }}\n");
    let agent = Agent::start(&config, &collector.code(SITE));
    let own = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let status = |host: &str| {
        let mut stream = http::connect(own).unwrap();
        write!(stream, "GET /findings HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        http::read(&mut BufReader::new(stream)).unwrap()
    };
    let good = status(&format!("127.0.0.1:{port}"));
    assert_eq!(good.status, 200, "{good:?}");
    assert_eq!(good.json()["checks"].as_array().unwrap().len(), 18);
    let identity = std::fs::read_to_string(agent.state_dir().join("identity.json")).unwrap();
    let identity: serde_json::Value = serde_json::from_str(&identity).unwrap();
    assert!(!good.text().contains(identity["credential"].as_str().unwrap()));
    assert_eq!(status(&format!("evil.example:{port}")).status, 421);
    for guard in ["content-security-policy", "cross-origin-resource-policy"] {
        assert!(good.header(guard).is_some(), "{good:?}");
    }

    let mut second = Agent::new(&config);
    second.enrol(&collector.code(SITE));
    second.run_until("no local page");
    collector.wait_for_site(SITE);
}
