//! What one reading proves. Pure, and the same for every kind of probe: a failed run, the states
//! of devices, and the measurements of the table below, whoever made them.

use wire::reading::{self, Capability, Name};
use wire::{DeviceState, Reading, Value};

use super::policy::{Limit, Thresholds};
use super::{Verdict, reasons};

/// What a reading says of one source: a device, or the probe itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) capability: Capability,
    /// Empty of a source that works.
    pub(super) code: &'static str,
    pub(super) subject: Box<str>,
    pub(super) value: Option<f64>,
    /// `Ready`, `Degraded`, `Unknown` or `NotReady`.
    pub(super) verdict: Verdict,
    /// Whether it is a fault as a whole, not one more value beyond a threshold.
    pub(super) whole: bool,
}

impl Finding {
    fn works(capability: Capability, subject: &str) -> Self {
        let (code, value, verdict) = ("", None, Verdict::Ready);
        Self { capability, code, subject: subject.into(), value, verdict, whole: true }
    }

    /// Whether both are about the same thing.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.capability, self.code, &self.subject)
            == (other.capability, other.code, &other.subject)
    }
}

/// A metric with a threshold.
struct Measure {
    metric: &'static str,
    /// The metric it is a share of.
    of: Option<&'static str>,
    /// The flag that, up, makes it harmless: a battery that charges is no worry, however low.
    unless: Option<&'static str>,
    /// Whether being well proves that the capability works.
    proves: bool,
    code: &'static str,
    /// What it is evidence of, whatever its reading is evidence of.
    capability: Option<Capability>,
    sense: Sense,
    limit: fn(&Thresholds) -> Limit,
}

/// On which side of the threshold the fault lies.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Sense {
    TooMuch,
    TooLittle,
}

/// Of a flag whose 0 makes things worse but fails nothing by itself.
const FLAG: Limit = Limit { degraded: 0.5, failed: -1.0 };

/// Of a count of which one is bad enough and no number is a failure by itself.
const ANY: Limit = Limit { degraded: 1.0, failed: f64::INFINITY };

const fn measure(
    metric: &'static str,
    code: &'static str,
    sense: Sense,
    limit: fn(&Thresholds) -> Limit,
) -> Measure {
    let (of, unless, proves, capability) = (None, None, false, None);
    Measure { metric, of, unless, proves, code, capability, sense, limit }
}

const MEASURES: &[Measure] = &[
    measure("bridge_probe_loss_ratio", "loss_high", Sense::TooMuch, |t| t.loss_ratio),
    measure("bridge_probe_jitter_seconds", "jitter_high", Sense::TooMuch, |t| t.jitter_seconds),
    measure("bridge_probe_connect_seconds", "rtt_high", Sense::TooMuch, |t| t.rtt_seconds),
    measure("bridge_clock_synchronised", "clock_unsynchronised", Sense::TooLittle, |_| FLAG),
    Measure {
        of: Some("bridge_host_disk_size_bytes"),
        ..measure("bridge_host_disk_available_bytes", "disk_nearly_full", Sense::TooLittle, |t| {
            t.disk_available_ratio
        })
    },
    Measure {
        of: Some("bridge_host_memory_size_bytes"),
        ..measure("bridge_host_memory_available_bytes", "memory_exhausted", Sense::TooLittle, |t| {
            t.memory_available_ratio
        })
    },
    measure("bridge_host_memory_stalled_ratio", "memory_stalled", Sense::TooMuch, |t| {
        t.memory_stalled_ratio
    }),
    measure("bridge_host_throttled_ratio", "overheated", Sense::TooMuch, |t| t.throttled_ratio),
    measure("bridge_host_disk_failing", "disk_failing", Sense::TooMuch, |_| ANY),
    measure("bridge_host_disk_errors", "disk_errors", Sense::TooMuch, |_| ANY),
    media("bridge_media_loss_ratio", "media_loss_high", |t| t.loss_ratio),
    media("bridge_media_jitter_seconds", "media_jitter_high", |t| t.jitter_seconds),
    mains(MAINS, "mains_lost"),
    mains(UPS_MAINS, "ups_on_battery"),
    charge(CHARGE, MAINS),
    charge(UPS_CHARGE, UPS_MAINS),
];

/// Of a call, whoever tells it: what the line does to picture and sound.
const fn media(
    metric: &'static str,
    code: &'static str,
    limit: fn(&Thresholds) -> Limit,
) -> Measure {
    let capability = Some(Capability::Network);
    Measure { capability, ..measure(metric, code, Sense::TooMuch, limit) }
}

const fn mains(metric: &'static str, code: &'static str) -> Measure {
    let capability = Some(Capability::Power);
    Measure { proves: true, capability, ..measure(metric, code, Sense::TooLittle, |_| FLAG) }
}

const fn charge(metric: &'static str, mains: &'static str) -> Measure {
    let (capability, unless) = (Some(Capability::Power), Some(mains));
    let of_charge = measure(metric, "battery_low", Sense::TooLittle, |t| t.battery_charge_ratio);
    Measure { unless, capability, ..of_charge }
}

const MAINS: &str = "bridge_host_mains_online";
const CHARGE: &str = "bridge_host_battery_charge_ratio";
const UPS_MAINS: &str = "bridge_ups_mains_online";
const UPS_CHARGE: &str = "bridge_ups_charge_ratio";
const RTT: &str = "bridge_probe_rtt_seconds";
const DEVICE: &str = "bridge_device_state";

/// Everything a reading says. `rtt` is the mean round trip since the reading before, where there
/// is one.
pub(super) fn findings(
    reading: &Reading,
    rtt: Option<f64>,
    thresholds: &Thresholds,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(failure) = &reading.failure {
        findings.extend(failed(reading, failure.reason));
        return findings;
    }
    let probe = reading.probe.as_str();
    if let Some(capability) = reading.capability {
        troubles(reading, capability, &mut findings);
        devices(reading, capability, &mut findings);
        if findings.is_empty() {
            findings.push(Finding::works(capability, probe));
        }
        let limit = thresholds.rtt_seconds;
        if let Some(verdict) = rtt.and_then(|rtt| beyond(rtt, limit, Sense::TooMuch)) {
            let (code, subject) = ("rtt_high", probe.into());
            findings.push(Finding { capability, code, subject, value: rtt, verdict, whole: false });
        }
    }
    for measure in MEASURES {
        measured(reading, measure, thresholds, &mut findings);
    }
    findings
}

fn failed(reading: &Reading, reason: reading::Reason) -> Option<Finding> {
    let capability = reading.capability?;
    // A probe that could not look has seen nothing. A device it may not open is closed to the
    // meeting's program as well.
    let blind = match reason {
        reading::Reason::Internal => true,
        reading::Reason::Denied => !reasons::is_device(capability),
        _ => false,
    };
    Some(Finding {
        capability,
        code: reasons::of_failure(Some(capability), reason),
        subject: reading.probe.as_str().into(),
        value: None,
        verdict: if blind { Verdict::Unknown } else { Verdict::NotReady },
        whole: true,
    })
}

/// What the probe itself names as the cause.
fn troubles(reading: &Reading, capability: Capability, findings: &mut Vec<Finding>) {
    findings.extend(reading.troubles.iter().map(|trouble| Finding {
        capability,
        code: reasons::of_cause(capability, trouble.cause),
        subject: trouble.device.clone(),
        value: None,
        verdict: match trouble.cause.state() {
            DeviceState::Ok => Verdict::Ready,
            DeviceState::Degraded => Verdict::Degraded,
            DeviceState::Missing | DeviceState::Blocked => Verdict::NotReady,
            DeviceState::Unknown => Verdict::Unknown,
        },
        whole: true,
    }));
}

/// The states of devices of which no cause is told.
fn devices(reading: &Reading, capability: Capability, findings: &mut Vec<Finding>) {
    for sample in &reading.samples {
        let (Name::Known(row), Value::State(state)) = (&sample.name, &sample.value) else {
            continue;
        };
        if row.name != DEVICE {
            continue;
        }
        let subject = sample.label.as_deref().unwrap_or(reading.probe.as_str());
        if reading.troubles.iter().any(|trouble| &*trouble.device == subject) {
            continue;
        }
        let (code, verdict) = match state {
            DeviceState::Ok => ("", Verdict::Ready),
            DeviceState::Degraded => ("device_degraded", Verdict::Degraded),
            DeviceState::Missing => (reasons::missing(capability), Verdict::NotReady),
            DeviceState::Blocked => (reasons::blocked(capability), Verdict::NotReady),
            DeviceState::Unknown => ("device_unknown", Verdict::Unknown),
        };
        let subject = subject.into();
        findings.push(Finding { capability, code, subject, value: None, verdict, whole: true });
    }
}

fn measured(
    reading: &Reading,
    measure: &Measure,
    thresholds: &Thresholds,
    findings: &mut Vec<Finding>,
) {
    let Some(capability) = measure.capability.or(reading.capability) else { return };
    for (label, number) in numbers(reading, measure.metric) {
        let value = match measure.of {
            None => number,
            Some(of) => match numbers(reading, of).find(|(other, _)| *other == label) {
                Some((_, whole)) if whole > 0.0 => number / whole,
                _ => continue,
            },
        };
        let subject = label.unwrap_or(reading.probe.as_str());
        match beyond(value, (measure.limit)(thresholds), measure.sense) {
            Some(verdict) if !measure.is_harmless(reading, label) => findings.push(Finding {
                capability,
                code: measure.code,
                subject: subject.into(),
                value: Some(value),
                verdict,
                whole: false,
            }),
            _ if measure.proves => findings.push(Finding::works(capability, subject)),
            _ => {}
        }
    }
}

impl Measure {
    /// Whether its flag, of the device or of the whole PC, is up; a missing one is not down.
    fn is_harmless(&self, reading: &Reading, device: Option<&str>) -> bool {
        self.unless.is_some_and(|flag| {
            let mut flags =
                numbers(reading, flag).filter(|(label, _)| label.is_none() || *label == device);
            flags.all(|(_, up)| up > 0.5)
        })
    }
}

/// What a value beyond its threshold means.
pub(super) fn beyond(value: f64, limit: Limit, sense: Sense) -> Option<Verdict> {
    let reaches = |limit: f64| match sense {
        Sense::TooMuch => value >= limit,
        Sense::TooLittle => value <= limit,
    };
    if reaches(limit.failed) {
        Some(Verdict::NotReady)
    } else {
        reaches(limit.degraded).then_some(Verdict::Degraded)
    }
}

/// The numbers of one metric, each with its own label.
pub(super) fn numbers<'a>(
    reading: &'a Reading,
    metric: &'a str,
) -> impl Iterator<Item = (Option<&'a str>, f64)> {
    reading.samples.iter().filter_map(move |sample| match (&sample.name, &sample.value) {
        (Name::Known(row), Value::Number(number)) if row.name == metric => {
            Some((sample.label.as_deref(), *number))
        }
        _ => None,
    })
}

/// How many round trips were measured since the agent's start, and their sum in seconds.
pub(super) fn round_trips(reading: &Reading) -> Option<(u64, f64)> {
    reading.samples.iter().find_map(|sample| match (&sample.name, &sample.value) {
        (Name::Known(row), Value::Histogram(all)) if row.name == RTT => {
            Some((all.count(), all.sum))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;
    use wire::metrics;

    use super::*;

    #[test]
    fn every_metric_and_code_is_in_its_table() {
        let codes: BTreeSet<_> = reasons::codes().collect();
        for measure in MEASURES {
            assert!(metrics::find(measure.metric).is_some(), "{}", measure.metric);
            let others = [measure.of, measure.unless].into_iter().flatten();
            assert!(others.into_iter().all(|other| metrics::find(other).is_some()));
            assert!(codes.contains(measure.code), "{}", measure.code);
        }
        for name in [RTT, DEVICE] {
            assert!(metrics::find(name).is_some(), "{name}");
        }
        for code in ["rtt_high", "device_degraded", "device_unknown"] {
            assert!(codes.contains(code), "{code}");
        }
    }

    #[test]
    fn a_cause_says_more_than_a_state_and_counts_in_its_place() {
        use Verdict::{Degraded, NotReady, Ready, Unknown};
        let state =
            |device: &str, state: &str| json!({ "name": DEVICE, "label": device, "value": state });
        let trouble = |device: &str, cause: &str| json!({ "device": device, "cause": cause });
        let cases = [
            (
                "microphone",
                vec![state("Jabra", "blocked"), state("Yamaha", "ok")],
                vec![trouble("Jabra", "muted"), trouble("Jabra", "not_default")],
                vec![("muted", NotReady), ("not_default", Degraded), ("", Ready)],
            ),
            (
                "camera",
                vec![state("C920", "missing")],
                vec![trouble("C920", "absent")],
                vec![("camera_missing", NotReady)],
            ),
            ("network", vec![], vec![trouble("sip", "overloaded")], vec![("overloaded", Degraded)]),
            (
                "speaker",
                vec![state("HDMI", "unknown")],
                vec![trouble("HDMI", "of_tomorrow")],
                vec![("device_unknown", Unknown)],
            ),
        ];
        for (capability, samples, troubles, expected) in cases {
            let reading = json!({
                "probe": "p", "kind": "k", "capability": capability, "every_ms": 15_000,
                "duration_us": 1, "samples": samples, "troubles": troubles,
            });
            let reading: Reading = serde_json::from_value(reading).unwrap();
            let found = findings(&reading, None, &Thresholds::default());
            let found: Vec<_> = found.iter().map(|f| (f.code, f.verdict)).collect();
            assert_eq!(found, expected, "{reading:?}");
        }
    }

    #[test]
    fn a_reading_says_what_its_samples_say() {
        use Verdict::{Degraded, NotReady, Ready, Unknown};
        let number = |name: &str, value: f64| json!({ "name": name, "value": value });
        let of = |name: &str, label: &str, value: f64| json!({ "name": name, "label": label, "value": value });
        let state = |device: &str, state: &str| json!({ "name": "bridge_device_state", "label": device, "value": state });
        let disk = |free: f64| {
            vec![
                of("bridge_host_disk_size_bytes", "/", 1000.0),
                of("bridge_host_disk_available_bytes", "/", free),
            ]
        };
        let battery = |online: f64| vec![number(MAINS, online), of(CHARGE, "BAT0", 0.1)];
        let ups = |online: f64| vec![of(UPS_MAINS, "room", online), of(UPS_CHARGE, "room", 0.4)];
        let cases = [
            ("power", None, ups(1.0), vec![("", Ready), ("", Ready)]),
            (
                "power",
                None,
                ups(0.0),
                vec![("", Ready), ("ups_on_battery", Degraded), ("battery_low", Degraded)],
            ),
            ("network", None, vec![], vec![("", Ready)]),
            ("network", Some("timeout"), vec![], vec![("probe_timeout", NotReady)]),
            ("network", Some("denied"), vec![], vec![("probe_denied", Unknown)]),
            ("camera", Some("absent"), vec![], vec![("camera_missing", NotReady)]),
            ("camera", Some("denied"), vec![], vec![("camera_blocked", NotReady)]),
            ("camera", Some("internal"), vec![], vec![("probe_internal", Unknown)]),
            (
                "camera",
                None,
                vec![state("front", "ok"), state("back", "missing")],
                vec![("", Ready), ("camera_missing", NotReady)],
            ),
            ("display", None, vec![state("tv", "unknown")], vec![("device_unknown", Unknown)]),
            ("network", None, vec![number("bridge_probe_loss_ratio", 0.009)], vec![("", Ready)]),
            (
                "network",
                None,
                vec![number("bridge_probe_loss_ratio", 0.01)],
                vec![("", Ready), ("loss_high", Degraded)],
            ),
            (
                "network",
                None,
                vec![number("bridge_probe_jitter_seconds", 0.2)],
                vec![("", Ready), ("jitter_high", NotReady)],
            ),
            ("host", None, disk(100.0), vec![("", Ready)]),
            ("host", None, disk(40.0), vec![("", Ready), ("disk_nearly_full", Degraded)]),
            ("host", None, disk(5.0), vec![("", Ready), ("disk_nearly_full", NotReady)]),
            (
                "host",
                None,
                vec![
                    number("bridge_host_memory_stalled_ratio", 0.2),
                    number("bridge_host_throttled_ratio", 0.01),
                    of("bridge_host_disk_errors", "sda2", 4.0),
                    of("bridge_host_disk_errors", "sdb1", 0.0),
                ],
                vec![("", Ready), ("memory_stalled", Degraded), ("disk_errors", Degraded)],
            ),
            (
                "host",
                None,
                vec![number("bridge_host_throttled_ratio", 0.95)],
                vec![("", Ready), ("overheated", NotReady)],
            ),
            ("host", None, battery(1.0), vec![("", Ready), ("", Ready)]),
            (
                "host",
                None,
                battery(0.0),
                vec![("", Ready), ("mains_lost", Degraded), ("battery_low", NotReady)],
            ),
            (
                "clock",
                None,
                vec![number("bridge_clock_synchronised", 0.0)],
                vec![("", Ready), ("clock_unsynchronised", Degraded)],
            ),
        ];
        for (capability, failure, samples, expected) in cases {
            let failure = failure.map(|reason| json!({ "reason": reason }));
            let reading = json!({
                "probe": "p", "kind": "k", "capability": capability, "every_ms": 15_000,
                "duration_us": 1, "failure": failure, "samples": samples,
            });
            let reading: Reading = serde_json::from_value(reading).unwrap();
            let found = findings(&reading, None, &Thresholds::default());
            let found: Vec<_> = found.iter().map(|f| (f.code, f.verdict)).collect();
            assert_eq!(found, expected, "{reading:?}");
        }
    }
}
