//! The collector's own metrics, each made from its row of the metric table.

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};
use wire::metrics::{self, Metric};

/// What the collector counts about itself. The fields are the rows without `nhipcau_collector_`.
#[derive(Debug)]
pub struct Telemetry {
    registry: Registry,
    /// By `result`: `accepted`, `duplicate`, `refused`.
    pub reports: IntCounterVec,
    /// By `reason`, see [`crate::ingest::Cause`].
    pub samples_ignored: IntCounterVec,
    /// By `state`: `expected`, `enrolled`, `up`.
    pub sites: IntGaugeVec,
    /// Series of sites in the last scrape.
    pub series: IntGauge,
    /// 1 or 0.
    pub config_last_reload_successful: IntGauge,
    /// Unix seconds.
    pub config_last_reload_success_timestamp_seconds: Gauge,
    /// By `endpoint`.
    pub connections: IntGaugeVec,
    /// By `endpoint` and `reason`.
    pub connections_rejected: IntCounterVec,
    /// By `endpoint` and `code`.
    pub requests: IntCounterVec,
    /// By `endpoint`, in seconds.
    pub request_duration_seconds: HistogramVec,
    /// Batches waiting.
    pub store_queue: IntGauge,
    /// In seconds.
    pub store_commit_seconds: Histogram,
    /// Failed writes.
    pub store_errors: IntCounter,
    /// By `result`.
    pub enrolments: IntCounterVec,
    /// 1 while a change of the profiles is taken back.
    pub profiles_withdrawn: IntGauge,
    /// By `state`: `current`, `waiting`, `refused`.
    pub profile_sites: IntGaugeVec,
    /// 1 while an update of the agents is withdrawn.
    pub update_withdrawn: IntGauge,
    /// By `state`: `current`, `trying`, `offered`, `waiting`, `failed`, `unsupported`.
    pub update_sites: IntGaugeVec,
    /// Unix seconds.
    pub certificate_expiry_timestamp_seconds: Gauge,
}

impl Telemetry {
    /// All metrics at zero.
    ///
    /// # Errors
    /// A name here that is not in the metric table: a slip every test would show.
    pub fn new() -> Result<Self, prometheus::Error> {
        let make = Maker(Registry::new());
        let build_info = make.gauges("nhipcau_collector_build_info")?;
        // A release build says which sources it is made of; any other is not one.
        let revision = option_env!("NHIPCAU_REVISION").unwrap_or("unknown");
        build_info.with_label_values(&[env!("CARGO_PKG_VERSION"), revision]).set(1);
        // CPU, memory and descriptors of this process, read when scraped.
        #[cfg(target_os = "linux")]
        make.0.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let telemetry = Self {
            reports: make.counters("nhipcau_collector_reports_total")?,
            samples_ignored: make.counters("nhipcau_collector_samples_ignored_total")?,
            sites: make.gauges("nhipcau_collector_sites")?,
            series: make.gauge("nhipcau_collector_series")?,
            config_last_reload_successful: make
                .gauge("nhipcau_collector_config_last_reload_successful")?,
            config_last_reload_success_timestamp_seconds: make
                .float("nhipcau_collector_config_last_reload_success_timestamp_seconds")?,
            connections: make.gauges("nhipcau_collector_connections")?,
            connections_rejected: make.counters("nhipcau_collector_connections_rejected_total")?,
            requests: make.counters("nhipcau_collector_requests_total")?,
            request_duration_seconds: make
                .histograms("nhipcau_collector_request_duration_seconds")?,
            store_queue: make.gauge("nhipcau_collector_store_queue")?,
            store_commit_seconds: make.histogram("nhipcau_collector_store_commit_seconds")?,
            store_errors: make.counter("nhipcau_collector_store_errors_total")?,
            enrolments: make.counters("nhipcau_collector_enrolments_total")?,
            profiles_withdrawn: make.gauge("nhipcau_collector_profiles_withdrawn")?,
            profile_sites: make.gauges("nhipcau_collector_profile_sites")?,
            update_withdrawn: make.gauge("nhipcau_collector_update_withdrawn")?,
            update_sites: make.gauges("nhipcau_collector_update_sites")?,
            certificate_expiry_timestamp_seconds: make
                .float("nhipcau_collector_certificate_expiry_timestamp_seconds")?,
            registry: make.0,
        };
        // A counter that appears only with its first event hides that event from `rate()`.
        for result in ["accepted", "duplicate", "refused"] {
            telemetry.reports.with_label_values(&[result]);
        }
        Ok(telemetry)
    }

    /// The metrics as they now stand.
    #[must_use]
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

/// Makes metrics from their rows and registers them.
struct Maker(Registry);

impl Maker {
    fn register<M: Collector + Clone + 'static>(&self, metric: M) -> Result<M, prometheus::Error> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str) -> Result<IntCounter, prometheus::Error> {
        self.register(IntCounter::with_opts(options(row(name)?))?)
    }

    fn counters(&self, name: &str) -> Result<IntCounterVec, prometheus::Error> {
        let row = row(name)?;
        self.register(IntCounterVec::new(options(row), row.labels)?)
    }

    fn gauge(&self, name: &str) -> Result<IntGauge, prometheus::Error> {
        self.register(IntGauge::with_opts(options(row(name)?))?)
    }

    fn float(&self, name: &str) -> Result<Gauge, prometheus::Error> {
        self.register(Gauge::with_opts(options(row(name)?))?)
    }

    fn gauges(&self, name: &str) -> Result<IntGaugeVec, prometheus::Error> {
        let row = row(name)?;
        self.register(IntGaugeVec::new(options(row), row.labels)?)
    }

    fn histogram(&self, name: &str) -> Result<Histogram, prometheus::Error> {
        self.register(Histogram::with_opts(buckets(row(name)?))?)
    }

    fn histograms(&self, name: &str) -> Result<HistogramVec, prometheus::Error> {
        let row = row(name)?;
        self.register(HistogramVec::new(buckets(row), row.labels)?)
    }
}

fn row(name: &str) -> Result<&'static Metric, prometheus::Error> {
    metrics::find(name)
        .ok_or_else(|| prometheus::Error::Msg(format!("{name} is not in the metric table")))
}

fn options(row: &Metric) -> Opts {
    Opts::new(row.name, row.help)
}

fn buckets(row: &Metric) -> HistogramOpts {
    HistogramOpts::new(row.name, row.help).buckets(row.bounds().to_vec())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wire::metrics::{Source, TABLE};

    use super::*;

    #[test]
    fn every_row_about_the_collector_is_made_and_nothing_else_but_the_process() {
        let telemetry = Telemetry::new().unwrap();
        // A metric with labels shows once it has a series.
        telemetry.samples_ignored.with_label_values(&["x"]);
        telemetry.sites.with_label_values(&["up"]);
        telemetry.profile_sites.with_label_values(&["current"]);
        telemetry.update_sites.with_label_values(&["current"]);
        telemetry.connections.with_label_values(&["agents"]);
        telemetry.connections_rejected.with_label_values(&["agents", "tls"]);
        telemetry.requests.with_label_values(&["agents", "200"]);
        telemetry.request_duration_seconds.with_label_values(&["agents"]);
        telemetry.enrolments.with_label_values(&["enrolled"]);
        let families = telemetry.gather();
        let made: BTreeSet<_> = families
            .iter()
            .map(MetricFamily::name)
            .filter(|n| !n.starts_with("process_"))
            .collect();
        let wanted: BTreeSet<_> =
            TABLE.iter().filter(|r| r.source == Source::Software).map(|row| row.name).collect();
        assert_eq!(made, wanted);
    }
}
