//! What Prometheus' own tools say of what the collector exposes.

use std::io::Write;
use std::process::{Command, Stdio};

use tests::agent::Agent;
use tests::collector::{Collector, inventory};
use tests::prometheus::Prometheus;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn running() -> (Collector, Agent) {
    let collector = Collector::start(&inventory(&["th-0001", "th-0002"]));
    let agent = Agent::start("", &collector.code("th-0001"));
    collector.wait_for_site("th-0001");
    (collector, agent)
}

#[test]
fn promtool_finds_nothing_to_say() {
    let (collector, _agent) = running();
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = spawned else {
        println!("SKIPPED: promtool is not installed");
        return;
    };
    let metrics = collector.get("/metrics", &[]).body;
    promtool.stdin.take().unwrap().write_all(&metrics).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = tests::program::said(&output);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn prometheus_takes_every_sample_of_openmetrics() {
    let (collector, _agent) = running();
    let answer = collector.get("/metrics", &[("Accept", OPENMETRICS)]);
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "the end is marked");

    // Prometheus asks for OpenMetrics first and drops a scrape with one bad line.
    let Some(prometheus) = Prometheus::scraping(collector.operations()) else {
        println!("SKIPPED: prometheus is not installed");
        return;
    };
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    let found = prometheus.wait_for(&format!("scrape_samples_scraped >= {}", samples / 2));
    assert_eq!(found.len(), 1);
    assert_eq!(prometheus.query("up == 1").len(), 1);
}

#[test]
fn every_encoding_carries_the_same_series() {
    let (collector, _agent) = running();
    let names = |text: &str| {
        let scrape = tests::scrape::Scrape::read(text);
        let of_sites = scrape.all().iter().filter(|line| line.labels.contains_key("site"));
        let mut names: Vec<_> =
            of_sites.map(|line| (line.name.clone(), line.labels.clone())).collect();
        names.sort();
        names.dedup();
        names
    };
    let plain = names(&collector.get("/metrics", &[]).text());
    assert!(plain.len() > 10);
    let zstd = collector.get("/metrics", &[("Accept-Encoding", "zstd")]);
    assert_eq!(zstd.header("content-encoding"), Some("zstd"));
    let unpacked = zstd::decode_all(&zstd.body[..]).unwrap();
    assert_eq!(names(&String::from_utf8(unpacked).unwrap()), plain);
    let gzip = collector.get("/metrics", &[("Accept-Encoding", "gzip")]);
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let mut unpacked = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&gzip.body[..]), &mut unpacked)
        .unwrap();
    assert_eq!(names(&unpacked), plain);
}
