//! Two PCs, one site: a PC that takes over, and a disk that was copied with its identity.

use std::path::Path;

use serde_json::{Value, json};
use tests::agent::{self, Agent};
use tests::collector::{Collector, inventory};
use tests::{flapping, program, wait};

const SITE: &str = "th-0001";

fn enrolments(collector: &Collector, result: &str) -> Option<f64> {
    collector.scrape().value("nhipcau_collector_enrolments_total", &[("result", result)])
}

#[test]
fn a_new_pc_takes_the_site_over_and_the_old_one_is_told_and_stops() {
    let collector = &mut Collector::start(&inventory(&[SITE]));
    let config = agent::busy(flapping::start());
    let mut old = Agent::start(&config, &collector.code(SITE));
    collector.wait_for_site(SITE);
    let mut new = Agent::start(&config, &collector.code(SITE));
    old.program().hear("that it is replaced", |line| {
        (line.contains("site th-0001 is another PC now") && line.contains("has stopped"))
            .then_some(())
    });
    wait::until("the end of the old agent", || {
        wait::seen(!old.program().runs(), || "it runs".into())
    });
    collector.wait_for_reports(SITE, 2);
    assert_eq!(enrolments(collector, "replaced"), Some(1.0));
    let said = collector.program().said();
    assert!(said.contains("in the place of a PC, which is told and stops"), "{said}");

    // Started again, as its service does, it waits for a code and pushes nothing.
    let output = old.do_command(&["--lang", "vi", "doctor"]);
    let said = program::said(&output);
    assert!(said.contains("máy này chưa được ghi danh"), "{said}");
    assert!(collector.scrape().value("bridge_agent_clones", &[("site", SITE)]).is_none());

    // A mistake is mended with one more code.
    old.kill();
    old.enrol(&collector.code(SITE));
    new.program().hear("that it is replaced", |line| line.contains("has stopped").then_some(()));
    old.run();
    collector.wait_for_reports(SITE, 2);
}

/// An agent on a copy of another's disk.
fn copy_of(original: &Agent, config: &str) -> Agent {
    let copy = Agent::new(config);
    std::fs::create_dir(copy.state_dir()).unwrap();
    for entry in std::fs::read_dir(original.state_dir()).unwrap().flatten() {
        if Path::new(&entry.file_name()).extension().is_some_and(|end| end == "json") {
            std::fs::copy(entry.path(), copy.state_dir().join(entry.file_name())).unwrap();
        }
    }
    copy
}

#[test]
fn a_copied_disk_that_starts_in_another_machine_reports_nothing_until_it_has_a_code_of_its_own() {
    let collector = &mut Collector::start(&inventory(&[SITE, "th-0002"]));
    let config = agent::busy(flapping::start());
    let original = Agent::start(&config, &collector.code(SITE));
    collector.wait_for_site(SITE);
    let mut copy = copy_of(&original, &config);
    // What other machines are made of.
    let record = copy.state_dir().join("machine.json");
    let mut made_of: Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    let parts = made_of["parts"].as_object_mut().unwrap();
    if parts.is_empty() {
        return println!("SKIPPED: this machine tells nothing of itself");
    }
    for hashes in parts.values_mut() {
        *hashes = json!(["0".repeat(64)]);
    }
    std::fs::write(&record, made_of.to_string()).unwrap();
    copy.run_until("made on another machine");
    collector.wait_for_reports(SITE, 2);
    let boots = tests::ledger::received(collector.state_dir(), SITE).into_iter();
    let boots: std::collections::BTreeSet<_> = boots.map(|(boot, _)| boot).collect();
    assert_eq!(boots.len(), 1, "nothing of the copy counts, from its first moment");
    let doctor = program::said(&copy.do_command(&["--lang", "vi", "doctor"]));
    assert!(doctor.contains("điểm cầu th-0001 được tạo trên máy khác"), "{doctor}");

    copy.enrol(&collector.code("th-0002"));
    collector.wait_for_site("th-0002");
    collector.wait_for_reports(SITE, 2);
    let doctor = program::said(&copy.do_command(&["--lang", "vi", "doctor"]));
    assert!(doctor.contains("điểm cầu th-0002 tại"), "{doctor}");
}

#[test]
fn a_copied_disk_is_noticed_named_not_counted_and_mended_with_a_code_of_its_own() {
    let collector = &mut Collector::start(&inventory(&[SITE, "th-0002"]));
    let config = agent::busy(flapping::start());
    let mut original = Agent::start(&config, &collector.code(SITE));
    collector.wait_for_site(SITE);
    let mut copy = copy_of(&original, &config);
    copy.run();
    copy.program().hear("that it is a copy", |line| {
        line.contains("another PC uses this PC's credential").then_some(())
    });

    // Everybody who looks finds both.
    let clones = collector.wait_for("bridge_agent_clones", &[("site", SITE)], |count| count > 0.0);
    assert!((clones - 1.0).abs() < f64::EPSILON, "{clones}");
    let said = collector.program().said();
    assert!(said.contains("two PCs use one credential") && said.contains("127.0.0.1"), "{said}");
    let page = collector.get(&format!("/api/v1/sites/{SITE}"), &[]).json();
    let clones = &page["clones"];
    assert_ne!(clones["counted"]["boot"], clones["not_counted"][0]["boot"], "{page}");
    assert!(clones["not_counted"][0]["name"].is_string(), "{page}");
    wait::until("the reason", || {
        let page = collector.get(&format!("/api/v1/sites/{SITE}"), &[]).text();
        wait::seen(page.contains("agent_cloned"), || page)
    });

    // Only one of them counts: what the other measures stays on its disk.
    let counted = |collector: &Collector| tests::ledger::received(collector.state_dir(), SITE);
    let boots = |collector: &Collector| {
        let boots = counted(collector).into_iter().map(|(boot, _)| boot);
        boots.collect::<std::collections::BTreeSet<_>>()
    };
    let copys = |collector: &Collector| {
        let holder = clones["counted"]["boot"].as_str().unwrap();
        counted(collector).iter().filter(|(boot, _)| boot.to_string() != holder).count()
    };
    assert_eq!(boots(collector).len(), 2);
    let before = copys(collector);
    copy.wait_for_spooled(3);
    collector.wait_for_reports(SITE, 3);
    assert_eq!(copys(collector), before, "nothing more of the copy was counted");

    // A code of its own makes it a site of its own.
    copy.stop();
    copy.enrol(&collector.code("th-0002"));
    copy.run();
    collector.wait_for_site("th-0002");
    collector.wait_for_reports(SITE, 2);
    original.stop();
}
