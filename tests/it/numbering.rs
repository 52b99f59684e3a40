//! A report counts once, however often and in whatever order it comes.

use serde_json::Value;
use tests::client::{Client, report};
use tests::collector::{Collector, inventory};
use tests::dice::Dice;
use tests::{ledger, wait};
use uuid::Uuid;

const SITE: &str = "th-0001";

/// Two boots of an agent, so many reports each, a second apart and all in the past.
fn produced(each: u64) -> Vec<(Uuid, u64, i64)> {
    let start = wait::now() - 3_600_000;
    let of = |boot: Uuid, begin: i64| {
        (1..=each).map(move |seq| (boot, seq, begin + seq.cast_signed() * 1000))
    };
    of(Uuid::new_v4(), start).chain(of(Uuid::new_v4(), start + 1_000_000)).collect()
}

fn counted(collector: &Collector, result: &str) -> f64 {
    let scrape = collector.scrape();
    scrape.value("nhipcau_collector_reports_total", &[("result", result)]).unwrap_or(0.0)
}

#[test]
fn duplicates_and_any_order_count_once_also_over_power_cuts() {
    let mut dice = Dice::new("numbering");
    let mut collector = Collector::start(&inventory(&[SITE]));
    let client = Client::enrol(collector.agents(), &collector.code(SITE));
    let reports = produced(60);
    let mut queue: Vec<_> = reports.iter().chain(&reports).chain(&reports[..40]).copied().collect();
    dice.shuffle(&mut queue);

    let mut seen = std::collections::BTreeSet::new();
    let (mut new, mut again) = (0.0, 0.0);
    let mut client = client;
    while !queue.is_empty() {
        let size = usize::try_from(dice.between(1, 25)).unwrap().min(queue.len());
        let batch: Vec<_> = queue.drain(..size).collect();
        let json: Vec<Value> =
            batch.iter().map(|(boot, seq, at)| report(*boot, *seq, *at, 1000)).collect();
        let answer = client.push(&json);
        assert_eq!(answer.accepted.len(), size, "all are safe: {answer:?}");
        for (boot, seq, _) in batch {
            if seen.insert((boot, seq)) {
                new += 1.0;
            } else {
                again += 1.0;
            }
        }
        if dice.between(0, 4) == 0 {
            assert_eq!(
                (counted(&collector, "accepted"), counted(&collector, "duplicate")),
                (new, again)
            );
            (new, again) = (0.0, 0.0);
            collector.kill();
            collector.run();
            client = client.moved_to(collector.agents());
        }
    }
    assert_eq!((counted(&collector, "accepted"), counted(&collector, "duplicate")), (new, again));
    assert_eq!(ledger::received(collector.state_dir(), SITE).len(), reports.len());
}

#[test]
fn a_late_report_never_takes_the_place_of_a_newer_one() {
    let collector = Collector::start(&inventory(&[SITE]));
    let client = Client::enrol(collector.agents(), &collector.code(SITE));
    let boot = Uuid::new_v4();
    let now = wait::now();
    let at = |seq: u64, age: i64| report(boot, seq, now - age, seq * 1_000_000);

    let _ = client.push(&[at(9, 1000)]);
    let _ = client.push(&[at(3, 40_000), at(8, 2000), at(1, 60_000)]);
    let sent = collector
        .scrape()
        .value("bridge_probe_packets_sent_total", &[("site", SITE), ("probe", "mcu")]);
    assert_eq!(sent, Some(9.0), "the newest stays");
    let ran = collector
        .scrape()
        .value("bridge_probe_last_run_timestamp_seconds", &[("site", SITE), ("probe", "mcu")]);
    let expected = (now - 1000) as f64 / 1000.0;
    assert!((ran.unwrap() - expected).abs() < 2.0, "{ran:?}, {expected}");
}
