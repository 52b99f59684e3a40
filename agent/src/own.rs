//! The agent's reading of itself: spool, pushes, memory, processor time.

use wire::reading::{Reading, Sample};

use crate::platform;
use crate::spool::Statistics;
use crate::tally::{Run, Tally};
use crate::uplink::Counters;

/// The name and the kind of this reading; no configured probe may take it.
pub const NAME: &str = "agent";

/// What the agent says of itself in a report that closes now, one each `every_ms`.
#[must_use]
pub fn reading(spool: &Statistics, counters: &Counters, every_ms: u64) -> Option<Reading> {
    Some(Reading {
        probe: NAME.parse().ok()?,
        kind: NAME.into(),
        capability: None,
        every_ms,
        age_ms: 0,
        duration_us: 0,
        troubles: Vec::new(),
        failure: None,
        samples: samples(spool, counters),
    })
}

fn samples(spool: &Statistics, counters: &Counters) -> Vec<Sample> {
    let mut tally = Tally::default();
    let mut run = Run::of_the_moment(&mut tally);
    run.gauge("bridge_agent_spool_reports", spool.reports as f64);
    run.gauge("bridge_agent_spool_bytes", spool.bytes as f64);
    if let Some(oldest) = spool.oldest_taken_at {
        run.gauge("bridge_agent_spool_oldest_timestamp_seconds", oldest as f64 / 1e3);
    }
    let evicted = "bridge_agent_spool_evicted_total";
    run.count_of(evicted, "size", spool.evicted_by_size as f64);
    run.count_of(evicted, "age", spool.evicted_by_age as f64);
    run.count_of(evicted, "disk_full", spool.evicted_by_disk_full as f64);
    run.count("bridge_agent_spool_refused_total", spool.refused as f64);
    run.count("bridge_agent_spool_set_aside_total", spool.set_aside as f64);
    for (reason, count) in counters.failures() {
        run.count_of("bridge_agent_push_failures_total", reason, count as f64);
    }
    run.count("bridge_agent_push_bytes_total", counters.bytes() as f64);
    if let Ok(usage) = platform::own_usage() {
        run.gauge("bridge_agent_resident_memory_bytes", usage.resident_bytes as f64);
        run.count("bridge_agent_cpu_seconds_total", usage.cpu.as_secs_f64());
    }
    run.finish().samples
}
