//! Scenarios as data, in `tests/scenarios/*.yaml`: what arrives when, and what is shown then.
//!
//! The collector's own stages run, its store on a real disk included; only sockets and the clock
//! are ours. A scenario is a list of steps:
//!
//! ```yaml
//! title: What the scenario is about, as a sentence.
//! sites: { th-0316: UBND xã Hoằng Lộc }   # who is expected, by name
//! steps:
//!   - at: 15s                   # since the beginning, 2026-11-22T00:00:00Z, which is 1795305600
//!     sites: { … }              # a new inventory
//!     enrolled: [th-0316]       # who holds a credential
//!     restart: true             # the collector stops and starts again
//!     push:                     # one batch
//!       site: th-0316
//!       boot: 1                 # this start of the agent; default 1
//!       clock: -24h             # the agent's clock minus the true time; default 0s
//!       uptime: 1h              # of the agent's PC; `null`: the batch does not say
//!       reports:                # newest first; `age` is how long ago it was taken
//!         - { seq: 2, age: 0s, readings: [{ probe: mcu, every: 15s, samples: { name{label}: 1 } }] }
//!       accepted: [2]           # numbers in the answer; default: all of them
//!     metrics: |                # of each metric named here all lines, no more and no fewer
//!       bridge_up{site="th-0316"} 1
//!     absent: [bridge_probe_success]        # metrics of which there must be no line
//!     api: { th-0316: { up: true } }        # a part of /api/v1/sites/{id}
//! ```
//!
//! Within a step the order is: restart, sites, enrolled, push, then what must be shown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use collector::exposition::{Coding, Format, Wanted};
use collector::fleet::{Fleet, Shared};
use collector::ingest::{Encoding, Ingest};
use collector::inventory::{Inventory, Site};
use collector::store::received;
use collector::telemetry::Telemetry;
use collector::{api, exposition, store};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use wire::SiteId;

/// 2026-11-22T00:00:00Z.
const BEGINNING: i64 = 1_795_305_600_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[serde(rename = "title")]
    _title: String,
    sites: BTreeMap<SiteId, String>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: Offset,
    #[serde(default)]
    restart: bool,
    sites: Option<BTreeMap<SiteId, String>>,
    enrolled: Option<BTreeSet<SiteId>>,
    push: Option<Push>,
    metrics: Option<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    api: BTreeMap<SiteId, Json>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    site: SiteId,
    #[serde(default = "first")]
    boot: u128,
    #[serde(default)]
    clock: Offset,
    #[serde(default = "an_hour")]
    uptime: Option<Offset>,
    reports: Vec<PushedReport>,
    accepted: Option<Vec<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushedReport {
    seq: u64,
    /// Default: the batch's.
    boot: Option<u128>,
    /// The clock when it was taken; default: the batch's.
    clock: Option<Offset>,
    #[serde(default)]
    age: Offset,
    readings: Vec<PushedReading>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushedReading {
    probe: String,
    #[serde(default = "icmp")]
    kind: String,
    #[serde(default = "quarter_minute")]
    every: Offset,
    #[serde(default)]
    age: Offset,
    failure: Option<Json>,
    #[serde(default)]
    samples: BTreeMap<String, Json>,
}

fn first() -> u128 {
    1
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
fn an_hour() -> Option<Offset> {
    Some(Offset(3_600_000))
}

fn icmp() -> String {
    "icmp".to_owned()
}

fn quarter_minute() -> Offset {
    Offset(15_000)
}

/// A duration with a sign, in milliseconds.
#[derive(Default, Clone, Copy)]
struct Offset(i64);

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (sign, amount) = text.strip_prefix('-').map_or((1, &*text), |amount| (-1, amount));
        let span: wire::duration::Span =
            serde_yaml::from_str(amount).map_err(serde::de::Error::custom)?;
        Ok(Self(sign * i64::try_from(span.0.as_millis()).map_err(serde::de::Error::custom)?))
    }
}

impl Push {
    fn body(&self, now: i64) -> Json {
        let uuid = uuid::Uuid::from_u128;
        let reports = self.reports.iter().map(|report| {
            let clock = report.clock.unwrap_or(self.clock).0;
            let uptime = self.uptime.map_or(0, |uptime| uptime.0) - report.age.0;
            json!({
                "boot": uuid(report.boot.unwrap_or(self.boot)),
                "seq": report.seq,
                "taken_at": now - report.age.0 + clock,
                "uptime_ms": uptime.max(0),
                "agent": { "version": "0.1.0", "os": "Debian" },
                "readings": report.readings.iter().map(PushedReading::json).collect::<Vec<_>>(),
            })
        });
        json!({
            "version": 1,
            "sent_at": now + self.clock.0,
            "boot": uuid(self.boot),
            "uptime_ms": self.uptime.map(|uptime| uptime.0),
            "reports": reports.collect::<Vec<_>>(),
        })
    }
}

impl PushedReading {
    fn json(&self) -> Json {
        let samples = self.samples.iter().map(|(name, value)| {
            let (name, label) = match name.strip_suffix('}').and_then(|n| n.split_once('{')) {
                Some((name, label)) => (name, Some(label)),
                None => (name.as_str(), None),
            };
            json!({ "name": name, "label": label, "value": value })
        });
        json!({
            "probe": self.probe,
            "kind": self.kind,
            "every_ms": self.every.0,
            "age_ms": self.age.0,
            "duration_us": 20_000,
            "failure": self.failure,
            "samples": samples.collect::<Vec<_>>(),
        })
    }
}

/// A collector without sockets.
struct Collector {
    state_dir: tempfile::TempDir,
    inventory: Inventory,
    enrolled: BTreeSet<SiteId>,
    running: Option<Running>,
}

struct Running {
    fleet: Arc<Shared>,
    store: received::Handle,
    ingest: Ingest,
    telemetry: Arc<Telemetry>,
}

impl Collector {
    async fn restart(&mut self) -> &Running {
        if let Some(running) = self.running.take() {
            running.store.close().await;
        }
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let connection = store::open(self.state_dir.path()).unwrap();
        let (store, history) = received::start(connection, Arc::clone(&telemetry)).unwrap();
        let fleet = Arc::new(Shared::new(Fleet::restore(&history)));
        let ingest =
            Ingest::new(Arc::clone(&fleet), store.clone(), &history, Arc::clone(&telemetry));
        self.running.insert(Running { fleet, store, ingest, telemetry })
    }

    async fn step(&mut self, step: &Step, place: &str) {
        if let Some(sites) = &step.sites {
            self.inventory = inventory(sites);
        }
        if let Some(enrolled) = &step.enrolled {
            self.enrolled.clone_from(enrolled);
        }
        if step.restart || self.running.is_none() {
            self.restart().await;
        }
        let Some(running) = &self.running else { return };
        running.fleet.lock().set_inventory(&self.inventory);
        running.fleet.lock().set_enrolled(&self.enrolled);
        let now = BEGINNING + step.at.0;
        if let Some(push) = &step.push {
            running.push(push, now, place).await;
        }
        running.check(step, now, place).await;
    }
}

impl Running {
    async fn push(&self, push: &Push, now: i64, place: &str) {
        let body = push.body(now).to_string();
        let answer = self.ingest.take(&push.site, Encoding::Identity, body.into(), now).await;
        let answer = answer.unwrap_or_else(|error| panic!("{place}: {error}"));
        let accepted: Vec<u64> = answer.accepted.iter().map(|(_, seq)| *seq).collect();
        let all = || push.reports.iter().map(|report| report.seq).collect();
        let expected = push.accepted.clone().unwrap_or_else(all);
        assert_eq!(accepted, expected, "{place}: accepted; refused: {:?}", answer.refused);
    }

    async fn check(&self, step: &Step, now: i64, place: &str) {
        let snapshot = || self.fleet.snapshot(now);
        for (site, expected) in &step.api {
            let page = api::site(&snapshot(), site.as_str());
            let page = page.unwrap_or_else(|| panic!("{place}: no site {site} in the API"));
            let page: Json = serde_json::from_slice(&page).unwrap();
            assert_part(&page, expected, &format!("{place}: api {site}"));
        }
        let wanted = Wanted { format: Format::Text, coding: Coding::Identity };
        let body = exposition::body(snapshot(), &self.telemetry, wanted, None);
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&bytes).unwrap();
        if let Some(expected) = &step.metrics {
            let names: BTreeSet<_> = expected.lines().map(metric).collect();
            let found: Vec<_> = text.lines().filter(|line| names.contains(metric(line))).collect();
            assert_eq!(found.join("\n"), expected.trim_end(), "{place}: metrics");
        }
        for name in &step.absent {
            let found = text.lines().find(|line| metric(line) == name);
            assert_eq!(found, None, "{place}: {name} must be absent");
        }
    }
}

/// The name of the metric in a line.
fn metric(line: &str) -> &str {
    line.split(['{', ' ']).next().unwrap_or_default()
}

/// Everything in `expected` must be in `found`; lists must be as long.
fn assert_part(found: &Json, expected: &Json, place: &str) {
    match (found, expected) {
        (Json::Object(found), Json::Object(expected)) => {
            for (key, expected) in expected {
                let found = found.get(key).unwrap_or_else(|| panic!("{place}: no {key}"));
                assert_part(found, expected, &format!("{place}.{key}"));
            }
        }
        (Json::Array(found), Json::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{place}: {found:?}");
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert_part(found, expected, &format!("{place}[{index}]"));
            }
        }
        (Json::Number(found), Json::Number(expected)) => {
            assert_eq!(found.as_f64(), expected.as_f64(), "{place}");
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

fn inventory(sites: &BTreeMap<SiteId, String>) -> Inventory {
    let site = |name: &String| Site {
        name: name.clone(),
        level: "commune".to_owned(),
        area: None,
        uplink: String::new(),
        lat: None,
        lon: None,
        contact: None,
        needs: vec![],
    };
    let sites = sites.iter().map(|(id, name)| (id.clone(), site(name))).collect();
    Inventory { sites, ..Inventory::default() }
}

#[tokio::test]
async fn what_arrives_is_shown_as_the_scenarios_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy();
        let text = std::fs::read_to_string(&file).unwrap();
        let scenario: Scenario =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut collector = Collector {
            state_dir: tempfile::tempdir().unwrap(),
            inventory: inventory(&scenario.sites),
            enrolled: BTreeSet::new(),
            running: None,
        };
        for (number, step) in scenario.steps.iter().enumerate() {
            let place = format!("{name}, step {} at {} ms", number + 1, step.at.0);
            collector.step(step, &place).await;
        }
    }
}
