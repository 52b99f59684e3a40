//! A line that is cut, stalls, half closes and loses answers.

use tests::agent::{self, Agent};
use tests::collector::{Collector, inventory};
use tests::ledger::Books;
use tests::link::{Line, Link};
use tests::scripted::Scripted;
use tests::{flapping, wait};
use wire::enrolment::Code;

/// Reports in the spool that make a backlog worth the name.
const BACKLOG: usize = 8;

#[test]
fn after_an_outage_the_newest_state_arrives_first_and_then_the_backlog_as_it_was_taken() {
    let collector = Scripted::start([]);
    let link = Link::to(collector.address);
    let code = Code { port: link.address().port(), ..collector.code.clone() };
    let mut agent = Agent::start(&agent::busy(flapping::start()), &code);
    let before = collector.wait_for(2).len();

    link.set(Line::Cut);
    let cut_at = wait::now();
    agent.wait_for_spooled(BACKLOG);
    link.set(Line::Good);
    let mended_at = wait::now();
    agent.wait_until_drained();
    agent.stop();

    let pushes = collector.pushes();
    let first = &pushes[before.max(2)..].iter().find(|push| push.sent_at >= mended_at - 50);
    let first = first.expect("a push after the outage");
    let newest = first.reports.iter().map(|report| report.seq).max().unwrap();
    assert_eq!(first.reports[0].seq, newest, "the newest comes first");
    let already: Vec<u64> = pushes
        .iter()
        .filter(|push| push.at < first.at)
        .flat_map(|push| push.reports.iter().map(|report| report.seq))
        .collect();
    assert!(already.iter().all(|seq| *seq < newest), "{newest} after {already:?}");

    let mut reports: Vec<(u64, i64)> = pushes
        .iter()
        .flat_map(|push| push.reports.iter().map(|report| (report.seq, report.taken_at)))
        .collect();
    reports.sort_unstable();
    reports.dedup();
    let numbers: Vec<u64> = reports.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "every report came");
    assert!(reports.is_sorted_by_key(|(_, taken_at)| *taken_at), "{reports:?}");
    let during = reports.iter().filter(|(_, at)| (cut_at..mended_at).contains(at)).count();
    assert!(during >= BACKLOG - 1, "the backlog keeps its own times: {reports:?}");
}

#[test]
fn whatever_happens_to_the_line_every_report_counts_once() {
    let mut collector = Collector::start(&inventory(&["th-0001"]));
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code("th-0001"));
    collector.wait_for_site("th-0001");
    for line in [Line::Cut, Line::HalfClosed, Line::Stalled, Line::AnswersLost] {
        println!("{line:?}");
        collector.link.set(line);
        if line == Line::AnswersLost {
            // The spool may still be full of the stall before.
            collector.wait_for_unanswered("th-0001", agent.state_dir());
        }
        agent.wait_for_spooled(BACKLOG);
        collector.link.set(Line::Good);
        collector.wait_for_reports("th-0001", 4);
    }
    agent.wait_until_drained();
    let scrape = collector.scrape();
    let reports = |result| {
        scrape.value("nhipcau_collector_reports_total", &[("result", result)]).unwrap_or(0.0)
    };
    assert!(reports("duplicate") > 0.0, "lost answers make duplicates");
    agent.stop();
    collector.stop();
    Books::read(collector.state_dir(), "th-0001", agent.state_dir()).assert_balanced();
}

#[test]
fn a_thin_line_carries_everything() {
    let mut collector = Collector::start(&inventory(&["th-0001"]));
    let code = collector.code("th-0001");
    // 64 kbit/s with the delay of a satellite: the worst line a commune has.
    let delay = std::time::Duration::from_millis(300);
    collector.link.set(Line::Slow { bytes_a_second: 8000, delay });
    let mut agent = Agent::start(&agent::busy(flapping::start()), &code);
    collector.wait_for_reports("th-0001", BACKLOG);
    agent.stop();
    collector.stop();
    Books::read(collector.state_dir(), "th-0001", agent.state_dir()).assert_balanced();
}
