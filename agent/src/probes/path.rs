//! The way a conference client takes to a server: UDP, TCP or TLS, one question and its answer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wire::reading::{Failure, Reason};

use super::certificates::{self, Witness};
use super::datagram::Datagrams;
use super::failure;
use super::resolve::Host;
use crate::tally::Run;

/// A stream that sends more before one answer is complete is no server of these protocols.
const BYTES: usize = 16 * 1024;

/// What carries the messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the words of the field")]
pub enum Transport {
    #[default]
    Udp,
    Tcp,
    Tls,
}

impl Transport {
    /// As people write it: `UDP`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }
}

/// Tells the answer to one question from everything else that arrives.
pub(super) trait Reader {
    /// What an answer says.
    type Answer;

    /// The length of the whole message that `bytes` of a stream begin with; `None` while it is
    /// not all there. The error says why these bytes can never become one.
    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, String>;

    /// What a whole message says, if it is the answer.
    fn read(&self, message: &[u8]) -> Option<Self::Answer>;
}

/// A way that stands.
pub(super) struct Path {
    /// This end, as this PC sees it.
    pub(super) local: SocketAddr,
    server: SocketAddr,
    carrier: Carrier,
}

enum Carrier {
    Datagrams(Datagrams),
    Stream(Box<dyn Stream>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// What a probe needs for TLS; made at the first run that asks for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Tls {
    config: Option<Arc<ClientConfig>>,
    expiry: Arc<Expiry>,
}

/// When the last certificate expires; 0 before there was any.
#[derive(Debug, Default)]
struct Expiry(AtomicI64);

impl Witness for Expiry {
    fn certificate(&self, expiry: i64) {
        self.0.store(expiry, Ordering::Relaxed);
    }
}

impl Path {
    /// Opens a way to `server`, whose certificate must be for `host`.
    pub(super) async fn open(
        transport: Transport,
        server: SocketAddr,
        host: &Host,
        tls: &Tls,
        patience: Duration,
    ) -> Result<Self, Failure> {
        if transport == Transport::Udp {
            let socket = Datagrams::to(server).await?;
            let local = socket.local()?;
            return Ok(Self { local, server, carrier: Carrier::Datagrams(socket) });
        }
        let what = format_args!("connect {server}");
        let connecting = async {
            let failed = |error| failure::of(&error, what);
            let stream = TcpStream::connect(server).await.map_err(failed)?;
            let local = stream.local_addr().map_err(failed)?;
            let carrier: Box<dyn Stream> = match transport {
                Transport::Tls => Box::new(tls.over(stream, host).await?),
                _ => Box::new(stream),
            };
            Ok(Self { local, server, carrier: Carrier::Stream(carrier) })
        };
        failure::within(patience, what, connecting).await
    }

    /// Sends `question` and waits for its answer.
    pub(super) async fn ask<R: Reader>(
        &mut self,
        question: &[u8],
        patience: Duration,
        reader: &R,
    ) -> Result<R::Answer, Failure> {
        let what = format_args!("ask {}", self.server);
        match &mut self.carrier {
            Carrier::Datagrams(socket) => {
                socket.ask(question, patience, |datagram| reader.read(datagram)).await
            }
            Carrier::Stream(stream) => {
                let exchange = over_stream(stream, question, reader, &what);
                failure::within(patience, what, exchange).await
            }
        }
    }
}

async fn over_stream<R: Reader>(
    stream: &mut Box<dyn Stream>,
    question: &[u8],
    reader: &R,
    what: &impl std::fmt::Display,
) -> Result<R::Answer, Failure> {
    let failed = |error| failure::of(&error, what);
    let strange = |why: &str| Failure::new(Reason::Protocol, format_args!("{what}: {why}"));
    stream.write_all(question).await.map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let mut received = Vec::new();
    loop {
        while let Some(length) = reader.length(&received).map_err(|why| strange(&why))? {
            // A message of no length would be found again for ever.
            let message: Vec<u8> = received.drain(..length.clamp(1, received.len())).collect();
            if let Some(answer) = reader.read(&message) {
                return Ok(answer);
            }
        }
        if received.len() >= BYTES {
            return Err(strange("a message without end"));
        }
        if stream.read_buf(&mut received).await.map_err(failed)? == 0 {
            return Err(strange("the connection was closed without an answer"));
        }
    }
}

impl Tls {
    /// Reads certificates, should the transport need them. From many files, so on a thread of
    /// its own.
    pub(super) async fn prepare(
        &mut self,
        transport: Transport,
        ca_file: Option<&PathBuf>,
    ) -> Result<(), Failure> {
        if transport != Transport::Tls || self.config.is_some() {
            return Ok(());
        }
        let ca_file = ca_file.cloned();
        let trust = tokio::task::spawn_blocking(move || certificates::trust(ca_file.as_deref()))
            .await
            .map_err(|error| Failure::new(Reason::Internal, format_args!("a thread: {error}")))??;
        let witness = Arc::clone(&self.expiry) as Arc<dyn Witness>;
        let config = certificates::tls(trust, witness).map_err(|error| {
            Failure::new(Reason::Internal, format_args!("make a TLS client: {error}"))
        })?;
        self.config = Some(Arc::new(config));
        Ok(())
    }

    /// Tells when the server's certificate expires, where one was seen, trusted or not.
    pub(super) fn record(&self, run: &mut Run<'_>) {
        let expiry = self.expiry.0.swap(0, Ordering::Relaxed);
        if expiry != 0 {
            run.gauge("bridge_probe_tls_expiry_timestamp_seconds", expiry as f64);
            let date = certificates::date(expiry);
            run.step(
                || format!("Chứng thư của máy chủ hết hạn ngày {date}."),
                || format!("The server's certificate expires on {date}."),
            );
        }
    }

    async fn over(
        &self,
        stream: TcpStream,
        host: &Host,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Failure> {
        let Some(config) = &self.config else {
            return Err(Failure::new(Reason::Internal, "TLS was not prepared"));
        };
        let what = format!("TLS with {host}");
        let tls =
            |why: &dyn std::fmt::Display| Failure::new(Reason::Tls, format_args!("{what}: {why}"));
        let name = ServerName::try_from(host.to_string()).map_err(|error| tls(&error))?;
        let connecting = TlsConnector::from(Arc::clone(config)).connect(name, stream);
        connecting.await.map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match inner {
                Some(inner) => tls(&certificates::fault(inner)),
                None => failure::of(&error, &what),
            }
        })
    }
}

/// Resolves `host` and tries one address after the other until one answers, each with its share
/// of the time. The answer comes with its server and how long the server took over it.
pub(super) async fn first_answer<T>(
    run: &mut Run<'_>,
    host: &Host,
    port: u16,
    mut attempt: impl AsyncFnMut(SocketAddr, Duration) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let start = Instant::now();
    let patience = failure::patience(run);
    let addresses = host.addresses(port, patience).await?;
    let left = patience.saturating_sub(start.elapsed());
    let mut first = None;
    for (address, share) in failure::in_turn(&addresses, left) {
        match attempt(*address, share).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => {
                run.step(
                    || format!("{address} không trả lời được: {failure}."),
                    || failure.to_string(),
                );
                // The first address is the one other programs would use.
                first.get_or_insert(failure);
            }
        }
    }
    Err(first.unwrap_or_else(|| Failure::new(Reason::Resolve, "no address to ask")))
}
