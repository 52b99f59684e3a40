use std::collections::BTreeSet;

use wire::metrics::{Kind, Source};
use wire::reading::{Name, Reason, Value};

use super::*;
use crate::fault::Fault;

const NOW: UnixMillis = 1_795_305_600_000;

fn read(felt: &Felt) -> Vec<Reading> {
    let mut bridge = Bridge::new(7, 0.5);
    let every = Duration::from_secs(15);
    let circumstances = Circumstances { felt, now: NOW, every, in_meeting: false };
    PROBES.iter().map(|probe| bridge.read(probe, &mut Tally::default(), circumstances)).collect()
}

fn of(fault: Fault) -> Felt {
    Felt(vec![(fault, 60_000)])
}

/// What failed, which troubles are named and which states are not good.
fn told(readings: &[Reading]) -> BTreeSet<String> {
    let failed = readings.iter().filter_map(|reading| {
        let failure = reading.failure.as_ref()?;
        Some(format!("{} {}", reading.probe, failure.reason))
    });
    let troubles = readings.iter().flat_map(|reading| {
        reading
            .troubles
            .iter()
            .map(|trouble| format!("{} {}", reading.probe, trouble.cause.label()))
    });
    failed.chain(troubles).collect()
}

#[test]
fn a_site_that_is_well_fails_in_nothing() {
    assert!(told(&read(&Felt::default())).is_empty());
}

#[test]
fn every_sample_is_of_a_row_that_agents_may_send_and_of_its_shape() {
    for felt in [Felt::default()].into_iter().chain(Fault::ALL.map(of)) {
        for reading in read(&felt) {
            let mut series = BTreeSet::new();
            for sample in &reading.samples {
                let Name::Known(row) = &sample.name else { panic!("{sample:?}") };
                assert_eq!(row.source, Source::Agent, "{}", row.name);
                assert_eq!(row.own_label().is_some(), sample.label.is_some(), "{}", row.name);
                let fits = matches!(
                    (row.kind, &sample.value),
                    (Kind::Gauge | Kind::Counter, Value::Number(_))
                        | (Kind::StateSet(_), Value::State(_))
                        | (Kind::Histogram(_), Value::Histogram(_))
                );
                assert!(fits, "{sample:?}");
                assert!(series.insert((row.name, sample.label.clone())), "{sample:?} twice");
            }
        }
    }
}

#[test]
fn each_fault_is_told_by_the_probes_that_see_it() {
    for (fault, expected) in [
        (
            Fault::LineCut,
            &[
                "mcu timeout",
                "sip timeout",
                "h323 timeout",
                "ports timeout",
                "web resolve",
                "dns timeout",
            ][..],
        ),
        (Fault::ServiceRefuses, &["sip refused", "h323 refused"]),
        (Fault::NamesDead, &["web resolve", "dns timeout"]),
        (Fault::PortsBlocked, &["ports ports_blocked"]),
        (Fault::CameraUnplugged, &["camera absent"]),
        (Fault::MicrophoneMuted, &["microphone muted"]),
        (Fault::SpeakerQuiet, &["speaker quiet"]),
        (Fault::DisplayAsleep, &["display asleep"]),
    ] {
        let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(told(&read(&of(fault))), expected, "{fault:?}");
    }
    assert_eq!(Reason::Timeout.label(), "timeout");
}

#[test]
fn what_is_only_a_number_is_told_as_one() {
    let number = |felt: &Felt, name: &str| {
        let readings = read(felt);
        let mut samples = readings.iter().flat_map(|reading| &reading.samples);
        let sample =
            samples.find(|sample| matches!(sample.name, Name::Known(row) if row.name == name));
        match sample.map(|sample| &sample.value) {
            Some(Value::Number(number)) => *number,
            other => panic!("{name}: {other:?}"),
        }
    };
    let well = Felt::default();
    for (fault, name) in [
        (Fault::LossyLine, "bridge_probe_jitter_seconds"),
        (Fault::RestartPending, "bridge_host_restart_pending"),
    ] {
        assert!(number(&of(fault), name) > number(&well, name), "{name}");
    }
    for (fault, name) in [
        (Fault::ClockWrong, "bridge_clock_synchronised"),
        (Fault::DiskFilling, "bridge_host_disk_available_bytes"),
        (Fault::OnBattery, "bridge_ups_mains_online"),
        (Fault::OnBattery, "bridge_ups_charge_ratio"),
        (Fault::CertificateEnding, "bridge_probe_tls_expiry_timestamp_seconds"),
    ] {
        assert!(number(&of(fault), name) < number(&well, name), "{name}");
    }
}
