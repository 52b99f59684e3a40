//! `METRICS.md` is the metric table for people. It is written from the table and never by hand.

use std::fmt::Write;
use std::path::Path;

use wire::Metric;
use wire::metrics::{Kind, Source, TABLE, Unit};

const HEAD: &str = "\
# Metrics

Written from `wire/src/metrics/table.rs` by `tests/run.sh bless`; change it there.

`bridge_` metrics are facts about sites, `nhipcau_` metrics are about the programs themselves.
Units are base units, ratios run from 0 to 1, moments are Unix seconds. Names, areas and levels
of sites stand only on `bridge_info`; join it where a dashboard shows names:

```promql
bridge_up * on (site) group_left (name, area) bridge_info
```

Counters and histograms count since the agent's start, and their series disappear when the
reading that carries them expires: after three of the probe's intervals, at least 90 s. So does
everything of a site but `bridge_info`, `bridge_expected`, `bridge_up`, `bridge_agent_info`,
`bridge_agent_clock_offset_seconds`, `bridge_last_seen_timestamp_seconds` and what is judged of
it: `bridge_ready_state`, `bridge_ready_reason`, `bridge_capability_state` and
`bridge_evidence_timestamp_seconds`.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (title, source) in [
        ("Made by the collector, of every site", Source::Collector),
        ("Sent by the agents", Source::Agent),
        ("The collector about itself", Source::Software),
    ] {
        let _ = write!(page, "\n## {title}\n\n| metric | kind | unit | labels | meaning |\n");
        page.push_str("|---|---|---|---|---|\n");
        for row in TABLE.iter().filter(|row| row.source == source) {
            let Metric { name, help, .. } = row;
            let (kind, unit, labels) = (kind(row), unit(row), labels(row));
            let _ = writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {help} |");
        }
    }
    page.push_str("\nBesides these, `process_*` tells of the collector's process.\n");
    page.push_str("\n## Buckets\n\n| histogram | upper bounds |\n|---|---|\n");
    for row in TABLE.iter().filter(|row| !row.bounds().is_empty()) {
        let bounds: Vec<_> = row.bounds().iter().map(f64::to_string).collect();
        let _ = writeln!(page, "| `{}` | {} |", row.name, bounds.join(", "));
    }
    page
}

fn kind(row: &Metric) -> String {
    match row.kind {
        Kind::Gauge => "gauge".to_owned(),
        Kind::Counter => "counter".to_owned(),
        Kind::Info => "information".to_owned(),
        Kind::Histogram(_) => "histogram".to_owned(),
        Kind::StateSet(states) => format!("one of {}", states.join(", ")),
    }
}

fn unit(row: &Metric) -> &'static str {
    match row.unit {
        Unit::None => "",
        Unit::Seconds => "seconds",
        Unit::Bytes => "bytes",
        Unit::Ratio => "ratio",
        Unit::Celsius => "°C",
        Unit::Dbm => "dBm",
        Unit::BytesPerSecond => "bytes a second",
    }
}

fn labels(row: &Metric) -> String {
    row.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_of_metrics_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../METRICS.md");
    if std::env::var_os("NHIPCAU_BLESS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "METRICS.md is not the table's: tests/run.sh bless");
}
