//! What the parts of a connection see on the way: resolver, connector, certificate, redirects.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::certificates::Witness;

/// What one run saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    /// Whether a name is being resolved.
    pub(super) resolving: bool,
    /// Time to resolve names; `None` where the host is an address.
    pub(super) resolve: Option<Duration>,
    /// Time to connect, TLS included, names not; over all connections of followed redirects.
    pub(super) connected: Option<Duration>,
    /// When the server's certificate expires, trusted or not, in Unix seconds.
    pub(super) certificate_expiry: Option<i64>,
    /// The other host that a redirect wanted to lead to.
    pub(super) redirect_elsewhere: Option<String>,
}

impl Witness for Seen {
    fn certificate(&self, expiry: i64) {
        self.lock().certificate_expiry = Some(expiry);
    }
}

/// Shared by the parts of one client, which makes one request at a time.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Sight>);

impl Seen {
    pub(super) fn begin(&self) {
        *self.lock() = Sight::default();
    }

    pub(super) fn sight(&self) -> Sight {
        self.lock().clone()
    }

    pub(super) fn resolving(&self) {
        self.lock().resolving = true;
    }

    pub(super) fn resolved(&self, took: Duration) {
        let mut sight = self.lock();
        sight.resolving = false;
        *sight.resolve.get_or_insert_default() += took;
    }

    /// `took` counts from the request for a connection, resolving included.
    pub(super) fn connected(&self, took: Duration, resolve_before: Duration) {
        let mut sight = self.lock();
        let resolve = sight.resolve.unwrap_or_default().saturating_sub(resolve_before);
        *sight.connected.get_or_insert_default() += took.saturating_sub(resolve);
    }

    pub(super) fn redirect_elsewhere(&self, host: &str) {
        self.lock().redirect_elsewhere = Some(host.to_owned());
    }

    fn lock(&self) -> MutexGuard<'_, Sight> {
        // Nothing that holds the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
