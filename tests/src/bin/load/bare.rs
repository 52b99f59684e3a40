//! The least a collector could be, beside which to see what ours costs: hyper over TLS, which
//! unpacks and parses each report, keeps the last of each site in a map, and answers. It believes
//! everybody, checks and shows nothing, and forgets all when it ends.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use wire::{Answer, Batch, Report};

/// More than a report of some hundred series needs.
const BODY_BYTES: usize = 1 << 20;

struct Bare {
    unpacker: Mutex<zstd::bulk::Decompressor<'static>>,
    /// The last report of each site, by its credential.
    kept: Mutex<HashMap<String, Batch<Report>>>,
}

/// Serves until it is stopped.
pub(crate) async fn run(listen: SocketAddr) -> anyhow::Result<()> {
    let (config, _) = tests::tls::authority();
    let acceptor = TlsAcceptor::from(config);
    let unpacker = zstd::bulk::Decompressor::with_dictionary(wire::packing::DICTIONARY)?;
    let bare = Arc::new(Bare { unpacker: Mutex::new(unpacker), kept: Mutex::default() });
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&bare)));
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, bare: Arc<Bare>) -> anyhow::Result<()> {
    let stream = TokioIo::new(acceptor.accept(stream).await?);
    let service = service_fn(move |request| {
        let bare = Arc::clone(&bare);
        async move {
            Ok::<_, Infallible>(take(request, &bare).await.unwrap_or_else(|_| {
                let mut refused = Response::default();
                *refused.status_mut() = StatusCode::BAD_REQUEST;
                refused
            }))
        }
    });
    hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await?;
    Ok(())
}

async fn take(request: Request<Incoming>, bare: &Bare) -> anyhow::Result<Response<Full<Bytes>>> {
    let site = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes().to_vec());
    let site = String::from_utf8(site.unwrap_or_default())?;
    let body = request.into_body().collect().await?.to_bytes();
    let text = locked(&bare.unpacker).decompress(&body, BODY_BYTES)?;
    let batch: Batch<Report> = serde_json::from_slice(&text)?;
    let answer = Answer {
        now: tests::wait::now(),
        accepted: batch.reports.iter().map(|report| (report.boot, report.seq)).collect(),
        refused: Vec::new(),
        profile: None,
        update: None,
        meeting: None,
    };
    locked(&bare.kept).insert(site, batch);
    Ok(Response::new(serde_json::to_vec(&answer)?.into()))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
