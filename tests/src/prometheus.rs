//! Debian's real Prometheus, scraping one collector.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::http;
use crate::program::{self, Program};
use crate::wait;

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    // Dropped before the folder its data lie in.
    _program: Program,
    _folder: TempDir,
}

/// Where Debian puts it.
const PROGRAM: &str = "/usr/bin/prometheus";

impl Prometheus {
    /// Starts one that scrapes `target` each second; `None` where it is not installed.
    #[must_use]
    pub fn scraping(target: SocketAddr) -> Option<Self> {
        Self::with_config(&format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\nscrape_configs:\n  - job_name: nhipcau\n    honor_labels: true\n    static_configs: [{{ targets: [\"{target}\"] }}]\n"
        ))
    }

    /// Starts one with this configuration.
    #[must_use]
    pub fn with_config(text: &str) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary directory");
        let config = folder.path().join("prometheus.yml");
        fs::write(&config, text).expect("a writable directory");
        let address = free_address();
        let mut command = program::mortal(PROGRAM);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"));
        let prometheus =
            Self { address, _program: Program::start("prometheus", command), _folder: folder };
        wait::until("a ready Prometheus", || {
            let answer = http::get(address, "/-/ready", &[]).map_err(|error| error.to_string())?;
            wait::seen(answer.status == 200, || answer.text())
        });
        Some(prometheus)
    }

    /// The result of an instant query: each series' labels and value.
    #[must_use]
    pub fn query(&self, expression: &str) -> Vec<(Value, String)> {
        let path = format!("/api/v1/query?query={}", escaped(expression));
        let answer = http::get(self.address, &path, &[]).expect("an answer of Prometheus").json();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        let series = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        series
            .into_iter()
            .map(|one| {
                (one["metric"].clone(), one["value"][1].as_str().unwrap_or_default().to_owned())
            })
            .collect()
    }

    /// Waits until a query yields something.
    #[track_caller]
    #[must_use]
    pub fn wait_for(&self, expression: &str) -> Vec<(Value, String)> {
        wait::until(expression, || {
            let found = self.query(expression);
            wait::seen(!found.is_empty(), || "nothing".into())?;
            Ok(found)
        })
    }
}

/// A port that was free a moment ago: Prometheus does not say which one it was given.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}
