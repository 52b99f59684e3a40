//! A report: one agent's readings of one cycle, numbered so that it counts once however often
//! it is sent.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::UnixMillis;
use crate::reading::Reading;

/// One agent's readings of one cycle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// This start of the agent. Together with `seq` it names the report for ever.
    pub boot: Uuid,
    /// Counts from 1 within a boot, without gaps.
    pub seq: u64,
    /// When the report was closed, by the agent's own clock, which is not trusted.
    pub taken_at: UnixMillis,
    /// The same moment on the agent's monotonic clock: milliseconds since its PC was switched on.
    pub uptime_ms: u64,
    /// Who took it.
    pub agent: AgentInfo,
    /// What was found.
    pub readings: Vec<Reading>,
}

/// The program that took a report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentInfo {
    /// The agent's version (`0.1.0`).
    pub version: Box<str>,
    /// The operating system in its own words (`Debian GNU/Linux 12`).
    pub os: Box<str>,
}
