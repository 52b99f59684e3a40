//! Profiles: which probes a site runs, as it is decided at the collector.
//!
//! ```text
//!  agent                                collector
//!  POST /v1/reports ───────────────────▶ standing: what runs, what was refused
//!                   ◀─────────────────── the etag of the profile it should run
//!  GET /v1/profile  ───────────────────▶
//!                   ◀─────────────────── ETag, {"probes": {"mcu": {"every": "15s", …}}}
//! ```
//! A probe is written as in `agent.yaml`. The collector does not know the kinds of probes: of a
//! fleet of mixed versions only each agent knows whether it can run what it is given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ProbeName;

/// The answer to `GET /v1/profile`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Document {
    /// What is measured, by name; none: what the agent's own file says.
    pub probes: BTreeMap<ProbeName, serde_json::Value>,
}

/// What an agent says of its profile with every push.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// The etag of the profile it runs.
    #[serde(default)]
    pub running: Option<Box<str>>,
    /// The profile it refused last.
    #[serde(default)]
    pub refused: Option<RefusedProfile>,
}

/// A profile that an agent does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedProfile {
    /// Its etag.
    pub etag: Box<str>,
    /// Why, in ASCII English: of many faults the first.
    pub reason: Box<str>,
}
