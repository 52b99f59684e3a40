//! Debian's Alertmanager with the shipped routes.

use std::fs;
use std::io::{BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_yaml::Value;
use tempfile::TempDir;

use crate::program::{self, Program};
use crate::prometheus::free_address;
use crate::{http, wait};

/// Where Debian puts it.
const ALERTMANAGER: &str = "/usr/bin/prometheus-alertmanager";

/// Instead of minutes: how soon the end of an alert is told.
const AFTERWARDS: &str = "4s";

/// A running one.
#[derive(Debug)]
pub struct Alertmanager {
    address: SocketAddr,
    program: Program,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts one with this configuration; `None` where it is not installed.
    #[must_use]
    pub fn start(config: &Value) -> Option<Self> {
        if !Path::new(ALERTMANAGER).exists() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary directory");
        let file = folder.path().join("alertmanager.yml");
        fs::write(&file, serde_yaml::to_string(config).expect("YAML")).expect("a writable folder");
        let address = free_address();
        let mut command = program::mortal(ALERTMANAGER);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg("--cluster.listen-address=")
            // Otherwise it does not say what it keeps back because of the hour.
            .arg("--log.level=debug")
            .arg(format!("--web.listen-address={address}"));
        let program = Program::start("alertmanager", command);
        wait::until("a ready Alertmanager", || {
            let answer = http::get(address, "/-/ready", &[]).map_err(|error| error.to_string())?;
            wait::seen(answer.status == 200, || answer.text())
        });
        Some(Self { address, program, _folder: folder })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it holds now, as name and state (`active`, `suppressed`), of a scope.
    #[must_use]
    pub fn held(&self, scope: &str) -> Vec<(String, String)> {
        let answer = http::get(self.address, "/api/v2/alerts", &[]).expect("an answer").json();
        let alerts = answer.as_array().cloned().unwrap_or_default();
        let of_scope = alerts.into_iter().filter(|alert| alert["labels"]["scope"] == scope);
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        of_scope
            .map(|alert| (word(&alert["labels"]["alertname"]), word(&alert["status"]["state"])))
            .collect()
    }

    /// Tells it of alerts as Prometheus does, each a JSON object of labels.
    pub fn raise(&self, alerts: &[serde_json::Value]) {
        let alerts: Vec<_> =
            alerts.iter().map(|labels| serde_json::json!({ "labels": labels })).collect();
        let body = serde_json::to_vec(&alerts).expect("JSON");
        let headers = [("Content-Type", "application/json")];
        let mut stream = http::connect(self.address).expect("a running Alertmanager");
        stream
            .write_all(&http::request("POST", "/api/v2/alerts", &headers, &body))
            .expect("a listening Alertmanager");
        let answer = http::read(&mut BufReader::new(stream)).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// What it has logged, with why it does not tell what it does not tell.
    #[must_use]
    pub fn said(&self) -> String {
        self.program.said()
    }
}

/// The shipped routes, each receiver with a webhook of its name. Mails go to `mail`, where there
/// is such a server, else nowhere.
#[must_use]
pub fn shipped_routes(receiver: SocketAddr, mail: Option<SocketAddr>) -> Value {
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
    config
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

fn shipped(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join(path).canonicalize().expect("a shipped file")
}

/// A shipped file.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(shipped(path)).expect("a shipped file")
}
