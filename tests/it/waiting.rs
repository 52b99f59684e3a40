//! One code for the whole fleet: PCs wait until it is known which sites they are, and only then count.

use std::io::{BufReader, Write};

use serde_json::{Value, json};
use tests::agent::Agent;
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
