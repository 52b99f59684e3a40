use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::roll_call::RecordedReason;
use crate::store;
use crate::store::received::{self, Reception};
use crate::telemetry::Telemetry;

fn call(meeting: &str, start: UnixMillis, moment: Moment) -> RollCall {
    let reason = RecordedReason {
        code: "camera_missing".to_owned(),
        capability: Some(wire::reading::Capability::Camera),
        subject: "Logitech C920".to_owned(),
        value: Some(0.5),
        evidence_at: Some(start - 7),
    };
    let area = NamedArea { id: "hoang-hoa".parse().unwrap(), name: "Hoằng Hóa".to_owned() };
    let entry = |verdict, area, reasons| Entry {
        name: "UBND xã Hoằng Lộc".to_owned(),
        area,
        level: "commune".to_owned(),
        verdict,
        reasons,
        evidence_at: None,
        heard_at: Some(start - 5),
    };
    RollCall {
        key: Key { meeting: meeting.to_owned(), start, moment },
        title: "Giao ban".to_owned(),
        end: start + 3_600_000,
        recorded_at: moment.of(start) + 3,
        unmatched: vec!["xã Không Có".to_owned()],
        sites: BTreeMap::from([
            ("th-0316".parse().unwrap(), entry(Verdict::NotReady, Some(area), vec![reason])),
            ("th-0317".parse().unwrap(), entry(Verdict::Unknown, None, Vec::new())),
        ]),
    }
}

#[test]
fn a_roll_call_is_read_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = store::open(directory.path()).unwrap();
    let calls = Moment::ALL.map(|moment| call("m@1", 90_000_000, moment));
    assert_eq!(write(&mut connection, &calls).unwrap(), 3);
    drop(connection);
    let connection = store::open(directory.path()).unwrap();
    assert_eq!(of_meeting(&connection, "m@1").unwrap(), calls);
    assert_eq!(of_meeting(&connection, "m@2").unwrap(), []);
    let written = written(&connection, 90_000_000).unwrap();
    assert_eq!(written, calls.map(|call| call.key).into());
}

#[test]
fn a_roll_call_is_written_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = store::open(directory.path()).unwrap();
    let first = call("m@1", crate::now(), Moment::Start);
    let mut second = first.clone();
    second.recorded_at += 60_000;
    second.sites.clear();
    assert_eq!(write(&mut connection, std::slice::from_ref(&first)).unwrap(), 1);
    assert_eq!(write(&mut connection, &[second]).unwrap(), 0);
    assert_eq!(of_meeting(&connection, "m@1").unwrap(), [first]);
    for statement in [
        "UPDATE roll_calls SET recorded_at = 0",
        "DELETE FROM roll_calls",
        "UPDATE roll_call_sites SET verdict = 'ready'",
        "DELETE FROM roll_call_sites",
    ] {
        let error = connection.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains("a roll call is never"), "{statement}: {error}");
    }
}

#[test]
fn a_roll_call_is_kept_for_five_years_and_its_attendance_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = store::open(directory.path()).unwrap();
    let day = 24 * 60 * 60 * 1000;
    let years_ago = |years: i64| crate::now() - years * 365 * day;
    let calls = [
        call("old@1", years_ago(6), Moment::Start),
        call("moved@1", years_ago(6), Moment::Start),
        call("moved@1", years_ago(4), Moment::Start),
        call("new@1", years_ago(1), Moment::Start),
    ];
    assert_eq!(write(&mut connection, &calls).unwrap(), 4);
    let there = crate::roll_call::attendance::Presence::Present;
    let attendance = BTreeMap::from([("th-0316".parse().unwrap(), there)]);
    for meeting in ["old@1", "moved@1", "new@1"] {
        store::attendance::put(&connection, meeting, &attendance, 1).unwrap();
    }
    assert_eq!(prune(&mut connection).unwrap(), 2);
    assert_eq!(prune(&mut connection).unwrap(), 0);
    assert_eq!(meetings(&connection).unwrap(), ["moved@1", "new@1"]);
    assert_eq!(of_meeting(&connection, "moved@1").unwrap(), calls[2..3]);
    let attended = |meeting| store::attendance::of_meeting(&connection, meeting).unwrap().len();
    assert_eq!(["old@1", "moved@1", "new@1"].map(attended), [0, 1, 1]);
    let sites = "SELECT count(*) FROM roll_call_sites";
    assert_eq!(connection.query_row(sites, [], |row| row.get::<_, i64>(0)).unwrap(), 4);
}

#[test]
fn a_moved_meeting_is_called_again_at_its_new_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut connection = store::open(directory.path()).unwrap();
    let calls = [
        call("m@1", 90_000_000, Moment::FifteenBefore),
        call("m@1", 190_000_000, Moment::FifteenBefore),
        call("m@2", 100_000_000, Moment::Start),
    ];
    assert_eq!(write(&mut connection, &calls).unwrap(), 3);
    assert_eq!(of_meeting(&connection, "m@1").unwrap(), calls[..2]);
    let between = |from, to| meetings_between(&connection, from, to).unwrap();
    assert_eq!(between(90_000_000, 190_000_000), ["m@1", "m@2"]);
    assert_eq!(between(90_000_001, 190_000_000), ["m@2"]);
    assert_eq!(between(190_000_000, 190_000_001), ["m@1"]);
    assert_eq!(meetings(&connection).unwrap(), ["m@1", "m@2"]);
}

/// Reports of a site, taken so many seconds around `start`, arrive in this order.
async fn arrive(state_dir: &Path, start: UnixMillis, arrivals: Vec<(u128, u64, i64)>) {
    let connection = store::open(state_dir).unwrap();
    let (handle, _) = received::start(connection, Arc::new(Telemetry::new().unwrap())).unwrap();
    for (boot, seq, second) in arrivals {
        let reception = Reception {
            site: "th-0317".parse().unwrap(),
            received_at: start + 3_600_000,
            clock: None,
            reports: vec![(Uuid::from_u128(boot), seq, Some(start + second * 1000))],
        };
        handle.record(reception).await.unwrap();
    }
    handle.close().await;
}

proptest! {
    // Each case opens a store on disk.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_later_arrival_changes_what_a_roll_call_recorded(
        arrivals in prop::collection::vec((0_u128..3, 1_u64..40, -200_i64..200), 1..40),
        again in prop::collection::vec(0_usize..3, 0..6),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = store::open(directory.path()).unwrap();
        let start = 1_000_000_000;
        let calls = Moment::ALL.map(|moment| call("m@1", start, moment));
        write(&mut connection, &calls).unwrap();
        let before = of_meeting(&connection, "m@1").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(arrive(directory.path(), start, arrivals));
        for which in again {
            let mut later = calls[which].clone();
            later.recorded_at += 1;
            write(&mut connection, &[later]).unwrap();
        }
        prop_assert_eq!(of_meeting(&connection, "m@1").unwrap(), before);
    }
}
