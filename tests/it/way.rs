//! The main job: a reading travels from a PC to Prometheus.

use tests::agent::Agent;
use tests::collector::{Collector, inventory};
use tests::prometheus::Prometheus;

#[test]
fn a_reading_travels_from_the_pc_to_prometheus() {
    let collector = Collector::start(&inventory(&["th-0001", "th-0002"]));
    let Some(prometheus) = Prometheus::scraping(collector.operations()) else {
        println!("SKIPPED: prometheus is not installed");
        return;
    };
    let config = format!(
        "probes:\n  web: {{ every: 2s, http: {{ url: \"http://{}/-/healthy\" }} }}\n  closed: {{ every: 2s, tcp: {{ host: 127.0.0.1, port: 1 }} }}\n",
        collector.operations()
    );
    let _agent = Agent::start(&config, &collector.code("th-0001"));

    let found = prometheus.wait_for(r#"bridge_probe_success{probe="web"} == 1"#);
    assert_eq!(found.len(), 1, "{found:?}");
    let labels = &found[0].0;
    assert_eq!(labels["site"], "th-0001");
    assert_eq!(labels["kind"], "http");

    for expression in [
        r#"bridge_up{site="th-0001"} == 1"#,
        r#"bridge_up{site="th-0002"} == 0"#,
        r#"bridge_expected{site="th-0002"} == 1"#,
        r#"bridge_info{site="th-0001",name="UBND xã th-0001",level="commune",uplink="pop-1"} == 1"#,
        r#"bridge_probe_success{site="th-0001",probe="closed",kind="tcp"} == 0"#,
        r#"bridge_probe_failures_total{site="th-0001",probe="closed",kind="tcp",reason="refused"} > 0"#,
        r#"bridge_probe_http_status_code{site="th-0001",probe="web"} == 200"#,
        r#"abs(bridge_agent_clock_offset_seconds{site="th-0001"}) < 5"#,
        r#"abs(time() - bridge_last_seen_timestamp_seconds{site="th-0001"}) < 60"#,
        r#"bridge_agent_info{site="th-0001"} == 1"#,
        r#"nhipcau_collector_reports_total{result="accepted"} > 0"#,
        r#"nhipcau_collector_sites{state="expected"} == 2"#,
        "up == 1",
    ] {
        assert_eq!(prometheus.wait_for(expression).len(), 1, "{expression}");
    }
    assert_eq!(prometheus.query(r#"bridge_last_seen_timestamp_seconds{site="th-0002"}"#), []);
}

#[test]
fn the_api_tells_of_every_expected_site() {
    let collector = Collector::start(&inventory(&["th-0001", "th-0002"]));
    let _agent = Agent::start("", &collector.code("th-0001"));
    collector.wait_for_site("th-0001");

    let all = collector.get("/api/v1/sites", &[]);
    assert_eq!(all.status, 200);
    let text = all.text();
    assert!(text.contains("th-0001") && text.contains("th-0002"), "{text}");

    let one = collector.get("/api/v1/sites/th-0001", &[]).json();
    assert!(one.to_string().contains("\"host\""), "readings of this PC: {one}");
    assert_eq!(collector.get("/api/v1/sites/th-0002", &[]).status, 200);
    assert_eq!(collector.get("/api/v1/sites/th-0003", &[]).status, 404);
}
