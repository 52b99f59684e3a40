//! A connection to a device, and the time that is left for all that is asked over it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use wire::reading::Failure;

use super::path::{Path, Reader, Tls, Transport};
use super::resolve::Host;

/// Open while it lives: whatever ends a run closes it.
pub(super) struct Conversation {
    path: Path,
    pub(super) server: SocketAddr,
    deadline: Instant,
}

impl Conversation {
    /// Connects over TCP.
    pub(super) async fn open(
        server: SocketAddr,
        host: &Host,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let deadline = Instant::now() + patience;
        let path = Path::open(Transport::Tcp, server, host, &Tls::default(), patience).await?;
        Ok(Self { path, server, deadline })
    }

    /// Sends `question` and waits for its answer.
    pub(super) async fn ask<R: Reader>(
        &mut self,
        question: &[u8],
        reader: &R,
    ) -> Result<R::Answer, Failure> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.path.ask(question, left, reader).await
    }
}
