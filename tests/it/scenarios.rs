//! Scenarios as data, in `tests/scenarios/*.yaml`: what arrives when, and what is shown then.
//!
//! The collector's own stages run, its store on a real disk included; only sockets and the clock
//! are ours. A scenario is a list of steps:
//!
//! ```yaml
//! title: What the scenario is about, as a sentence.
//! sites: { th-0316: UBND xã Hoằng Lộc }   # who is expected, by name; or with more to say:
//!   # th-0316: { name: UBND xã Hoằng Lộc, uplink: pop-1, needs: [network, camera] }
//! meetings:                     # times since the beginning; `needs`: default each site's own
//!   - { id: giao-ban, from: 20m, to: 80m, sites: [th-0316] }
//! absences:
//!   - { site: th-0316, from: 0s, to: 4h, reason: sửa phòng họp }
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
//!       again: 4s               # within which the agent promises to be heard again; default none
//!       reports:                # newest first; `age` is how long ago it was taken
//!         - { seq: 2, age: 0s, readings: [{ probe: mcu, every: 15s, samples: { name{label}: 1 } }] }
//!       accepted: [2]           # numbers in the answer; default: all of them
//!     metrics: |                # of each metric named here all lines, no more and no fewer
//!       bridge_up{site="th-0316"} 1
//!     absent: [bridge_probe_success]        # metrics of which there must be no line
//!     api: { th-0316: { up: true } }        # a part of /api/v1/sites/{id}
//!     verdicts: { th-0316: [not_ready, camera_missing] }   # the verdict, then all its reasons
//!     in_meetings: { giao-ban: { th-0316: [ready] } }      # the same in a meeting; all of its
//!                                           # sites, and all meetings that are judged now
//!     incidents: { pop-1: [th-0316, th-0317, th-0318] }    # all of them, each with its sites
//! ```
//!
//! Within a step the order is: restart, sites, enrolled, push, judgement, then what must be shown.
//! A reading says with `capability: camera` what it is evidence of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use collector::absences::{Absence, Scope};
use collector::exposition::{Coding, Format, Wanted};
use collector::fleet::{Fleet, Shared};
use collector::ingest::{Encoding, Ingest};
use collector::inventory::{Inventory, Site};
use collector::judging::{Coming, Expected, Judging};
use collector::meetings::Occurrence;
use collector::readiness::{Cause, Judgement, MeetingVerdict, Policy, SiteVerdict};
use collector::store::received;
use collector::telemetry::Telemetry;
use collector::{api, exposition, judging, store};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use wire::SiteId;
use wire::reading::Capability;

/// 2026-11-22T00:00:00Z.
const BEGINNING: i64 = 1_795_305_600_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[serde(rename = "title")]
    _title: String,
    sites: BTreeMap<SiteId, Place>,
    #[serde(default)]
    meetings: Vec<Planned>,
    #[serde(default)]
    absences: Vec<Excuse>,
    steps: Vec<Step>,
}

/// An expected site: its name, or more.
#[derive(Deserialize)]
#[serde(untagged)]
enum Place {
    Named(String),
    Described(Described),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: String,
    #[serde(default)]
    uplink: String,
    #[serde(default)]
    needs: Vec<Capability>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    id: String,
    from: Offset,
    to: Offset,
    sites: BTreeSet<SiteId>,
    needs: Option<Vec<Capability>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Excuse {
    site: SiteId,
    from: Offset,
    to: Offset,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: Offset,
    #[serde(default)]
    restart: bool,
    sites: Option<BTreeMap<SiteId, Place>>,
    enrolled: Option<BTreeSet<SiteId>>,
    push: Option<Push>,
    metrics: Option<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    api: BTreeMap<SiteId, Json>,
    #[serde(default)]
    verdicts: Words,
    in_meetings: Option<BTreeMap<String, Words>>,
    incidents: Option<BTreeMap<String, Vec<SiteId>>>,
}

/// Of each site its verdict, then its reasons.
type Words = BTreeMap<SiteId, Vec<String>>;

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
    again: Option<Offset>,
    #[serde(default)]
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
    capability: Option<Capability>,
    #[serde(default = "quarter_minute")]
    every: Offset,
    #[serde(default)]
    age: Offset,
    failure: Option<Json>,
    #[serde(default)]
    samples: BTreeMap<String, Json>,
    #[serde(default)]
    troubles: Vec<Json>,
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
            "again_ms": self.again.map(|again| again.0),
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
            "capability": self.capability,
            "every_ms": self.every.0,
            "age_ms": self.age.0,
            "duration_us": 20_000,
            "failure": self.failure,
            "samples": samples.collect::<Vec<_>>(),
            "troubles": self.troubles,
        })
    }
}

/// A collector without sockets.
struct Collector {
    state_dir: tempfile::TempDir,
    inventory: Arc<Inventory>,
    occurrences: Vec<Occurrence>,
    absences: Arc<Vec<Absence>>,
    enrolled: BTreeSet<SiteId>,
    running: Option<Running>,
}

struct Running {
    fleet: Arc<Shared>,
    store: received::Handle,
    ingest: Ingest,
    judging: Judging,
    judged: Arc<judging::Shared>,
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
        let ingest = Ingest::new(
            Arc::clone(&fleet),
            store.clone(),
            &history,
            Arc::clone(&telemetry),
            Arc::default(),
        );
        let judged = Arc::new(judging::Shared::default());
        let judging = Judging::new(Arc::clone(&fleet), Policy::default(), Arc::clone(&judged));
        self.running.insert(Running { fleet, store, ingest, judging, judged, telemetry })
    }

    async fn step(&mut self, step: &Step, place: &str) {
        if let Some(sites) = &step.sites {
            self.inventory = Arc::new(inventory(sites));
        }
        if let Some(enrolled) = &step.enrolled {
            self.enrolled.clone_from(enrolled);
        }
        if step.restart || self.running.is_none() {
            self.restart().await;
        }
        let Some(running) = &mut self.running else { return };
        running.fleet.lock().set_inventory(&self.inventory);
        running.fleet.lock().set_enrolled(&self.enrolled);
        let now = BEGINNING + step.at.0;
        if let Some(push) = &step.push {
            running.push(push, now, place).await;
        }
        // As the calendar does: what is not over yet.
        let soon = self.occurrences.iter().filter(|o| now < o.end).cloned().collect();
        let expected = Expected {
            inventory: Arc::clone(&self.inventory),
            meetings: Coming::soon(soon, now),
            absences: Arc::clone(&self.absences),
        };
        running.judging.judge_at(now, expected);
        running.check(step, now, place).await;
    }
}

impl Running {
    async fn push(&self, push: &Push, now: i64, place: &str) {
        let body = push.body(now).to_string();
        let answer = self
            .ingest
            .take(
                (&push.site, std::net::Ipv4Addr::LOCALHOST.into()),
                Encoding::Identity,
                body.into(),
                now,
            )
            .await;
        let answer = answer.unwrap_or_else(|error| panic!("{place}: {error}")).answer;
        let accepted: Vec<u64> = answer.accepted.iter().map(|(_, seq)| *seq).collect();
        let all = || push.reports.iter().map(|report| report.seq).collect();
        let expected = push.accepted.clone().unwrap_or_else(all);
        assert_eq!(accepted, expected, "{place}: accepted; refused: {:?}", answer.refused);
    }

    async fn check(&self, step: &Step, now: i64, place: &str) {
        let snapshot = || self.fleet.snapshot(now);
        let judged = self.judged.latest();
        check_judgement(step, &judged.judgement, place);
        for (site, expected) in &step.api {
            let page = api::site(&snapshot(), &judged.judgement, site.as_str());
            let page = page.unwrap_or_else(|| panic!("{place}: no site {site} in the API"));
            let page: Json = serde_json::from_slice(&page).unwrap();
            assert_part(&page, expected, &format!("{place}: api {site}"));
        }
        let wanted = Wanted { format: Format::Text, coding: Coding::Identity };
        let body = exposition::body(
            snapshot(),
            Arc::clone(&judged.verdicts),
            &self.telemetry,
            wanted,
            None,
        );
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

fn check_judgement(step: &Step, judgement: &Judgement, place: &str) {
    let words = |judged: &SiteVerdict| -> Vec<String> {
        let reasons = judged.reasons.iter().map(|reason| reason.code);
        [judged.verdict.label()].into_iter().chain(reasons).map(str::to_owned).collect()
    };
    for (site, expected) in &step.verdicts {
        let found = judgement.sites.get(site).map(words);
        assert_eq!(found.as_ref(), Some(expected), "{place}: verdict of {site}");
    }
    if let Some(expected) = &step.in_meetings {
        let sites = |meeting: &MeetingVerdict| -> Words {
            meeting.sites.iter().map(|(id, judged)| (id.clone(), words(judged))).collect()
        };
        let found: BTreeMap<_, _> =
            judgement.meetings.iter().map(|meeting| (meeting.id.clone(), sites(meeting))).collect();
        assert_eq!(&found, expected, "{place}: in_meetings");
    }
    if let Some(expected) = &step.incidents {
        let cause = |cause: &Cause| match cause {
            Cause::Uplink(uplink) => uplink.clone(),
            Cause::Area(area) => area.clone(),
        };
        let found = judgement.incidents.iter();
        let found: BTreeMap<_, _> = found.map(|i| (cause(&i.cause), i.members.clone())).collect();
        assert_eq!(&found, expected, "{place}: incidents");
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

fn inventory(sites: &BTreeMap<SiteId, Place>) -> Inventory {
    let site = |place: &Place| {
        let (name, uplink, needs) = match place {
            Place::Named(name) => (name, "", &[][..]),
            Place::Described(site) => (&site.name, site.uplink.as_str(), &site.needs[..]),
        };
        Site {
            name: name.clone(),
            level: "commune".to_owned(),
            area: None,
            uplink: uplink.to_owned(),
            provider: String::new(),
            lat: None,
            lon: None,
            contact: None,
            needs: needs.to_vec(),
            hosts: Vec::new(),
            subnets: Vec::new(),
        }
    };
    let sites = sites.iter().map(|(id, place)| (id.clone(), site(place))).collect();
    Inventory { sites, ..Inventory::default() }
}

impl Planned {
    fn occurrence(&self) -> Occurrence {
        Occurrence {
            id: self.id.clone(),
            title: self.id.clone(),
            start: BEGINNING + self.from.0,
            end: BEGINNING + self.to.0,
            sites: self.sites.clone(),
            needs: self.needs.clone(),
            unmatched: vec![],
        }
    }
}

impl Excuse {
    fn absence(&self) -> Absence {
        Absence {
            of: Scope::Site(self.site.clone()),
            from: BEGINNING + self.from.0,
            to: BEGINNING + self.to.0,
            reason: self.reason.clone(),
        }
    }
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
            inventory: Arc::new(inventory(&scenario.sites)),
            occurrences: scenario.meetings.iter().map(Planned::occurrence).collect(),
            absences: Arc::new(scenario.absences.iter().map(Excuse::absence).collect()),
            enrolled: BTreeSet::new(),
            running: None,
        };
        for (number, step) in scenario.steps.iter().enumerate() {
            let place = format!("{name}, step {} at {} ms", number + 1, step.at.0);
            collector.step(step, &place).await;
        }
    }
}
