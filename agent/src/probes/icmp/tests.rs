use wire::reading::{Name, Reason, Sample, Value};

use super::*;
use crate::tally::{Observed, Tally};

fn probe(yaml: &str) -> Icmp {
    serde_yaml::from_str(yaml).unwrap()
}

fn number(samples: &[Sample], name: &str) -> Option<f64> {
    samples.iter().find_map(|sample| match (&sample.name, &sample.value) {
        (Name::Known(row), Value::Number(number)) if row.name == name => Some(*number),
        _ => None,
    })
}

/// Whether this user may send echoes; if so, the run must have succeeded.
fn allowed(outcome: Result<(), Failure>) -> bool {
    match outcome {
        Err(failure) if failure.reason == Reason::Denied => println!("SKIPPED: {failure}"),
        outcome => {
            assert_eq!(outcome, Ok(()));
            return true;
        }
    }
    false
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_what_would_be_right() {
    let table = [
        ("{ count: 3 }", "missing field `host`"),
        ("{ host: http://mcu/ }", "is not a host"),
        ("{ host: \"\" }", "is not a host"),
        ("{ host: mcu, count: 0 }", "0 is not between 1 and 3000"),
        ("{ host: mcu, size: 4 }", "4 is not between 8 and 1472"),
        ("{ host: mcu, timeout: 0s }", "0s is not between 1ms and 1m"),
        ("{ host: mcu, counts: 3 }", "unknown field `counts`"),
    ];
    for (yaml, said) in table {
        let error = serde_yaml::from_str::<Icmp>(yaml).unwrap_err().to_string();
        assert!(error.contains(said), "{yaml}: {error}");
    }
}

#[test]
fn another_address_has_another_hash() {
    // The published test vectors of FNV-1a have no addresses; this one is of its definition.
    assert_eq!(hash([0, 0, 0, 0].into()), 0x4b95_f515);
    assert_ne!(hash([10, 0, 0, 10].into()), hash([10, 0, 0, 11].into()));
}

#[tokio::test]
async fn a_burst_to_this_system_measures_everything() {
    // A gap that also a busy machine keeps: a late echo is left out of its burst.
    let mut probe = probe("{ host: 127.0.0.1, count: 2, timeout: 500ms }");
    let mut tally = Tally::default();
    let cycle = Duration::from_secs(4);
    let mut run = Run::new(&mut tally, cycle, cycle, true);
    if !allowed(probe.run(&mut run).await) {
        return;
    }
    let Observed { samples, trace, .. } = run.finish();
    assert_eq!(number(&samples, "bridge_probe_packets_sent_total"), Some(2.0));
    assert_eq!(number(&samples, "bridge_probe_send_errors_total"), Some(0.0));
    assert!(number(&samples, "bridge_probe_loss_ratio").is_some());
    assert!(number(&samples, "bridge_probe_address_hash").is_some());
    assert_eq!(trace.0.len(), 3, "address, way, result: {trace:?}");
}

#[tokio::test]
async fn an_agent_that_is_held_up_measures_on() {
    let mut probe = probe("{ host: 127.0.0.1, count: 20, timeout: 800ms }");
    let mut tally = Tally::default();
    // Long beside what a loaded machine keeps a thread waiting between its clock and its send.
    let cycle = Duration::from_secs(2);
    let mut run = Run::new(&mut tally, cycle, cycle, false);
    let held_up = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        std::thread::sleep(Duration::from_millis(1_700));
    };
    let (outcome, ()) = tokio::join!(probe.run(&mut run), held_up);
    if !allowed(outcome) {
        return;
    }
    let samples = run.finish().samples;
    let sent = number(&samples, "bridge_probe_packets_sent_total").unwrap();
    // Three are due before the agent hangs.
    assert!(sent > 3.0, "{sent}");
    assert_eq!(number(&samples, "bridge_probe_loss_ratio"), Some(0.0), "{samples:?}");
}

#[tokio::test]
async fn what_was_sent_is_counted_also_by_a_run_that_is_cut_off() {
    let mut probe = probe("{ host: 127.0.0.1, count: 2, timeout: 500ms }");
    let mut tally = Tally::default();
    let cycle = Duration::from_secs(10);
    let mut run = Run::new(&mut tally, cycle, cycle, false);
    let deadline = Duration::from_secs(2);
    if let Ok(outcome) = tokio::time::timeout(deadline, probe.run(&mut run)).await {
        assert!(!allowed(outcome), "ten seconds passed in two");
        return;
    }
    let samples = run.finish().samples;
    assert_eq!(number(&samples, "bridge_probe_packets_sent_total"), Some(1.0));
    assert_eq!(number(&samples, "bridge_probe_packets_received_total"), Some(1.0));
}

#[tokio::test]
async fn a_name_that_is_lost_is_said_while_the_last_address_is_measured() {
    let mut probe = probe("{ host: 127.0.0.1, count: 1 }");
    let mut tally = Tally::default();
    let cycle = Duration::from_secs(4);
    let mut run = Run::new(&mut tally, cycle, cycle, false);
    if !allowed(probe.run(&mut run).await) {
        return;
    }
    // A name no name server may know (RFC 6761).
    probe.host = serde_yaml::from_str("lost.invalid").unwrap();
    let mut run = Run::new(&mut tally, cycle, cycle, false);
    let failure = probe.run(&mut run).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Resolve);
    assert!(failure.detail.contains("lost.invalid"), "{failure}");
    let samples = run.finish().samples;
    assert_eq!(number(&samples, "bridge_probe_packets_sent_total"), Some(2.0));
}

#[tokio::test]
async fn a_name_that_never_had_an_address_is_a_failure_to_resolve() {
    let mut probe = probe("{ host: never.invalid }");
    let mut tally = Tally::default();
    let cycle = Duration::from_secs(1);
    let mut run = Run::new(&mut tally, cycle, cycle, false);
    assert_eq!(probe.run(&mut run).await.unwrap_err().reason, Reason::Resolve);
    assert_eq!(run.finish().samples, []);
}
