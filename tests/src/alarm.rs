//! The whole alarm: a collector with a calendar, Debian's Prometheus and Alertmanager with the
//! shipped rules, routes and intervals, and a receiver at the end.
//!
//! The shipped files are changed only where a test must: addresses, every receiver a webhook of
//! its own name, and the waits after an alert is over. Whatever passes between a fault and its
//! first message is as shipped.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;
use wire::enrolment::Code;

use crate::agent::Agent;
use crate::alertmanager::{Alertmanager, shipped_routes, text};
use crate::collector::Collector;
use crate::link::Link;
use crate::prometheus::Prometheus;
use crate::receiver::Receiver;
use crate::wait;

/// Instead of minutes: how long an alert goes on after its cause.
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
    /// The one that decides who is told.
    pub alertmanager: Alertmanager,
    _folder: TempDir,
}

impl Alarm {
    /// Starts everything for these sites and meetings; `None` where Prometheus or Alertmanager is
    /// not installed. Mails go to `mail`, where there is such a server, else nowhere.
    #[must_use]
    pub fn start(inventory: &str, meetings: &str, mail: Option<SocketAddr>) -> Option<Self> {
        let receiver = Receiver::start();
        let alertmanager = Alertmanager::start(&shipped_routes(receiver.address(), mail))?;
        let collector = Collector::start_with_calendar(inventory, meetings);
        let folder = tempfile::tempdir().expect("a temporary directory");
        let config =
            prometheus_config(folder.path(), collector.operations(), alertmanager.address());
        let prometheus = Prometheus::with_config(&config)?;
        Some(Self { collector, prometheus, receiver, alertmanager, _folder: folder })
    }

    /// A running agent of `site` that looks each 15 s at `target`, over `line` to the collector.
    #[must_use]
    pub fn agent(&self, site: &str, line: &Link, target: SocketAddr) -> Agent {
        let code = Code { port: line.address().port(), ..self.collector.code(site) };
        let probe = format!("mcu: {{ every: 15s, http: {{ url: \"http://{target}/\" }} }}");
        Agent::start(&format!("probes:\n  {probe}\n"), &code)
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
    let start = wait::utc(60_000 * minutes + wait::now());
    format!(
        "  - {{ id: {id}, title: \"Họp {id}\", start: {start}, duration: 1h, sites: {{ ids: [{sites}] }} }}\n"
    )
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
