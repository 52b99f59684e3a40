//! (being written)
use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure, Reason};

use crate::tally::Run;

/// (being written)
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {}

impl Link {
    /// Its interval where the configuration names none.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of where the configuration names nothing.
    pub const CAPABILITY: Option<Capability> = None;

    /// How long a run may take where the configuration does not say.
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(5))
    }

    /// One run.
    pub async fn run(&mut self, _run: &mut Run<'_>) -> Result<(), Failure> {
        Err(Failure::new(Reason::Internal, "not built yet"))
    }
}
