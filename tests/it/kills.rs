//! Power cuts of either side at random moments.

use std::time::Duration;

use tests::agent::{self, Agent};
use tests::collector::{Collector, inventory};
use tests::dice::Dice;
use tests::flapping;
use tests::ledger::Books;

/// Enough that both sides are hit while idle, while writing and while pushing.
const KILLS: u64 = 30;

#[test]
fn no_report_is_lost_or_counted_twice_when_either_side_is_killed_at_any_moment() {
    let mut dice = Dice::new("kills");
    let mut collector = Collector::start(&inventory(&["th-0001"]));
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code("th-0001"));
    for _ in 0..KILLS {
        std::thread::sleep(Duration::from_millis(dice.between(20, 2000)));
        let (hit_agent, hit_collector) = [(true, false), (false, true), (true, true)]
            [usize::try_from(dice.between(0, 2)).unwrap()];
        if hit_agent {
            agent.kill();
        }
        if hit_collector {
            collector.kill();
            std::thread::sleep(Duration::from_millis(dice.between(0, 1000)));
            collector.run();
        }
        if hit_agent {
            agent.run();
        }
    }
    agent.wait_until_drained();
    agent.stop();
    collector.stop();

    let books = Books::read(collector.state_dir(), "th-0001", agent.state_dir());
    println!("{} reports over {KILLS} kills: {:?}", books.received.len(), books.totals);
    assert!(books.received.len() > 10, "the test has seen next to nothing");
    books.assert_balanced();
}
