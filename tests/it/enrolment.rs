//! Enrolment: by one code, once, and only with the collector that made it.

use rusqlite::Connection;
use tests::agent::{self, Agent};
use tests::client::{Client, hex, report};
use tests::collector::{Collector, inventory};
use tests::ledger::Books;
use tests::link::Line;
use tests::scripted::Scripted;
use tests::{flapping, program, wait};
use uuid::Uuid;

const SITE: &str = "th-0001";

#[test]
fn a_bad_code_is_refused_and_the_technician_is_told_why() {
    let collector = Collector::start(&inventory(&[SITE, "th-0002"]));
    let used = collector.code(SITE);
    let _ = Client::enrol(collector.agents(), &used);
    let expired = collector.code("th-0002");
    Connection::open(collector.state_dir().join("collector.db"))
        .unwrap()
        .execute("UPDATE codes SET expires_at = ?1 WHERE used_by IS NULL", [wait::now() - 1000])
        .unwrap();
    let good = collector.code(SITE);
    let mut unknown = good.clone();
    unknown.secret = [0; 10];
    let mut of_another_collector = good.clone();
    of_another_collector.pin[0] ^= 1;
    let mut nobody_there = good.clone();
    nobody_there.port = 1;
    let typed_wrong = good.to_string().replace(':', "0:");

    let cases = [
        (used.to_string(), "used"),
        (expired.to_string(), "expired"),
        (unknown.to_string(), "unknown|not known|does not know"),
        (of_another_collector.to_string(), "fingerprint|certificate|authority"),
        (nobody_there.to_string(), "refused|connect|reach"),
        (typed_wrong, "typing error"),
        ("nonsense".to_owned(), "looks like"),
    ];
    for (code, said) in cases {
        let agent = Agent::new("");
        let output = agent.do_command(&["--lang", "en", "enroll", &code]);
        let text = program::said(&output);
        assert!(!output.status.success(), "{code}: {text}");
        let text = text.to_lowercase();
        assert!(said.split('|').any(|part| text.contains(part)), "{said}: {text}");
        assert!(!text.contains("panicked"), "{text}");
        assert!(!agent.state_dir().join("identity.json").exists(), "{code}");
    }
    Agent::new("").enrol(&good);
}

#[test]
fn a_lost_answer_can_be_asked_for_again_with_the_same_code() {
    let collector = Collector::start(&inventory(&[SITE]));
    let code = collector.code(SITE);
    let client = Client::stranger(collector.agents(), &code);
    for _ in 0..2 {
        assert_eq!(client.ask_to_enrol(&hex(&code.secret)).status, 200);
    }
    let other = Client::stranger(collector.agents(), &code);
    assert_eq!(other.ask_to_enrol(&hex(&code.secret)).status, 403, "another PC");
}

#[test]
fn an_enrolled_agent_talks_to_no_other_collector() {
    let collector = Collector::start(&inventory(&[SITE]));
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code(SITE));
    collector.wait_for_site(SITE);
    collector.link.set(Line::Cut);
    agent.wait_for_spooled(2);
    let impostor = Scripted::start([]);
    collector.link.lead_to(impostor.address);
    collector.link.set(Line::Good);
    let before = collector.link.connections();
    wait::until("attempts at the impostor", || {
        let tried = collector.link.connections() - before;
        wait::seen(tried >= 2, || format!("{tried}"))
    });
    agent.stop();
    assert!(impostor.pushes().is_empty(), "not a byte of it reached the impostor");
}

#[test]
fn a_site_revoked_while_pushing_is_shut_out_at_once_and_loses_nothing() {
    let mut collector = Collector::start(&inventory(&[SITE]));
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code(SITE));
    collector.wait_for_site(SITE);
    collector.revoke(SITE);
    let refused = |collector: &Collector| {
        let scrape = collector.scrape();
        let requests = scrape.lines("nhipcau_collector_requests_total").into_iter();
        requests
            .filter(|line| {
                line.labels.get("code").is_some_and(|code| code == "401" || code == "403")
            })
            .map(|line| line.value)
            .sum::<f64>()
    };
    wait::until("a refused push", || wait::seen(refused(&collector) > 0.0, || "none".into()));
    let at_revocation = tests::ledger::received(collector.state_dir(), SITE).len();
    agent.wait_for_spooled(3);
    assert_eq!(tests::ledger::received(collector.state_dir(), SITE).len(), at_revocation);

    agent.stop();
    agent.enrol(&collector.code(SITE));
    agent.run();
    agent.wait_until_drained();
    agent.stop();
    collector.stop();
    Books::read(collector.state_dir(), SITE, agent.state_dir()).assert_balanced();
}

#[test]
fn a_second_enrolment_replaces_the_first() {
    let collector = Collector::start(&inventory(&[SITE]));
    let first = Client::enrol(collector.agents(), &collector.code(SITE));
    let push = |client: &Client| {
        let body = tests::client::batch(&[report(Uuid::new_v4(), 1, wait::now(), 1)]);
        client.push_raw("identity", &serde_json::to_vec(&body).unwrap()).unwrap().status
    };
    assert_eq!(push(&first), 200);
    let second = Client::enrol(collector.agents(), &collector.code(SITE));
    assert_eq!(push(&second), 200);
    assert!([401, 403].contains(&push(&first)));
}

#[test]
fn codes_for_the_whole_inventory_are_a_table_that_opens_in_a_spreadsheet() {
    let collector = Collector::start(&inventory(&["th-0001", "th-0002", "th-0003"]));
    let output = collector.do_command(&["enroll", "--all"]);
    assert!(output.status.success(), "{}", program::said(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    for site in ["th-0001", "th-0002", "th-0003"] {
        assert!(table.lines().any(|line| line.contains(site)), "{table}");
    }
}
