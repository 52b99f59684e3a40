//! One question to one server: over UDP, and over TCP where the answer does not fit
//! (RFC 1035 § 4.2, RFC 7766).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use domain::base::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use wire::reading::{Failure, Reason};

use super::super::failure;

/// How often a question is sent over UDP: one lost datagram is no dead server.
const ATTEMPTS: u32 = 3;

/// Without EDNS nobody may send more than 512 bytes over UDP (RFC 1035 § 4.2.1); a little more
/// is read, so that an oversized answer is seen for what it is.
const UDP_BYTES: usize = 4096;

/// An answer that fits the question.
pub(super) struct Answer {
    pub(super) message: Message<Vec<u8>>,
    /// Whether it was too long for UDP.
    pub(super) over_tcp: bool,
}

/// Asks, and waits for at most `patience` in all.
pub(super) async fn ask(
    server: SocketAddr,
    query: &Message<Vec<u8>>,
    patience: Duration,
) -> Result<Answer, Failure> {
    // Half of the time is left for TCP, should it be needed.
    let message = over_udp(server, query, patience / 2).await?;
    if !message.header().tc() {
        return Ok(Answer { message, over_tcp: false });
    }
    let what = format_args!("ask {server} over TCP");
    let message = failure::within(patience / 2, what, over_tcp(server, query)).await?;
    Ok(Answer { message, over_tcp: true })
}

/// Every exchange has a socket of its own, whose random port is half of what keeps forged answers
/// out; the random identifier is the other half (RFC 5452).
async fn over_udp(
    server: SocketAddr,
    query: &Message<Vec<u8>>,
    patience: Duration,
) -> Result<Message<Vec<u8>>, Failure> {
    let failed = |error| failure::of(&error, format_args!("ask {server}"));
    let any = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await.map_err(failed)?;
    // Connected, so that only this server's datagrams and its "port closed" arrive.
    socket.connect(server).await.map_err(failed)?;
    let mut strange = 0;
    for _ in 0..ATTEMPTS {
        socket.send(query.as_slice()).await.map_err(failed)?;
        let receiving = receive(&socket, query, &mut strange);
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

/// The first datagram that answers `query`. What does not may be a late answer or a forged one,
/// so it only counts as strange, and the true one is waited for.
async fn receive(
    socket: &UdpSocket,
    query: &Message<Vec<u8>>,
    strange: &mut u32,
) -> std::io::Result<Message<Vec<u8>>> {
    let mut buffer = vec![0; UDP_BYTES];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let datagram = buffer.get(..length).unwrap_or_default().to_vec();
        match Message::from_octets(datagram) {
            Ok(message) if message.is_answer(query) => return Ok(message),
            _ => *strange = strange.saturating_add(1),
        }
    }
}

/// Two bytes of length, then the message, each way. The length bounds what is read.
async fn over_tcp(
    server: SocketAddr,
    query: &Message<Vec<u8>>,
) -> Result<Message<Vec<u8>>, Failure> {
    let what = format_args!("ask {server} over TCP");
    let strange = |detail| Failure::new(Reason::Protocol, format_args!("{what}: {detail}"));
    let exchange = async {
        let mut stream = TcpStream::connect(server).await?;
        let length = u16::try_from(query.as_slice().len()).unwrap_or(u16::MAX);
        let request = [&length.to_be_bytes(), query.as_slice()].concat();
        stream.write_all(&request).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    };
    let answer = exchange.await.map_err(|error| failure::of(&error, what))?;
    match Message::from_octets(answer) {
        Ok(message) if message.is_answer(query) => Ok(message),
        Ok(_) => Err(strange("an answer to another question")),
        Err(_) => Err(strange("an answer too short to be one")),
    }
}
