//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tracing::{debug, warn};

use super::stall::Stall;
use super::{Body, Shared};

/// A header of ours has some 300 bytes, Prometheus' some 500; browsers with cookies stay below.
const HEADER_BYTES: usize = 16 * 1024;

/// What hyper may hold of a connection's input and output; a quarter of its default, because
/// there may be ten thousand connections.
const BUFFER_BYTES: usize = 96 * 1024;

/// Serves one connection to its end.
pub(super) async fn run<S, F>(
    shared: &Arc<Shared<S>>,
    stream: TcpStream,
    peer: SocketAddr,
    watcher: Watcher,
) where
    S: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let gauge = shared.telemetry.connections.with_label_values(&[shared.name]);
    gauge.inc();
    // Answers are small and whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let stream = Stall::new(stream, shared.patience.stall);
    match &shared.tls {
        None => http(shared, stream, peer, watcher).await,
        Some(acceptor) => {
            // Boxes, because every place a future hands a value on from has room for it: without
            // them each connection would hold several times the state of its TLS.
            let handshake =
                tokio::time::timeout(shared.patience.handshake, acceptor.accept(stream));
            match shared.stop.run_until_cancelled(Box::pin(handshake)).await {
                None => {}
                Some(Ok(Ok(stream))) => http(shared, Box::new(stream), peer, watcher).await,
                // A port check, as monitoring makes one each few seconds: counted, no news.
                Some(Ok(Err(error))) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    rejected(shared, "closed");
                    debug!(endpoint = shared.name, %peer, "connection closed before a handshake");
                }
                Some(Ok(Err(error))) => refuse(shared, peer, "tls", &error),
                Some(Err(_)) => refuse(shared, peer, "tls_timeout", &"no TLS handshake in time"),
            }
        }
    }
    gauge.dec();
}

async fn http<S, F, I>(shared: &Arc<Shared<S>>, stream: I, peer: SocketAddr, watcher: Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>, SocketAddr) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let first = Notify::new();
    let service = service_fn(|request| {
        first.notify_one();
        let answer = (shared.service)(request, peer);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // hyper's timer runs from the end of one request to the end of the next one's header.
        .header_read_timeout(shared.patience.idle)
        .max_header_size(HEADER_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let served = watcher.watch(connection);
    let first_header = async {
        if tokio::time::timeout(shared.patience.header, first.notified()).await.is_ok() {
            // It has come; the rest is hyper's to time.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        result = served => match result {
            Err(error) if error.is_parse() => refuse(shared, peer, "http", &error),
            // The peer went away, or idled too long: the ordinary end of a connection.
            Err(error) => debug!(endpoint = shared.name, %peer, %error, "a connection ended"),
            Ok(()) => {}
        },
        () = first_header => refuse(shared, peer, "header_timeout", &"no request in time"),
        () = shared.cut.cancelled() => {}
    }
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
