//! The fleet simulator: what its script says goes wrong is what the collector says is wrong.

use std::collections::BTreeSet;

use tests::collector::Collector;
use tests::program::{self, Program};
use tests::wait;

/// Of 40 sites the communes of two areas; those of one line are cut off once all have reported.
const SCRIPT: &str = "faults:
  - { fault: line_cut, uplink: vnpt-hoang-giang-1, from: 30s }
  - { fault: camera_unplugged, sites: [xa-0002] }
  - { fault: microphone_muted, sites: [xa-0004] }
  - { fault: display_asleep, sites: [xa-0006] }
  - { fault: clock_wrong, sites: [xa-0008] }
  - { fault: service_refuses, sites: [xa-0010] }
  - { fault: ports_blocked, sites: [xa-0012] }
  - { fault: on_battery, sites: [xa-0014] }
  - { fault: lossy_line, sites: [xa-0016] }
  - { fault: restart_pending, sites: [xa-0018] }
  - { fault: switched_off, sites: [xa-0020] }
  - { fault: old_agent, sites: [xa-0022] }
";

/// A site, its verdict, and a reason of it.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("xa-0002", "not_ready", "camera_missing"),
    ("xa-0004", "not_ready", "muted"),
    ("xa-0006", "degraded", "asleep"),
    ("xa-0008", "not_ready", "clock_unsynchronised"),
    ("xa-0010", "not_ready", "probe_refused"),
    ("xa-0012", "degraded", "ports_blocked"),
    ("xa-0014", "degraded", "ups_on_battery"),
    ("xa-0020", "unknown", "never_heard"),
    ("xa-0001", "unknown", "site_silent"),
    ("xa-0024", "ready", ""),
];

const CUT: &str = "vnpt-hoang-giang-1";
const BEHIND_IT: f64 = 9.0;

#[test]
fn what_goes_wrong_by_script_is_what_the_collector_says_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script.yaml"), SCRIPT).unwrap();
    let which = ["--sites", "40", "--seed", "1", "--state-dir"];
    let mut prepare = program::mortal(program::binary("fleet"));
    prepare.arg("prepare").args(which).arg(folder.path().join("state"));
    prepare.arg("--folder").arg(folder.path());
    let prepared = program::finish(prepare);
    assert!(prepared.status.success(), "{}", program::said(&prepared));

    let script = folder.path().join("script.yaml");
    let collector = Collector::start_prepared(folder);
    let mut run = program::mortal(program::binary("fleet"));
    run.arg("run").args(which).arg(collector.state_dir());
    run.args(["--chance", "0", "--collector", &collector.agents().to_string(), "--script"]);
    run.arg(script);
    let mut fleet = Program::start("fleet", run);

    for (site, verdict, reason) in EXPECTED {
        wait::until(site, || {
            let (judged, reasons) = judged(&collector, site);
            let fits = judged == *verdict && (reason.is_empty() || reasons.contains(*reason));
            wait::seen(fits, || format!("{judged}: {reasons:?}"))
        });
    }
    let is = |expected: f64| move |value: f64| (value - expected).abs() < 0.5;
    collector.wait_for("bridge_incident_sites", &[("uplink", CUT)], is(BEHIND_IT));
    collector.wait_for("bridge_host_restart_pending", &[("site", "xa-0018")], is(1.0));
    collector.wait_for("bridge_agent_info", &[("site", "xa-0022"), ("version", "0.0.7")], is(1.0));
    let far_off = |seconds: f64| seconds.abs() > 60.0;
    collector.wait_for("bridge_agent_clock_offset_seconds", &[("site", "xa-0008")], far_off);
    let lossy = [("site", "xa-0016"), ("probe", "mcu")];
    collector.wait_for("bridge_probe_jitter_seconds", &lossy, |seconds| seconds > 0.01);

    fleet.hear("a line of what goes on", |line| line.starts_with("40 sites; ").then_some(()));
    fleet.stop();
    assert!(fleet.said().contains("xa-0002  camera_unplugged"), "{}", fleet.said());
}

/// The verdict of a site, with the codes of its reasons.
fn judged(collector: &Collector, site: &str) -> (String, BTreeSet<String>) {
    let page = collector.get(&format!("/api/v1/sites/{site}"), &[]).json();
    let reasons = page["reasons"].as_array().cloned().unwrap_or_default();
    let codes = reasons.iter().filter_map(|reason| reason["code"].as_str().map(str::to_owned));
    (page["verdict"].as_str().unwrap_or_default().to_owned(), codes.collect())
}
