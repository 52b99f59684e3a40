//! What the agent and the collector must agree on, and the little that both do the same way.
//!
//! An agent's `Reading`s of one cycle make a numbered `Report`; reports travel in a `Batch`
//! and are settled one by one in an `Answer`. Every sample in a reading names a row of the
//! metric table, which is the one source of names, help, units, kinds and labels.
//!
//! ```text
//!   agent                                            collector
//!   Reading ─▶ Report(boot, seq) ─▶ Batch ══TLS══▶ ingest ─▶ fleet ─▶ exposition
//!                                   Answer ◀══════ accepted, refused, now
//! ```

// What travels.
pub mod batch;
pub mod device;
pub mod enrolment;
pub mod profile;
pub mod reading;
pub mod report;
pub mod update;

// What it may contain.
pub mod ids;
pub mod limits;
pub mod metrics;
pub mod packing;

// How both programs read and speak to people.
pub mod duration;
pub mod language;
pub mod yaml;

// How both stay small.
#[cfg(unix)]
pub mod working_set;

#[cfg(test)]
#[path = "../../tests/fuzz/mutations.rs"]
mod mutations;

pub use batch::{Answer, Batch, Refusal};
pub use device::{Cause, DeviceState, Trouble};
pub use ids::{ProbeName, SiteId};
pub use language::Language;
pub use metrics::Metric;
pub use reading::{Capability, Failure, Reading, Reason, Sample, Value};
pub use report::{AgentInfo, Report};

/// A moment as milliseconds since 1970-01-01T00:00:00Z. Signed, so that differences are plain
/// subtraction and a clock before 1970 is merely absurd, not a panic.
pub type UnixMillis = i64;
