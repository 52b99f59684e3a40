//! What the tests of probes share: one run of a probe, and what it left.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use wire::Trouble;
use wire::reading::{Failure, Name, Reason, Sample, Value};

use super::Probe;
use crate::platform;
use crate::tally::{Observed, Run, Tally, Trace};

/// A probe's configuration from YAML, as the agent reads it.
pub(crate) fn config<T: DeserializeOwned>(yaml: &str) -> T {
    serde_yaml::from_str(yaml).unwrap()
}

/// Writes a password as probes want to find it: closed to others.
pub(crate) fn write_password(file: &Path, word: &str) {
    let mut file = platform::private_file(file).unwrap();
    file.set_len(0).unwrap();
    file.write_all(word.as_bytes()).unwrap();
}

/// The totals of one probe and the time its runs get.
pub(crate) struct Bench {
    tally: Tally,
    timeout: Duration,
}

impl Default for Bench {
    /// With more time than any run against this PC needs.
    fn default() -> Self {
        Self::within(Duration::from_secs(20))
    }
}

impl Bench {
    pub(crate) fn within(timeout: Duration) -> Self {
        Self { tally: Tally::default(), timeout }
    }

    /// One run, as the runner makes it.
    pub(crate) async fn run(&mut self, probe: &mut Probe) -> Found {
        let mut run = Run::new(&mut self.tally, Duration::from_secs(15), self.timeout, true);
        let result = probe.run(&mut run).await;
        Found::new(result, run.finish())
    }

    /// What a recording function writes into a run.
    pub(crate) fn record(&mut self, record: impl FnOnce(&mut Run<'_>)) -> Found {
        let mut run = Run::new(&mut self.tally, Duration::from_secs(15), self.timeout, true);
        record(&mut run);
        Found::new(Ok(()), run.finish())
    }
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) result: Result<(), Failure>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) trace: Trace,
}

impl Found {
    fn new(result: Result<(), Failure>, observed: Observed) -> Self {
        let Observed { samples, troubles, trace } = observed;
        Self { result, samples, troubles, trace }
    }

    /// The devices and their states, by name: `C920 ok, HDMI-1 missing`.
    pub(crate) fn devices(&self) -> String {
        let states = self.samples.iter().filter_map(|sample| match &sample.value {
            Value::State(state) => Some(format!("{} {}", sample.label.as_deref()?, state.label())),
            _ => None,
        });
        states.collect::<Vec<_>>().join(", ")
    }

    /// The troubles, in order: `C920 slow`.
    pub(crate) fn troubles(&self) -> String {
        let named = self.troubles.iter().map(|t| format!("{} {}", t.device, t.cause.label()));
        named.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.find(name, None)
    }

    pub(crate) fn number_of(&self, name: &str, label: &str) -> Option<f64> {
        self.find(name, Some(label))
    }

    /// The values of a metric's own label, in order.
    pub(crate) fn labels(&self, name: &str) -> Vec<&str> {
        let of_name = self.samples.iter().filter(|sample| is(sample, name));
        of_name.filter_map(|sample| sample.label.as_deref()).collect()
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        self.result.as_ref().err().map(|failure| failure.reason)
    }

    /// The failure's detail, empty after success.
    pub(crate) fn detail(&self) -> &str {
        self.result.as_ref().err().map_or("", |failure| &failure.detail)
    }

    /// The steps in English, a line each.
    pub(crate) fn steps(&self) -> String {
        self.trace.0.iter().map(|(_, en)| en.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn find(&self, name: &str, label: Option<&str>) -> Option<f64> {
        let sample = self.samples.iter().find(|s| is(s, name) && s.label.as_deref() == label)?;
        match sample.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }
}

fn is(sample: &Sample, name: &str) -> bool {
    matches!(sample.name, Name::Known(row) if row.name == name)
}
