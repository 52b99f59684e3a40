//! One question to one server: over UDP, and over TCP where the answer does not fit
//! (RFC 1035 § 4.2, RFC 7766).

use std::net::SocketAddr;
use std::time::Duration;

use domain::base::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::reading::{Failure, Reason};

use super::super::datagram::Datagrams;
use super::super::failure;

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
    let socket = Datagrams::to(server).await?;
    let message = socket.ask(query.as_slice(), patience / 2, |datagram| answer(datagram, query));
    let message = message.await?;
    if !message.header().tc() {
        return Ok(Answer { message, over_tcp: false });
    }
    let what = format_args!("ask {server} over TCP");
    let message = failure::within(patience / 2, what, over_tcp(server, query)).await?;
    Ok(Answer { message, over_tcp: true })
}

fn answer(datagram: &[u8], query: &Message<Vec<u8>>) -> Option<Message<Vec<u8>>> {
    let message = Message::from_octets(datagram.to_vec()).ok()?;
    message.is_answer(query).then_some(message)
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
