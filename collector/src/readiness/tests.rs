use proptest::prelude::*;
use serde_json::{Value as Json, json};
use wire::Report;

use super::*;
use crate::absences::Scope;
use crate::fleet::{Arrival, Fleet};

const MINUTE: i64 = 60_000;
const BEGIN: i64 = 1_795_305_600_000;

struct Scene {
    inventory: Inventory,
    fleet: Fleet,
    judge: Judge,
    policy: Policy,
    occurrences: Vec<Occurrence>,
    absences: Vec<Absence>,
    seq: u64,
}

impl Scene {
    fn new(sites: &str) -> Self {
        let inventory = inventory::parse("sites.yaml".as_ref(), sites.as_bytes()).unwrap();
        let mut fleet = Fleet::default();
        fleet.set_inventory(&inventory);
        Self {
            inventory,
            fleet,
            judge: Judge::default(),
            policy: Policy::default(),
            occurrences: vec![],
            absences: vec![],
            seq: 0,
        }
    }

    fn meet(&mut self, id: &str, start: i64, sites: &[&str]) {
        self.occurrences.push(Occurrence {
            id: id.to_owned(),
            title: id.to_owned(),
            start,
            end: start + 60 * MINUTE,
            sites: sites.iter().map(|id| id.parse().unwrap()).collect(),
            needs: None,
            unmatched: vec![],
        });
    }

    fn push(&mut self, site: &str, at: i64, now: i64, readings: &Json) {
        self.seq += 1;
        let report = json!({
            "boot": uuid::Uuid::from_u128(1), "seq": self.seq, "taken_at": at, "uptime_ms": 0,
            "agent": { "version": "0.1.0", "os": "Debian" }, "readings": readings,
        });
        let report: Report = serde_json::from_value(report).unwrap();
        let arrival = Arrival {
            received_at: now,
            clock_offset: 0,
            again_ms: None,
            reports: vec![(Some(at), report)],
        };
        self.fleet.apply(&site.parse().unwrap(), arrival);
    }

    fn judge(&mut self, now: i64) -> Judgement {
        let fleet = self.fleet.snapshot(now);
        self.judge.judge(World {
            fleet: &fleet,
            inventory: &self.inventory,
            occurrences: &self.occurrences,
            policy: &self.policy,
            absences: &self.absences,
        })
    }

    fn verdict(&mut self, site: &str, now: i64) -> (Verdict, Vec<&'static str>) {
        let judgement = self.judge(now);
        let judged = &judgement.sites[site];
        (judged.verdict, judged.reasons.iter().map(|reason| reason.code).collect())
    }
}

fn reading(probe: &str, capability: &str, failure: Option<&str>) -> Json {
    json!({
        "probe": probe, "kind": "icmp", "capability": capability, "every_ms": 15_000,
        "duration_us": 1, "failure": failure.map(|reason| json!({ "reason": reason })),
    })
}

#[test]
fn the_first_verdict_that_applies_holds() {
    let mut scene = Scene::new("sites: [{ id: a, name: A, needs: [network, camera] }]");
    assert_eq!(scene.verdict("a", BEGIN), (Verdict::Unknown, vec!["never_heard"]));

    let network = reading("mcu", "network", None);
    scene.push("a", BEGIN, BEGIN, &json!([network]));
    assert_eq!(scene.verdict("a", BEGIN), (Verdict::Unknown, vec!["no_evidence"]));

    let camera = reading("cam", "camera", Some("absent"));
    scene.push("a", BEGIN + 1, BEGIN + 1, &json!([network, camera]));
    let expected = (Verdict::NotReady, vec!["camera_missing"]);
    assert_eq!(scene.verdict("a", BEGIN + 1), expected);

    let spare = reading("spare", "camera", None);
    scene.push("a", BEGIN + 2, BEGIN + 2, &json!([network, camera, spare]));
    let expected = (Verdict::Degraded, vec!["camera_missing"]);
    assert_eq!(scene.verdict("a", BEGIN + 2), expected, "one camera is enough");

    let of = Scope::Site("a".parse().unwrap());
    let reason = "sửa phòng họp".to_owned();
    scene.absences.push(Absence { of, from: BEGIN + 3, to: BEGIN + 4, reason });
    assert_eq!(scene.verdict("a", BEGIN + 3).0, Verdict::Excused);
    assert_eq!(scene.verdict("a", BEGIN + 90_003), (Verdict::Unknown, vec!["site_silent"]));
}

#[test]
fn near_a_meeting_a_fault_counts_at_once_and_elsewhere_when_seen_again() {
    for (start, expected) in
        [(BEGIN + 20 * MINUTE, Verdict::NotReady), (BEGIN + 120 * MINUTE, Verdict::Ready)]
    {
        let mut scene = Scene::new("sites: [{ id: a, name: A }]");
        scene.meet("m", start, &["a"]);
        scene.push("a", BEGIN, BEGIN, &json!([reading("mcu", "network", None)]));
        assert_eq!(scene.verdict("a", BEGIN).0, Verdict::Ready);
        let lost = reading("mcu", "network", Some("timeout"));
        scene.push("a", BEGIN + 15_000, BEGIN + 15_000, &json!([lost]));
        assert_eq!(scene.verdict("a", BEGIN + 15_000).0, expected);
        scene.push("a", BEGIN + 30_000, BEGIN + 30_000, &json!([lost]));
        assert_eq!(scene.verdict("a", BEGIN + 30_000).0, Verdict::NotReady);
    }
}

#[test]
fn a_meeting_is_judged_from_an_hour_before_to_its_end() {
    let mut scene = Scene::new("sites: [{ id: a, name: A }, { id: b, name: B }]");
    let start = BEGIN + 90 * MINUTE;
    scene.meet("m", start, &["a", "gone"]);
    scene.meet("n", start + 30 * MINUTE, &["a"]);
    assert!(scene.judge(BEGIN).meetings.is_empty());
    let now = start - 60 * MINUTE;
    scene.push("a", now, now, &json!([reading("mcu", "network", None)]));
    let judgement = scene.judge(now);
    assert_eq!(judgement.meetings.len(), 1);
    let sites = &judgement.meetings[0].sites;
    assert_eq!(sites["a"].reasons[0].code, "double_booked");
    assert_eq!(sites["a"].verdict, Verdict::Degraded);
    assert_eq!(sites["gone"].reasons[0].code, "never_heard");
    assert_eq!(judgement.sites["a"].verdict, Verdict::Ready, "the site itself is well");
    assert_eq!(scene.judge(start + 60 * MINUTE).meetings.len(), 1, "the first is over");
}

#[test]
fn a_certificate_that_ends_within_the_meeting_is_foreseen() {
    let mut scene = Scene::new("sites: [{ id: a, name: A }]");
    scene.meet("m", BEGIN + 10 * MINUTE, &["a"]);
    for (minute, expected) in [(69, Verdict::Degraded), (71, Verdict::Ready)] {
        let mut web = reading("web", "network", None);
        let expiry = (BEGIN + minute * MINUTE) / 1000;
        web["samples"] =
            json!([{ "name": "bridge_probe_tls_expiry_timestamp_seconds", "value": expiry }]);
        scene.push("a", BEGIN + minute, BEGIN + minute, &json!([web]));
        let judgement = scene.judge(BEGIN + minute);
        assert_eq!(judgement.meetings[0].sites["a"].verdict, expected);
    }
}

#[test]
fn an_uplink_that_is_cut_is_one_incident_while_a_meeting_expects_its_sites() {
    let sites: Vec<_> = (0..4).map(|n| format!("{{ id: s{n}, name: S, uplink: pop-1 }}")).collect();
    let mut scene = Scene::new(&format!("sites: [{}]", sites.join(", ")));
    let ids = ["s0", "s1", "s2", "s3"];
    for id in ids {
        scene.push(id, BEGIN, BEGIN, &json!([reading("mcu", "network", None)]));
    }
    assert_eq!(scene.judge(BEGIN).incidents, []);
    let dark = BEGIN + 2 * MINUTE;
    assert_eq!(scene.judge(dark).incidents, [], "a dark room raises nothing");
    scene.meet("m", dark + 10 * MINUTE, &ids);
    let incidents = scene.judge(dark).incidents;
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0].cause, Cause::Uplink("pop-1".to_owned()));
    assert_eq!((incidents[0].members.len(), incidents[0].of, incidents[0].since), (4, 4, BEGIN));
}

#[test]
fn the_mean_round_trip_between_two_readings_is_judged() {
    let mut scene = Scene::new("sites: [{ id: a, name: A }]");
    let with = |count: u64, sum: f64| {
        let bounds = wire::metrics::find("bridge_probe_rtt_seconds").unwrap().bounds();
        let mut buckets = vec![0; bounds.len() + 1];
        buckets[12] = count;
        let mut mcu = reading("mcu", "network", None);
        let value = json!({ "buckets": buckets, "sum": sum });
        mcu["samples"] = json!([{ "name": "bridge_probe_rtt_seconds", "value": value }]);
        json!([mcu])
    };
    let steps = [(10, 1.0), (20, 2.0), (30, 6.0), (40, 10.0)];
    let mut verdicts = Vec::new();
    for (at, (count, sum)) in (BEGIN..).step_by(15_000).zip(steps) {
        scene.push("a", at, at, &with(count, sum));
        verdicts.push(scene.verdict("a", at));
    }
    let ready = (Verdict::Ready, vec![]);
    let slow = (Verdict::Degraded, vec!["rtt_high"]);
    assert_eq!(verdicts, [ready.clone(), ready.clone(), ready, slow]);
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    /// Time passes, or the clock is set back.
    Wait(i64),
    /// A report comes, taken some time ago.
    Push { age: i64, readings: Vec<(usize, Option<&'static str>)> },
    /// The clock of a meeting begins or ends.
    Meet(i64),
}

fn event() -> impl Strategy<Value = Event> {
    let failure = prop_oneof![
        3 => Just(None),
        1 => prop_oneof![Just("timeout"), Just("denied"), Just("absent"), Just("internal")]
            .prop_map(Some),
    ];
    let readings = prop::collection::vec((0..PROBES.len(), failure), 0..4);
    prop_oneof![
        4 => (0_i64..120_000).prop_map(Event::Wait),
        1 => (-600_000_i64..0).prop_map(Event::Wait),
        6 => (0_i64..200_000, readings).prop_map(|(age, readings)| Event::Push { age, readings }),
        1 => (-60_i64..60).prop_map(|minutes| Event::Meet(minutes * MINUTE)),
    ]
}

/// Probe, capability, interval in milliseconds.
const PROBES: [(&str, &str, i64); 5] = [
    ("mcu", "network", 15_000),
    ("sip", "network", 60_000),
    ("cam", "camera", 30_000),
    ("cam-2", "camera", 15_000),
    ("pc", "host", 300_000),
];

proptest! {
    #[test]
    fn nothing_is_ready_without_fresh_evidence_of_all_it_needs(
        events in prop::collection::vec(event(), 1..60),
    ) {
        let mut scene =
            Scene::new("sites: [{ id: a, name: A, needs: [network, camera, host, clock] }]");
        let mut now = BEGIN;
        // Of each capability, from when until when there is evidence.
        let mut evidence: Vec<(&str, i64, i64)> = Vec::new();
        for event in events {
            match event {
                Event::Wait(millis) => now += millis,
                Event::Meet(lead) => {
                    scene.occurrences.clear();
                    scene.meet("m", now + lead, &["a"]);
                }
                Event::Push { age, readings } => {
                    let at = now - age;
                    evidence.push(("clock", now, now + 900_000));
                    let mut told: Vec<Json> = Vec::new();
                    for (probe, failure) in readings {
                        let (name, capability, every) = PROBES[probe];
                        let mut reading = reading(name, capability, failure);
                        reading["every_ms"] = json!(every);
                        if told.iter().all(|other| other["probe"] != reading["probe"]) {
                            told.push(reading);
                            evidence.push((capability, at, at + (3 * every).max(90_000)));
                        }
                    }
                    scene.push("a", at, now, &json!(told));
                }
            }
            let judgement = scene.judge(now);
            let meetings = judgement.meetings.iter().map(|meeting| &meeting.sites["a"]);
            for judged in meetings.chain([&judgement.sites["a"]]) {
                if !matches!(judged.verdict, Verdict::Ready | Verdict::Degraded) {
                    prop_assert!(!judged.reasons.is_empty(), "a verdict without a reason");
                    continue;
                }
                for need in ["network", "camera", "host", "clock"] {
                    let fresh = evidence.iter().any(|(of, from, until)| {
                        *of == need && *from <= now + 5_000 && now < *until
                    });
                    prop_assert!(fresh, "{need} has no fresh evidence: {judged:?}");
                }
            }
        }
    }
}
