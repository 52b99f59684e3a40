//! Every query of every page against a real Prometheus that holds a fleet in trouble.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::collector::Collector;
use tests::program::{self, Program};
use tests::prometheus::Prometheus;
use tests::wait;

use super::{expressions, filled_in, list, project, vietnamese, word};

/// Of every fault there is at least one site, and most are well.
const SITES: &str = "60";

/// The fleet program, for the state directory within `folder`.
fn fleet(command: &str, folder: &Path) -> Command {
    let mut fleet = program::mortal(program::binary("fleet"));
    fleet.args([command, "--sites", SITES, "--state-dir"]).arg(folder.join("state"));
    fleet
}

/// Inventory, credentials and meetings of a fleet, one of which begins while the test looks on.
fn prepared() -> tempfile::TempDir {
    const SOON_MILLIS: i64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let mut prepare = fleet("prepare", folder.path());
    prepare.arg("--folder").arg(folder.path());
    let output = program::finish(prepare);
    assert!(output.status.success(), "{}", program::said(&output));
    let start = jiff::Timestamp::from_millisecond(wait::now() + SOON_MILLIS).unwrap();
    let meeting = format!(
        "meetings:\n  - {{ id: roll-call, title: \"Điểm danh\", start: \"{start:.0}\", duration: 1h, sites: {{ levels: [commune] }} }}\n"
    );
    fs::write(folder.path().join("meetings/roll-call.yaml"), meeting).unwrap();
    folder
}

/// A Prometheus with the shipped rules, which are evaluated each second: nobody waits minutes.
fn prometheus(collector: SocketAddr, folder: &Path) -> Option<Prometheus> {
    let rules = fs::read_to_string(project("dashboards/rules/nhipcau.rules.yaml")).unwrap();
    let hurried = ["2s", "5s", "15s", "1m"].iter().fold(rules, |rules, interval| {
        rules.replace(&format!("    interval: {interval}\n"), "    interval: 1s\n")
    });
    let file = folder.join("hurried.rules.yaml");
    fs::write(&file, hurried).unwrap();
    Prometheus::with_config(&format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  external_labels: {{ grafana: g, runbook: r }}\nrule_files: [{}]\nscrape_configs:\n  - job_name: nhipcau\n    static_configs: [{{ targets: [\"{collector}\"] }}]\n",
        file.display()
    ))
}

fn label(found: &[(Value, String)], label: &str) -> String {
    found[0].0[label].as_str().unwrap().to_owned()
}

/// A panel whose description says what it means when it is empty may be so.
fn may_be_empty(dashboard: &Value, place: &str) -> bool {
    let panel = list(&dashboard["panels"]).iter().find(|panel| word(panel, "title") == place);
    let Some(panel) = panel else {
        return list(&dashboard["annotations"]["list"])
            .iter()
            .any(|one| word(one, "name") == place);
    };
    word(panel, "description").to_lowercase().contains("trống")
}

#[test]
fn every_query_answers_for_a_fleet_in_trouble() {
    let folder = prepared();
    let path = folder.path().to_owned();
    let collector = Collector::start_prepared(folder);
    let mut run = fleet("run", &path);
    run.args(["--collector", &collector.link.address().to_string()]);
    let _fleet = Program::start("fleet", run);
    let Some(prometheus) = prometheus(collector.operations(), &path) else {
        println!("SKIPPED: prometheus is not installed");
        return;
    };
    let measured = prometheus.wait_for("bridge_probe_rtt_seconds_count > 0");
    let running = prometheus.wait_for("bridge:roll_call_sites");
    let (site, meeting) = (label(&measured, "site"), label(&running, "meeting"));
    for (name, dashboard) in vietnamese() {
        for (place, expression) in expressions(&dashboard) {
            if may_be_empty(&dashboard, &place) {
                continue;
            }
            let asked = filled_in(&expression, &site, &meeting);
            wait::until(&format!("data in {name}: {place}"), || {
                wait::seen(!prometheus.query(&asked).is_empty(), || asked.clone())
            });
        }
    }
}
