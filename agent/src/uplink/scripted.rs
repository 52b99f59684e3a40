//! A collector that does what the test says: TLS and HTTP/1.1 by hand, so that it can also
//! stall, break off and talk nonsense.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use wire::limits::UNPACKED_BYTES;
use wire::packing::DICTIONARY;

/// What came in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The body as JSON, unpacked if need be.
    pub(crate) fn json(&self) -> Value {
        let mut unpacker = zstd::bulk::Decompressor::with_dictionary(DICTIONARY).unwrap();
        let plain = unpacker.decompress(&self.body, UNPACKED_BYTES);
        serde_json::from_slice(&plain.unwrap_or_else(|_| self.body.clone())).unwrap()
    }

    /// The numbers of the reports in a batch, in their order.
    pub(crate) fn seqs(&self) -> Vec<u64> {
        let reports = self.json()["reports"].as_array().unwrap().clone();
        reports.iter().map(|report| report["seq"].as_u64().unwrap()).collect()
    }

    /// An answer that accepts all of a batch.
    pub(crate) fn accepted(&self) -> Reply {
        let reports = self.json()["reports"].as_array().unwrap().clone();
        let keys: Vec<Value> = reports
            .iter()
            .map(|r| Value::from(vec![r["boot"].clone(), r["seq"].clone()]))
            .collect();
        Reply::json(200, &serde_json::json!({"now": 1, "accepted": keys}))
    }
}

/// What goes out.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Debug, Clone, Copy)]
enum Then {
    KeepAlive,
    Close,
    Stall,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "", &body.to_string())
    }

    /// `headers` end with CRLF each.
    pub(crate) fn text(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n");
        Self { bytes: (head + body).into(), then: Then::KeepAlive }
    }

    /// These bytes and no more, the connection staying open.
    pub(crate) fn stalled(bytes: &str) -> Self {
        Self { bytes: bytes.into(), then: Then::Stall }
    }

    /// These bytes, and the connection is closed.
    pub(crate) fn closed(bytes: &str) -> Self {
        Self { bytes: bytes.into(), then: Then::Close }
    }
}

type Script = Arc<Mutex<dyn FnMut(&Request) -> Reply + Send>>;

/// A running scripted collector; it ends with the test.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    pub(crate) authority: CertificateDer<'static>,
    connections: Arc<AtomicUsize>,
    accepting: AbortHandle,
}

impl Scripted {
    pub(crate) async fn start(script: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let (config, authority) = tls();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script: Script = Arc::new(Mutex::new(script));
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(acceptor.clone(), stream, Arc::clone(&script)));
            }
        });
        Self { address, authority, connections, accepting: accepting.abort_handle() }
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What no name server knows: only a proxy finds it.
pub(crate) const NAME: &str = "collector.test";

/// A server for 127.0.0.1 and [`NAME`] that shows leaf and authority.
fn tls() -> (ServerConfig, CertificateDer<'static>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned(), NAME.to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &authority).unwrap();
    let authority = authority.der().clone();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone(), authority.clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    (config, authority)
}

/// One connection. Whatever fails, the client notices.
async fn serve(acceptor: TlsAcceptor, stream: TcpStream, script: Script) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    while let Some(request) = read(&mut stream).await {
        let reply = (script.lock().unwrap())(&request);
        if stream.write_all(&reply.bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match reply.then {
            Then::KeepAlive => {}
            Then::Close => return,
            Then::Stall => std::future::pending().await,
        }
    }
}

async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { head, body })
}
