//! A site that falls silent: it shows as silent, its readings go, when it was seen stays.

use tests::agent::Agent;
use tests::collector::{Collector, inventory};
use tests::wait;

const SITE: (&str, &str) = ("site", "th-0001");

#[test]
fn a_silent_site_shows_as_silent_and_its_old_readings_go() {
    let mut collector = Collector::start(&inventory(&["th-0001"]));
    let mut agent = Agent::start(
        "report_every: 5s\nprobes: { pc: { every: 5s, host: {} } }\n",
        &collector.code("th-0001"),
    );
    collector.wait_for_site("th-0001");
    collector.wait_for("bridge_host_cpus", &[SITE], |_| true);
    agent.kill();

    // A reading lives for 90 s at least.
    collector.wait_for("bridge_up", &[SITE], |up| up < 0.5);
    wait::until("the end of its readings", || {
        let scrape = collector.scrape();
        let left =
            scrape.lines("bridge_host_cpus").len() + scrape.lines("bridge_probe_success").len();
        wait::seen(left == 0, || format!("{left} series"))
    });
    let seen = collector.scrape().value("bridge_last_seen_timestamp_seconds", &[SITE]).unwrap();
    assert_eq!(collector.scrape().value("bridge_expected", &[SITE]), Some(1.0));

    collector.kill();
    collector.run();
    let after = collector.scrape().value("bridge_last_seen_timestamp_seconds", &[SITE]);
    assert!(after.is_some_and(|after| (after - seen).abs() < 2.0), "{seen} became {after:?}");
    assert_eq!(collector.scrape().value("bridge_up", &[SITE]), Some(0.0));
}
