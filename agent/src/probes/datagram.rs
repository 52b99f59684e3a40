//! One question over UDP: sent again while nobody answers, and only the true answer counts.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;
use wire::reading::{Failure, Reason};

use super::failure;

/// How often a question is sent: one lost datagram is no dead server.
const ATTEMPTS: u32 = 3;

/// More than any answer of the protocols asked here; what is longer is cut and then makes no
/// sense, as it should.
const BYTES: usize = 4096;

/// A socket towards one server.
#[derive(Debug)]
pub(super) struct Datagrams {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Datagrams {
    /// Every exchange has a socket of its own, whose random port is half of what keeps forged
    /// answers out (RFC 5452); a random identifier in the question is the other half.
    pub(super) async fn to(server: SocketAddr) -> Result<Self, Failure> {
        let failed = |error| failure::of(&error, format_args!("ask {server}"));
        let any = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await.map_err(failed)?;
        // Connected, so that only this server's datagrams and its "port closed" arrive.
        socket.connect(server).await.map_err(failed)?;
        Ok(Self { socket, server })
    }

    /// This end, as this PC sees it.
    pub(super) fn local(&self) -> Result<SocketAddr, Failure> {
        let server = self.server;
        self.socket.local_addr().map_err(|error| failure::of(&error, format_args!("ask {server}")))
    }

    /// Sends `question` up to [`ATTEMPTS`] times within `patience`. The answer is the first
    /// datagram that `accept` makes something of; another may be late or forged, so it only
    /// counts as strange, and the true one is waited for.
    pub(super) async fn ask<T>(
        &self,
        question: &[u8],
        patience: Duration,
        mut accept: impl FnMut(&[u8]) -> Option<T>,
    ) -> Result<T, Failure> {
        let server = self.server;
        let failed = |error| failure::of(&error, format_args!("ask {server}"));
        let mut strange: u32 = 0;
        for _ in 0..ATTEMPTS {
            self.socket.send(question).await.map_err(failed)?;
            let receiving = self.receive(&mut strange, &mut accept);
            if let Ok(received) = timeout(patience / ATTEMPTS, receiving).await {
                return received.map_err(failed);
            }
        }
        if strange > 0 {
            let detail = format!("ask {server}: {strange} answers, none of them to this question");
            return Err(Failure::new(Reason::Protocol, detail));
        }
        Err(failure::timeout(patience, format_args!("ask {server}")))
    }

    async fn receive<T>(
        &self,
        strange: &mut u32,
        accept: &mut impl FnMut(&[u8]) -> Option<T>,
    ) -> std::io::Result<T> {
        let mut buffer = vec![0; BYTES];
        loop {
            let length = self.socket.recv(&mut buffer).await?;
            match accept(buffer.get(..length).unwrap_or_default()) {
                Some(answer) => return Ok(answer),
                None => *strange = strange.saturating_add(1),
            }
        }
    }
}
