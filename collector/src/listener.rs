//! Sockets: accepts connections, bounds their number and their waits, ends them in good order.
//!
//! ```text
//!  permit ─▶ accept ─▶ TLS ─▶ header ─▶ request ─▶ answer ─▶ rest ─▶ header …
//!                       └ handshake └ header └ body    └ stall    └ idle
//! ```
//! There is no bound per address: hundreds of communes stand behind the one address of a
//! province's network, and all come back at once after an outage. What bounds a stranger is time:
//! without a whole header in `handshake` and twice `header` the connection is gone.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::{Request, Response};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::seldom::Seldom;
use crate::telemetry::Telemetry;
use body::Incoming;

pub mod body;
mod connection;
pub(crate) mod descriptors;
mod rest;
mod stall;

/// The body of every answer.
pub type Body = BoxBody<Bytes, std::convert::Infallible>;

/// How long is waited for whom.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a TLS handshake. Two round trips; a bad rural line takes seconds for them.
    pub handshake: Duration,
    /// For the first request to begin, and for each header, which fits one packet, to end.
    pub header: Duration,
    /// For the next request to begin. Agents push every 15 s to 2 min and should find their
    /// connection open.
    pub idle: Duration,
    /// For the whole body. A full one passes a line of 140 kbit/s in it, an ordinary one of
    /// 20 KiB a line of 3 kbit/s.
    pub body: Duration,
    /// For a reader that takes nothing of the answer.
    pub stall: Duration,
    /// For requests in progress when the collector stops; systemd waits 90 s before it kills.
    pub drain: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            idle: Duration::from_mins(4),
            body: Duration::from_mins(1),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// A socket with all that its connections need.
pub struct Listener {
    /// The `endpoint` in metrics and logs.
    pub name: &'static str,
    /// Bound and listening.
    pub socket: TcpListener,
    /// Without it HTTP is spoken in the open.
    pub tls: Option<Arc<ServerConfig>>,
    /// Connections at a time; more wait in the system's queue until one ends.
    pub connections: usize,
    /// See there.
    pub patience: Patience,
    /// Where connections are counted.
    pub telemetry: Arc<Telemetry>,
}

/// The values of `reason` in metrics.
const REASONS: [&str; 5] = ["accept", "tls", "tls_timeout", "header_timeout", "http"];

/// What every connection of a listener shares.
struct Shared<S> {
    name: &'static str,
    tls: Option<TlsAcceptor>,
    patience: Patience,
    telemetry: Arc<Telemetry>,
    service: S,
    /// Handshakes are given up.
    stop: CancellationToken,
    /// Everything is given up.
    cut: CancellationToken,
    refusals: Seldom,
}

impl Listener {
    /// Serves until `stop`, then ends connections in good order, or after `drain` in any order.
    pub async fn serve<S, F>(self, service: S, stop: CancellationToken)
    where
        S: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let Self { name, socket, tls, connections, patience, telemetry } = self;
        let shared = Arc::new(Shared {
            name,
            tls: tls.map(TlsAcceptor::from),
            patience,
            telemetry,
            service,
            stop,
            cut: CancellationToken::new(),
            refusals: Seldom::default(),
        });
        // A series that appears only with its first event hides that event from `rate()`.
        for reason in REASONS {
            shared.telemetry.connections_rejected.with_label_values(&[name, reason]);
        }
        shared.telemetry.connections.with_label_values(&[name]).set(0);
        let standing = TaskTracker::new();
        let permits = Arc::new(Semaphore::new(connections));
        let mut accepting = Accepting { name, permits, full: Seldom::default() };
        let stop = shared.stop.clone();
        while let Some((stream, peer, permit)) =
            stop.run_until_cancelled(accepting.next(&socket, &shared.telemetry)).await
        {
            let shared = Arc::clone(&shared);
            standing.spawn(async move {
                connection::run(&shared, stream, peer).await;
                drop(permit);
            });
        }
        drop(socket);
        let left = standing.len();
        standing.close();
        if tokio::time::timeout(patience.drain, standing.wait()).await.is_err() {
            warn!(endpoint = name, "connections did not end in time and are cut");
        } else {
            info!(endpoint = name, connections = left, "connections ended");
        }
        shared.cut.cancel();
    }
}

/// The accepting side of a listener.
struct Accepting {
    name: &'static str,
    permits: Arc<Semaphore>,
    full: Seldom,
}

impl Accepting {
    /// The next connection. A permit comes before the connection: what cannot be served is not
    /// accepted and costs no descriptor.
    async fn next(
        &mut self,
        socket: &TcpListener,
        telemetry: &Telemetry,
    ) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let permit = self.permit().await;
            match socket.accept().await {
                Ok((stream, peer)) => return (stream, peer, permit),
                Err(error) if is_of_one_connection(&error) => {
                    debug!(endpoint = self.name, %error, "a connection was gone before it began");
                }
                Err(error) => {
                    // The socket stays readable, so without a pause this would spin. Paused, it
                    // says at most a line a second.
                    warn!(endpoint = self.name, %error, "cannot accept connections; trying again");
                    telemetry.connections_rejected.with_label_values(&[self.name, "accept"]).inc();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        loop {
            if self.permits.available_permits() == 0
                && let Some(unsaid) = self.full.speak(Instant::now())
            {
                warn!(endpoint = self.name, unsaid, "as many connections as may be; others wait");
            }
            if let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await {
                return permit;
            }
            // Only a closed semaphore fails, and nobody closes this one.
            tokio::time::sleep(LONGEST_PAUSE).await;
        }
    }
}

/// Descriptors come back as soon as any connection ends.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// Longer, and an agent would notice when descriptors are back.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// accept(2) hands the errors of a waiting connection to whoever accepts it; the next may be fine.
/// Everything else (EMFILE, ENFILE, ENOBUFS, ENOMEM) is a lack that only time mends.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted,
        NetworkDown, NetworkUnreachable, TimedOut,
    };
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}

#[cfg(test)]
mod tests;
