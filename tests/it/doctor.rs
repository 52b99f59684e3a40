//! `doctor`: what a technician is told at the PC, with a real collector at the other end.

use serde_json::Value;
use tests::agent::Agent;
use tests::collector::{Collector, inventory};
use tests::link::Line;
use tests::{program, wait};

const SITE: &str = "th-0001";
const PROBES: &str = "probes: { clock: { every: 2s, clock: {} } }\n";

/// What it says, by the names of its checks, and its exit code.
fn asked(agent: &Agent, more: &[&str]) -> (Value, Option<i32>) {
    let output = agent.do_command(&[&["--lang", "vi", "doctor", "--json"], more].concat());
    let said = serde_json::from_slice(&output.stdout);
    (said.unwrap_or_else(|_| panic!("{}", program::said(&output))), output.status.code())
}

fn state(said: &Value, name: &str) -> String {
    let checks = said["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("{name}: {said}"))["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_site_is_well_then_its_line_falls_and_then_it_is_revoked() {
    let collector = Collector::start(&inventory(&[SITE]));
    let mut agent = Agent::start(PROBES, &collector.code(SITE));
    collector.wait_for_site(SITE);

    let (said, code) = asked(&agent, &[]);
    for name in
        ["configuration", "rights", "enrolment", "service", "tls", "collector", "credential"]
    {
        assert_eq!(state(&said, name), "green", "{name}: {said}");
    }
    // This machine's own disk and rights may not be a bridge's.
    if said["ready"] == true {
        assert_eq!((code, said["said"].as_str()), (Some(0), Some("Điểm cầu sẵn sàng (th-0001).")));
    } else {
        assert_eq!(code, Some(1), "{said}");
    }

    collector.link.set(Line::Cut);
    let (said, code) = asked(&agent, &[]);
    assert_eq!((code, &said["ready"]), (Some(1), &Value::Bool(false)));
    assert_eq!(state(&said, "collector"), "red", "{said}");
    for name in ["service", "enrolment", "rights"] {
        assert_eq!(state(&said, name), "green", "{name}: {said}");
    }

    collector.link.set(Line::Good);
    collector.revoke(SITE);
    // A running collector looks for what was revoked each second or so.
    wait::until("doctor to find the credential revoked", || {
        let (said, _) = asked(&agent, &[]);
        let states = (state(&said, "collector"), state(&said, "credential"));
        wait::seen(states == ("green".into(), "red".into()), || format!("{states:?}"))
    });

    agent.stop();
    assert_eq!(state(&asked(&agent, &[]).0, "service"), "red");
}

#[test]
fn who_asks_is_no_sign_of_life_and_the_last_report_is_remembered() {
    let collector = Collector::start(&inventory(&[SITE]));
    let mut agent = Agent::new(PROBES);
    agent.enrol(&collector.code(SITE));
    let (said, _) = asked(&agent, &[]);
    let states = (state(&said, "collector"), state(&said, "contact"));
    assert_eq!(states, ("green".into(), "yellow".into()), "{said}");
    let last_seen = |collector: &Collector| {
        collector.scrape().value("bridge_last_seen_timestamp_seconds", &[("site", SITE)])
    };
    assert_eq!(last_seen(&collector), None, "nobody has reported");

    agent.run();
    collector.wait_for_site(SITE);
    wait::until("the last contact to be noted", || {
        let (said, _) = asked(&agent, &[]);
        wait::seen(state(&said, "contact") == "green", || said.to_string())
    });
    agent.stop();
    collector.link.set(Line::Cut);
    let (said, _) = asked(&agent, &[]);
    assert_eq!(state(&said, "contact"), "green", "known without the collector: {said}");
}

#[test]
fn doctor_and_enrolment_say_the_same_of_the_same_trouble() {
    let collector = Collector::start(&inventory(&[SITE]));
    let agent = Agent::new(PROBES);
    agent.enrol(&collector.code(SITE));
    agent.configure("proxy: http://127.0.0.1:1\n");
    let code = collector.code(SITE).to_string();
    let enrolled = agent.do_command(&["--lang", "vi", "enroll", "--replace", &code]);
    let (said, _) = asked(&agent, &[]);
    assert_eq!(state(&said, "proxy"), "red", "{said}");
    for words in ["không có proxy nào ở địa chỉ đã đặt", "sửa khóa proxy trong agent.yaml"]
    {
        assert!(said.to_string().contains(words), "{said}");
        assert!(program::said(&enrolled).contains(words), "{}", program::said(&enrolled));
    }
}

#[test]
fn a_pc_that_was_never_enrolled_is_told_to_ask_for_a_code() {
    let output = Agent::new("").do_command(&["--lang", "vi", "doctor"]);
    let said = program::said(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.lines().last().unwrap().starts_with("Việc cần làm trước tiên (mục 3): xin mã"),
        "{said}"
    );
}

#[test]
fn a_bad_configuration_keeps_the_doctor_from_nothing_else() {
    let (said, code) = asked(&Agent::new("probe: {}\n"), &[]);
    assert_eq!((code, state(&said, "configuration")), (Some(1), "red".into()));
    assert_eq!(said["checks"].as_array().unwrap().len(), 18);
}

#[test]
fn a_clock_years_off_is_told_and_the_collector_still_answers() {
    let Some(library) = crate::clocks::faketime() else {
        println!("SKIPPED: libfaketime is not installed");
        return;
    };
    let collector = Collector::start(&inventory(&[SITE]));
    let agent = Agent::new(PROBES)
        .with("LD_PRELOAD", library.to_str().unwrap())
        .with("FAKETIME", "-6200.5d")
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    agent.enrol(&collector.code(SITE));
    let (said, _) = asked(&agent, &[]);
    assert_eq!((state(&said, "clock"), state(&said, "collector")), ("red".into(), "green".into()));
    let clock = said["checks"].as_array().unwrap().iter().find(|check| check["name"] == "clock");
    assert!(clock.unwrap()["found"].as_str().unwrap().contains("chậm 6200 ngày"), "{said}");
}

#[test]
fn a_bundle_for_support_holds_no_secret() {
    let collector = Collector::start(&inventory(&[SITE]));
    let agent = Agent::new(PROBES);
    agent.enrol(&collector.code(SITE));
    let identity = std::fs::read_to_string(agent.state_dir().join("identity.json")).unwrap();
    let credential = serde_json::from_str::<Value>(&identity).unwrap()["credential"].clone();
    agent.configure("proxy: http://an:hunter2@127.0.0.1:1\n");
    let file = agent.state_dir().join("bundle.txt");
    let _ = asked(&agent, &["--bundle", file.to_str().unwrap()]);
    let bundle = std::fs::read_to_string(file).unwrap();
    assert!(bundle.contains("th-0001") && bundle.contains("--- readings"), "{bundle}");
    for secret in [credential.as_str().unwrap(), "hunter2"] {
        assert!(!bundle.contains(secret), "{bundle}");
    }
}
