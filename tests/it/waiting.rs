//! One code for the whole fleet: PCs wait until it is known which sites they are, and only then count.

use std::io::{BufReader, Write};

use serde_json::{Value, json};
use tests::agent::Agent;
use tests::browser::Browser;
use tests::client::{Client, hex};
use tests::collector::{Collector, OPERATE_TOKEN};
use tests::{http, program, wait};
use wire::enrolment::Code;

const PROBES: &str = "probes: { clock: { every: 2s, clock: {} } }\n";

/// Two sites; the PC of the second is known by its network, where `subnet` is given.
fn inventory(subnet: &str) -> String {
    format!(
        "sites:\n  - {{ id: th-0001, name: A, needs: [network] }}\n  \
         - {{ id: th-0002, name: B, needs: [network], subnets: [{subnet}] }}\n"
    )
}

/// The fleet's code, leading over the line.
fn fleet_code(collector: &Collector, more: &[&str]) -> Code {
    let output = collector.do_command(&[&["enroll", "--fleet"], more].concat());
    let said = program::said(&output);
    let code = said.split_whitespace().find_map(|word| word.parse::<Code>().ok());
    let address = collector.link.address();
    let code = code.unwrap_or_else(|| panic!("no code in {said}"));
    Code { host: address.ip().to_string(), port: address.port(), ..code }
}

fn waits(collector: &Collector) -> String {
    program::said(&collector.do_command(&["waiting"]))
}

#[test]
fn a_pc_waits_is_assigned_by_hand_and_only_then_counts() {
    let collector = Collector::start(&inventory(""));
    let code = fleet_code(&collector, &["--uses", "2"]);
    let mut agent = Agent::new(PROBES);
    let output = agent.do_command(&["--lang", "vi", "enroll", &code.to_string()]);
    let said = program::said(&output);
    assert!(output.status.success() && said.contains("đọc số 1"), "{said}");
    let doctor = program::said(&agent.do_command(&["--lang", "vi", "doctor"]));
    assert!(doctor.contains("đang chờ được gán cho điểm cầu, số 1"), "{doctor}");

    // Nothing of it counts: it has no credential to push with.
    agent.run_until("waiting for the site");
    let enrolled = || collector.scrape().value("nhipcau_collector_sites", &[("state", "enrolled")]);
    assert_eq!(enrolled(), Some(0.0));
    let listed = waits(&collector);
    assert!(listed.contains("127.0.0.1"), "{listed}");

    let output = collector.do_command(&["assign", "1", "th-0003"]);
    assert!(program::said(&output).contains("th-0001"), "{}", program::said(&output));
    let output = collector.do_command(&["assign", "1", "th-0001"]);
    assert!(output.status.success(), "{}", program::said(&output));
    collector.wait_for_site("th-0001");
    assert!(waits(&collector).contains("Nobody waits"), "{}", waits(&collector));

    // One more may use the code, a third may not.
    let second = Client::stranger(collector.agents(), &code);
    assert_eq!(second.ask_to_enrol(&hex(&code.secret)).status, 202);
    let body = tests::client::batch(&[]);
    let pushed = second.push_raw("identity", &serde_json::to_vec(&body).unwrap()).unwrap();
    assert_eq!(pushed.status, 401, "who waits pushes nothing");
    let third = Client::stranger(collector.agents(), &code);
    let refused = third.ask_to_enrol(&hex(&code.secret));
    assert_eq!((refused.status, refused.json()["error"].clone()), (403, json!("used_code")));
}

#[test]
fn a_pc_whose_network_is_one_sites_alone_needs_nobody() {
    let collector = Collector::start(&inventory("127.0.0.0/8"));
    let code = fleet_code(&collector, &[]);
    let output = Agent::new(PROBES).do_command(&["--lang", "en", "enroll", &code.to_string()]);
    assert!(program::said(&output).contains("th-0002 (B)"), "{}", program::said(&output));
    // The next one from there would take the site over, which is for a person to say.
    let other = Client::stranger(collector.agents(), &code);
    let answer = other.ask_to_enrol(&hex(&code.secret));
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!(answer.json()["again_seconds"].as_u64().unwrap() >= 10);
}

#[test]
fn the_api_lists_who_waits_and_assigns_with_a_name_and_a_trace() {
    let collector = Collector::start(&inventory(""));
    let code = fleet_code(&collector, &[]);
    let client = Client::stranger(collector.agents(), &code);
    assert_eq!(client.ask_to_enrol(&hex(&code.secret)).status, 202);
    let bearer = format!("Bearer {OPERATE_TOKEN}");
    let own = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let list = || http::get(collector.operations(), "/api/v1/waiting", &own).unwrap();
    let listed = list().json();
    let id = listed["waiting"][0]["id"].as_i64().unwrap();
    assert_eq!(listed["waiting"][0]["hostname"], "test");
    assert_eq!(listed["waiting"][0]["address"], "127.0.0.1");
    assert_eq!(listed["waiting"][0]["suggested"], json!([]));
    let assign = |id: i64, wish: Value, headers: &[(&str, &str)]| {
        let (path, body) = (format!("/api/v1/waiting/{id}"), wish.to_string());
        let mut stream = http::connect(collector.operations()).unwrap();
        stream.write_all(&http::request("POST", &path, headers, body.as_bytes())).unwrap();
        http::read(&mut BufReader::new(stream)).unwrap().status
    };
    let good = json!({ "site": "th-0001" });
    assert_eq!(assign(id, good.clone(), &own[1..]), 401, "an act has a name");
    assert_eq!(assign(id, json!({ "site": "th-0009" }), &own), 422);
    assert_eq!(assign(id, json!({ "sites": "th-0001" }), &own), 400);
    assert_eq!(assign(id + 1, good.clone(), &own), 404);
    assert_eq!(assign(id, good, &own), 204);
    wait::until("the assigned client to be let in", || {
        let body = serde_json::to_vec(&tests::client::batch(&[])).unwrap();
        let status = client.push_raw("identity", &body).unwrap().status;
        wait::seen(status == 200, || status.to_string())
    });
    assert_eq!(client.ask_to_enrol(&hex(&code.secret)).status, 200);
    assert_eq!(list().json()["waiting"].as_array().unwrap().len(), 0);
    let log = http::get(collector.operations(), "/api/v1/audit", &own).unwrap().text();
    assert!(log.contains("\"assign\"") && log.contains("th-0001"), "{log}");
}

/// Two sites in the network of this machine, of which the first has a PC, and one elsewhere.
const PLACES: &str = "areas: [{ id: hoang-hoa, name: Hoằng Hóa }]
sites:
  - { id: th-0316, name: UBND xã Hoằng Lộc, area: hoang-hoa, needs: [clock], subnets: [127.0.0.0/8] }
  - { id: th-0317, name: UBND xã Hoằng Đạt, area: hoang-hoa, needs: [clock], subnets: [127.0.0.0/8] }
  - { id: th-0318, name: UBND xã Hoằng Quỳ, area: hoang-hoa, needs: [clock] }
";

#[test]
fn an_operator_finds_on_the_board_which_site_a_pc_is_and_then_it_counts() {
    let collector = Collector::start(PLACES);
    collector.add_user("lan", "operate");
    let _first = Client::enrol(collector.agents(), &collector.code("th-0316"));
    let code = fleet_code(&collector, &[]);
    let mut agent = Agent::new(PROBES);
    assert!(agent.do_command(&["enroll", &code.to_string()]).status.success());
    agent.run_until("waiting for the site");
    let other = Client::stranger(collector.agents(), &code);
    assert_eq!(other.ask_to_enrol(&hex(&code.secret)).status, 202);

    let Some(mut lan) = Browser::open_board(&collector, "vi") else { return };
    lan.wait_for("document.querySelector('#queueLink').innerText === 'Máy chờ (2)'");
    lan.press_on("#queueLink");
    lan.wait_for("document.activeElement.id === 'queue'");
    let said = "document.querySelector('#pcs .said').innerText";
    lan.wait_for("document.querySelectorAll('.pc').length === 2");
    lan.wait_for("/^1 · ./.test(document.querySelector('.pc h3').innerText)");
    lan.wait_for("document.querySelector('.pc').innerText.includes('127.0.0.1')");
    // Both sites of its network are suggested, none is chosen for the operator.
    let choices = "[...document.querySelector('.pc fieldset').querySelectorAll('input')]";
    let shown =
        |sites: &str| format!("{choices}.map((choice) => choice.value).join() === '{sites}'");
    lan.wait_for(&shown("th-0316,th-0317"));
    lan.wait_for(
        "document.querySelector('.pc fieldset').innerText.includes('đúng dải mạng, đã có máy')",
    );
    lan.press_on(".pc button");
    lan.wait_for(&format!("{said} === 'Chưa chọn điểm cầu.'"));

    // Of what is typed, marks do not matter; a site that has a PC takes one word more.
    lan.fill(".pc [type=search]", "hoang hoa");
    lan.wait_for(&shown("th-0317,th-0316,th-0318"));
    lan.fill(".pc [type=search]", "HOANG LOC");
    lan.wait_for(&shown("th-0316"));
    lan.press("Enter");
    lan.wait_for(&format!("{said}.startsWith('Điểm cầu này đã có máy.')"));
    lan.wait_for("document.activeElement.name === 'replace'");
    lan.fill(".pc [type=search]", "hoang quy");
    lan.wait_for(&format!("{} && document.querySelector('.pc .replace').hidden", shown("th-0318")));
    lan.press("Enter");
    lan.wait_for("document.querySelector('#queueSaid').innerText.startsWith('✔ Máy số 1 là UBND xã Hoằng Quỳ')");
    lan.wait_for("document.querySelectorAll('.pc').length === 1");
    lan.wait_for("document.querySelector('#queueLink').innerText === 'Máy chờ (1)'");
    collector.wait_for_site("th-0318");
    lan.turn_to("");
    lan.wait_for("document.querySelector('[data-site=th-0318]').dataset.verdict !== 'unknown'");

    // A colleague was faster with the other one.
    lan.turn_to("waiting");
    let assigned = collector.do_command(&["assign", "2", "th-0317"]);
    assert!(assigned.status.success(), "{}", program::said(&assigned));
    lan.wait_for("document.querySelectorAll('.pc').length === 0");
    lan.wait_for("!document.querySelector('#queueNone').hidden");
    lan.turn_to("audit");
    let log = "document.querySelector('#logTable').innerText";
    lan.wait_for(&format!("{log}.includes('th-0318') && {log}.includes('lan')"));
}
