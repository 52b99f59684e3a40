//! The uplink against a scripted collector.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use tempfile::{TempDir, tempdir};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::task::JoinHandle;
use wire::{AgentInfo, Report};

use super::scripted::{NAME, Reply, Request, Scripted};
use super::*;
use crate::identity::Credential;
use crate::spool::{Handle, Limits};

const BOOT: Uuid = Uuid::from_u128(7);
/// Far above what any step here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn identity(collector: &Scripted) -> Identity {
    Identity {
        site: "th-0316".parse().unwrap(),
        collector: collector.address.to_string(),
        authority: collector.authority.to_vec(),
        credential: Credential::make().unwrap(),
    }
}

/// A listener for meetings that is not there.
fn nobody() -> watch::Sender<Timetable> {
    watch::Sender::new(Timetable::default())
}

fn report(seq: u64) -> Report {
    let (boot, taken_at, uptime_ms) = (BOOT, 1_780_000_000_000, seq * 1000);
    Report { boot, seq, taken_at, uptime_ms, agent: AgentInfo::default(), readings: Vec::new() }
}

async fn spool(directory: &TempDir, reports: u64) -> Handle {
    let spool = Handle::open(directory.path(), Limits::default()).unwrap();
    for seq in 1..=reports {
        spool.append(&report(seq)).await.unwrap();
    }
    spool
}

fn push(collector: &Scripted, spool: &Handle) -> (Push, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let client = Client::new(&identity(collector), None).unwrap();
    (Push::new(client, BOOT, Arc::clone(&counters), spool.clone(), nobody()), counters)
}

fn failures(counters: &Counters) -> Vec<(&'static str, u64)> {
    counters.failures().collect()
}

/// A script that keeps what it saw.
fn seen(
    mut script: impl FnMut(usize, &Request) -> Reply + Send + 'static,
) -> (impl FnMut(&Request) -> Reply + Send + 'static, Arc<Mutex<Vec<Request>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    let script = move |request: &Request| {
        let mut kept = kept.lock().unwrap();
        kept.push(request.clone());
        script(kept.len(), request)
    };
    (script, requests)
}

#[tokio::test]
async fn a_batch_is_as_the_wire_says_and_what_was_accepted_leaves_the_spool() {
    let directory = tempdir().unwrap();
    let (script, requests) = seen(|_, request| request.accepted());
    let collector = Scripted::start(script).await;
    let spool = spool(&directory, 3).await;
    let (push, counters) = push(&collector, &spool);

    assert_eq!(push.newest(2, PATIENCE).await.unwrap(), 2);
    assert_eq!(push.oldest(9, PATIENCE).await.unwrap(), 1);
    assert_eq!(push.oldest(9, PATIENCE).await.unwrap(), 0, "nothing left");

    let requests = requests.lock().unwrap();
    let first = &requests[0];
    assert!(first.head.starts_with("POST /v1/reports HTTP/1.1\r\n"), "{}", first.head);
    for header in
        ["authorization: Bearer ", "content-type: application/json", "content-encoding: zstd"]
    {
        assert!(first.head.contains(header), "{header} in {}", first.head);
    }
    let batch = first.json();
    assert_eq!(
        (batch["version"].as_u64(), batch["boot"].as_str()),
        (Some(1), Some(&*BOOT.to_string()))
    );
    assert!(batch["sent_at"].as_i64().unwrap() > 0 && batch["uptime_ms"].as_u64().unwrap() > 0);
    assert_eq!(first.seqs(), [3, 2], "newest first");
    assert_eq!(requests.len(), 2);
    assert_eq!(counters.bytes(), requests.iter().map(|r| r.body.len() as u64).sum::<u64>());
    assert_eq!((spool.statistics().accepted, spool.statistics().reports), (3, 0));
    assert_eq!(collector.connections(), 1, "the connection is kept");
}

#[tokio::test]
async fn troubles_leave_the_reports_in_the_spool_and_are_counted_by_cause() {
    let html = "<html>sign in</html>";
    for (name, reply, cause, asked) in [
        ("500", Reply::text(500, "", ""), Cause::Server, None),
        ("429", Reply::text(429, "Retry-After: 7\r\n", ""), Cause::Busy, Some(7)),
        ("503", Reply::text(503, "", "later"), Cause::Busy, None),
        ("401", Reply::text(401, "", ""), Cause::Credential, None),
        ("403", Reply::text(403, "", "{}"), Cause::Credential, None),
        ("redirect", Reply::text(302, "Location: https://127.0.0.1/\r\n", ""), Cause::Answer, None),
        ("garbage", Reply::text(200, "", html), Cause::Answer, None),
        ("endless", Reply::text(200, "", &" ".repeat(300_000)), Cause::Answer, None),
        (
            "half-closed",
            Reply::closed("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"now\""),
            Cause::Closed,
            None,
        ),
        ("no answer", Reply::closed(""), Cause::Closed, None),
        ("no HTTP", Reply::closed("SSH-2.0-OpenSSH_9.2\r\n"), Cause::Closed, None),
        (
            "stalled",
            Reply::stalled("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
            Cause::Timeout,
            None,
        ),
        ("silent", Reply::stalled(""), Cause::Timeout, None),
    ] {
        let directory = tempdir().unwrap();
        let collector = Scripted::start(move |_| reply.clone()).await;
        let spool = spool(&directory, 2).await;
        let (push, counters) = push(&collector, &spool);
        let patience = if cause == Cause::Timeout { Duration::from_millis(300) } else { PATIENCE };
        let trouble = push.newest(9, patience).await.unwrap_err();
        assert_eq!(trouble.cause, cause, "{name}: {trouble}");
        assert_eq!(trouble.asked, asked.map(Duration::from_secs), "{name}");
        assert_eq!(spool.statistics().reports, 2, "{name}");
        assert_eq!(failures(&counters), [(cause.label(), 1)], "{name}");
    }
}

#[tokio::test]
async fn no_way_to_the_collector_is_told_apart() {
    let directory = tempdir().unwrap();
    let spool = spool(&directory, 1).await;
    let collector = Scripted::start(Request::accepted).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stranger = Scripted::start(Request::accepted).await;
    for (address, causes) in [
        (free.to_string(), [Cause::Refused; 2]),
        // A name server that is out of reach itself says nothing in time.
        ("collector.invalid:8443".to_owned(), [Cause::Resolve, Cause::Timeout]),
        (stranger.address.to_string(), [Cause::Tls; 2]),
    ] {
        let identity = Identity { collector: address.clone(), ..identity(&collector) };
        let client = Client::new(&identity, None).unwrap();
        let push = Push::new(client, BOOT, Arc::default(), spool.clone(), nobody());
        let trouble = push.newest(1, PATIENCE).await.unwrap_err();
        assert!(causes.contains(&trouble.cause), "{address}: {trouble}");
    }
    assert_eq!(stranger.connections(), 1);
    assert_eq!(spool.statistics().reports, 1);
}

#[tokio::test]
async fn one_poisoned_report_is_found_dropped_and_counted_and_the_others_survive() {
    for poisoned in [1, 7, 16] {
        let directory = tempdir().unwrap();
        let collector = Scripted::start(move |request| {
            if request.seqs().contains(&poisoned) {
                Reply::text(400, "", "{}")
            } else {
                request.accepted()
            }
        })
        .await;
        let spool = spool(&directory, 16).await;
        let (push, counters) = push(&collector, &spool);
        assert_eq!(push.oldest(99, PATIENCE).await.unwrap(), 16);
        let statistics = spool.statistics();
        assert_eq!((statistics.accepted, statistics.refused, statistics.reports), (15, 1, 0));
        assert_eq!(failures(&counters), [("report_refused", 5)], "16, 8, 4, 2, 1");
    }
}

#[tokio::test]
async fn a_collector_that_takes_nothing_at_all_costs_no_report() {
    let directory = tempdir().unwrap();
    let mut old = true;
    let collector = Scripted::start(move |request| {
        // An older collector is replaced by one that knows this agent, which minds one report.
        old &= request.seqs() != [1];
        if old || request.seqs().contains(&2) {
            Reply::text(400, "", "version 2 of the protocol")
        } else {
            request.accepted()
        }
    })
    .await;
    let spool = spool(&directory, 4).await;
    let (push, counters) = push(&collector, &spool);
    let trouble = push.newest(2, PATIENCE).await.unwrap_err();
    assert_eq!(trouble.cause, Cause::Refusal);
    assert!(trouble.to_string().contains("version 2 of the protocol"), "{trouble}");
    assert_eq!(spool.statistics().reports, 4);
    assert_eq!(failures(&counters), [("report_refused", 2)]);

    assert_eq!(push.oldest(1, PATIENCE).await.unwrap(), 1);
    let trouble = push.oldest(1, PATIENCE).await.unwrap_err();
    assert_eq!(trouble.cause, Cause::Refusal, "alone in its push, nothing speaks against it");
    assert_eq!(push.newest(4, PATIENCE).await.unwrap(), 3);
    let statistics = spool.statistics();
    assert_eq!((statistics.accepted, statistics.refused, statistics.reports), (3, 1, 0));
}

#[tokio::test]
async fn an_answer_settles_only_what_was_sent() {
    let directory = tempdir().unwrap();
    let collector = Scripted::start(|_| {
        let body = serde_json::json!({
            "now": 1,
            "accepted": [[BOOT, 1], [BOOT, 2], [BOOT, 4], [Uuid::nil(), 3]],
            "refused": [{"index": 99, "boot": BOOT, "seq": 2, "reason": "not yours"}],
        });
        Reply::json(200, &body)
    })
    .await;
    let spool = spool(&directory, 4).await;
    let (push, counters) = push(&collector, &spool);
    let trouble = push.newest(2, PATIENCE).await.unwrap_err();
    assert_eq!(trouble.cause, Cause::Answer, "report 3 was not settled: {trouble}");
    let statistics = spool.statistics();
    assert_eq!((statistics.accepted, statistics.refused, statistics.reports), (1, 0, 3));
    assert_eq!(failures(&counters), [("answer", 1)]);
}

#[test]
fn a_proxy_that_is_no_url_is_said_with_what_would_be_right() {
    let identity = Identity {
        site: "a".parse().unwrap(),
        collector: "127.0.0.1:1".into(),
        authority: Vec::new(),
        credential: Credential::make().unwrap(),
    };
    let tls = trusting_nobody();
    let error = client::http(tls, Some("not a url")).unwrap_err().to_string();
    assert!(error.contains("not a url") && error.contains("http://host:port"), "{error}");
    let error = Uplink::new(&identity, None, BOOT, Arc::default()).unwrap_err();
    assert!(matches!(error, UplinkError::Trust(_)), "{error}");
}

fn trusting_nobody() -> rustls::ClientConfig {
    crate::trust::enrolment_config([0; 16]).unwrap().0
}

/// A running uplink.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<Option<Dismissal>>,
}

impl Running {
    fn start(collector: &Scripted, spool: &Handle) -> Self {
        let uplink = Uplink::new(&identity(collector), None, BOOT, Arc::default()).unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(uplink.run(spool.clone(), nobody(), stop.clone()));
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(5), self.task).await.unwrap().unwrap();
    }
}

/// Waits for the next message without blocking the runtime.
async fn next<T>(receiver: &Receiver<T>) -> T {
    timeout(PATIENCE, async {
        loop {
            if let Ok(message) = receiver.try_recv() {
                return message;
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn after_an_outage_the_newest_goes_first_and_alone() {
    let directory = tempdir().unwrap();
    let (sender, batches) = channel();
    let mut outage = 2;
    let collector = Scripted::start(move |request| {
        if outage > 0 {
            outage -= 1;
            return Reply::text(503, "", "");
        }
        sender.send(request.seqs()).unwrap();
        request.accepted()
    })
    .await;
    let spool = spool(&directory, 10).await;
    let running = Running::start(&collector, &spool);
    assert_eq!(next(&batches).await, [10]);
    spool.append(&report(11)).await.unwrap();
    assert_eq!(next(&batches).await, [11, 9, 8, 7], "a new one goes at once, with what fits");
    running.stop().await;
    assert_eq!(next(&batches).await, [6, 5, 4, 3], "the last push");
    assert_eq!(spool.statistics().reports, 2);
}

#[tokio::test]
async fn a_stop_is_not_held_up_by_a_collector_that_says_nothing() {
    let directory = tempdir().unwrap();
    let collector = Scripted::start(|_| Reply::stalled("")).await;
    let spool = spool(&directory, 1).await;
    let running = Running::start(&collector, &spool);
    running.stop().await;
    assert_eq!(spool.statistics().reports, 1);
}

#[tokio::test]
async fn a_refused_credential_keeps_the_reports_and_does_not_hammer() {
    let directory = tempdir().unwrap();
    let (sender, requests) = channel();
    let collector = Scripted::start(move |request| {
        sender.send(request.seqs()).unwrap();
        Reply::text(401, "", "")
    })
    .await;
    let spool = spool(&directory, 3).await;
    let running = Running::start(&collector, &spool);
    assert_eq!(next(&requests).await, [3, 2, 1]);
    for seq in 4..=6 {
        spool.append(&report(seq)).await.unwrap();
    }
    running.stop().await;
    assert_eq!(requests.try_iter().count(), 1, "only the last push: no report shortens the wait");
    assert_eq!(spool.statistics().reports, 6);
}

#[tokio::test]
async fn the_backlog_goes_oldest_first_and_only_while_the_way_is_good() {
    let directory = tempdir().unwrap();
    let (sender, batches) = channel();
    let collector = Scripted::start(move |request| {
        sender.send(request.seqs()).unwrap();
        request.accepted()
    })
    .await;
    let spool = spool(&directory, 100).await;
    let (push, _) = push(&collector, &spool);
    let (way, good) = watch::channel(false);
    let pauses = Pauses { least: Duration::from_millis(1), most: Duration::from_millis(20) };
    let lane = tokio::spawn(async move { backlog(&push, good, pauses).await });
    sleep(pauses.most * 5).await;
    assert!(batches.try_recv().is_err(), "nothing goes before the way is good");
    way.send_replace(true);
    for batch in [1..=32, 33..=64, 65..=96] {
        assert_eq!(next(&batches).await, batch.rev().collect::<Vec<u64>>());
    }
    sleep(pauses.most * 5).await;
    assert!(batches.try_recv().is_err(), "the newest four are the fresh lane's");
    assert_eq!(spool.statistics().reports, 4);
    drop(way);
    lane.abort();
}

#[tokio::test]
async fn the_proxy_of_the_configuration_is_used_for_the_whole_way() {
    let directory = tempdir().unwrap();
    let collector = Scripted::start(Request::accepted).await;
    let target = collector.address;
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let setting = format!("http://{}", proxy.local_addr().unwrap());
    let proxying = tokio::spawn(async move {
        let (mut client, _) = proxy.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
        let _ = copy_bidirectional(&mut client, &mut server).await;
        String::from_utf8(head).unwrap()
    });
    let spool = spool(&directory, 1).await;
    let identity = Identity { collector: format!("{NAME}:8443"), ..identity(&collector) };
    let client = Client::new(&identity, Some(&setting)).unwrap();
    let push = Push::new(client, BOOT, Arc::default(), spool.clone(), nobody());
    push.newest(1, PATIENCE).await.unwrap();
    drop(push);
    let head = timeout(PATIENCE, proxying).await.unwrap().unwrap();
    assert!(head.starts_with("CONNECT collector.test:8443 HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("Bearer"), "the proxy does not get the credential: {head}");
    assert_eq!(spool.statistics().accepted, 1);
}

#[tokio::test]
async fn the_next_meeting_is_handed_on_once_and_again_when_it_moves() {
    const HOUR: i64 = 3_600_000;
    let starts = Mutex::new(vec![3 * HOUR, 2 * HOUR, 2 * HOUR]);
    let collector = Scripted::start(move |request| {
        let start = starts.lock().unwrap().pop().unwrap();
        let seq = request.seqs()[0];
        let meeting = serde_json::json!({"id": "giao-ban", "start": start, "end": 9 * HOUR});
        let answer = serde_json::json!({"now": 1, "accepted": [[BOOT, seq]], "meeting": meeting});
        Reply::json(200, &answer)
    })
    .await;
    let directory = tempdir().unwrap();
    let spool = spool(&directory, 0).await;
    let (meetings, mut told) = watch::channel(Timetable::default());
    let client = Client::new(&identity(&collector), None).unwrap();
    let push = Push::new(client, BOOT, Arc::default(), spool.clone(), meetings);
    let mut news = Vec::new();
    for seq in 1..=3 {
        spool.append(&report(seq)).await.unwrap();
        push.newest(1, PATIENCE).await.unwrap();
        news.push(told.has_changed().unwrap());
        told.borrow_and_update();
    }
    assert_eq!(news, [true, false, true]);
}

#[tokio::test]
async fn in_the_meeting_signs_of_life_promise_the_next_and_carry_no_report() {
    let (script, requests) = seen(|_, request| request.accepted());
    let collector = Scripted::start(script).await;
    let directory = tempdir().unwrap();
    let spool = spool(&directory, 1).await;
    let now = platform::monotonic_ms();
    let meeting = wire::batch::NextMeeting { id: "giao-ban".into(), start: 0, end: 60_000 };
    let meetings = watch::Sender::new(Timetable::new(Some(&meeting), 1_000, now));
    let client = Client::new(&identity(&collector), None).unwrap();
    let push = Push::new(client, BOOT, Arc::default(), spool, meetings);
    push.beat(PATIENCE).await.unwrap();
    assert!(push.answered_at() >= now);
    let requests = requests.lock().unwrap();
    let beat = requests[0].json();
    assert_eq!(beat["again_ms"].as_u64(), Some(4_000));
    assert_eq!(requests[0].seqs(), [0; 0]);
    assert_eq!(push.spool().statistics().reports, 1, "the report waits for its lane");
}

#[tokio::test]
async fn a_push_that_hangs_does_not_keep_the_heartbeat_back() {
    let (script, requests) = seen(|_, request| match request.seqs()[..] {
        // The meeting goes on, and the heartbeat with it.
        [] => Reply::json(
            200,
            &serde_json::json!({
                "now": 1_000, "accepted": [],
                "meeting": { "id": "giao-ban", "start": 0, "end": 60_000 },
            }),
        ),
        _ => Reply::stalled(""),
    });
    let collector = Scripted::start(script).await;
    let directory = tempdir().unwrap();
    let spool = spool(&directory, 1).await;
    let meeting = wire::batch::NextMeeting { id: "giao-ban".into(), start: 0, end: 60_000 };
    let timetable = Timetable::new(Some(&meeting), 1_000, platform::monotonic_ms());
    let client = Client::new(&identity(&collector), None).unwrap();
    let push = Push::new(client, BOOT, Arc::default(), spool, watch::Sender::new(timetable));
    let (_way, good) = watch::channel(true);
    let beaten_after_it_hung = || {
        let requests = requests.lock().unwrap();
        let mut after = requests.iter().skip_while(|request| request.seqs().is_empty());
        after.any(|request| request.seqs().is_empty())
    };
    let beats = async {
        while !beaten_after_it_hung() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        hung = push.newest(1, PATIENCE) => panic!("{hung:?}"),
        () = heartbeat(&push, good) => panic!("the heartbeat ended"),
        beaten = timeout(PATIENCE, beats) => beaten.unwrap(),
    }
    assert_eq!(collector.connections(), 2);
}
