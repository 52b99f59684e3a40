//! What a probe observes: gauges of one run, totals since the agent's start.
//!
//! Totals and histograms are cumulative so that a lost or late report loses nothing: the next
//! one carries the sum.

use std::collections::BTreeMap;
use std::time::Duration;

use smol_str::SmolStr;
use wire::metrics::{self, Metric};
use wire::reading::{Histogram, Name, Sample, Value};
use wire::{Cause, DeviceState, Trouble, limits};

/// The totals of one probe since the agent's start.
#[derive(Debug, Default)]
pub struct Tally {
    totals: BTreeMap<Key, Value>,
}

/// A row of the table and the value of its own label.
type Key = (usize, Option<SmolStr>);

/// What one run of a probe writes into.
///
/// What was written before a run is cut off at its deadline is kept: packets that were sent
/// were sent.
#[derive(Debug)]
pub struct Run<'a> {
    /// From one run's start to the next; a probe may spread its work over it.
    pub every: Duration,
    /// When the runner will cut this run off, counted from its start.
    pub timeout: Duration,
    tally: &'a mut Tally,
    gauges: BTreeMap<Key, Value>,
    troubles: Vec<Trouble>,
    trace: Option<Trace>,
}

/// What a run leaves.
#[derive(Debug, Default)]
pub struct Observed {
    /// What it measured, and the totals as they now stand.
    pub samples: Vec<Sample>,
    /// What stands between the meeting and what it looked at.
    pub troubles: Vec<Trouble>,
    /// Its steps, where somebody reads them.
    pub trace: Trace,
}

/// The steps of a run in both languages, for `once`; nobody pays for them otherwise.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Trace(pub Vec<(String, String)>);

impl<'a> Run<'a> {
    /// A run that adds to `tally`; with `traced`, its steps are kept.
    pub fn new(tally: &'a mut Tally, every: Duration, timeout: Duration, traced: bool) -> Self {
        let (gauges, troubles) = (BTreeMap::new(), Vec::new());
        Self { every, timeout, tally, gauges, troubles, trace: traced.then(Trace::default) }
    }

    /// A run that takes no time and has no interval, for values that are simply read.
    pub fn of_the_moment(tally: &'a mut Tally) -> Self {
        Self::new(tally, Duration::ZERO, Duration::ZERO, false)
    }

    /// Sets a gauge of this run. A value that is no number is left out: JSON has no word for it,
    /// and no value is the truth.
    pub fn gauge(&mut self, name: &str, value: f64) {
        self.set(name, None, Value::Number(value));
    }

    /// Sets a gauge with the value of its own label.
    pub fn gauge_of(&mut self, name: &str, label: &str, value: f64) {
        self.set(name, Some(label), Value::Number(value));
    }

    /// Sets the state of a device of the room, `camera` or `HD Pro Webcam C920`.
    pub fn device(&mut self, device: &str, state: DeviceState) {
        self.set("bridge_device_state", Some(device), Value::State(state));
    }

    /// Names what stands between a device, or a service, and the meeting; `detail` is what the
    /// system or the device itself says of it, empty where it says nothing.
    pub fn trouble(&mut self, device: &str, cause: Cause, detail: &str) {
        let cut = |text: &str| text.chars().take(limits::TEXT_CHARS).collect::<String>().into();
        if self.troubles.len() < limits::LABEL_VALUES_PER_METRIC {
            self.troubles.push(Trouble { device: cut(device), cause, detail: cut(detail) });
        }
    }

    /// Adds to a total.
    pub fn count(&mut self, name: &str, by: f64) {
        self.tally.add(name, None, by);
    }

    /// Adds to a total with the value of its own label.
    pub fn count_of(&mut self, name: &str, label: &str, by: f64) {
        self.tally.add(name, Some(label), by);
    }

    /// Puts one observation into a histogram.
    pub fn observe(&mut self, name: &str, value: f64) {
        self.tally.observe(name, value);
    }

    /// Tells a step of the run, for `once`. The texts are made only where somebody reads them.
    pub fn step(&mut self, vi: impl FnOnce() -> String, en: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.0.push((vi(), en()));
        }
    }

    /// What this run leaves.
    #[must_use]
    pub fn finish(self) -> Observed {
        let totals = self.tally.totals.iter().map(|(key, value)| (key, value.clone()));
        let gauges = self.gauges.iter().map(|(key, value)| (key, value.clone()));
        let samples = gauges.chain(totals).filter_map(|(key, value)| sample(key, value)).collect();
        Observed { samples, troubles: self.troubles, trace: self.trace.unwrap_or_default() }
    }

    fn set(&mut self, name: &str, label: Option<&str>, value: Value) {
        if matches!(value, Value::Number(number) if !number.is_finite()) {
            return;
        }
        if let Some(metric) = row(name) {
            self.gauges.insert((metric.index(), label.map(Into::into)), value);
        }
    }
}

impl Tally {
    /// Adds to a total that is not one run's alone.
    pub fn add(&mut self, name: &str, label: Option<&str>, by: f64) {
        if let Some(metric) = row(name)
            && by.is_finite()
            && by >= 0.0
        {
            let key = (metric.index(), label.map(Into::into));
            let total = self.totals.entry(key).or_insert(Value::Number(0.0));
            if let Value::Number(total) = total {
                *total += by;
            }
        }
    }

    fn observe(&mut self, name: &str, value: f64) {
        if let Some(metric) = row(name)
            && value.is_finite()
        {
            let empty = || Value::Histogram(Box::new(Histogram::new(metric.bounds())));
            let total = self.totals.entry((metric.index(), None)).or_insert_with(empty);
            if let Value::Histogram(histogram) = total {
                histogram.observe(metric.bounds(), value);
            }
        }
    }
}

/// The row of that name. A name that is not in the table is a slip in a probe: it stops every
/// test and is left out in the field.
fn row(name: &str) -> Option<&'static Metric> {
    let row = metrics::find(name);
    debug_assert!(row.is_some(), "{name} is not in the metric table");
    row
}

/// Whole microseconds and millionths: finer digits are noise here, and each costs a byte on a
/// metered line.
fn rounded(value: Value) -> Value {
    let round = |number: f64| (number * 1e6).round() / 1e6;
    match value {
        Value::Number(number) => Value::Number(round(number)),
        Value::Histogram(mut histogram) => {
            histogram.sum = round(histogram.sum);
            Value::Histogram(histogram)
        }
        Value::State(_) | Value::UnknownState => value,
    }
}

fn sample((index, label): &Key, value: Value) -> Option<Sample> {
    let metric = metrics::TABLE.get(*index)?;
    Some(Sample { name: Name::Known(metric), label: label.clone(), value: rounded(value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(tally: &mut Tally) -> Run<'_> {
        Run::new(tally, Duration::from_secs(15), Duration::from_secs(5), false)
    }

    fn value(samples: &[Sample], name: &str) -> Option<Value> {
        samples
            .iter()
            .find(|sample| matches!(sample.name, Name::Known(row) if row.name == name))
            .map(|sample| sample.value.clone())
    }

    #[test]
    fn totals_grow_over_runs_and_gauges_do_not_stay() {
        let mut tally = Tally::default();
        let mut first = run(&mut tally);
        first.count("bridge_probe_packets_sent_total", 10.0);
        first.gauge("bridge_probe_jitter_seconds", 0.001);
        first.observe("bridge_probe_rtt_seconds", 0.02);
        let _ = first.finish();

        let mut second = run(&mut tally);
        second.count("bridge_probe_packets_sent_total", 5.0);
        second.observe("bridge_probe_rtt_seconds", 0.04);
        let samples = second.finish().samples;

        assert_eq!(value(&samples, "bridge_probe_packets_sent_total"), Some(Value::Number(15.0)));
        assert_eq!(value(&samples, "bridge_probe_jitter_seconds"), None);
        let Some(Value::Histogram(rtt)) = value(&samples, "bridge_probe_rtt_seconds") else {
            panic!("no histogram");
        };
        assert_eq!(rtt.count(), 2);
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let mut tally = Tally::default();
        let mut run = run(&mut tally);
        run.gauge("bridge_probe_jitter_seconds", f64::NAN);
        run.count("bridge_probe_packets_sent_total", f64::INFINITY);
        run.observe("bridge_probe_rtt_seconds", f64::NAN);
        assert!(run.finish().samples.is_empty());
    }

    #[test]
    fn steps_cost_nothing_unless_somebody_reads_them() {
        let mut tally = Tally::default();
        let mut run = run(&mut tally);
        run.step(|| unreachable!(), || unreachable!());
        assert_eq!(run.finish().trace, Trace::default());
    }
}
