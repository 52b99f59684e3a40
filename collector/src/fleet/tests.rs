use uuid::Uuid;
use wire::reading::Name;
use wire::{AgentInfo, Failure, Reading, Reason, Sample, Value, metrics};

use super::*;
use crate::exposition::Lines;
use crate::ingest::Cause;
use crate::inventory;
use crate::store::received::PastBoot;

const NOW: UnixMillis = 1_795_305_600_000;

fn id() -> SiteId {
    "th-0316".parse().unwrap()
}

fn named(name: &str) -> Inventory {
    let site = inventory::Site {
        name: name.to_owned(),
        level: "commune".to_owned(),
        area: None,
        uplink: String::new(),
        provider: String::new(),
        lat: None,
        lon: None,
        contact: None,
        needs: vec![],
        hosts: vec![],
        subnets: vec![],
    };
    Inventory { sites: [(id(), site)].into(), ..Inventory::default() }
}

fn sample(name: &str, label: Option<&str>, number: f64) -> Sample {
    let name = Name::Known(metrics::find(name).unwrap());
    Sample { name, label: label.map(Into::into), value: Value::Number(number) }
}

fn reading(probe: &str, samples: Vec<Sample>) -> Reading {
    Reading {
        probe: probe.parse().unwrap(),
        kind: "host".into(),
        capability: None,
        every_ms: 15_000,
        age_ms: 0,
        duration_us: 1,
        troubles: vec![],
        failure: None,
        samples,
    }
}

fn report(boot: u128, seq: u64, readings: Vec<Reading>) -> Report {
    Report {
        boot: Uuid::from_u128(boot),
        seq,
        taken_at: 0,
        uptime_ms: 0,
        agent: AgentInfo::default(),
        readings,
    }
}

fn arrival(at: UnixMillis, report: Report) -> Arrival {
    Arrival { received_at: NOW, clock_offset: 0, again_ms: None, reports: vec![(Some(at), report)] }
}

fn duration(fleet: &Fleet, probe: &str) -> u64 {
    let snapshot = fleet.snapshot(NOW);
    let (_, site) = snapshot.site("th-0316").unwrap();
    let (_, probe) = site.probes().find(|(name, _)| name.as_str() == probe).unwrap();
    probe.reading.duration_us
}

#[test]
fn numbers_order_the_reports_of_a_boot_and_moments_those_of_different_boots() {
    // boot, number, moment, and whether it replaces boot 1's number 5 of NOW - 60 s.
    for (boot, seq, at, newer) in [
        (1, 6, NOW - 61_000, true),
        (1, 4, NOW - 59_000, false),
        (1, 5, NOW - 60_000, false),
        (2, 1, NOW - 59_000, true),
        (2, 9, NOW - 61_000, false),
        (2, 9, NOW - 60_000, false),
    ] {
        let mut fleet = Fleet::default();
        fleet.apply(&id(), arrival(NOW - 60_000, report(1, 5, vec![reading("a", vec![])])));
        let other = Reading { duration_us: 2, ..reading("a", vec![]) };
        fleet.apply(&id(), arrival(at, report(boot, seq, vec![other])));
        assert_eq!(duration(&fleet, "a") == 2, newer, "{boot} {seq} {at}");
    }
}

#[test]
fn a_report_of_unknown_time_is_a_sign_of_life_and_nothing_else() {
    let mut fleet = Fleet::default();
    let reports = vec![(None, report(1, 1, vec![reading("a", vec![])]))];
    fleet.apply(&id(), Arrival { received_at: NOW, clock_offset: 0, again_ms: None, reports });
    let snapshot = fleet.snapshot(NOW);
    let (_, site) = snapshot.site("th-0316").unwrap();
    assert!(site.is_up(NOW) && site.probes().next().is_none());
}

#[test]
fn a_series_of_the_site_comes_from_one_probe_only_as_long_as_that_lives() {
    let cpus = |probe: &str| reading(probe, vec![sample("bridge_host_cpus", None, 4.0)]);
    let mut fleet = Fleet::default();
    let ignored = fleet.apply(&id(), arrival(NOW - 80_000, report(1, 1, vec![cpus("b")])));
    assert_eq!(ignored, Ignored::new());
    let ignored = fleet.apply(&id(), arrival(NOW, report(1, 2, vec![cpus("a")])));
    assert_eq!(ignored, Ignored::from([(Cause::Duplicate, 1)]));
    // The first goes on with it.
    let ignored = fleet.apply(&id(), arrival(NOW, report(1, 3, vec![cpus("b")])));
    assert_eq!(ignored, Ignored::new());
    // The first has ended, so the second takes over.
    let mut later = arrival(NOW + 90_000, report(1, 4, vec![cpus("a")]));
    later.received_at = NOW + 90_000;
    assert_eq!(fleet.apply(&id(), later), Ignored::new());
}

#[test]
fn two_devices_are_two_series() {
    let disk = |probe: &str, disk: &str| {
        reading(probe, vec![sample("bridge_host_disk_size_bytes", Some(disk), 1.0)])
    };
    let mut fleet = Fleet::default();
    let readings = vec![disk("a", "/"), disk("b", "/home"), disk("c", "/")];
    let ignored = fleet.apply(&id(), arrival(NOW, report(1, 1, readings)));
    assert_eq!(ignored, Ignored::from([(Cause::Duplicate, 1)]));
}

#[test]
fn an_agent_gone_wild_cannot_have_more_than_its_share_of_series() {
    let wild = |probe: &str| {
        let disks = (0..60).map(|n| sample("bridge_link_up", Some(&format!("{probe}{n}")), 1.0));
        reading(probe, disks.collect())
    };
    let mut fleet = Fleet::default();
    let readings = (0..100).map(|n| wild(&format!("p{n}"))).collect();
    let ignored = fleet.apply(&id(), arrival(NOW, report(1, 1, readings)));
    assert!(ignored[&Cause::TooManySeries] > 3_000);
    let snapshot = fleet.snapshot(NOW);
    let (_, site) = snapshot.site("th-0316").unwrap();
    let series: usize =
        site.probes().filter_map(|(_, probe)| probe.lines(NOW)).map(Lines::series).sum();
    // Outcomes are never left out: three series of a hundred probes at most.
    assert!(series <= 2_300, "{series}");
}

#[test]
fn a_failure_that_comes_late_becomes_the_last_one_only_if_it_is() {
    let failed = |seq, at, detail: &str| {
        let failure = Some(Failure::new(Reason::Timeout, detail));
        arrival(at, report(1, seq, vec![Reading { failure, ..reading("a", vec![]) }]))
    };
    let mut fleet = Fleet::default();
    fleet.apply(&id(), arrival(NOW, report(1, 9, vec![reading("a", vec![])])));
    for (seq, at, detail, last) in [
        (5, NOW - 50_000, "five", "five"),
        (3, NOW - 70_000, "three", "five"),
        (7, NOW - 30_000, "seven", "seven"),
    ] {
        let held = fleet.snapshot(NOW);
        fleet.apply(&id(), failed(seq, at, detail));
        drop(held);
        let snapshot = fleet.snapshot(NOW);
        let (_, probe) = snapshot.site("th-0316").unwrap().1.probes().next().unwrap();
        assert_eq!(probe.reading.failure, None);
        assert_eq!(&*probe.last_failure.as_ref().unwrap().failure.detail, last);
    }
}

#[test]
fn an_hourly_probe_does_not_keep_a_dead_site_up() {
    let mut fleet = Fleet::default();
    let hourly = Reading { every_ms: 3_600_000, ..reading("slow", vec![]) };
    let up_after =
        |fleet: &Fleet, millis| fleet.snapshot(NOW).site("th-0316").unwrap().1.is_up(NOW + millis);
    fleet.apply(&id(), arrival(NOW, report(1, 1, vec![hourly.clone()])));
    assert!(up_after(&fleet, 3 * 3_600_000 - 1) && !up_after(&fleet, 3 * 3_600_000));
    let mut fleet = Fleet::default();
    fleet.apply(&id(), arrival(NOW, report(1, 1, vec![reading("fast", vec![])])));
    fleet.apply(&id(), arrival(NOW, report(1, 2, vec![hourly])));
    assert!(up_after(&fleet, 89_999) && !up_after(&fleet, 90_000));
}

#[test]
fn expected_enrolled_and_heard_sites_are_shown_and_the_rest_is_remembered() {
    let past = PastBoot {
        site: id(),
        boot: Uuid::from_u128(1),
        heard_at: NOW - 1_000_000,
        clock_offset: Some(7),
    };
    let mut fleet = Fleet::restore(&History { boots: vec![past] });
    let last_seen =
        |fleet: &Fleet| fleet.snapshot(NOW).site("th-0316").map(|(_, site)| site.last_seen());
    assert_eq!(last_seen(&fleet), None);
    fleet.set_inventory(&named("UBND xã Hoằng Lộc"));
    assert_eq!(last_seen(&fleet), Some(Some(NOW - 1_000_000)));
    fleet.set_inventory(&Inventory::default());
    assert_eq!(last_seen(&fleet), None);
    fleet.set_enrolled(&[id()].into());
    assert_eq!(last_seen(&fleet), Some(Some(NOW - 1_000_000)));
    fleet.apply(&id(), arrival(NOW, report(1, 1, vec![])));
    fleet.set_enrolled(&BTreeSet::new());
    assert_eq!(last_seen(&fleet), None);
}

#[test]
fn probes_are_bounded_and_those_long_gone_are_forgotten() {
    let mut fleet = Fleet::default();
    for seq in 0..10 {
        let readings = (0..100).map(|n| reading(&format!("p{}", seq * 100 + n), vec![])).collect();
        fleet.apply(&id(), arrival(NOW, report(1, seq, readings)));
    }
    let probes = |fleet: &Fleet| fleet.snapshot(NOW).site("th-0316").unwrap().1.probes().count();
    assert_eq!(probes(&fleet), 512);
    let mut much_later = arrival(NOW, report(1, 99, vec![]));
    much_later.received_at = NOW + 32 * 86_400_000;
    fleet.apply(&id(), much_later);
    assert_eq!(probes(&fleet), 0);
}
