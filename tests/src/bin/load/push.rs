//! Pushes of many sites, each over its own kept connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use tests::http;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use uuid::Uuid;

use crate::{Load, Outcome, fleet};

/// A site's connection.
pub(crate) type Connection<S> = BufReader<S>;

/// Handshakes at a time: more would only queue at the collector.
const HANDSHAKES: usize = 64;

/// Pushes and tells how it went.
pub(crate) async fn run(load: Load) -> anyhow::Result<()> {
    let trust = tests::tls::trusting_anything()?;
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let begin = Instant::now();
    let connecting: Vec<_> = (0..load.sites)
        .map(|_| tokio::spawn(connect(load.to, Arc::clone(&trust), Arc::clone(&handshakes))))
        .collect();
    let mut connections = Vec::with_capacity(load.sites);
    for connection in connecting {
        connections.push(connection.await??);
    }
    println!("connected: {} in {:?}", connections.len(), begin.elapsed());

    let turns = Arc::new(Semaphore::new(if load.every == 0 { load.at_once } else { load.sites }));
    let pushing: Vec<_> = connections
        .into_iter()
        .enumerate()
        .map(|(number, connection)| {
            tokio::spawn(site(number, connection, load.clone(), Arc::clone(&turns)))
        })
        .collect();
    crate::tell(&load, pushing).await
}

async fn connect(
    to: SocketAddr,
    trust: Arc<ClientConfig>,
    handshakes: Arc<Semaphore>,
) -> anyhow::Result<Connection<TlsStream<TcpStream>>> {
    let _turn = handshakes.acquire().await?;
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let name = rustls::pki_types::ServerName::from(to.ip());
    Ok(BufReader::new(TlsConnector::from(trust).connect(name, stream).await?))
}

/// One site's rounds: durations of those answered, and how many were not accepted.
async fn site(
    number: usize,
    mut connection: Connection<TlsStream<TcpStream>>,
    load: Load,
    turns: Arc<Semaphore>,
) -> anyhow::Result<Outcome> {
    let (boot, authorization) = (Uuid::new_v4(), format!("Bearer {}", fleet::credential(number)));
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
        ("Content-Encoding", "zstd"),
    ];
    let (mut took, mut refused) = (Vec::new(), 0);
    for seq in 1..=load.rounds {
        pause(&load, number, seq).await;
        let _turn = turns.acquire().await?;
        let body = fleet::body(boot, seq, load.series)?;
        let request = http::request("POST", wire::limits::REPORTS_PATH, &headers, &body);
        let begin = Instant::now();
        let (status, answer) = exchange(&mut connection, &request).await?;
        if status != 200 {
            refused += 1;
            continue;
        }
        let answer: wire::Answer = serde_json::from_slice(&answer)?;
        if answer.accepted == [(boot, seq)] {
            took.push(begin.elapsed());
        } else {
            refused += 1;
        }
    }
    Ok((took, refused))
}

/// Waits for the site's place in the interval.
pub(crate) async fn pause(load: &Load, number: usize, seq: u64) {
    if load.every == 0 {
        return;
    }
    let every = Duration::from_secs(load.every);
    let wait = if seq == 1 {
        every * u32::try_from(number).unwrap_or(0) / u32::try_from(load.sites).unwrap_or(1)
    } else {
        every
    };
    tokio::time::sleep(wait).await;
}

/// Sends a request and reads its answer, which has a length.
pub(crate) async fn exchange<S>(
    connection: &mut Connection<S>,
    request: &[u8],
) -> anyhow::Result<(u16, Vec<u8>)>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    connection.get_mut().write_all(request).await?;
    connection.get_mut().flush().await?;
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        anyhow::ensure!(connection.read_line(&mut line).await? > 0, "the connection was closed");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.get(..3).unwrap_or_default().parse()?;
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok((status, body))
}
