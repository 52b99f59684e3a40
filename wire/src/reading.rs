//! A reading: what one run of a probe yields, outcome and samples.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use crate::device::{DeviceState, Trouble};
use crate::ids::ProbeName;
use crate::language::Language;
use crate::metrics::{self, Metric};

/// What one run of a probe found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The probe as the agent's configuration names it.
    pub probe: ProbeName,
    /// The kind of probe (`icmp`, `camera`, …). Open, so that a new agent may know more kinds.
    pub kind: Box<str>,
    /// What a meeting needs that this reading is evidence of. A need of a newer agent, which no
    /// meeting of this collector can have, is none here; the reading is kept.
    #[serde(
        default,
        deserialize_with = "known_capability",
        skip_serializing_if = "Option::is_none"
    )]
    pub capability: Option<Capability>,
    /// The probe's interval in milliseconds: the collector derives the reading's time to live.
    pub every_ms: u64,
    /// How long before the report's `taken_at` the run ended, by the monotonic clock.
    #[serde(default)]
    pub age_ms: u64,
    /// How long the run took, in microseconds.
    pub duration_us: u64,
    /// Why the run failed; absent when it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What it measured, failed or not.
    #[serde(default)]
    pub samples: Vec<Sample>,
    /// What stands between the meeting and the devices and services it looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<Trouble>,
}

fn known_capability<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Capability>, D::Error> {
    let word = Option::<Cow<'de, str>>::deserialize(deserializer)?;
    Ok(word.and_then(|word| Capability::ALL.into_iter().find(|known| known.label() == word)))
}

/// What a meeting needs of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the words of the field")]
pub enum Capability {
    Network,
    Camera,
    Microphone,
    Speaker,
    Display,
    Codec,
    Power,
    Host,
    Clock,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Network,
        Self::Camera,
        Self::Microphone,
        Self::Speaker,
        Self::Display,
        Self::Codec,
        Self::Power,
        Self::Host,
        Self::Clock,
    ];

    /// The label value in metrics and the word in configurations.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::Speaker => "speaker",
            Self::Display => "display",
            Self::Codec => "codec",
            Self::Power => "power",
            Self::Host => "host",
            Self::Clock => "clock",
        }
    }

    /// For people, to stand at the beginning of a sentence.
    #[must_use]
    pub fn word(self, language: Language) -> &'static str {
        let (vi, en) = match self {
            Self::Network => ("Đường truyền", "The network"),
            Self::Camera => ("Camera", "The camera"),
            Self::Microphone => ("Micrô", "The microphone"),
            Self::Speaker => ("Loa", "The speaker"),
            Self::Display => ("Màn hình", "The display"),
            Self::Codec => ("Thiết bị hội nghị", "The codec"),
            Self::Power => ("Nguồn điện", "The power supply"),
            Self::Host => ("Máy tính", "The PC"),
            Self::Clock => ("Đồng hồ máy tính", "The PC's clock"),
        };
        language.pick(vi, en)
    }
}

/// A failed run: a stable label for machines, a detail for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The label.
    pub reason: Reason,
    /// What failed, on what: `connect 10.0.0.10:5060: connection refused`.
    #[serde(default)]
    pub detail: Box<str>,
}

impl Failure {
    /// A failure with its detail.
    pub fn new(reason: Reason, detail: impl fmt::Display) -> Self {
        Self { reason, detail: detail.to_string().into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            f.write_str(self.reason.label())
        } else {
            write!(f, "{}: {}", self.reason.label(), self.detail)
        }
    }
}

/// Why a run failed. The labels are part of the metric contract and never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing came back before the deadline.
    Timeout,
    /// The other side answered and said no (closed port, refusal).
    Refused,
    /// No way to the address: no route, interface down, ICMP unreachable.
    Unreachable,
    /// The name has no address, or the name server did not say.
    Resolve,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// An answer came and made no sense.
    Protocol,
    /// An answer came, made sense and is not the expected one (status, text, rcode).
    Unexpected,
    /// What should be measured is not there (device, interface, file).
    Absent,
    /// This program may not do it (rights, privacy switch, policy).
    Denied,
    /// A fault in the probe itself; worth a bug report.
    Internal,
    /// A reason of a newer agent that this collector does not know.
    #[serde(other)]
    Other,
}

impl Reason {
    /// All reasons, in the order of their meaning.
    pub const ALL: [Self; 11] = [
        Self::Timeout,
        Self::Refused,
        Self::Unreachable,
        Self::Resolve,
        Self::Tls,
        Self::Protocol,
        Self::Unexpected,
        Self::Absent,
        Self::Denied,
        Self::Internal,
        Self::Other,
    ];

    /// The label value in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Resolve => "resolve",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Unexpected => "unexpected",
            Self::Absent => "absent",
            Self::Denied => "denied",
            Self::Internal => "internal",
            Self::Other => "other",
        }
    }

    /// One sentence for a person.
    #[must_use]
    pub fn sentence(self, language: Language) -> &'static str {
        let (vi, en) = match self {
            Self::Timeout => ("Không có trả lời trong thời hạn.", "No answer in time."),
            Self::Refused => ("Bên kia từ chối kết nối.", "The other side refused."),
            Self::Unreachable => {
                ("Không có đường đến địa chỉ này.", "There is no way to this address.")
            }
            Self::Resolve => ("Không phân giải được tên miền.", "The name could not be resolved."),
            Self::Tls => (
                "Bắt tay TLS hoặc chứng thư không hợp lệ.",
                "The TLS handshake or the certificate failed.",
            ),
            Self::Protocol => {
                ("Có trả lời nhưng sai giao thức.", "An answer came that makes no sense.")
            }
            Self::Unexpected => (
                "Có trả lời nhưng không như mong đợi.",
                "An answer came that is not the expected one.",
            ),
            Self::Absent => ("Không tìm thấy.", "It is not there."),
            Self::Denied => {
                ("Chương trình không có quyền thực hiện.", "This program may not do it.")
            }
            Self::Internal => ("Lỗi của chính phép đo.", "A fault in the probe itself."),
            Self::Other => ("Lý do chưa biết.", "A reason this version does not know."),
        };
        language.pick(vi, en)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// One measured value of one metric of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The metric.
    pub name: Name,
    /// The value of the metric's own label (beyond `site`, `probe`, `kind` and `state`), if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<SmolStr>,
    /// The value.
    pub value: Value,
}

/// A metric's name: a row of the table, or one that only the other side knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Name {
    /// A row of this program's table.
    Known(&'static Metric),
    /// Ignored and counted, so that old and new meet.
    Unknown,
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(metric) => serializer.serialize_str(metric.name),
            Self::Unknown => Err(ser::Error::custom("a metric without a row has no name")),
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a metric")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Name, E> {
                Ok(metrics::find(name).map_or(Name::Unknown, Name::Known))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// A value, in JSON a number, a text or an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A gauge, or a counter's total since the agent's start.
    Number(f64),
    /// The one state of a device that holds (`"ok"`).
    State(DeviceState),
    /// A state that only the other side knows.
    UnknownState,
    /// A histogram, cumulative since the agent's start. In a box, because few values are one and
    /// a collector holds millions.
    Histogram(Box<Histogram>),
}

/// A histogram over the bounds that stand in the metric's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Observations in each bucket by itself, the last one being above the highest bound.
    pub buckets: Box<[u64]>,
    /// The sum of all observations.
    pub sum: f64,
}

impl Histogram {
    /// An empty histogram over `bounds`.
    #[must_use]
    pub fn new(bounds: &[f64]) -> Self {
        Self { buckets: vec![0; bounds.len() + 1].into(), sum: 0.0 }
    }

    /// Counts one observation.
    pub fn observe(&mut self, bounds: &[f64], value: f64) {
        let bucket = bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
            self.sum += value;
        }
    }

    /// The number of observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // Whole numbers without the ".0" that would cost two bytes each on a metered line.
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 =>
            {
                #[expect(clippy::cast_possible_truncation, reason = "checked whole and in range")]
                serializer.serialize_i64(*number as i64)
            }
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::State(state) => serializer.serialize_str(state.label()),
            Self::UnknownState => Err(ser::Error::custom("an unknown state has no name")),
            Self::Histogram(histogram) => histogram.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, the name of a state, or a histogram")
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Number(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }

            fn visit_str<E>(self, state: &str) -> Result<Value, E> {
                Ok(DeviceState::from_label(state).map_or(Value::UnknownState, Value::State))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                Histogram::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(|histogram| Value::Histogram(Box::new(histogram)))
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_from_its_label() {
        for reason in Reason::ALL {
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(json, format!("\"{}\"", reason.label()));
            assert_eq!(serde_json::from_str::<Reason>(&json).unwrap(), reason);
        }
        assert_eq!(serde_json::from_str::<Reason>("\"of-tomorrow\"").unwrap(), Reason::Other);
    }

    #[test]
    fn a_capability_of_a_newer_agent_does_not_cost_the_reading() {
        let capability = |word: &str| {
            let json = format!(
                r#"{{"probe":"a","kind":"b","every_ms":1,"duration_us":1,"capability":{word}}}"#
            );
            serde_json::from_str::<Reading>(&json).map(|reading| reading.capability)
        };
        for known in Capability::ALL {
            let word = serde_json::to_string(&known).unwrap();
            assert_eq!(capability(&word).unwrap(), Some(known));
        }
        assert_eq!(capability("\"lighting\"").unwrap(), None);
        assert_eq!(capability("null").unwrap(), None);
        assert!(capability("7").is_err());
    }

    #[test]
    fn a_sample_keeps_its_value_through_json() {
        for (value, json) in [
            (Value::Number(3.0), "3"),
            (Value::Number(0.25), "0.25"),
            (Value::State(DeviceState::Ok), "\"ok\""),
            (
                Value::Histogram(Box::new(Histogram { buckets: [1, 0, 2].into(), sum: 0.5 })),
                r#"{"buckets":[1,0,2],"sum":0.5}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), json);
            assert_eq!(serde_json::from_str::<Value>(json).unwrap(), value);
        }
    }

    #[test]
    fn what_only_a_newer_agent_knows_is_kept_apart_not_refused() {
        let sample: Sample =
            serde_json::from_str(r#"{"name":"bridge_of_tomorrow","value":1}"#).unwrap();
        assert_eq!(sample.name, Name::Unknown);
        let state: Value = serde_json::from_str("\"asleep\"").unwrap();
        assert_eq!(state, Value::UnknownState);
    }

    /// A collector for ten thousand sites holds two million.
    #[test]
    fn a_sample_is_small() {
        assert_eq!(size_of::<Sample>(), 48);
    }

    #[test]
    fn an_observation_falls_into_the_bucket_whose_bound_it_does_not_exceed() {
        let bounds = [0.01, 0.1];
        let mut histogram = Histogram::new(&bounds);
        for value in [0.005, 0.01, 0.05, 7.0] {
            histogram.observe(&bounds, value);
        }
        assert_eq!(*histogram.buckets, [2, 1, 1]);
        assert_eq!(histogram.count(), 4);
    }
}
