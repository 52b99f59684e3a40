//! Pushes of many sites, each over its own kept connection.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tests::http;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use uuid::Uuid;

use crate::{Load, Outcome, fleet};

/// A site that has connected.
pub(crate) struct Site {
    number: usize,
    boot: Uuid,
    connection: BufReader<TlsStream<TcpStream>>,
}

/// Pushes and tells how it went. Handshakes and each site's first report stand before what is
/// measured.
pub(crate) async fn run(load: Load) -> anyhow::Result<()> {
    let trust = tests::tls::trusting_anything()?;
    let turns = Arc::new(Semaphore::new(load.at_once));
    let connecting: Vec<_> = (0..load.sites)
        .map(|number| {
            tokio::spawn(first(number, load.clone(), Arc::clone(&trust), Arc::clone(&turns)))
        })
        .collect();
    let mut sites = Vec::with_capacity(load.sites);
    for one in connecting {
        sites.push(one.await??);
    }
    let turns = Arc::new(Semaphore::new(if load.every == 0 { load.at_once } else { load.sites }));
    let pushing =
        sites.into_iter().map(|site| tokio::spawn(rest(site, load.clone(), Arc::clone(&turns))));
    crate::tell(&load, pushing.collect()).await
}

async fn first(
    number: usize,
    load: Load,
    trust: Arc<ClientConfig>,
    turns: Arc<Semaphore>,
) -> anyhow::Result<Site> {
    let _turn = turns.acquire().await?;
    let mut site = Site::connect(number, &load, trust).await?;
    anyhow::ensure!(site.push_one(1, load.series).await?.is_some(), "the first report was refused");
    Ok(site)
}

async fn rest(mut site: Site, load: Load, turns: Arc<Semaphore>) -> anyhow::Result<Outcome> {
    let (mut took, mut refused) = (Vec::new(), 0);
    for round in 1..=load.rounds {
        pause(&load, site.number, round).await;
        let _turn = turns.acquire().await?;
        match site.push_one(round + 1, load.series).await? {
            Some(answered) => took.push(answered),
            None => refused += 1,
        }
    }
    Ok((took, refused))
}

impl Site {
    /// Connects.
    pub(crate) async fn connect(
        number: usize,
        load: &Load,
        trust: Arc<ClientConfig>,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(load.to).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(load.to.ip());
        let connection = BufReader::new(TlsConnector::from(trust).connect(name, stream).await?);
        Ok(Self { number, boot: Uuid::new_v4(), connection })
    }

    async fn push_one(&mut self, seq: u64, series: usize) -> anyhow::Result<Option<Duration>> {
        self.push(seq..=seq, seq, series).await
    }

    /// Pushes reports, the last first. How long the answer took; `None` if one was not accepted.
    pub(crate) async fn push(
        &mut self,
        seqs: RangeInclusive<u64>,
        newest: u64,
        series: usize,
    ) -> anyhow::Result<Option<Duration>> {
        let authorization = format!("Bearer {}", fleet::credential(self.number));
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
            ("Content-Encoding", "zstd"),
        ];
        let body = fleet::body(self.boot, seqs.clone().rev(), newest, series)?;
        let request = http::request("POST", wire::limits::REPORTS_PATH, &headers, &body);
        let begin = Instant::now();
        let (status, answer) = exchange(&mut self.connection, &request).await?;
        let took = begin.elapsed();
        if status != 200 {
            return Ok(None);
        }
        let answer: wire::Answer = serde_json::from_slice(&answer)?;
        let sent: Vec<_> = seqs.rev().map(|seq| (self.boot, seq)).collect();
        Ok((answer.accepted == sent).then_some(took))
    }
}

/// Waits for the site's place in the interval.
pub(crate) async fn pause(load: &Load, number: usize, round: u64) {
    let every = Duration::from_secs(load.every);
    let wait = if round == 1 {
        every * u32::try_from(number).unwrap_or(0) / u32::try_from(load.sites).unwrap_or(1)
    } else {
        every
    };
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}

/// Sends a request and reads its answer, which has a length.
pub(crate) async fn exchange<S>(
    connection: &mut BufReader<S>,
    request: &[u8],
) -> anyhow::Result<(u16, Vec<u8>)>
where
    S: AsyncRead + AsyncWrite + Unpin,
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
