//! The lines of one reading and of one site. Pure.

use wire::reading::Name;
use wire::{AgentInfo, Reading, Sample, SiteId, UnixMillis, Value};

use super::lines::{Lines, Renderer};
use crate::inventory;

/// Rows the collector makes, each found once.
macro_rules! rows {
    ($($row:ident = $name:literal;)*) => {
        $(static $row: std::sync::LazyLock<Option<&'static wire::Metric>> =
            std::sync::LazyLock::new(|| wire::metrics::find($name));)*

        /// The names above, for the test that they are in the table.
        #[cfg(test)]
        pub(super) const MADE_HERE: &[&str] = &[$($name),*];
    };
}
pub(super) use rows;
rows! {
    INFO = "bridge_info";
    LINE_INFO = "bridge_line_info";
    EXPECTED = "bridge_expected";
    LAST_SEEN = "bridge_last_seen_timestamp_seconds";
    AGENT_INFO = "bridge_agent_info";
    CLOCK_OFFSET = "bridge_agent_clock_offset_seconds";
    CLONES = "bridge_agent_clones";
    SUCCESS = "bridge_probe_success";
    DURATION = "bridge_probe_duration_seconds";
    LAST_RUN = "bridge_probe_last_run_timestamp_seconds";
    TROUBLE = "bridge_device_trouble";
    UP = "bridge_up";
}

/// The lines of a reading: its outcome, then its samples. They are written over the `last` ones
/// of the probe.
#[must_use]
pub fn reading(site: &SiteId, reading: &Reading, taken_at: UnixMillis, last: Lines) -> Lines {
    let mut renderer = Renderer::over(last);
    let probe = [site.as_str(), reading.probe.as_str(), &reading.kind];
    let success = if reading.failure.is_none() { 1.0 } else { 0.0 };
    for (row, number) in [
        (*SUCCESS, success),
        (*DURATION, reading.duration_us as f64 / 1e6),
        (*LAST_RUN, seconds(taken_at)),
    ] {
        if let Some(row) = row {
            renderer.number(row, probe, number);
        }
    }
    for sample in &reading.samples {
        push_sample(&mut renderer, site, reading, sample);
    }
    if let Some(row) = *TROUBLE {
        for trouble in &reading.troubles {
            let [site, probe, _] = probe;
            renderer.number(row, [site, probe, &trouble.device, trouble.cause.label()], 1.0);
        }
    }
    renderer.finish()
}

fn push_sample(renderer: &mut Renderer, site: &SiteId, reading: &Reading, sample: &Sample) {
    let Name::Known(row) = &sample.name else { return };
    let own = sample.label.as_deref().unwrap_or_default();
    let values = row.labels.iter().filter(|label| **label != "state").map(|label| match *label {
        "site" => site.as_str(),
        "probe" => reading.probe.as_str(),
        "kind" => &reading.kind,
        _ => own,
    });
    match &sample.value {
        Value::Number(number) => renderer.number(row, values, *number),
        Value::State(state) => renderer.states(row, &values, state.label()),
        Value::UnknownState => {}
        Value::Histogram(histogram) => renderer.histogram(row, values, histogram),
    }
}

/// What is to be shown of a site besides its readings.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What the inventory says of it, if it is expected.
    pub expected: Option<&'a inventory::Site>,
    /// When a report of it arrived last.
    pub last_seen: Option<UnixMillis>,
    /// Its agent.
    pub agent: Option<&'a AgentInfo>,
    /// Its clock minus the collector's in milliseconds.
    pub clock_offset: Option<i64>,
    /// Other running agents with its credential.
    pub clones: usize,
}

/// The lines of a site that change only with its reports and the inventory.
#[must_use]
pub fn facts(site: &SiteId, facts: &Facts<'_>) -> Lines {
    let mut renderer = Renderer::default();
    let id = site.as_str();
    if let (Some(row), Some(expected)) = (*INFO, facts.expected) {
        let area = expected.area.as_ref().map_or("", |area| area.as_str());
        renderer.number(row, [id, &expected.name, area, &expected.level, &expected.uplink], 1.0);
    }
    let provider = facts.expected.map_or("", |expected| &expected.provider);
    if let (Some(row), false) = (*LINE_INFO, provider.is_empty()) {
        renderer.number(row, [id, provider], 1.0);
    }
    if let Some(row) = *EXPECTED {
        renderer.number(row, [id], if facts.expected.is_some() { 1.0 } else { 0.0 });
    }
    if let (Some(row), Some(at)) = (*LAST_SEEN, facts.last_seen) {
        renderer.number(row, [id], seconds(at));
    }
    if let (Some(row), Some(agent)) = (*AGENT_INFO, facts.agent) {
        renderer.number(row, [id, &agent.version, &agent.os], 1.0);
    }
    if let (Some(row), Some(offset)) = (*CLOCK_OFFSET, facts.clock_offset) {
        renderer.number(row, [id], seconds(offset));
    }
    if let (Some(row), true) = (*CLONES, facts.clones > 0) {
        renderer.number(row, [id], facts.clones as f64);
    }
    renderer.finish()
}

/// The only lines that change by themselves: whether each site is up.
#[must_use]
pub(super) fn ups<'a>(sites: impl Iterator<Item = (&'a SiteId, bool)>) -> Lines {
    let mut renderer = Renderer::default();
    if let Some(row) = *UP {
        for (site, up) in sites {
            renderer.number(row, [site.as_str()], if up { 1.0 } else { 0.0 });
        }
    }
    renderer.finish()
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wire::metrics::{Source, TABLE};

    use super::super::verdicts;
    use super::*;

    #[test]
    fn every_row_of_the_collector_is_made_here() {
        let wanted: BTreeSet<_> =
            TABLE.iter().filter(|r| r.source == Source::Collector).map(|row| row.name).collect();
        let made = MADE_HERE.iter().chain(verdicts::MADE_HERE).copied();
        assert_eq!(made.collect::<BTreeSet<_>>(), wanted);
    }
}
