//! Hostile and broken reports: each is refused for good with a reason, none takes another with
//! it, and the collector goes on.

use std::io::Read;

use serde_json::{Value, json};
use tests::client::{Client, batch, report};
use tests::collector::{Collector, inventory};
use tests::wait::now;
use uuid::Uuid;
use wire::limits;

const SITE: &str = "th-0001";

fn enrolled() -> (Collector, Client) {
    let collector = Collector::start(&inventory(&[SITE, "th-0002"]));
    let client = Client::enrol(collector.agents(), &collector.code(SITE));
    (collector, client)
}

/// A sound report with something put into it.
fn with(path: &str, value: Value) -> Value {
    let mut report = report(Uuid::new_v4(), 1, now(), 1);
    *report.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
    report
}

fn without(key: &str) -> Value {
    let mut report = report(Uuid::new_v4(), 1, now(), 1);
    report.as_object_mut().unwrap().remove(key);
    report
}

/// Whole bodies that are no batch.
#[test]
fn a_body_that_is_no_batch_is_refused_whole() {
    let (collector, client) = enrolled();
    let mut wrong_version = batch(&[report(Uuid::new_v4(), 1, now(), 1)]);
    wrong_version["version"] = json!(99);
    let too_many: Vec<Value> = (1..=501).map(|seq| report(Uuid::new_v4(), seq, now(), 1)).collect();
    let cases: Vec<(&str, &str, Vec<u8>, &[u16])> = vec![
        ("empty", "identity", b"{}".to_vec(), &[400, 422]),
        ("not JSON", "identity", b"xin chao".to_vec(), &[400, 422]),
        (
            "torn JSON",
            "identity",
            b"{\"version\":1,\"sent_at\":1,\"reports\":[{".to_vec(),
            &[400, 422],
        ),
        (
            "invalid UTF-8",
            "identity",
            b"{\"version\":1,\"sent_at\":1,\"reports\":[\"\xff\xfe\"]}".to_vec(),
            &[400, 422],
        ),
        ("wrong version", "identity", wrong_version.to_string().into_bytes(), &[400, 422]),
        ("no version", "identity", b"{\"sent_at\":1,\"reports\":[]}".to_vec(), &[400, 422]),
        (
            "too many reports",
            "identity",
            batch(&too_many).to_string().into_bytes(),
            &[400, 413, 422],
        ),
        ("no zstd", "zstd", b"xin chao".to_vec(), &[400, 422]),
        ("no gzip", "gzip", b"xin chao".to_vec(), &[400, 422]),
        ("unknown encoding", "br", b"xin chao".to_vec(), &[415]),
        ("zstd bomb", "zstd", zstd_bomb(), &[413]),
        ("gzip bomb", "gzip", gzip_bomb(), &[413]),
        ("too large", "identity", vec![b' '; limits::BODY_BYTES + 1], &[413]),
    ];
    for (what, encoding, body, statuses) in cases {
        let answer =
            client.push_raw(encoding, &body).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(statuses.contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
    }
    assert_sound(&collector, &client);
}

/// 256 MiB of blanks in some 10 KiB.
fn zstd_bomb() -> Vec<u8> {
    let blanks = std::io::repeat(b' ').take(256 * 1024 * 1024);
    zstd::encode_all(blanks, 3).unwrap()
}

/// 32 MiB of blanks in some 150 KiB.
fn gzip_bomb() -> Vec<u8> {
    let blanks = std::io::repeat(b' ').take(32 * 1024 * 1024);
    let mut bomb = Vec::new();
    let mut packer = flate2::bufread::GzEncoder::new(
        std::io::BufReader::new(blanks),
        flate2::Compression::fast(),
    );
    packer.read_to_end(&mut bomb).unwrap();
    bomb
}

#[test]
fn deep_nesting_costs_its_report_and_not_the_collector() {
    let (collector, client) = enrolled();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}0{}", open.repeat(100_000), close.repeat(100_000));
        let readings = format!(
            "{{\"boot\":\"{}\",\"seq\":1,\"taken_at\":1,\"uptime_ms\":1,\"agent\":{{\"version\":\"\",\"os\":\"\"}},\"readings\":{deep}}}",
            Uuid::new_v4()
        );
        for report in [deep.clone(), readings] {
            let body = format!("{{\"version\":1,\"sent_at\":1,\"reports\":[{report}]}}");
            let answer = client.push_raw("identity", body.as_bytes()).unwrap();
            assert!([200, 400, 422].contains(&answer.status), "{}", answer.text());
            assert!(!answer.text().contains("\"accepted\":[["), "{}", answer.text());
        }
    }
    assert_sound(&collector, &client);
}

/// Reports that are refused one by one, each between two sound ones.
#[test]
fn a_broken_report_never_takes_its_batch_with_it() {
    let (collector, client) = enrolled();
    let samples = |count: usize| {
        let sample = |at: usize| json!({ "name": "bridge_host_disk_size_bytes", "label": format!("disk-{at}"), "value": 1 });
        Value::Array((0..count).map(sample).collect())
    };
    let reading = report(Uuid::nil(), 1, 0, 1)["readings"][0].clone();
    let many_readings = Value::Array(vec![reading; limits::READINGS_PER_REPORT + 1]);
    let cases = [
        ("no boot", without("boot")),
        ("no seq", without("seq")),
        ("no readings", without("readings")),
        ("a boot that is no UUID", with("/boot", json!("xin chao"))),
        ("a negative seq", with("/seq", json!(-1))),
        ("a fractional seq", with("/seq", json!(1.5))),
        ("a text for a time", with("/taken_at", json!("hôm qua"))),
        ("a number too huge", with("/uptime_ms", json!(1e300))),
        ("a probe that is no id", with("/readings/0/probe", json!("a\"} 1\nevil 2"))),
        ("a probe too long", with("/readings/0/probe", json!("x".repeat(100)))),
        ("too many samples", with("/readings/0/samples", samples(limits::SAMPLES_PER_REPORT + 1))),
        ("10,000 labels", with("/readings/0/samples", samples(10_000))),
        ("too many readings", with("/readings", many_readings)),
        ("readings that are none", with("/readings", json!({ "a": 1 }))),
        ("an interval that never ends", with("/readings/0/every_ms", json!(u64::MAX))),
        ("not an object", json!(7)),
        ("null", Value::Null),
    ];
    for (what, broken) in cases {
        let boot = Uuid::new_v4();
        let (first, last) = (report(boot, 1, now() - 1000, 1), report(boot, 2, now(), 1));
        let answer = client.push(&[last, broken, first]);
        assert_eq!(answer.accepted, [(boot, 2), (boot, 1)], "{what}");
        let refused: Vec<usize> = answer.refused.iter().map(|refusal| refusal.index).collect();
        assert_eq!(refused, [1], "{what}: {answer:?}");
        assert!(
            !answer.refused[0].reason.is_empty() && answer.refused[0].reason.is_ascii(),
            "{what}"
        );
    }
    assert_sound(&collector, &client);
}

/// Samples that are odd but must not cost the report.
#[test]
fn nothing_in_a_sample_reaches_prometheus_unchecked() {
    let (collector, client) = enrolled();
    let sample = |value: Value| json!([{ "name": "bridge_host_cpus", "value": value }]);
    let odd = [
        ("a metric of tomorrow", json!([{ "name": "bridge_of_tomorrow", "value": 1 }])),
        ("the software's own metric", json!([{ "name": "nhipcau_collector_series", "value": 77 }])),
        ("what the collector alone says", json!([{ "name": "bridge_up", "value": 0 }])),
        ("another kind of value", sample(json!("ok"))),
        ("a negative counter", json!([{ "name": "bridge_probe_runs_total", "value": -5 }])),
        (
            "a label with every evil",
            json!([{ "name": "bridge_link_up", "label": "e\"}\n\\evil 1", "value": 1 }]),
        ),
        (
            "a label that nobody asked for",
            json!([{ "name": "bridge_host_cpus", "label": "x", "value": 1 }]),
        ),
        (
            "a state that does not exist",
            json!([{ "name": "bridge_device_state", "label": "camera", "value": "asleep" }]),
        ),
        (
            "a histogram with too few buckets",
            json!([{ "name": "bridge_probe_rtt_seconds", "value": { "buckets": [1], "sum": 1 } }]),
        ),
        (
            "a histogram beyond counting",
            json!([{ "name": "bridge_probe_rtt_seconds", "value": { "buckets": vec![u64::MAX; 16], "sum": 1 } }]),
        ),
        (
            "one sample twice",
            json!([{ "name": "bridge_host_cpus", "value": 1 }, { "name": "bridge_host_cpus", "value": 2 }]),
        ),
    ];
    for (seq, (what, samples)) in (1..).zip(odd) {
        let mut odd = report(Uuid::new_v4(), seq, now(), 1);
        odd["readings"][0]["samples"] = samples;
        let answer = client.push(&[odd]);
        assert_eq!(answer.accepted.len() + answer.refused.len(), 1, "{what}");
        let scrape = collector.scrape();
        assert_eq!(scrape.value("bridge_up", &[("site", SITE)]), Some(1.0), "{what}");
        assert!(scrape.lines("evil").is_empty(), "{what}");
        assert!(scrape.lines("bridge_of_tomorrow").is_empty(), "{what}");
        assert_ne!(scrape.value("nhipcau_collector_series", &[]), Some(77.0), "{what}");
        let mut series: Vec<_> =
            scrape.all().iter().map(|line| (&line.name, &line.labels)).collect();
        let before = series.len();
        series.sort();
        series.dedup();
        assert_eq!(series.len(), before, "{what}: a series twice makes Prometheus drop the scrape");
    }
    assert_sound(&collector, &client);
}

#[test]
fn numbers_that_are_none_are_never_shown() {
    let (collector, client) = enrolled();
    for text in ["NaN", "Infinity", "1e999", "-1e999", "null"] {
        let body = batch(&[report(Uuid::new_v4(), 1, now(), 1)]).to_string();
        let body = body.replace("\"value\":1", &format!("\"value\":{text}"));
        let answer = client.push_raw("identity", body.as_bytes()).unwrap();
        assert!([200, 400, 422].contains(&answer.status), "{text}: {answer:?}");
        for line in collector.scrape().all() {
            assert!(line.value.is_finite() || line.labels.contains_key("le"), "{text}: {line:?}");
        }
    }
    assert_sound(&collector, &client);
}

#[test]
fn the_site_is_the_credentials_never_the_bodys() {
    let (collector, client) = enrolled();
    let mut report = report(Uuid::new_v4(), 1, now(), 1);
    report["site"] = json!("th-0002");
    report["readings"][0]["site"] = json!("th-0002");
    let mut body = batch(&[report]);
    body["site"] = json!("th-0002");
    let answer = client.push_raw("identity", body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 200);
    collector.wait_for_site(SITE);
    assert_eq!(collector.scrape().value("bridge_up", &[("site", "th-0002")]), Some(0.0));
}

#[test]
fn a_report_from_the_future_is_shown_at_its_arrival() {
    let (collector, client) = enrolled();
    let _ = client.push(&[report(Uuid::new_v4(), 1, now() + 86_400_000 * 365, 1)]);
    let ran =
        collector.scrape().value("bridge_probe_last_run_timestamp_seconds", &[("site", SITE)]);
    assert!(ran.is_none_or(|at| at <= now() as f64 / 1000.0 + 1.0), "{ran:?}");
}

/// The collector still takes a sound report, and has not panicked.
fn assert_sound(collector: &Collector, client: &Client) {
    let boot = Uuid::new_v4();
    assert_eq!(client.push(&[report(boot, 1, now(), 1)]).accepted, [(boot, 1)]);
    assert_eq!(collector.get("/-/healthy", &[]).status, 200);
}
