//! Values that the configuration names, and what they mean there. Pure.

use std::collections::BTreeMap;

use async_snmp::{Oid, Value};
use serde::{Deserialize, Deserializer, de};
use wire::Cause;

use crate::tally::Run;

/// Values of one device: more are a management station's trade.
const WATCHES: usize = 32;

/// Values by the names that people give them.
#[derive(Debug, Clone, Default)]
pub struct Watches(BTreeMap<Box<str>, Watch>);

/// `{ oid: 1.3.6.1.4.1.2011.2.299.1.1.0, scale: 0.1, warn_above: 60, fail_above: 75 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    oid: Name,
    /// What a value is multiplied by, for devices that count in tenths. Default: 1.
    #[serde(default)]
    scale: Option<f64>,
    #[serde(default)]
    warn_above: Option<f64>,
    #[serde(default)]
    fail_above: Option<f64>,
    #[serde(default)]
    warn_below: Option<f64>,
    #[serde(default)]
    fail_below: Option<f64>,
    /// The values that are good, numbers or texts; any other is a fault. Default: any is good.
    #[serde(default)]
    good: Vec<Good>,
}

#[derive(Debug, Clone)]
struct Name(Oid);

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Good {
    Number(f64),
    Text(Box<str>),
}

/// A value as people compare it.
#[derive(Debug, PartialEq)]
enum Seen {
    Number(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for Watches {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let watches = BTreeMap::<Box<str>, Watch>::deserialize(deserializer)?;
        if watches.len() > WATCHES {
            return Err(de::Error::custom(format_args!(
                "a device has at most {WATCHES} watched values, these are {}",
                watches.len()
            )));
        }
        Ok(Self(watches))
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let oid =
            Oid::parse(&text).ok().filter(|oid| oid.arcs().len() > 2 && oid.validate().is_ok());
        oid.map(Self).ok_or_else(|| {
            de::Error::custom(format_args!(
                "{text:?} is not an OID in numbers, like 1.3.6.1.2.1.1.3.0"
            ))
        })
    }
}

impl Watches {
    pub(super) fn oids(&self) -> impl Iterator<Item = Oid> {
        self.0.values().map(|watch| watch.oid.0.clone())
    }

    /// Judges the values, which come in the order of [`Self::oids`].
    pub(super) fn record(&self, run: &mut Run<'_>, values: &[Option<Value>]) {
        for ((name, watch), value) in self.0.iter().zip(values) {
            let Some(seen) = value.as_ref().and_then(|value| watch.seen(value)) else {
                let detail = format!("no value at {}", watch.oid.0);
                run.device(name, Cause::NotTold.state());
                run.trouble(name, Cause::NotTold, &detail);
                continue;
            };
            let shown = match &seen {
                Seen::Number(number) => {
                    run.gauge_of("bridge_device_value", name, *number);
                    number.to_string()
                }
                Seen::Text(text) => text.clone(),
            };
            run.step(|| format!("{name}: {shown}."), || format!("{name}: {shown}."));
            let cause = watch.judge(&seen);
            run.device(name, cause.map_or(wire::DeviceState::Ok, Cause::state));
            if let Some(cause) = cause {
                run.trouble(name, cause, &shown);
            }
        }
    }
}

impl Watch {
    fn seen(&self, value: &Value) -> Option<Seen> {
        let scale = self.scale.unwrap_or(1.0);
        if let Some(number) = value.as_f64().or_else(|| number(value.as_str()?)) {
            return Some(Seen::Number(number * scale));
        }
        let text = String::from_utf8_lossy(value.as_bytes()?).into_owned();
        Some(Seen::Text(text.trim().chars().filter(|c| !c.is_control()).collect()))
    }

    fn judge(&self, seen: &Seen) -> Option<Cause> {
        if !self.good.is_empty() {
            let good = self.good.iter().any(|good| match (good, seen) {
                (Good::Number(good), Seen::Number(number)) => (good - number).abs() < 1e-9,
                (Good::Text(good), Seen::Text(text)) => **good == **text,
                _ => false,
            });
            return (!good).then_some(Cause::FarOutOfRange);
        }
        let Seen::Number(number) = seen else { return None };
        let beyond = |above: Option<f64>, below: Option<f64>| {
            above.is_some_and(|limit| *number > limit) || below.is_some_and(|limit| *number < limit)
        };
        if beyond(self.fail_above, self.fail_below) {
            Some(Cause::FarOutOfRange)
        } else {
            beyond(self.warn_above, self.warn_below).then_some(Cause::OutOfRange)
        }
    }
}

/// Some devices tell numbers as texts: `48.5`.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bench::{Bench, config};

    #[test]
    fn a_value_is_judged_by_its_limits() {
        let limits = "scale: 0.1, warn_above: 60, fail_above: 75, warn_below: 10, fail_below: 0";
        for (limits, value, cause) in [
            (limits, Value::Integer(485), None),
            (limits, Value::Integer(601), Some(Cause::OutOfRange)),
            (limits, Value::Gauge32(751), Some(Cause::FarOutOfRange)),
            (limits, Value::Integer(99), Some(Cause::OutOfRange)),
            (limits, Value::Integer(-1), Some(Cause::FarOutOfRange)),
            (limits, Value::OctetString("601.5".into()), Some(Cause::OutOfRange)),
            (limits, Value::OctetString("warm".into()), None),
            ("good: [2]", Value::Integer(2), None),
            ("good: [2]", Value::Integer(3), Some(Cause::FarOutOfRange)),
            ("good: [registered, 1]", Value::OctetString("registered\0".into()), None),
            ("good: [registered]", Value::OctetString("failed".into()), Some(Cause::FarOutOfRange)),
            ("good: [registered]", Value::Integer(1), Some(Cause::FarOutOfRange)),
        ] {
            let watch: Watch = config(&format!("{{ oid: 1.3.6.1.4.1.1.0, {limits} }}"));
            assert_eq!(watch.judge(&watch.seen(&value).unwrap()), cause, "{limits} {value:?}");
        }
    }

    #[test]
    fn values_have_their_names_and_what_is_not_there_is_said() {
        let watches: Watches = config(
            "{ fan: { oid: 1.3.6.1.4.1.1.0 }, line: { oid: .1.3.6.1.4.1.2.0, good: [up] }, \
             lost: { oid: 1.3.6.1.4.1.3.0 }, name: { oid: 1.3.6.1.4.1.4.0 } }",
        );
        let values = [
            Some(Value::Gauge32(2250)),
            Some(Value::OctetString("down".into())),
            None,
            Some(Value::OctetString("TE30".into())),
        ];
        let found = Bench::default().record(|run| watches.record(run, &values));
        assert_eq!(found.number_of("bridge_device_value", "fan"), Some(2250.0));
        assert_eq!(found.labels("bridge_device_value"), ["fan"]);
        assert_eq!(found.labels("bridge_device_state"), ["fan", "line", "lost", "name"]);
        assert_eq!(found.troubles(), "line far_out_of_range, lost not_told");
        assert!(found.steps().contains("name: TE30."));
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_would() {
        let many =
            (0..33).map(|n| format!("w{n}: {{ oid: 1.3.6.1 }}")).collect::<Vec<_>>().join(", ");
        for (yaml, fault) in [
            ("{ a: { oid: sysName.0 } }".to_owned(), "is not an OID in numbers"),
            ("{ a: { oid: \"9.9.9\" } }".to_owned(), "is not an OID in numbers"),
            ("{ a: { oid: 1.3.6.1, warn: 3 } }".to_owned(), "unknown field"),
            (format!("{{ {many} }}"), "at most 32 watched values, these are 33"),
        ] {
            let error = serde_yaml::from_str::<Watches>(&yaml).unwrap_err().to_string();
            assert!(error.contains(fault), "{yaml}: {error}");
        }
    }
}
