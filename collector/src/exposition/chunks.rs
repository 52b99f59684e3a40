//! The exposition as a sequence of chunks, so that a scrape of a large fleet never exists twice.
//! Pure.

use std::fmt::Write;
use std::sync::LazyLock;

use bytes::Bytes;
use wire::Metric;
use wire::metrics::{Kind, TABLE, Unit};

use super::gather::Gathered;
use super::negotiate::Format;

/// Bytes in a chunk, or a little more: large enough that a chunk's overhead does not show, small
/// enough to stay in the processor's cache on its way to the socket.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;

/// Gathered lines on their way out.
#[derive(Debug)]
pub(super) struct Chunks {
    gathered: Gathered,
    format: Format,
    /// What follows the metrics of the table.
    tail: Option<String>,
    row: usize,
    piece: usize,
}

impl Chunks {
    pub(super) fn new(gathered: Gathered, format: Format, mut tail: String) -> Self {
        if format == Format::OpenMetrics {
            tail.push_str("# EOF\n");
        }
        Self { gathered, format, tail: Some(tail), row: 0, piece: 0 }
    }

    /// All bytes still to come.
    pub(super) fn bytes_left(&self) -> usize {
        let headers = headers(self.format);
        let mut bytes = self.tail.as_ref().map_or(0, String::len);
        for row in self.row..TABLE.len() {
            let pieces = self.gathered.pieces(row);
            let done = if row == self.row { self.piece } else { 0 };
            if done == 0 && !pieces.is_empty() {
                bytes += headers.get(row).map_or(0, String::len);
            }
            bytes += pieces.iter().skip(done).map(|piece| piece.len()).sum::<usize>();
        }
        bytes
    }
}

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let headers = headers(self.format);
        let mut chunk = Vec::new();
        while let Some(header) = headers.get(self.row) {
            let pieces = self.gathered.pieces(self.row);
            if !pieces.is_empty() && chunk.capacity() == 0 {
                // A little room for the last piece, whose length is not known here.
                chunk.reserve_exact(CHUNK_BYTES + CHUNK_BYTES / 8);
            }
            if self.piece == 0 && !pieces.is_empty() {
                chunk.extend_from_slice(header.as_bytes());
            }
            while let Some(piece) = pieces.get(self.piece) {
                chunk.extend_from_slice(self.gathered.text(*piece).as_bytes());
                self.piece += 1;
                if chunk.len() >= CHUNK_BYTES {
                    return Some(chunk.into());
                }
            }
            self.row += 1;
            self.piece = 0;
        }
        chunk.extend_from_slice(self.tail.take().unwrap_or_default().as_bytes());
        (!chunk.is_empty()).then(|| chunk.into())
    }
}

/// The headers of each row of the table.
fn headers(format: Format) -> &'static [String] {
    static TEXT: LazyLock<Vec<String>> = LazyLock::new(|| TABLE.iter().map(text_header).collect());
    static OPEN_METRICS: LazyLock<Vec<String>> =
        LazyLock::new(|| TABLE.iter().map(open_metrics_header).collect());
    match format {
        Format::Text => &TEXT,
        Format::OpenMetrics => &OPEN_METRICS,
    }
}

fn text_header(row: &Metric) -> String {
    let Metric { name, help, .. } = row;
    let kind = match row.kind {
        // The format knows no states and no information; both are gauges in it.
        Kind::Gauge | Kind::Info | Kind::StateSet(_) => "gauge",
        Kind::Counter => "counter",
        Kind::Histogram(_) => "histogram",
    };
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")
}

/// A family's name there is without the `_total` and `_info` of its samples, and must end in its
/// unit (OpenMetrics 1.0, section 5.3).
fn open_metrics_header(row: &Metric) -> String {
    let (name, kind) = match row.kind {
        // Its state sets name the label like the metric itself. Ours has one name, `state`, for
        // all of them, so that they can be joined; that makes them gauges.
        Kind::Gauge | Kind::StateSet(_) => (row.name, "gauge"),
        Kind::Info => (row.name.trim_end_matches("_info"), "info"),
        Kind::Counter => (row.name.trim_end_matches("_total"), "counter"),
        Kind::Histogram(_) => (row.name, "histogram"),
    };
    let mut header = format!("# TYPE {name} {kind}\n");
    let unit = match row.unit {
        Unit::None => None,
        Unit::Seconds => Some("seconds"),
        Unit::Bytes => Some("bytes"),
        Unit::Ratio => Some("ratio"),
        Unit::Celsius => Some("celsius"),
        Unit::Dbm => Some("dbm"),
        Unit::BytesPerSecond => Some("bytes_per_second"),
    };
    if let Some(unit) = unit {
        // Writing into a string cannot fail.
        let _ = writeln!(header, "# UNIT {name} {unit}");
    }
    let _ = writeln!(header, "# HELP {name} {}", row.help);
    header
}
