//! The whole alarm: a collector with a calendar, Debian's Prometheus and Alertmanager with the
//! shipped rules, routes and intervals, and a receiver at the end.
//!
//! The shipped files are changed only where a test must: addresses, every receiver a webhook of
//! its own name, and the waits after an alert is over. Whatever passes between a fault and its
//! first message is as shipped.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;
use tempfile::TempDir;
use wire::enrolment::Code;

use crate::agent::Agent;
use crate::collector::Collector;
use crate::link::Link;
use crate::program::{self, Program};
use crate::prometheus::{Prometheus, free_address};
use crate::receiver::Receiver;
use crate::{http, wait};

/// Where Debian puts it.
const ALERTMANAGER: &str = "/usr/bin/prometheus-alertmanager";

/// Instead of minutes: how long an alert goes on after its cause, and how soon its end is told.
const AFTERWARDS: &str = "4s";

/// All parts, running.
#[derive(Debug)]
pub struct Alarm {
    /// The one that judges.
    pub collector: Collector,
    /// The one that evaluates.
    pub prometheus: Prometheus,
    /// The one that is told.
    pub receiver: Receiver,
    /// Where Alertmanager listens.
    pub alertmanager: SocketAddr,
    _alertmanager: Program,
    _folder: TempDir,
}

impl Alarm {
    /// Starts everything for these sites and meetings; `None` where Prometheus or Alertmanager is
    /// not installed. Mails go to `mail`, where there is such a server, else nowhere.
    #[must_use]
    pub fn start(inventory: &str, meetings: &str, mail: Option<SocketAddr>) -> Option<Self> {
        if !Path::new(ALERTMANAGER).exists() {
            return None;
        }
        let collector = Collector::start_with_calendar(inventory, meetings);
        let receiver = Receiver::start();
        let folder = tempfile::tempdir().expect("a temporary directory");
        let alertmanager = free_address();
        let program = start_alertmanager(folder.path(), alertmanager, receiver.address(), mail);
        let config = prometheus_config(folder.path(), collector.operations(), alertmanager);
        let prometheus = Prometheus::with_config(&config)?;
        Some(Self {
            collector,
            prometheus,
            receiver,
            alertmanager,
            _alertmanager: program,
            _folder: folder,
        })
    }

    /// A running agent of `site` that looks each 15 s at `target`, over `line` to the collector.
    #[must_use]
    pub fn agent(&self, site: &str, line: &Link, target: SocketAddr) -> Agent {
        let code = Code { port: line.address().port(), ..self.collector.code(site) };
        let probe = format!("mcu: {{ every: 15s, http: {{ url: \"http://{target}/\" }} }}");
        Agent::start(&format!("probes:\n  {probe}\n"), &code)
    }

    /// What Alertmanager holds now, as name and state (`active`, `suppressed`), of a scope.
    #[must_use]
    pub fn held(&self, scope: &str) -> Vec<(String, String)> {
        let answer = http::get(self.alertmanager, "/api/v2/alerts", &[]).expect("an answer").json();
        let alerts = answer.as_array().cloned().unwrap_or_default();
        let of_scope = alerts.into_iter().filter(|alert| alert["labels"]["scope"] == scope);
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        of_scope
            .map(|alert| (word(&alert["labels"]["alertname"]), word(&alert["status"]["state"])))
            .collect()
    }
}

/// Sites with the uplink each hangs on.
#[must_use]
pub fn inventory(sites: &[(&str, &str)]) -> String {
    let mut text = "areas: [{ id: mien-tay, name: Miền Tây }]\nsites:\n".to_owned();
    for (site, uplink) in sites {
        let _ = writeln!(
            text,
            "  - {{ id: {site}, name: \"Xã {site}\", level: commune, area: mien-tay, uplink: {uplink}, needs: [network] }}"
        );
    }
    text
}

/// A meeting of these sites that starts in so many minutes and lasts an hour.
#[must_use]
pub fn meeting(id: &str, minutes: i64, sites: &str) -> String {
    let start = utc(60_000 * minutes + wait::now());
    format!(
        "  - {{ id: {id}, title: \"Họp {id}\", start: {start}, duration: 1h, sites: {{ ids: [{sites}] }} }}\n"
    )
}

/// RFC 3339, by `date`: no crate for one line.
fn utc(millis: wire::UnixMillis) -> String {
    let mut command = Command::new("date");
    command.args(["--utc", "+%FT%T+00:00", &format!("--date=@{}", millis / 1000)]);
    String::from_utf8_lossy(&program::finish(command).stdout).trim().to_owned()
}

fn shipped(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join(path).canonicalize().expect("a shipped file")
}

fn text(path: &str) -> String {
    fs::read_to_string(shipped(path)).expect("a shipped file")
}

fn start_alertmanager(
    folder: &Path,
    address: SocketAddr,
    receiver: SocketAddr,
    mail: Option<SocketAddr>,
) -> Program {
    let config = folder.join("alertmanager.yml");
    fs::write(&config, alertmanager_config(receiver, mail)).expect("a writable directory");
    let mut command = program::mortal(ALERTMANAGER);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", folder.join("alertmanager").display()))
        .arg("--cluster.listen-address=")
        .arg(format!("--web.listen-address={address}"));
    let program = Program::start("alertmanager", command);
    wait::until("a ready Alertmanager", || {
        let answer = http::get(address, "/-/ready", &[]).map_err(|error| error.to_string())?;
        wait::seen(answer.status == 200, || answer.text())
    });
    program
}

/// The shipped routes, each receiver with a webhook of its name.
fn alertmanager_config(receiver: SocketAddr, mail: Option<SocketAddr>) -> String {
    let mut config: Value = serde_yaml::from_str(&text("deploy/alertmanager/alertmanager.yml"))
        .expect("the shipped configuration");
    config["templates"][0] =
        Value::from(shipped("deploy/alertmanager/nhipcau.tmpl").display().to_string());
    let global = config["global"].as_mapping_mut().expect("global settings");
    for key in ["smtp_auth_username", "smtp_auth_password_file"] {
        global.remove(key);
    }
    if let Some(mail) = mail {
        global.insert("smtp_smarthost".into(), mail.to_string().into());
        global.insert("smtp_require_tls".into(), false.into());
    }
    shorten(&mut config["route"]);
    for one in config["receivers"].as_sequence_mut().expect("receivers") {
        let name = one["name"].as_str().expect("a name").to_owned();
        let webhook = format!("[{{ url: \"http://{receiver}/{name}\", send_resolved: true }}]");
        one["webhook_configs"] = serde_yaml::from_str(&webhook).expect("a webhook");
        if mail.is_none() {
            one.as_mapping_mut().expect("a receiver").remove("email_configs");
        }
    }
    serde_yaml::to_string(&config).expect("YAML")
}

/// The first message of a group waits as shipped, what follows it does not.
fn shorten(route: &mut Value) {
    if !route["group_interval"].is_null() {
        route["group_interval"] = AFTERWARDS.into();
    }
    for child in route["routes"].as_sequence_mut().into_iter().flatten() {
        shorten(child);
    }
}

/// The shipped rules and intervals.
fn prometheus_config(folder: &Path, target: SocketAddr, alertmanager: SocketAddr) -> String {
    let rules = folder.join("nhipcau.rules.yaml");
    let lines = text("dashboards/rules/nhipcau.rules.yaml");
    let lines = lines.lines().map(|line| match line.split_once("keep_firing_for: ") {
        Some((before, _)) => format!("{before}keep_firing_for: {AFTERWARDS}\n"),
        None => format!("{line}\n"),
    });
    fs::write(&rules, lines.collect::<String>()).expect("a writable directory");
    text("deploy/prometheus/prometheus.yml")
        .replace("127.0.0.1:9815", &target.to_string())
        .replace("127.0.0.1:9093", &alertmanager.to_string())
        .replace("rules/*.rules.yaml", &rules.display().to_string())
}
