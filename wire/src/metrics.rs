//! The metric table: the one source of names, help, units, kinds and labels.
//!
//! `bridge_` rows are facts about sites, `nhipcau_` rows are about the programs themselves.
//! An agent may send only rows of [`Source::Agent`]; the collector makes the others. `METRICS.md`
//! is written from this table, and dashboards and rules are checked against it.
//!
//! To add a row: put it into its group below and run `tests/run.sh bless`, which rewrites
//! `METRICS.md`. A row, once shipped, keeps its meaning, labels and buckets for ever.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

mod table;
pub use table::TABLE;

/// One row of the table.
#[derive(Debug, PartialEq)]
pub struct Metric {
    /// The full name, unit and `_total` included.
    pub name: &'static str,
    /// One line for people, the `# HELP` text.
    pub help: &'static str,
    /// What it counts or measures in.
    pub unit: Unit,
    /// How it behaves.
    pub kind: Kind,
    /// Its labels in the order they are rendered; `le` of histograms is not among them.
    pub labels: &'static [&'static str],
    /// Who makes it.
    pub source: Source,
    place: usize,
}

/// Base units only, as Prometheus wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "units explain themselves")]
pub enum Unit {
    None,
    Seconds,
    Bytes,
    Ratio,
    Celsius,
    /// Decibels relative to one milliwatt; radio levels have no base unit in use anywhere.
    Dbm,
    /// Also of lines, which people count in bits: Prometheus knows no unit but the byte.
    BytesPerSecond,
}

/// How a metric behaves over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows, from 0 at the start of the program that counts.
    Counter,
    /// Always 1; the labels are the information.
    Info,
    /// One series a state, exactly one of them 1. The label is `state`.
    StateSet(&'static [&'static str]),
    /// Classic buckets with these upper bounds.
    Histogram(&'static [f64]),
}

/// Who makes a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Agents send it as samples.
    Agent,
    /// The collector derives it from reports, inventory and calendar.
    Collector,
    /// The collector counts it about itself.
    Software,
}

impl Metric {
    /// The metric's own label, whose value a sample carries: the one beyond `site`, `probe`,
    /// `kind` and `state`.
    #[must_use]
    pub fn own_label(&self) -> Option<&'static str> {
        self.labels.iter().copied().find(|l| !matches!(*l, "site" | "probe" | "kind" | "state"))
    }

    /// Whether its series are labelled with the probe that made them.
    #[must_use]
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.contains(&label)
    }

    /// The upper bounds of its buckets; empty unless a histogram.
    #[must_use]
    pub fn bounds(&self) -> &'static [f64] {
        match self.kind {
            Kind::Histogram(bounds) => bounds,
            _ => &[],
        }
    }

    /// The row's place in [`TABLE`], which is the order of exposition.
    #[must_use]
    pub fn index(&self) -> usize {
        self.place
    }
}

/// The row of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Metric> {
    INDEX.get(name).and_then(|index| TABLE.get(*index))
}

static INDEX: LazyLock<HashMap<&'static str, usize, FixedState>> =
    LazyLock::new(|| TABLE.iter().enumerate().map(|(index, row)| (row.name, index)).collect());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_follow_the_conventions() {
        assert_eq!(INDEX.len(), TABLE.len(), "two rows of one name");
        for row in TABLE {
            let name = row.name;
            let prefix = if row.source == Source::Software { "nhipcau_" } else { "bridge_" };
            assert!(name.starts_with(prefix), "{name}");
            assert_eq!(row.kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert_eq!(row.kind == Kind::Info, name.ends_with("_info"), "{name}");
            let base = name.trim_end_matches("_total").trim_end_matches("_info");
            for reserved in ["_count", "_sum", "_bucket"] {
                assert!(!base.ends_with(reserved), "{name}");
            }
            let suffix = match row.unit {
                Unit::None => "",
                Unit::Seconds => "_seconds",
                Unit::Bytes => "_bytes",
                Unit::Ratio => "_ratio",
                Unit::Celsius => "_celsius",
                Unit::Dbm => "_dbm",
                Unit::BytesPerSecond => "_bytes_per_second",
            };
            assert!(base.ends_with(suffix), "{name} is in {:?}", row.unit);
        }
    }

    #[test]
    fn help_is_one_plain_sentence() {
        for row in TABLE {
            assert!(row.help.ends_with('.'), "{}", row.name);
            assert!(row.help.is_ascii() && !row.help.contains(['\n', '\\', '"']), "{}", row.name);
        }
    }

    #[test]
    fn labels_are_the_agreed_ones_and_at_most_one_is_the_rows_own() {
        const AGREED: &[&str] = &[
            "site",
            "probe",
            "kind",
            "device",
            "meeting",
            "state",
            "reason",
            "capability",
            // Of a call: `video_receive`.
            "channel",
            // The information of the `_info` rows.
            "name",
            "area",
            "level",
            "uplink",
            "provider",
            "version",
            "os",
            "title",
            // Of the programs themselves.
            "result",
            "code",
            "endpoint",
            "revision",
        ];
        for row in TABLE {
            assert!(row.labels.iter().all(|label| AGREED.contains(label)), "{}", row.name);
            if row.source == Source::Agent {
                let own =
                    row.labels.iter().filter(|l| !["site", "probe", "kind", "state"].contains(l));
                assert!(own.count() <= 1, "{}", row.name);
                assert_eq!(row.labels.first(), Some(&"site"), "{}", row.name);
            }
            assert_eq!(
                matches!(row.kind, Kind::StateSet(_)),
                row.source != Source::Software
                    && row.has_label("state")
                    && row.name.ends_with("_state"),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn bounds_rise() {
        for row in TABLE {
            assert!(row.bounds().is_sorted_by(|a, b| a < b), "{}", row.name);
        }
    }
}
