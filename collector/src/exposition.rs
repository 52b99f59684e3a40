//! What Prometheus reads: text 0.0.4 or OpenMetrics 1.0.
//!
//! ```text
//!  report ─▶ render ─▶ lines ─┐ once, when it arrives
//!  judgement ─▶ verdicts ─────┼─▶ gather ─▶ chunks ─▶ body (─▶ gzip, zstd)   each scrape
//!  telemetry ─▶ software ─────┘
//! ```

mod body;
mod chunks;
mod gather;
mod lines;
mod negotiate;
mod render;
mod shard;
mod software;
mod verdicts;

pub use body::body;
pub use lines::{Lines, series_of};
pub(crate) use negotiate::takes_gzip;
pub use negotiate::{Coding, Format, Wanted};
pub use render::{Facts, facts, reading};
pub use shard::Shard;
pub use verdicts::Verdicts;

#[cfg(test)]
mod tests;
