//! What an agent makes of a collector's answers.

use std::collections::BTreeSet;
use std::time::Duration;

use tests::agent::{self, Agent};
use tests::scripted::{Push, Reply, Scripted};
use tests::{flapping, ledger};

fn accepted(pushes: &[Push]) -> Vec<u64> {
    let settled = pushes.iter().filter(|push| matches!(push.reply, Reply::Accept));
    settled.flat_map(|push| push.reports.iter().map(|report| report.seq)).collect()
}

#[test]
fn reports_survive_every_answer_that_is_no_settlement() {
    let script = [
        Reply::Status(429, vec![("Retry-After", "1")], "later"),
        Reply::Status(503, vec![("Retry-After", "1")], "later"),
        Reply::Status(500, vec![], ""),
        Reply::Torn,
        Reply::Silence,
        Reply::Status(502, vec![("Content-Type", "text/html")], "<h1>Bad Gateway</h1>"),
        Reply::Status(200, vec![], "<h1>Đăng nhập mạng</h1>"),
        Reply::Status(
            200,
            vec![],
            r#"{"now":1,"accepted":[["00000000-0000-0000-0000-000000000000",1]]}"#,
        ),
    ];
    let failures = script.len();
    let collector = Scripted::start(script);
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code);
    let _ = collector.wait_for(failures + 3);
    agent.stop();

    let mut accepted = accepted(&collector.pushes());
    let times = accepted.len();
    accepted.sort_unstable();
    accepted.dedup();
    assert_eq!(accepted.len(), times, "what was accepted is not sent again");
    let totals = ledger::totals(agent.state_dir());
    let spooled = ledger::spooled(agent.state_dir());
    assert_eq!((totals.refused, totals.evicted), (0, 0));
    assert_eq!(totals.produced, totals.accepted + i64::try_from(spooled.len()).unwrap());
    assert_eq!(i64::try_from(times), Ok(totals.accepted));
    let anywhere: BTreeSet<u64> = accepted
        .into_iter()
        .chain(spooled.into_iter().map(|(_, seq)| seq.cast_unsigned()))
        .collect();
    assert_eq!(anywhere, (1..=totals.produced.cast_unsigned()).collect());
}

#[test]
fn retry_after_is_respected() {
    for status in [429, 503] {
        let collector = Scripted::start([Reply::Status(status, vec![("Retry-After", "4")], "")]);
        let _agent = Agent::start(&agent::busy(flapping::start()), &collector.code);
        let pushes = collector.wait_for(2);
        let waited = pushes[1].at - pushes[0].at;
        assert!(waited >= Duration::from_millis(3900), "{status}: {waited:?}");
    }
}

#[test]
fn what_is_refused_for_good_leaves_the_spool_and_is_counted() {
    let collector = Scripted::start([Reply::Refuse]);
    let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code);
    let pushes = collector.wait_for(4);
    agent.stop();
    let refused: Vec<u64> = pushes[0].reports.iter().map(|report| report.seq).collect();
    let again = pushes[1..].iter().flat_map(|push| &push.reports);
    assert!(again.clone().all(|report| !refused.contains(&report.seq)), "sent again: {refused:?}");
    assert_eq!(ledger::totals(agent.state_dir()).refused, i64::try_from(refused.len()).unwrap());
}

#[test]
fn a_batch_that_is_refused_as_a_whole_does_not_block_the_way() {
    for status in [400, 413, 422] {
        let collector = Scripted::start([Reply::Status(status, vec![], "no")]);
        let mut agent = Agent::start(&agent::busy(flapping::start()), &collector.code);
        let pushes = collector.wait_for(4);
        assert!(!accepted(&pushes).is_empty(), "{status}: later reports arrive");
        agent.stop();
    }
}
