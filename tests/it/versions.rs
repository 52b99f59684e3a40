//! An older agent at a newer collector, and the other way round: what the other side does not
//! know is left out, and nothing is lost over it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::agent::{self, Agent};
use tests::client::{Client, batch, report};
use tests::collector::{Collector, inventory};
use tests::ledger::{self, Totals};
use tests::scripted::{Reply, Scripted};
use tests::wait::now;
use tests::{flapping, scrape::Scrape};
use uuid::Uuid;

const SITE: &str = "th-0001";

fn enrolled() -> (Collector, Client) {
    let collector = Collector::start(&inventory(&[SITE]));
    let client = Client::enrol(collector.agents(), &collector.code(SITE));
    (collector, client)
}

/// What a newer agent may say: more fields in every place, and words that this collector does
/// not have.
fn of_tomorrow(boot: Uuid) -> Value {
    let mut report = report(boot, 1, now(), 1);
    report["mood"] = json!({ "of": ["tomorrow"] });
    report["agent"]["channel"] = json!("beta");
    let reading = &mut report["readings"][0];
    reading["priority"] = json!(3);
    reading["samples"][0]["unit"] = json!("packets");
    let samples = reading["samples"].as_array_mut().unwrap();
    samples.push(json!({ "name": "bridge_of_tomorrow", "value": 1 }));
    samples.push(json!({ "name": "bridge_states_of_tomorrow", "label": "x", "value": "fine" }));
    report["readings"].as_array_mut().unwrap().push(json!({
        "probe": "lamp", "kind": "lighting", "capability": "lighting", "every_ms": 15_000,
        "duration_us": 2_000_000,
        "failure": { "reason": "too_dark", "detail": "3 lux", "lux": 3 },
    }));
    report
}

fn of(scrape: &Scrape, metric: &str, probe: &str) -> Option<f64> {
    scrape.value(metric, &[("site", SITE), ("probe", probe)])
}

#[test]
fn a_newer_agent_is_understood_as_far_as_this_collector_goes() {
    let (collector, client) = enrolled();
    let boot = Uuid::new_v4();
    let mut body = batch(&[of_tomorrow(boot)]);
    body["signature"] = json!({ "of": "tomorrow" });
    let answer = client.push_raw("identity", body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["accepted"], json!([[boot, 1]]), "{answer}");
    assert_eq!(answer["refused"], json!([]), "{answer}");

    let scrape = collector.scrape();
    let up = scrape.value("bridge_up", &[("site", SITE)]);
    assert_eq!(up, Some(1.0));
    assert_eq!(of(&scrape, "bridge_probe_success", "mcu"), Some(1.0));
    assert_eq!(of(&scrape, "bridge_probe_packets_sent_total", "mcu"), Some(1.0));
    let lamp = [("site", SITE), ("probe", "lamp"), ("kind", "lighting")];
    assert_eq!(scrape.value("bridge_probe_success", &lamp), Some(0.0));
    assert_eq!(of(&scrape, "bridge_probe_duration_seconds", "lamp"), Some(2.0));
    for unknown in ["bridge_of_tomorrow", "bridge_states_of_tomorrow"] {
        assert!(scrape.lines(unknown).is_empty(), "{unknown}");
    }
}

#[test]
fn an_older_agent_says_no_more_than_it_knows() {
    let (collector, client) = enrolled();
    // The fields without which a report is none, and nothing that was added to them since.
    let old = json!({
        "boot": Uuid::new_v4(), "seq": 1, "taken_at": now(), "uptime_ms": 60_000,
        "agent": { "version": "0.0.1", "os": "" },
        "readings": [{ "probe": "mcu", "kind": "icmp", "every_ms": 15_000, "duration_us": 1 }],
    });
    let answer = client.push(&[old]);
    assert_eq!((answer.accepted.len(), answer.refused.len()), (1, 0));
    assert_eq!(of(&collector.scrape(), "bridge_probe_success", "mcu"), Some(1.0));
}

#[test]
fn another_version_of_the_protocol_is_refused_in_words_and_spoils_no_report() {
    let (collector, client) = enrolled();
    let boot = Uuid::new_v4();
    let report = report(boot, 1, now(), 1);
    for version in [0, 2] {
        let mut body = batch(std::slice::from_ref(&report));
        body["version"] = json!(version);
        let answer = client.push_raw("identity", body.to_string().as_bytes()).unwrap();
        assert_eq!(answer.status, 400);
        let told = answer.text();
        let words = [format!("version {version} of the protocol"), "speaks 1".to_owned()];
        assert!(words.iter().all(|words| told.contains(words)), "{told}");
    }
    assert_eq!(client.push(&[report]).accepted, [(boot, 1)], "once both speak the same");
    assert_eq!(collector.scrape().value("bridge_up", &[("site", SITE)]), Some(1.0));
}

/// Every report is accepted or still waits, and none was dropped.
#[track_caller]
fn assert_nothing_is_lost(agent: &Agent, collector: &Scripted) {
    let Totals { produced, refused, evicted, .. } = ledger::totals(agent.state_dir());
    assert_eq!((refused, evicted), (0, 0));
    let waiting = ledger::spooled(agent.state_dir()).into_iter().map(|(_, seq)| seq);
    let pushes = collector.pushes();
    let taken = pushes.iter().filter(|push| push.reply.accepts());
    let taken = taken.flat_map(|push| &push.reports).map(|report| report.seq.cast_signed());
    assert_eq!(taken.chain(waiting).collect::<BTreeSet<i64>>(), (1..=produced).collect());
}

#[test]
fn an_agent_takes_a_newer_collectors_word_as_far_as_it_goes() {
    const PUSHES: usize = 4;
    let collector = Scripted::start(vec![Reply::AcceptInWordsOfTomorrow; 50]);
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code);
    let pushes = collector.wait_for(PUSHES);
    agent.stop();
    assert_nothing_is_lost(&agent, &collector);
    let mut sent = BTreeSet::new();
    for report in pushes.iter().flat_map(|push| &push.reports) {
        assert!(sent.insert(report.seq), "{} was accepted and came again", report.seq);
    }
}

#[test]
fn what_a_collector_of_another_version_refuses_waits_for_one_that_understands() {
    // As many as the first push can need: four reports, then halves, then each alone.
    const REFUSALS: usize = 7;
    let refusal = Reply::Status(400, vec![], "version 1 of the protocol; this collector speaks 2");
    let collector = Scripted::start(vec![refusal; REFUSALS]);
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code);
    let _ = collector.wait_for(REFUSALS + 2);
    agent.stop();
    assert_nothing_is_lost(&agent, &collector);
}
