//! SIGTERM: what was measured is kept, and nobody waits for long.

use std::time::{Duration, Instant};

use tests::agent::{self, Agent};
use tests::collector::{Collector, inventory};
use tests::flapping;
use tests::ledger::Books;
use tests::link::Line;

/// What design gives an agent to end, and as much again for a loaded machine.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_stopped_agent_pushes_its_last_readings() {
    let mut collector = Collector::start(&inventory(&["th-0001"]));
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code("th-0001"));
    collector.wait_for_site("th-0001");
    let start = Instant::now();
    agent.stop();
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    collector.stop();
    let books = Books::read(collector.state_dir(), "th-0001", agent.state_dir());
    books.assert_balanced();
    assert!(books.spooled.is_empty(), "the last push takes all: {books:?}");
}

#[test]
fn an_agent_that_is_cut_off_stops_as_soon_and_keeps_its_readings() {
    for line in [Line::Cut, Line::Stalled] {
        let mut collector = Collector::start(&inventory(&["th-0001"]));
        let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code("th-0001"));
        collector.wait_for_site("th-0001");
        collector.link.set(line);
        agent.wait_for_spooled(3);
        let start = Instant::now();
        agent.stop();
        assert!(start.elapsed() < SOON, "{line:?}: {:?}", start.elapsed());
        collector.stop();
        let books = Books::read(collector.state_dir(), "th-0001", agent.state_dir());
        books.assert_balanced();
        assert!(books.spooled.len() >= 3);
    }
}

#[test]
fn a_collector_stops_while_agents_and_strangers_hang_on_its_line() {
    let mut collector = Collector::start(&inventory(&["th-0001"]));
    let _agent = Agent::start(&agent::busy(flapping::start()), &collector.code("th-0001"));
    collector.wait_for_site("th-0001");
    let idle = tests::http::connect(collector.agents()).unwrap();
    let start = Instant::now();
    collector.stop();
    // Open requests are given their time; a service manager waits 90 s.
    assert!(start.elapsed() < Duration::from_secs(45), "{:?}", start.elapsed());
    drop(idle);
}
