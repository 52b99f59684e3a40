//! What a report may contain. A bad sample is left out and counted; a report that cannot be
//! trusted as a whole is refused. Pure.

use std::collections::{BTreeMap, BTreeSet};

use wire::limits::{
    EVERY_MILLIS_MAX, ID_CHARS, LABEL_VALUES_PER_METRIC, READINGS_PER_REPORT, SAMPLES_PER_REPORT,
    TEXT_CHARS,
};
use wire::metrics::{Kind, Source};
use wire::reading::{Histogram, Name};
use wire::{Reading, Report, Sample, Trouble, Value};

/// Why samples were left out, and how many.
pub type Ignored = BTreeMap<Cause, u64>;

/// Why a sample was left out of an accepted report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The metric table has no such row: a newer agent.
    UnknownMetric,
    /// The row is not one that agents send.
    NotForAgents,
    /// Not what the row's kind wants: a falling counter's negative total, a state or a number of
    /// buckets the row does not have.
    BadValue,
    /// A label where the row has none, none where it has one, or one that is empty or too long.
    BadLabel,
    /// The same series was there already, in this reading or in another probe's of the site.
    Duplicate,
    /// More values of one label than [`LABEL_VALUES_PER_METRIC`].
    TooManyLabels,
    /// More series than one site may have.
    TooManySeries,
}

impl Cause {
    /// The label value in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::UnknownMetric => "unknown_metric",
            Self::NotForAgents => "not_for_agents",
            Self::BadValue => "bad_value",
            Self::BadLabel => "bad_label",
            Self::Duplicate => "duplicate",
            Self::TooManyLabels => "too_many_labels",
            Self::TooManySeries => "too_many_series",
        }
    }
}

/// Checks a report and leaves only good samples in it, those of one reading in the order of the
/// metric table. The error is the reason to refuse it.
pub(super) fn validate(report: &mut Report, ignored: &mut Ignored) -> Result<(), String> {
    // SQLite counts to 2^63; an agent that counts from 1 never comes near it.
    if i64::try_from(report.seq).is_err() {
        return Err(format!("seq {} is out of range", report.seq));
    }
    if report.readings.len() > READINGS_PER_REPORT {
        return Err(format!("more than {READINGS_PER_REPORT} readings"));
    }
    if report.readings.iter().map(|reading| reading.samples.len()).sum::<usize>()
        > SAMPLES_PER_REPORT
    {
        return Err(format!("more than {SAMPLES_PER_REPORT} samples"));
    }
    tidy(&mut report.agent.version);
    tidy(&mut report.agent.os);
    for reading in &mut report.readings {
        check_reading(reading)?;
        keep_good(&mut reading.samples, ignored);
        keep_troubles(&mut reading.troubles);
    }
    Ok(())
}

fn check_reading(reading: &mut Reading) -> Result<(), String> {
    let probe = &reading.probe;
    if !(1..=EVERY_MILLIS_MAX).contains(&reading.every_ms) {
        return Err(format!(
            "every_ms {} of probe {probe} is not within 1 and {EVERY_MILLIS_MAX}",
            reading.every_ms
        ));
    }
    if reading.kind.is_empty() || reading.kind.chars().count() > ID_CHARS {
        return Err(format!("the kind of probe {probe} has not 1 to {ID_CHARS} characters"));
    }
    tidy(&mut reading.kind);
    if let Some(failure) = &mut reading.failure {
        tidy(&mut failure.detail);
    }
    Ok(())
}

fn keep_good(samples: &mut Vec<Sample>, ignored: &mut Ignored) {
    let mut count = |cause| *ignored.entry(cause).or_default() += 1;
    samples.retain_mut(|sample| match check_sample(sample) {
        Ok(()) => true,
        Err(cause) => {
            count(cause);
            false
        }
    });
    // Stable, so that of two equal ones the first is kept.
    samples.sort_by(|one, other| (row(one), &one.label).cmp(&(row(other), &other.label)));
    samples.dedup_by(|later, first| {
        let same = row(later) == row(first) && later.label == first.label;
        if same {
            count(Cause::Duplicate);
        }
        same
    });
    let (mut last, mut labels) = (None, 0);
    samples.retain(|sample| {
        labels = if last == Some(row(sample)) { labels + 1 } else { 1 };
        last = Some(row(sample));
        if labels > LABEL_VALUES_PER_METRIC {
            count(Cause::TooManyLabels);
        }
        labels <= LABEL_VALUES_PER_METRIC
    });
}

/// Of each trouble one, and no more than its metric may have values of a label.
fn keep_troubles(troubles: &mut Vec<Trouble>) {
    for trouble in troubles.iter_mut() {
        tidy(&mut trouble.device);
        tidy(&mut trouble.detail);
    }
    let mut seen = BTreeSet::new();
    troubles.retain(|trouble| seen.insert((trouble.device.clone(), trouble.cause)));
    troubles.truncate(LABEL_VALUES_PER_METRIC);
}

/// The place of a sample's row in the table.
fn row(sample: &Sample) -> usize {
    match &sample.name {
        Name::Known(row) => row.index(),
        Name::Unknown => usize::MAX,
    }
}

fn check_sample(sample: &mut Sample) -> Result<(), Cause> {
    let row = match &sample.name {
        Name::Known(row) => *row,
        Name::Unknown => return Err(Cause::UnknownMetric),
    };
    if row.source != Source::Agent {
        return Err(Cause::NotForAgents);
    }
    match (row.own_label(), &mut sample.label) {
        (None, None) => {}
        (Some(_), Some(label)) if !label.is_empty() && is_short(label) => {
            if let Some(tidy) = tidied(label) {
                *label = tidy.into();
            }
        }
        _ => return Err(Cause::BadLabel),
    }
    let good = match (row.kind, &sample.value) {
        (Kind::Gauge, Value::Number(number)) => number.is_finite(),
        (Kind::Info, Value::Number(number)) => (number - 1.0).abs() < f64::EPSILON,
        (Kind::Counter, Value::Number(total)) => total.is_finite() && *total >= 0.0,
        (Kind::StateSet(states), Value::State(state)) => states.contains(&state.label()),
        (Kind::Histogram(bounds), Value::Histogram(histogram)) => {
            let Histogram { buckets, sum } = &**histogram;
            buckets.len() == bounds.len() + 1 && sum.is_finite() && *sum >= 0.0
        }
        _ => false,
    };
    if good { Ok(()) } else { Err(Cause::BadValue) }
}

/// Whether a text has at most [`TEXT_CHARS`]; most have not even so many bytes.
fn is_short(text: &str) -> bool {
    text.len() <= TEXT_CHARS || text.chars().count() <= TEXT_CHARS
}

fn tidy(text: &mut Box<str>) {
    if let Some(tidy) = tidied(text) {
        *text = tidy.into();
    }
}

/// A stranger's text made fit to be shown, if it is not: control characters would reach terminals
/// through logs and tables, and a text without end would reach everything else.
fn tidied(text: &str) -> Option<String> {
    // By bytes first, which is quick: no character above ASCII has bytes that look like controls,
    // and those that are controls (U+0080 to U+009F) begin with 0xC2.
    let suspect = |byte: u8| byte.is_ascii_control() || byte == 0xC2;
    if text.len() <= TEXT_CHARS && !text.bytes().any(suspect) {
        return None;
    }
    let fit = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    Some(text.chars().take(TEXT_CHARS).map(fit).collect())
}
