//! Lines of the exposition, rendered once and gathered by every scrape. Pure.
//!
//! Both formats have the same sample lines: what differs between them are only the headers of
//! a metric, so that lines need not know who will read them. Where OpenMetrics is the stricter
//! one (bounds as `1.0`), it is followed.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use wire::Metric;
use wire::metrics::{Kind, TABLE};
use wire::reading::Histogram;

/// Rendered lines, in runs of one metric.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    text: Arc<String>,
    runs: Vec<Run>,
    series: usize,
}

/// Successive lines of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The metric's place in the table.
    pub(super) row: u16,
    /// Where the lines begin in the text.
    pub(super) start: u32,
    /// Where they end.
    pub(super) end: u32,
}

impl Lines {
    /// The text of all lines.
    pub(super) fn text(&self) -> &Arc<String> {
        &self.text
    }

    /// Its parts.
    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// How many series there are.
    #[must_use]
    pub fn series(&self) -> usize {
        self.series
    }

    /// Whether there is any of this metric.
    #[must_use]
    pub fn has(&self, row: &Metric) -> bool {
        let row = row.index();
        self.runs.iter().any(|run| usize::from(run.row) == row)
    }
}

/// The memory for a text of so many bytes that will be written over: counters gain digits.
fn with_room(bytes: usize) -> usize {
    bytes + bytes / 64
}

/// The series one sample of a metric makes.
#[must_use]
pub fn series_of(row: &Metric) -> usize {
    match row.kind {
        Kind::Gauge | Kind::Counter | Kind::Info => 1,
        Kind::StateSet(states) => states.len(),
        // Buckets, the one above all bounds, sum and count.
        Kind::Histogram(bounds) => bounds.len() + 3,
    }
}

/// Renders lines. Label values are given in the order of the row's labels.
#[derive(Debug, Default)]
pub(super) struct Renderer {
    text: String,
    runs: Vec<Run>,
    series: usize,
}

impl Renderer {
    /// A renderer that writes over lines which nobody shows any more. A probe's next reading is
    /// about as long as its last: in the same memory it costs no growing, and leaves no hole in
    /// which nothing fits.
    pub(super) fn over(lines: Lines) -> Self {
        let Lines { text, mut runs, .. } = lines;
        let mut text = Arc::try_unwrap(text)
            .unwrap_or_else(|shown| String::with_capacity(with_room(shown.len())));
        text.clear();
        runs.clear();
        Self { text, runs, series: 0 }
    }

    /// One series with a number.
    pub(super) fn number<'a>(
        &mut self,
        row: &Metric,
        values: impl IntoIterator<Item = &'a str>,
        number: f64,
    ) {
        self.begin(row);
        self.labels(row.name, "", row.labels.iter().copied().zip(values));
        self.value(number);
        self.end();
    }

    /// A series for each state, 1 for the one that holds. The label of the state is the row's
    /// last and its values are not among `values`.
    pub(super) fn states<'a>(
        &mut self,
        row: &Metric,
        values: &(impl Iterator<Item = &'a str> + Clone),
        holds: &str,
    ) {
        let Kind::StateSet(states) = row.kind else { return };
        self.begin(row);
        for state in states {
            let values = values.clone().chain([*state]);
            self.labels(row.name, "", row.labels.iter().copied().zip(values));
            self.text.push_str(if *state == holds { " 1\n" } else { " 0\n" });
            self.series += 1;
        }
        self.close();
    }

    /// The buckets, sum and count of a histogram over the row's bounds.
    pub(super) fn histogram<'a>(
        &mut self,
        row: &Metric,
        values: impl Iterator<Item = &'a str> + Clone,
        histogram: &Histogram,
    ) {
        self.begin(row);
        let labels = row.labels.iter().copied().zip(values);
        let bounds = BOUNDS.get(row.index()).map_or(&[][..], Vec::as_slice);
        // Buckets are most of all lines, and differ in bound and count alone.
        let start = self.text.len();
        self.labels(row.name, "_bucket", labels.clone().chain([("le", "")]));
        let head = self.text.split_off(start);
        let head = head.strip_suffix("\"}").unwrap_or(&head);
        let mut count = 0_u64;
        for (bound, bucket) in bounds.iter().zip(&histogram.buckets) {
            count = count.saturating_add(*bucket);
            self.text.extend([head, bound, "\"}"]);
            self.count(count);
        }
        self.labels(row.name, "_sum", labels.clone());
        self.value(histogram.sum);
        self.end();
        self.labels(row.name, "_count", labels);
        self.count(count);
        self.close();
    }

    /// What was rendered.
    #[must_use]
    pub(super) fn finish(self) -> Lines {
        let Self { mut text, mut runs, series } = self;
        let most = with_room(text.len());
        if text.capacity() > most {
            text.shrink_to(most);
        }
        runs.shrink_to_fit();
        Lines { text: Arc::new(text), runs, series }
    }

    fn begin(&mut self, row: &Metric) {
        let place = u16::try_from(row.index()).unwrap_or(u16::MAX);
        if self.runs.last().is_none_or(|run| run.row != place) {
            let start = self.position();
            self.runs.push(Run { row: place, start, end: start });
        }
    }

    fn end(&mut self) {
        self.text.push('\n');
        self.series += 1;
        self.close();
    }

    fn close(&mut self) {
        let end = self.position();
        if let Some(run) = self.runs.last_mut() {
            run.end = end;
        }
    }

    fn position(&self) -> u32 {
        // Limits on series and texts keep a reading's lines below some megabytes.
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }

    fn labels<'a>(
        &mut self,
        name: &str,
        suffix: &str,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        self.text.push_str(name);
        self.text.push_str(suffix);
        push_labels(&mut self.text, labels);
    }

    fn value(&mut self, number: f64) {
        self.text.push(' ');
        push_number(&mut self.text, number);
    }

    fn count(&mut self, count: u64) {
        self.text.push(' ');
        self.text.push_str(itoa::Buffer::new().format(count));
        self.text.push('\n');
        self.series += 1;
    }
}

/// The `le` texts of each row's buckets, `+Inf` included.
static BOUNDS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    TABLE
        .iter()
        .map(|row| match row.kind {
            Kind::Histogram(bounds) => {
                bounds.iter().copied().chain([f64::INFINITY]).map(bound).collect()
            }
            _ => Vec::new(),
        })
        .collect()
});

/// A bound as OpenMetrics 1.0 wants it: always with a point.
pub(super) fn bound(bound: f64) -> String {
    if bound == f64::INFINITY { "+Inf".to_owned() } else { format!("{bound:?}") }
}

/// `{a="1",b="2"}`, or nothing.
pub(super) fn push_labels<'a>(text: &mut String, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut separator = '{';
    for (name, value) in labels {
        text.push(separator);
        separator = ',';
        text.push_str(name);
        text.push_str("=\"");
        push_escaped(text, value);
        text.push('"');
    }
    if separator == ',' {
        text.push('}');
    }
}

fn push_escaped(text: &mut String, value: &str) {
    if !value.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        text.push_str(value);
        return;
    }
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

/// The shortest text that reads back as the same number.
pub(super) fn push_number(text: &mut String, number: f64) {
    // Below 2^53 every whole number is exact; written as one it is short and quick.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    let size = number.abs();
    if number.fract() == 0.0 && size < WHOLE {
        #[expect(clippy::cast_possible_truncation, reason = "checked whole and in range")]
        let whole = number as i64;
        text.push_str(itoa::Buffer::new().format(whole));
        return;
    }
    // Writing into a string cannot fail.
    let _ = if number.is_nan() {
        write!(text, "NaN")
    } else if number.is_infinite() {
        write!(text, "{}", if number > 0.0 { "+Inf" } else { "-Inf" })
    } else if (1e-5..1e16).contains(&size) {
        write!(text, "{number}")
    } else {
        // Otherwise 1e300 takes three hundred digits.
        write!(text, "{number:e}")
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::metrics;

    use super::*;

    #[test]
    fn a_histogram_is_cumulative_and_ends_with_everything() {
        let row = metrics::find("bridge_probe_rtt_seconds").unwrap();
        let mut histogram = Histogram::new(row.bounds());
        for value in [0.0005, 0.04, 9.0] {
            histogram.observe(row.bounds(), value);
        }
        let mut renderer = Renderer::default();
        renderer.histogram(row, ["a", "mcu"].into_iter(), &histogram);
        let lines = renderer.finish();
        let text: Vec<_> = lines.text().lines().collect();
        assert_eq!(
            text[0],
            r#"bridge_probe_rtt_seconds_bucket{site="a",probe="mcu",le="0.001"} 1"#
        );
        assert!(
            text.contains(&r#"bridge_probe_rtt_seconds_bucket{site="a",probe="mcu",le="1.0"} 2"#)
        );
        assert_eq!(
            text[text.len() - 3..],
            [
                r#"bridge_probe_rtt_seconds_bucket{site="a",probe="mcu",le="+Inf"} 3"#,
                r#"bridge_probe_rtt_seconds_sum{site="a",probe="mcu"} 9.0405"#,
                r#"bridge_probe_rtt_seconds_count{site="a",probe="mcu"} 3"#,
            ]
        );
        assert_eq!((lines.series(), text.len()), (series_of(row), series_of(row)));
        assert_eq!(lines.runs().len(), 1);
    }

    #[test]
    fn exactly_one_state_holds() {
        let row = metrics::find("bridge_device_state").unwrap();
        let mut renderer = Renderer::default();
        renderer.states(row, &["a", "room", "cam\"1\"\n\\"].into_iter(), "blocked");
        let lines = renderer.finish();
        assert!(lines.text().contains(
            r#"bridge_device_state{site="a",probe="room",device="cam\"1\"\n\\",state="blocked"} 1"#
        ));
        assert_eq!(lines.text().matches(" 1\n").count(), 1);
        assert_eq!(lines.series(), series_of(row));
    }

    #[test]
    fn numbers_are_short() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (3.0, "3"),
            (-1.0, "-1"),
            (0.25, "0.25"),
            (1e300, "1e300"),
            (1e-7, "1e-7"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, expected);
        }
    }

    proptest! {
        #[test]
        fn every_number_reads_back(number in any::<f64>()) {
            let mut text = String::new();
            push_number(&mut text, number);
            let back: f64 = text.parse().unwrap();
            prop_assert!(back.total_cmp(&number).is_eq() || number == 0.0);
        }
    }
}
