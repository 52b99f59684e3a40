//! One connection, from its handshake to its end.
//!
//! ```text
//!  handshake ─▶ at rest ─▶ exchange ─▶ at rest ─▶ exchange … ─▶ end
//!                 socket, TLS   + hyper, its buffers
//! ```

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::body::Incoming;
use super::rest::{Marks, Stream};
use super::stall::Stall;
use super::{Body, Shared};

/// A header of ours has some 300 bytes, Prometheus' some 500; browsers with cookies stay below.
const HEADER_BYTES: usize = 16 * 1024;

/// What hyper may hold of a connection's input and output; a quarter of its default, because
/// there may be ten thousand connections.
const BUFFER_BYTES: usize = 96 * 1024;

/// Serves one connection to its end.
pub(super) async fn run<S, F>(shared: &Arc<Shared<S>>, stream: TcpStream, peer: SocketAddr)
where
    S: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let gauge = shared.telemetry.connections.with_label_values(&[shared.name]);
    gauge.inc();
    // Answers are small and whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let stream = Stall::new(stream, shared.patience.stall);
    match &shared.tls {
        None => http(shared, stream, peer).await,
        Some(acceptor) => {
            // Boxes, because every place a future hands a value on from has room for it: without
            // them each connection would hold several times the state of its TLS.
            if let Some(stream) = Box::pin(handshake(shared, acceptor, stream, peer)).await {
                http(shared, stream, peer).await;
            }
        }
    }
    gauge.dec();
}

/// Agrees on keys; `None` where that came to nothing, which was said.
async fn handshake<S>(
    shared: &Shared<S>,
    acceptor: &TlsAcceptor,
    stream: Stall<TcpStream>,
    peer: SocketAddr,
) -> Option<Box<TlsStream<Stall<TcpStream>>>> {
    let handshake = tokio::time::timeout(shared.patience.handshake, acceptor.accept(stream));
    match shared.stop.run_until_cancelled(handshake).await? {
        Ok(Ok(stream)) => return Some(Box::new(stream)),
        // A port check, as monitoring makes one each few seconds: counted, no news.
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            rejected(shared, "closed");
            debug!(endpoint = shared.name, %peer, "connection closed before a handshake");
        }
        Ok(Err(error)) => refuse(shared, peer, "tls", &error),
        Err(_) => refuse(shared, peer, "tls_timeout", &"no TLS handshake in time"),
    }
    None
}

/// Speaks HTTP until the connection ends or everything is given up.
async fn http<S, F, I>(shared: &Arc<Shared<S>>, stream: I, peer: SocketAddr)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    shared.cut.run_until_cancelled(exchanges(shared, stream, peer)).await;
}

async fn exchanges<S, F, I>(shared: &Arc<Shared<S>>, mut stream: I, peer: SocketAddr)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut begun = match first_byte(shared, &mut stream, shared.patience.header).await {
        Waited::Byte(byte) => byte,
        Waited::TooLong => return refuse(shared, peer, "header_timeout", &"no request in time"),
        Waited::Stopped => return farewell(stream).await,
        Waited::Gone => return,
    };
    loop {
        // A box, so that a connection at rest has no room for it.
        let exchange = Box::pin(exchange(shared, stream, begun, peer));
        let Some((back, read)) = exchange.await else { return };
        stream = back;
        if !read.is_empty() {
            begun = read;
            continue;
        }
        // Empty, it still holds hyper's buffer.
        drop(read);
        begun = match first_byte(shared, &mut stream, shared.patience.idle).await {
            Waited::Byte(byte) => byte,
            // The ordinary end of a connection.
            Waited::TooLong | Waited::Stopped => return farewell(stream).await,
            Waited::Gone => return,
        };
    }
}

/// How a connection's rest ended.
enum Waited {
    /// With the first byte of a request.
    Byte(Bytes),
    /// The peer had no more to say in time.
    TooLong,
    /// The collector stops.
    Stopped,
    /// The peer went away.
    Gone,
}

/// Waits for a request to begin.
async fn first_byte<S>(
    shared: &Shared<S>,
    stream: &mut (impl AsyncRead + Unpin),
    patience: Duration,
) -> Waited {
    let mut byte = [0; 1];
    let read = tokio::time::timeout(patience, stream.read(&mut byte));
    match shared.stop.run_until_cancelled(read).await {
        None => Waited::Stopped,
        Some(Err(_)) => Waited::TooLong,
        Some(Ok(Ok(1))) => Waited::Byte(Bytes::copy_from_slice(&byte)),
        Some(Ok(_)) => Waited::Gone,
    }
}

/// Ends a connection at rest. Whoever does not hear it finds it closed.
async fn farewell(mut stream: impl AsyncWrite + Unpin) {
    let _ = stream.shutdown().await;
}

/// Serves requests as long as one follows the other at once. Hands the stream back when it is at
/// rest, with what was already read of the next request; `None` when the connection has ended.
async fn exchange<S, F, I>(
    shared: &Arc<Shared<S>>,
    stream: I,
    begun: Bytes,
    peer: SocketAddr,
) -> Option<(I, Bytes)>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let marks = Arc::new(Marks::default());
    let service = service_fn(|request: Request<hyper::body::Incoming>| {
        let number = marks.begin();
        let request = request.map(|body| Incoming::new(body, Arc::clone(&marks), number));
        let (answer, marks) = ((shared.service)(request, peer), Arc::clone(&marks));
        async move { Ok::<_, Infallible>(answer.await.map(|body| marks.answer(body, number))) }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.patience.header)
        .max_header_size(HEADER_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(Stream::new(stream, begun, Arc::clone(&marks))), service);
    let mut stop = pin!(shared.stop.cancelled());
    let mut stopping = false;
    let ended = poll_fn(|context| {
        if !stopping && stop.as_mut().poll(context).is_ready() {
            stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match Pin::new(&mut connection).poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending if marks.at_rest() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    match ended.await {
        None => {
            let parts = connection.into_parts();
            return Some((parts.io.into_inner().into_inner(), parts.read_buf));
        }
        Some(Err(error)) if error.is_parse() => refuse(shared, peer, "http", &error),
        Some(Err(error)) if error.is_timeout() => refuse(shared, peer, "header_timeout", &error),
        // The peer went away: the ordinary end of a connection.
        Some(Err(error)) => debug!(endpoint = shared.name, %peer, %error, "a connection ended"),
        Some(Ok(())) => {}
    }
    None
}

fn refuse<S>(
    shared: &Shared<S>,
    peer: SocketAddr,
    reason: &'static str,
    error: &dyn std::fmt::Display,
) {
    rejected(shared, reason);
    if let Some(unsaid) = shared.refusals.speak(Instant::now()) {
        warn!(endpoint = shared.name, %peer, reason, unsaid, "connection refused: {error}");
    }
}

fn rejected<S>(shared: &Shared<S>, reason: &'static str) {
    shared.telemetry.connections_rejected.with_label_values(&[shared.name, reason]).inc();
}
