//! The uplink: reports from the spool to the collector, the newest first.

mod counters;

pub use counters::Counters;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::identity::Identity;
use crate::spool;

/// Why the uplink cannot start.
#[derive(Debug, thiserror::Error)]
pub enum UplinkError {
    /// The proxy setting is no URL.
    #[error("proxy {proxy:?}: {error}; write http://host:port")]
    Proxy {
        /// What was set.
        proxy: String,
        /// What is wrong with it.
        error: String,
    },
    /// The TLS client could not be built.
    #[error("the TLS client could not be built: {0}")]
    Client(String),
}

/// Pushes reports to the collector.
#[derive(Debug)]
pub struct Uplink {}

impl Uplink {
    /// An uplink for `identity`. Without `proxy` the environment decides (`HTTPS_PROXY`,
    /// `NO_PROXY`). `boot` is this start of the agent.
    pub fn new(
        _identity: &Identity,
        _proxy: Option<&str>,
        _boot: Uuid,
        _counters: Arc<Counters>,
    ) -> Result<Self, UplinkError> {
        Ok(Self {})
    }

    /// Pushes until `stop`, then once more; ends within 4 s of it.
    pub async fn run(self, _spool: spool::Handle, stop: CancellationToken) {
        stop.cancelled().await;
    }
}
