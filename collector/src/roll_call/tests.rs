use super::*;
use crate::inventory;
use crate::readiness::{CapabilityVerdict, MeetingVerdict};

const START: UnixMillis = 100 * HOUR;
const HOUR: i64 = 60 * MINUTE_MILLIS;

#[test]
fn the_latest_moment_that_passed_is_due() {
    use Moment::{FifteenBefore, FiveBefore, Start};
    // Minutes from the start; the meeting lasts an hour.
    let cases = [
        (-16, None),
        (-15, Some(FifteenBefore)),
        (-13, Some(FifteenBefore)),
        (-5, Some(FiveBefore)),
        (-1, Some(FiveBefore)),
        (0, Some(Start)),
        (59, Some(Start)),
        (60, None),
        (600, None),
    ];
    for (minute, moment) in cases {
        let now = START + minute * MINUTE_MILLIS;
        assert_eq!(moment_due(START, START + HOUR, now, 0), moment, "at {minute} min");
    }
}

#[test]
fn a_collector_that_just_began_listens_before_it_writes() {
    let due = |seconds: i64| moment_due(START, START + HOUR, START + seconds * 1000, START);
    assert_eq!((due(0), due(59), due(60)), (None, None, Some(Moment::Start)));
}

fn site(id: &str) -> SiteId {
    id.parse().unwrap()
}

fn inventory() -> Inventory {
    let text = "areas: [{ id: hoang-hoa, name: \"Hoằng Hóa\" }]\n\
        sites: [{ id: th-0316, name: \"UBND xã Hoằng Lộc\", level: commune, area: hoang-hoa }]\n";
    inventory::parse("sites.yaml".as_ref(), text.as_bytes()).unwrap()
}

fn occurrence() -> Occurrence {
    Occurrence {
        id: "m@1".to_owned(),
        title: "Giao ban".to_owned(),
        start: START,
        end: START + HOUR,
        sites: BTreeSet::from([site("th-0316"), site("th-0317")]),
        needs: None,
        unmatched: vec!["xã Không Có".to_owned()],
    }
}

fn judgement(at: UnixMillis) -> Judgement {
    let capability =
        |at, needed| CapabilityVerdict { verdict: Verdict::Ready, evidence_at: at, needed };
    let verdict = SiteVerdict {
        verdict: Verdict::NotReady,
        reasons: vec![Reason {
            code: "camera_missing",
            capability: Some(Capability::Camera),
            subject: "Logitech C920".to_owned(),
            value: Some(f64::NAN),
            evidence_at: Some(at - 9_000),
        }],
        capabilities: BTreeMap::from([
            (Capability::Network, capability(Some(at - 4_000), true)),
            (Capability::Camera, capability(Some(at - 9_000), true)),
            (Capability::Power, capability(Some(at - 99_000), false)),
            (Capability::Clock, capability(Some(at - 1_000), false)),
        ]),
    };
    let sites = BTreeMap::from([(site("th-0316"), verdict)]);
    let meetings = vec![MeetingVerdict { id: "m@1".to_owned(), sites }];
    Judgement { at, sites: BTreeMap::new(), meetings, incidents: Vec::new() }
}

fn due_at(at: UnixMillis, written: &BTreeSet<Key>) -> Vec<RollCall> {
    due(&judgement(at), &[occurrence()], &inventory(), 0, written)
}

#[test]
fn a_roll_call_says_what_was_known_and_what_things_were_called() {
    let at = START - 2_000;
    let [call] = &due_at(at, &BTreeSet::new())[..] else { panic!("one is due") };
    assert_eq!(call.key.moment, Moment::FiveBefore);
    assert_eq!(call.unmatched, ["xã Không Có"]);
    assert_eq!(call.late_millis(), 298_000);
    let known = &call.sites[&site("th-0316")];
    assert_eq!(known.name, "UBND xã Hoằng Lộc");
    assert_eq!(known.area.as_ref().unwrap().name, "Hoằng Hóa");
    assert_eq!(known.verdict, Verdict::NotReady);
    assert_eq!(known.evidence_at, Some(at - 9_000), "the oldest that was needed");
    assert_eq!(known.heard_at, Some(at - 1_000), "the newest of all");
    let reason = &known.reasons[0];
    assert_eq!((reason.code.as_str(), reason.value), ("camera_missing", None));
    let unjudged = &call.sites[&site("th-0317")];
    assert_eq!((unjudged.name.as_str(), unjudged.verdict), ("th-0317", Verdict::Unknown));
}

#[test]
fn one_needed_capability_without_evidence_leaves_the_evidence_without_age() {
    let mut judged = judgement(START);
    let verdict = judged.meetings[0].sites.get_mut(&site("th-0316")).unwrap();
    verdict.capabilities.get_mut(&Capability::Camera).unwrap().evidence_at = None;
    let calls = due(&judged, &[occurrence()], &inventory(), 0, &BTreeSet::new());
    let entry = &calls[0].sites[&site("th-0316")];
    assert_eq!((entry.evidence_at, entry.heard_at), (None, Some(START - 1_000)));
}

#[test]
fn what_is_written_or_not_judged_is_not_due() {
    let first = due_at(START, &BTreeSet::new());
    let written: BTreeSet<_> = first.into_iter().map(|call| call.key).collect();
    assert_eq!(due_at(START + 5_000, &written), []);
    let mut moved = occurrence();
    moved.start += MINUTE_MILLIS;
    moved.end += MINUTE_MILLIS;
    let at = judgement(moved.start);
    let again = due(&at, &[moved], &inventory(), 0, &written);
    assert_eq!(again.len(), 1, "a moved meeting is called again");
    let mut unjudged = judgement(START);
    unjudged.meetings.clear();
    assert_eq!(due(&unjudged, &[occurrence()], &inventory(), 0, &BTreeSet::new()), []);
}
