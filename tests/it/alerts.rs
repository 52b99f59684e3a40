//! The shipped alerts fire when they should and only then, everyone finds what to do about them,
//! and Alertmanager tells the right people.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;
use wire::metrics;

const RULES: &str = "dashboards/rules/nhipcau.rules.yaml";
const ALERTMANAGER: &str = "deploy/alertmanager/alertmanager.yml";

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(project(path)).unwrap()
}

fn yaml(path: &Path) -> Value {
    let mut value: Value = serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    value.apply_merge().unwrap();
    value
}

fn list(value: &Value) -> &[Value] {
    value.as_sequence().map_or(&[], Vec::as_slice)
}

fn rules() -> Vec<Value> {
    let file = yaml(&project(RULES));
    list(&file["groups"]).iter().flat_map(|group| list(&group["rules"])).cloned().collect()
}

fn alerts() -> Vec<Value> {
    rules().into_iter().filter(|rule| rule["alert"].is_string()).collect()
}

fn name(alert: &Value) -> String {
    alert["alert"].as_str().unwrap().to_owned()
}

fn rule_tests() -> Vec<PathBuf> {
    let folder = fs::read_dir(project("dashboards/rules/tests")).unwrap();
    folder.map(|entry| entry.unwrap().path()).collect()
}

/// What the program says, or nothing where it is not installed.
fn run(program: &str, arguments: &[&str], files: &[PathBuf]) -> Option<(bool, String)> {
    match Command::new(program).args(arguments).args(files).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
        }
        Err(error) => {
            println!("SKIPPED: {program}: {error}");
            None
        }
    }
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    let Some((good, said)) = run("promtool", &["check", "rules", "--lint=all"], &[project(RULES)])
    else {
        return;
    };
    assert!(good, "{said}");
    if let Some((good, said)) = run("promtool", &["test", "rules"], &rule_tests()) {
        assert!(good, "{said}");
    }
}

#[test]
fn every_alert_has_a_firing_and_a_quiet_case() {
    let (mut firing, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for file in rule_tests() {
        for test in list(&yaml(&file)["tests"]) {
            for case in list(&test["alert_rule_test"]) {
                let alert = case["alertname"].as_str().unwrap().to_owned();
                let expected = list(&case["exp_alerts"]);
                if expected.is_empty() {
                    quiet.insert(alert);
                    continue;
                }
                for one in expected {
                    let severity = one["exp_labels"]["severity"].as_str().unwrap().to_owned();
                    firing.insert((alert.clone(), severity));
                }
            }
        }
    }
    for alert in alerts() {
        let name = name(&alert);
        let severity = alert["labels"]["severity"].as_str().unwrap().to_owned();
        assert!(name == "Watchdog" || quiet.contains(&name), "{name} has no quiet case");
        let case = (name, severity);
        assert!(firing.contains(&case), "{case:?} has no firing case");
    }
}

#[test]
fn every_alert_says_what_it_is_and_what_to_do_in_both_languages() {
    let runbook = text("dashboards/runbook.md");
    let headings: BTreeSet<&str> =
        runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let name = name(&alert);
        for label in ["severity", "component", "scope"] {
            assert!(alert["labels"][label].is_string(), "{name}: label {label}");
        }
        let annotation = |key: &str| alert["annotations"][key].as_str().unwrap_or_default();
        for key in ["summary", "description", "summary_en", "description_en", "dashboard_url"] {
            assert!(!annotation(key).is_empty(), "{name}: annotation {key}");
        }
        let anchor = format!("#{}", name.to_lowercase());
        assert!(annotation("runbook_url").ends_with(&anchor), "{name}: runbook_url");
        assert!(headings.contains(name.as_str()), "{name} has no heading in the runbook");
        names.insert(name);
    }
    for heading in headings {
        assert!(names.contains(heading), "the runbook's {heading} is no alert");
    }
}

#[test]
fn every_metric_an_alert_names_is_one() {
    let recorded: BTreeSet<String> =
        rules().iter().filter_map(|rule| rule["record"].as_str()).map(str::to_owned).collect();
    let rules = text(RULES);
    let code: Vec<&str> =
        rules.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let mut named = BTreeSet::new();
    let code = code.join("\n");
    for word in code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')) {
        let word = word.trim_end_matches(':');
        if ["bridge_", "bridge:", "nhipcau_"].iter().any(|prefix| word.starts_with(prefix)) {
            let mut series = ["_bucket", "_count", "_sum"].iter();
            let histogram = series.find_map(|end| word.strip_suffix(end));
            let known = recorded.contains(word)
                || metrics::find(word).is_some()
                || histogram.and_then(metrics::find).is_some();
            assert!(known, "{word} is neither in the table nor recorded");
            named.insert(word);
        }
    }
    assert!(named.len() > 10, "only {named:?}");
}

#[test]
fn alertmanager_tells_the_right_people() {
    let file = project(ALERTMANAGER);
    let Some((good, said)) = run("amtool", &["check-config"], std::slice::from_ref(&file)) else {
        return;
    };
    assert!(good, "{said}");
    let config = format!("--config.file={}", file.display());
    for (receiver, labels) in [
        ("heartbeat", "alertname=Watchdog severity=none scope=collector"),
        ("operations", "alertname=MeetingNotReady scope=meeting severity=warning meeting=m"),
        (
            "operations-urgent",
            "alertname=MeetingNotReady scope=meeting severity=critical meeting=m",
        ),
        ("operations", "alertname=MissedRollCall scope=meeting severity=warning meeting=m"),
        (
            "technicians-mien-tay",
            "alertname=SiteNotReady scope=site component=readiness severity=warning area=mien-tay",
        ),
        (
            "technicians-hoang-hoa",
            "alertname=SiteNotReady scope=site component=readiness severity=critical area=hoang-hoa",
        ),
        (
            "technicians-ven-bien",
            "alertname=AgentSilent scope=site component=agent severity=warning area=ven-bien",
        ),
        (
            "operations",
            "alertname=SiteNotReady scope=site component=readiness severity=critical area=new-area",
        ),
        ("operations", "alertname=SiteNotReady scope=site component=readiness severity=critical"),
        ("operations-urgent", "alertname=UplinkIncident scope=uplink severity=critical uplink=u"),
        ("operations", "alertname=UplinkIncident scope=uplink severity=warning uplink=u"),
        ("operations-urgent", "alertname=CollectorDown scope=collector severity=critical"),
        ("operations", "alertname=SpoolEvicting scope=site component=agent severity=warning"),
    ] {
        let verify = format!("--verify.receivers={receiver}");
        let mut arguments = vec!["config", "routes", "test", &config, &verify];
        arguments.extend(labels.split(' '));
        let (good, said) = run("amtool", &arguments, &[]).unwrap();
        assert!(good, "{labels}: {said}");
    }
}

#[test]
fn what_is_critical_or_near_a_meeting_is_never_muted() {
    let config = yaml(&project(ALERTMANAGER));
    for zone in list(&config["time_intervals"]).iter().flat_map(|one| list(&one["time_intervals"]))
    {
        assert_eq!(zone["location"].as_str(), Some("Asia/Ho_Chi_Minh"));
    }
    let mut muted = 0;
    let mut urgent = 0;
    for route in list(&config["route"]["routes"]) {
        let matchers: Vec<_> = list(&route["matchers"]).iter().filter_map(Value::as_str).collect();
        let silenced = route["active_time_intervals"].is_sequence()
            || route["mute_time_intervals"].is_sequence();
        let near_a_meeting = matchers.iter().any(|matcher| matcher.contains("AgentSilent"))
            || matchers.contains(&"scope = meeting");
        if near_a_meeting || matchers.contains(&"severity = critical") {
            assert!(!silenced, "{matchers:?} is muted");
            urgent += 1;
        }
        muted += usize::from(silenced);
    }
    assert!(urgent >= 4 && muted >= 2, "{urgent} urgent and {muted} muted routes");
}

/// The missing-label trap: two alerts that both lack a label have it equal.
#[test]
fn an_incident_silences_its_members_and_never_a_meeting() {
    let config = yaml(&project(ALERTMANAGER));
    let mut of_incidents = 0;
    for rule in list(&config["inhibit_rules"]) {
        let words = |key: &str| -> Vec<String> {
            list(&rule[key]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (source, target) = (words("source_matchers"), words("target_matchers"));
        if !source.contains(&"alertname = UplinkIncident".to_owned()) {
            continue;
        }
        assert!(target.contains(&"scope = site".to_owned()), "{target:?}");
        for label in words("equal") {
            let present = format!("{label} =~ \".+\"");
            assert!(
                source.contains(&present) && target.contains(&present),
                "{label} may be missing"
            );
        }
        of_incidents += 1;
    }
    assert_eq!(of_incidents, 2);
    for alert in alerts() {
        let site = alert["labels"]["scope"].as_str() == Some("site");
        let meeting = name(&alert).starts_with("Meeting") || name(&alert) == "MissedRollCall";
        assert!(!(site && meeting), "{}", name(&alert));
    }
}
