use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::*;
use crate::fleet::Fleet;
use crate::store;

const NOW: UnixMillis = 1_795_305_600_000;
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct Rig {
    ingest: Ingest,
    fleet: Arc<fleet::Shared>,
    telemetry: Arc<Telemetry>,
    _directory: tempfile::TempDir,
}

fn rig() -> Rig {
    let directory = tempfile::tempdir().unwrap();
    let telemetry = Arc::new(Telemetry::new().unwrap());
    let connection = store::open(directory.path()).unwrap();
    let (handle, history) = received::start(connection, Arc::clone(&telemetry)).unwrap();
    let fleet = Arc::new(fleet::Shared::new(Fleet::restore(&history)));
    let ingest =
        Ingest::new(Arc::clone(&fleet), handle, &history, Arc::clone(&telemetry), Arc::default());
    Rig { ingest, fleet, telemetry, _directory: directory }
}

fn site() -> SiteId {
    "th-0316".parse().unwrap()
}

fn boot() -> Uuid {
    Uuid::from_u128(1)
}

impl Rig {
    async fn take(&self, body: impl Into<Bytes>) -> Result<Answer, IngestError> {
        let taken = self.ingest.take((&site(), PEER), Encoding::Identity, body.into(), NOW).await;
        taken.map(|taken| taken.answer)
    }

    async fn batch(&self, reports: Json) -> Answer {
        let body = json!({
            "version": 1, "sent_at": NOW, "boot": boot(), "uptime_ms": 60_000, "reports": reports,
        });
        self.take(body.to_string()).await.unwrap()
    }

    fn reports(&self, result: &str) -> u64 {
        self.telemetry.reports.with_label_values(&[result]).get()
    }

    fn ignored(&self, cause: Cause) -> u64 {
        self.telemetry.samples_ignored.with_label_values(&[cause.label()]).get()
    }
}

fn report(seq: u64) -> Json {
    json!({
        "boot": boot(), "seq": seq, "taken_at": NOW - 15_000, "uptime_ms": 45_000,
        "agent": { "version": "0.1.0", "os": "Debian" },
        "readings": [reading(&json!([]))],
    })
}

fn reading(samples: &Json) -> Json {
    json!({
        "probe": "mcu", "kind": "icmp", "every_ms": 15_000, "duration_us": 1_000,
        "samples": samples,
    })
}

/// A report with one part of it replaced.
fn with(path: &str, value: Json) -> Json {
    let mut report = report(1);
    *report.pointer_mut(path).unwrap() = value;
    report
}

#[tokio::test]
async fn a_report_counts_once_however_often_it_comes() {
    let rig = rig();
    for _ in 0..3 {
        let answer = rig.batch(json!([report(2), report(1), report(2)])).await;
        assert_eq!(answer.accepted, [(boot(), 2), (boot(), 1), (boot(), 2)]);
        assert_eq!(answer.refused, []);
        assert_eq!(answer.now, NOW);
    }
    assert_eq!((rig.reports("accepted"), rig.reports("duplicate")), (2, 7));
}

#[tokio::test]
async fn every_encoding_is_understood() {
    let rig = rig();
    let body = json!({ "version": 1, "sent_at": NOW, "reports": [report(1)] }).to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, body.as_bytes()).unwrap();
    for (header, body) in [
        (None, body.clone().into_bytes()),
        (Some("zstd"), zstd::encode_all(body.as_bytes(), 3).unwrap()),
        (Some("gzip"), gzip.finish().unwrap()),
    ] {
        let encoding = Encoding::from_header(header).unwrap();
        let taken = rig.ingest.take((&site(), PEER), encoding, body.into(), NOW).await.unwrap();
        assert_eq!(taken.answer.accepted, [(boot(), 1)]);
    }
    assert_eq!(Encoding::from_header(Some("br")), None);
}

#[tokio::test]
async fn a_backlog_larger_than_a_fresh_report_is_read_in_a_thread_of_its_own() {
    let rig = rig();
    let reports: Vec<_> = (1..=500).map(report).collect();
    let answer = rig.batch(json!(reports)).await;
    assert_eq!(answer.accepted.len(), 500);
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_refused_as_a_whole() {
    let many = format!(r#"{{"version":1,"sent_at":0,"reports":[{}{{}}]}}"#, "{},".repeat(500));
    let deep = "[".repeat(100_000);
    let deep_report = format!(r#"{{"version":1,"sent_at":0,"reports":{deep}"#);
    let cases: &[(&[u8], u16, &str)] = &[
        (b"", 400, "not a batch: EOF"),
        (b"rubbish", 400, "not a batch: expected value"),
        (b"[]", 400, "not a batch: "),
        (br#"{"version":1,"sent_at":0}"#, 400, "missing field `reports`"),
        (br#"{"version":2,"sent_at":0,"reports":[]}"#, 400, "version 2 of the protocol"),
        (br#"{"version":1,"sent_at":0,"reports":[]} x"#, 400, "trailing characters"),
        (br#"{"version":1,"sent_at":1e400,"reports":[]}"#, 400, "number out of range"),
        (br#"{"version":1,"sent_at":0,"reports":[],"x":"#, 400, "not a batch: EOF"),
        (b"{\"version\":1,\"sent_at\":0,\"reports\":[{\"boot\":\"\xff\"}]}", 400, "invalid"),
        (many.as_bytes(), 413, "more than 500 reports"),
        (deep.as_bytes(), 400, "not a batch: "),
        (deep_report.as_bytes(), 400, "not a batch: "),
    ];
    for (body, status, reason) in cases {
        // A rig each, for nobody may send this much rubbish at once.
        let error = rig().take(body.to_vec()).await.unwrap_err();
        assert_eq!(error.status, *status, "{error}");
        assert_eq!(error.retry_after, None);
        assert!(error.reason.contains(reason), "{error} has no {reason:?}");
        assert!(error.reason.is_ascii() && error.reason.len() < 300, "{error}");
    }
}

#[tokio::test]
async fn a_zip_bomb_is_refused_before_it_has_gone_off() {
    let rig = rig();
    let bomb = zstd::encode_all(std::io::Read::take(std::io::repeat(b' '), 1 << 26), 1).unwrap();
    let error =
        rig.ingest.take((&site(), PEER), Encoding::Zstd, bomb.into(), NOW).await.unwrap_err();
    assert_eq!(error.status, 413, "{error}");
}

#[tokio::test]
async fn a_broken_report_is_refused_and_its_neighbours_are_not() {
    let long = "x".repeat(65);
    let deep: Json = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let samples = vec![json!({ "name": "bridge_host_cpus", "value": 1 }); 1025];
    let cases = [
        (json!(7), "invalid type"),
        (json!({}), "missing field `boot`"),
        (json!({ "boot": "x" }), "UUID"),
        (with("/seq", json!(-1)), "invalid value"),
        (with("/seq", json!(u64::MAX)), "out of range"),
        (with("/taken_at", json!("now")), "invalid type"),
        (with("/readings", json!(null)), "invalid type"),
        (with("/readings", json!(vec![reading(&json!([])); 257])), "more than 256 readings"),
        (with("/readings/0/samples", json!(samples)), "more than 1024 samples"),
        (with("/readings/0/probe", json!("a b")), "is not an id"),
        (with("/readings/0/probe", json!("xã")), "is not an id"),
        (with("/readings/0/probe", json!(long)), "is not an id"),
        (with("/readings/0/kind", json!("")), "has not 1 to 64 characters"),
        (with("/readings/0/kind", json!(long)), "has not 1 to 64 characters"),
        (with("/readings/0/every_ms", json!(0)), "every_ms 0 of probe mcu"),
        (with("/readings/0/every_ms", json!(86_400_001)), "every_ms 86400001"),
        (with("/readings/0/duration_us", json!(1.5)), "invalid type"),
        (with("/readings/0/samples", deep), "invalid type"),
        (with("/readings/0/samples", json!([{ "name": 1, "value": 1 }])), "name of a metric"),
        (
            with("/readings/0/samples", json!([{ "name": "a", "value": null }])),
            "a number, the name of a state, or a histogram",
        ),
    ];
    let rig = rig();
    for (broken, reason) in cases {
        let text = broken.to_string();
        let answer = rig.batch(json!([report(10), broken, report(11)])).await;
        assert_eq!(answer.accepted, [(boot(), 10), (boot(), 11)], "{text}");
        let [refused] = answer.refused.as_slice() else { panic!("{text}: {answer:?}") };
        assert_eq!(refused.index, 1);
        assert!(refused.reason.contains(reason), "{:?} has no {reason:?}", refused.reason);
        assert!(refused.reason.is_ascii() && refused.reason.len() <= 256);
    }
    assert_eq!(rig.reports("refused"), 20);
}

#[tokio::test]
async fn a_refusal_says_the_number_where_it_can_be_read() {
    let rig = rig();
    let answer =
        rig.batch(json!([with("/readings", json!(1)), json!({ "seq": 3 }), json!([])])).await;
    let numbers: Vec<_> = answer.refused.iter().map(|r| (r.index, r.boot, r.seq)).collect();
    assert_eq!(numbers, [(0, Some(boot()), Some(1)), (1, None, Some(3)), (2, None, None)]);
}

#[tokio::test]
async fn a_bad_sample_is_left_out_and_counted_and_its_report_stays() {
    let name = |name: &str, value: Json| json!([{ "name": name, "value": value }]);
    let labelled = |label: &str, value: Json| json!([{ "name": "bridge_host_disk_size_bytes", "label": label, "value": value }]);
    let state =
        |state: &str| json!([{ "name": "bridge_device_state", "label": "camera", "value": state }]);
    let rtt = |buckets: usize, sum: f64| {
        let buckets = vec![1; buckets];
        name("bridge_probe_rtt_seconds", json!({ "buckets": buckets, "sum": sum }))
    };
    let disks = |count: usize| {
        let disk = |n| json!({ "name": "bridge_link_up", "label": format!("eth{n}"), "value": 1 });
        json!((0..count).map(disk).collect::<Vec<_>>())
    };
    let twice = json!([
        { "name": "bridge_host_cpus", "value": 4 }, { "name": "bridge_host_cpus", "value": 8 },
    ]);
    let cases = [
        (name("bridge_host_cpus", json!(4)), None, 1),
        (name("bridge_of_tomorrow", json!(1)), Some(Cause::UnknownMetric), 0),
        (name("bridge_up", json!(1)), Some(Cause::NotForAgents), 0),
        (name("nhipcau_collector_series", json!(1)), Some(Cause::NotForAgents), 0),
        (name("bridge_probe_runs_total", json!(-1)), Some(Cause::BadValue), 0),
        (name("bridge_probe_runs_total", json!("ok")), Some(Cause::BadValue), 0),
        (rtt(16, 0.5), None, 1),
        (rtt(15, 0.5), Some(Cause::BadValue), 0),
        (rtt(16, -0.5), Some(Cause::BadValue), 0),
        (state("ok"), None, 1),
        (state("on fire"), Some(Cause::BadValue), 0),
        (name("bridge_host_disk_size_bytes", json!(1)), Some(Cause::BadLabel), 0),
        (labelled("", json!(1)), Some(Cause::BadLabel), 0),
        (labelled(&"x".repeat(257), json!(1)), Some(Cause::BadLabel), 0),
        (labelled("ổ đĩa \"C:\\\"\n", json!(1)), None, 1),
        (twice, Some(Cause::Duplicate), 1),
        (disks(64), None, 64),
        (disks(66), Some(Cause::TooManyLabels), 64),
    ];
    for (samples, cause, kept) in cases {
        let rig = rig();
        let text = samples.to_string();
        let answer = rig.batch(json!([with("/readings/0/samples", samples)])).await;
        assert_eq!(answer.accepted, [(boot(), 1)], "{text}");
        let snapshot = rig.fleet.snapshot(NOW);
        let (_, site) = snapshot.site("th-0316").unwrap();
        let (_, probe) = site.probes().next().unwrap();
        assert_eq!(probe.reading.samples.len(), kept, "{text}");
        if let Some(cause) = cause {
            assert!(rig.ignored(cause) > 0, "{text} is not counted as {cause:?}");
        }
    }
}

#[tokio::test]
async fn of_two_equal_samples_the_first_is_kept() {
    let rig = rig();
    let samples = json!([
        { "name": "bridge_host_cpus", "value": 4 }, { "name": "bridge_host_cpus", "value": 8 },
    ]);
    rig.batch(json!([with("/readings/0/samples", samples)])).await;
    let snapshot = rig.fleet.snapshot(NOW);
    let (_, probe) = snapshot.site("th-0316").unwrap().1.probes().next().unwrap();
    assert_eq!(probe.reading.samples[0].value, wire::Value::Number(4.0));
}

#[tokio::test]
async fn control_characters_end_here() {
    let rig = rig();
    let mut report = with("/agent/os", json!("Debian\u{1b}[31m"));
    report["readings"][0]["failure"] = json!({ "reason": "timeout", "detail": "a\r\nb" });
    rig.batch(json!([report])).await;
    let snapshot = rig.fleet.snapshot(NOW);
    let (_, site) = snapshot.site("th-0316").unwrap();
    assert_eq!(&*site.agent().unwrap().os, "Debian\u{fffd}[31m");
    let (_, probe) = site.probes().next().unwrap();
    assert_eq!(&*probe.last_failure.as_ref().unwrap().failure.detail, "a\u{fffd}\u{fffd}b");
}

#[tokio::test]
async fn a_batch_with_nothing_good_in_it_is_no_sign_of_life() {
    let rig = rig();
    let answer = rig.batch(json!([7])).await;
    assert_eq!((answer.accepted.len(), answer.refused.len()), (0, 1));
    assert!(rig.fleet.snapshot(NOW).site("th-0316").is_none());
}

#[tokio::test]
async fn an_agent_gone_wild_is_told_when_to_come_again() {
    let rig = rig();
    let mut last = rig.take("rubbish").await.unwrap_err();
    for _ in 0..60 {
        last = rig.take("rubbish").await.unwrap_err();
    }
    assert_eq!((last.status, last.retry_after), (429, Some(1)));
}

#[tokio::test]
async fn a_closed_store_asks_to_come_again_and_operators_still_see_the_present() {
    let rig = rig();
    rig.ingest.received.close().await;
    let body = json!({ "version": 1, "sent_at": NOW, "reports": [report(1)] }).to_string();
    let error = rig.take(body).await.unwrap_err();
    assert_eq!((error.status, error.retry_after), (503, Some(RETRY_AFTER_SECONDS)));
    assert!(rig.fleet.snapshot(NOW).site("th-0316").is_some());
    assert_eq!(rig.reports("accepted"), 0);
}
