//! PCs whose clock is wrong: a dead battery, a wrong date typed in.

use std::path::PathBuf;

use tests::agent::{self, Agent};
use tests::collector::{Collector, inventory};
use tests::{flapping, wait};

/// A day, in seconds.
const DAY: f64 = 86_400.0;

/// What two machines' clocks and a slow test may differ by.
const TOLERANCE: f64 = 120.0;

/// Debian's libfaketime, wherever this architecture keeps it.
pub(crate) fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|file| file.is_file())
}

/// An agent on a PC whose wall clock is `offset` days off; its monotonic clock is sound.
fn agent_off_by(days: &str, config: &str) -> Option<Agent> {
    let Some(library) = faketime() else {
        println!("SKIPPED: libfaketime is not installed");
        return None;
    };
    let agent = Agent::new(config)
        .with("LD_PRELOAD", library.to_str().unwrap())
        .with("FAKETIME", days)
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Some(agent)
}

#[test]
fn a_pc_in_another_time_enrols_and_pushes_and_its_readings_are_dated_right() {
    for (days, offset) in [("-6200d", -6200.0 * DAY), ("+1d", DAY)] {
        let collector = Collector::start(&inventory(&["th-0001"]));
        let Some(mut agent) = agent_off_by(days, &agent::busy(flapping::start())) else { return };
        agent.enrol(&collector.code("th-0001"));
        agent.run();
        collector.wait_for_site("th-0001");

        let site = ("site", "th-0001");
        let measured = collector.wait_for("bridge_agent_clock_offset_seconds", &[site], |_| true);
        assert!((measured - offset).abs() < TOLERANCE, "{days}: {measured}");
        let ran = [site, ("probe", "a")];
        collector.wait_for("bridge_probe_last_run_timestamp_seconds", &ran, |at| {
            (at - wait::now() as f64 / 1000.0).abs() < TOLERANCE
        });
        let scrape = collector.scrape();
        let now = wait::now() as f64 / 1000.0;
        let of_the_site = scrape.all().iter().filter(|line| line.labels.contains_key("site"));
        for line in of_the_site.filter(|line| line.name.ends_with("_timestamp_seconds")) {
            assert!(line.value <= now + 1.0, "{days}: from the future at {now}: {line:?}");
        }
        agent.stop();
    }
}

#[test]
fn a_clock_that_is_set_right_in_between_misdates_nothing() {
    let collector = Collector::start(&inventory(&["th-0001"]));
    let Some(mut agent) = agent_off_by("-6200d", &agent::busy(flapping::start())) else { return };
    agent.enrol(&collector.code("th-0001"));
    agent.run();
    collector.wait_for_site("th-0001");
    agent.kill();

    // The same PC after somebody has set its clock.
    let mut agent = agent.with("FAKETIME", "+0d");
    agent.run();
    let site = ("site", "th-0001");
    collector
        .wait_for("bridge_agent_clock_offset_seconds", &[site], |offset| offset.abs() < TOLERANCE);
    collector.wait_for("bridge_probe_last_run_timestamp_seconds", &[site, ("probe", "a")], |at| {
        (at - wait::now() as f64 / 1000.0).abs() < TOLERANCE
    });
}
