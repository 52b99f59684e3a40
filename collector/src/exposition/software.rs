//! The collector's own metrics as lines. Pure.

use prometheus::proto::{LabelPair, Metric as Series, MetricFamily, MetricType};
use wire::metrics::{self, Kind};
use wire::reading::Histogram;

use super::lines::{Lines, Renderer, push_labels, push_number};
use super::negotiate::Format;

/// The metrics that are in the metric table.
pub(super) fn of_the_table(families: &[MetricFamily]) -> Lines {
    let mut renderer = Renderer::default();
    for family in families {
        let Some(row) = metrics::find(family.name()) else { continue };
        for series in family.get_metric() {
            let values = row
                .labels
                .iter()
                .map(|label| value_of(series.get_label(), label))
                .collect::<Vec<_>>();
            let values = values.iter().copied();
            match row.kind {
                Kind::Histogram(_) => renderer.histogram(row, values, &histogram(series)),
                Kind::StateSet(_) => {}
                Kind::Counter => renderer.number(row, values, series.get_counter().get_value()),
                Kind::Gauge | Kind::Info => {
                    renderer.number(row, values, series.get_gauge().get_value());
                }
            }
        }
    }
    renderer.finish()
}

/// The metrics of the process, `process_*`, whose names and meaning are Prometheus' own.
pub(super) fn of_the_process(families: &[MetricFamily], format: Format) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|family| metrics::find(family.name()).is_none()) {
        let name = family.name();
        let counter = family.get_field_type() == MetricType::COUNTER;
        let base = match format {
            Format::OpenMetrics if counter => name.trim_end_matches("_total"),
            _ => name,
        };
        let kind = if counter { "counter" } else { "gauge" };
        text.extend(["# HELP ", base, " ", family.help(), "\n# TYPE ", base, " ", kind, "\n"]);
        for series in family.get_metric() {
            text.push_str(name);
            push_labels(&mut text, series.get_label().iter().map(|l| (l.name(), l.value())));
            text.push(' ');
            let number = if counter {
                series.get_counter().get_value()
            } else {
                series.get_gauge().get_value()
            };
            push_number(&mut text, number);
            text.push('\n');
        }
    }
    text
}

fn value_of<'a>(labels: &'a [LabelPair], wanted: &str) -> &'a str {
    labels.iter().find(|label| label.name() == wanted).map_or("", LabelPair::value)
}

/// The histogram with each bucket by itself, as the table's other histograms come.
fn histogram(series: &Series) -> Histogram {
    let histogram = series.get_histogram();
    let mut below = 0;
    let mut alone = |cumulative: u64| {
        let count = cumulative.saturating_sub(below);
        below = cumulative;
        count
    };
    let mut buckets: Vec<u64> =
        histogram.get_bucket().iter().map(|bucket| alone(bucket.cumulative_count())).collect();
    buckets.push(alone(histogram.get_sample_count()));
    Histogram { buckets: buckets.into(), sum: histogram.get_sample_sum() }
}
