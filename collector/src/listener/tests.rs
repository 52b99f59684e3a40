use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::authority::Authority;

/// No test waits this long unless something is wrong.
const SOON: Duration = Duration::from_secs(20);
/// What a test waits for on purpose.
const BRIEF: Duration = Duration::from_millis(60);

/// As long as anyone may want, so that each test shortens only what it is about.
const PATIENT: Patience =
    Patience { handshake: SOON, header: SOON, idle: SOON, body: SOON, stall: SOON, drain: SOON };

/// A listener whose service knows a few paths.
struct Server {
    address: SocketAddr,
    telemetry: Arc<Telemetry>,
    stop: CancellationToken,
    running: JoinHandle<()>,
    /// Requests to `/wait` that have begun.
    begun: Arc<AtomicUsize>,
    /// Lets `/wait` answer.
    release: Arc<Notify>,
}

impl Server {
    async fn start(patience: Patience, connections: usize, tls: Option<Arc<ServerConfig>>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let (begun, release) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (begun_too, release_too) = (Arc::clone(&begun), Arc::clone(&release));
        let service = move |request: Request<Incoming>, _| {
            let (begun, release) = (Arc::clone(&begun_too), Arc::clone(&release_too));
            async move {
                let text = match request.uri().path() {
                    "/wait" => {
                        begun.fetch_add(1, Ordering::SeqCst);
                        release.notified().await;
                        "waited".to_owned()
                    }
                    "/large" => "x".repeat(64 << 20),
                    _ => match body::read(request.into_body(), 100, patience.body).await {
                        Ok(bytes) => format!("read {}", bytes.len()),
                        Err(error) => {
                            let mut answer = Response::new(Full::default().boxed());
                            *answer.status_mut() = error.status();
                            return answer;
                        }
                    },
                };
                Response::new(Full::from(text).boxed())
            }
        };
        let listener = Listener {
            name: "agents",
            socket,
            tls,
            connections,
            patience,
            telemetry: Arc::clone(&telemetry),
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(listener.serve(service, stop.clone()));
        Self { address, telemetry, stop, running, begun, release }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn rejected(&self, reason: &str) -> u64 {
        self.telemetry.connections_rejected.with_label_values(&["agents", reason]).get()
    }

    async fn until_connections_are(&self, wanted: i64) {
        let gauge = self.telemetry.connections.with_label_values(&["agents"]);
        until(|| gauge.get() == wanted).await;
    }
}

async fn until(condition: impl Fn() -> bool) {
    let all = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, all).await.expect("it never came true");
}

/// Everything the other side says until it closes.
async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = Vec::new();
    // A reset is an end too.
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut all)).await.expect("no end");
    String::from_utf8_lossy(&all).into_owned()
}

/// One read's worth of an answer.
async fn answer(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut buffer = vec![0; 4096];
    let read = tokio::time::timeout(SOON, stream.read(&mut buffer)).await.expect("no answer");
    String::from_utf8_lossy(&buffer[..read.unwrap()]).into_owned()
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn a_connection_serves_one_request_after_another_also_pipelined() {
    let server = Server::start(PATIENT, 10, None).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(GET).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
    let last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(&[GET, GET, last].concat()).await.unwrap();
    assert_eq!(rest(&mut stream).await.matches("read 0").count(), 3);
}

#[tokio::test]
async fn a_request_that_begins_with_the_end_of_the_one_before_is_served_when_its_rest_comes() {
    let server = Server::start(PATIENT, 10, None).await;
    let mut stream = server.connect().await;
    for cut in 1..GET.len() {
        let (begun, rest) = GET.split_at(cut);
        stream.write_all(&[GET, begun].concat()).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"), "cut at {cut}");
        stream.write_all(rest).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"), "cut at {cut}");
    }
}

#[tokio::test]
async fn a_body_that_nobody_read_is_not_taken_for_a_request() {
    let server = Server::start(PATIENT, 10, None).await;
    let mut stream = server.connect().await;
    let head = b"POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\n";
    assert_eq!(GET.len(), 27);
    server.release.notify_one();
    stream.write_all(head).await.unwrap();
    assert!(answer(&mut stream).await.ends_with("waited"));
    tokio::time::sleep(BRIEF).await;
    // A body that looks like a request, and a request. The connection may be closed as well.
    let last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let _ = stream.write_all(&[GET, last].concat()).await;
    let said = rest(&mut stream).await;
    assert!(said.matches("HTTP/1.1 200").count() <= 1, "{said}");
}

#[tokio::test]
async fn a_header_that_comes_too_slowly_ends_the_connection() {
    let server = Server::start(Patience { header: BRIEF, ..PATIENT }, 10, None).await;
    for begun in [&b""[..], b"GET / HTTP/1.1\r\nHo"] {
        let mut stream = server.connect().await;
        stream.write_all(begun).await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
    }
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    answer(&mut stream).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    assert_eq!(rest(&mut stream).await, "", "also that of a later request");
    assert_eq!(server.rejected("header_timeout"), 3);
}

#[tokio::test]
async fn a_connection_that_idles_is_ended() {
    let server = Server::start(Patience { idle: BRIEF, ..PATIENT }, 10, None).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    assert!(rest(&mut stream).await.contains("read 0"));
    assert_eq!(server.rejected("header_timeout"), 0, "it has done nothing wrong");
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_answered_408() {
    let server = Server::start(Patience { body: BRIEF, ..PATIENT }, 10, None).await;
    let mut stream = server.connect().await;
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nslo").await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn a_body_that_never_ends_is_answered_413() {
    let server = Server::start(PATIENT, 10, None).await;
    for header in ["Content-Length: 9999999", "Transfer-Encoding: chunked"] {
        let mut stream = server.connect().await;
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("20\r\n{}\r\n", "x".repeat(32));
        let (mut reading, mut writing) = stream.split();
        let endless = async { while writing.write_all(chunk.as_bytes()).await.is_ok() {} };
        let answered = async {
            assert!(answer(&mut reading).await.starts_with("HTTP/1.1 413"), "{header}");
            rest(&mut reading).await
        };
        tokio::time::timeout(SOON, async { tokio::join!(endless, answered) }).await.unwrap();
    }
}

#[tokio::test]
async fn a_body_within_its_limit_is_read_however_it_comes() {
    let server = Server::start(PATIENT, 10, None).await;
    let mut stream = server.connect().await;
    let head =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for chunk in ["3\r\nabc\r\n", "2\r\nde\r\n", "0\r\n\r\n"] {
        stream.write_all(chunk.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    assert!(rest(&mut stream).await.ends_with("read 5"));
}

#[tokio::test]
async fn a_header_of_any_size_is_bounded() {
    let server = Server::start(PATIENT, 10, None).await;
    let mut stream = server.connect().await;
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    let _ = stream.write_all(head.as_bytes()).await;
    let said = rest(&mut stream).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    until(|| server.rejected("http") == 1).await;
}

#[tokio::test]
async fn one_connection_too_many_waits_for_its_turn() {
    let server = Server::start(PATIENT, 1, None).await;
    let mut first = server.connect().await;
    first.write_all(GET).await.unwrap();
    answer(&mut first).await;
    let mut second = server.connect().await;
    second.write_all(GET).await.unwrap();
    let early = tokio::time::timeout(BRIEF, second.readable()).await;
    assert!(early.is_err(), "served although the first still stands");
    drop(first);
    assert!(answer(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let server = Server::start(Patience { stall: BRIEF, ..PATIENT }, 10, None).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    answer(&mut stream).await;
    server.until_connections_are(0).await;
}

#[tokio::test]
async fn requests_in_progress_are_finished_before_the_end() {
    let server = Server::start(PATIENT, 10, None).await;
    let (mut idle, mut busy) = (server.connect().await, server.connect().await);
    idle.write_all(GET).await.unwrap();
    answer(&mut idle).await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    until(|| server.begun.load(Ordering::SeqCst) == 1).await;
    server.stop.cancel();
    assert_eq!(rest(&mut idle).await, "", "an idle connection is just closed");
    assert!(!server.running.is_finished());
    server.release.notify_one();
    assert!(rest(&mut busy).await.ends_with("waited"));
    tokio::time::timeout(SOON, server.running).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "nothing listens any more");
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let server = Server::start(Patience { drain: BRIEF, ..PATIENT }, 10, None).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    until(|| server.begun.load(Ordering::SeqCst) == 1).await;
    server.stop.cancel();
    assert_eq!(rest(&mut busy).await, "");
    tokio::time::timeout(SOON, server.running).await.unwrap().unwrap();
}

mod with_tls {
    use rustls::ClientConfig;
    use rustls::pki_types::ServerName;
    use tokio_rustls::TlsConnector;

    use super::*;

    const NOW: wire::UnixMillis = 1_764_000_000_000;

    fn tls() -> Arc<ServerConfig> {
        let directory = tempfile::tempdir().unwrap();
        let names: Vec<_> = serde_json::from_str(r#"["a.vn"]"#).unwrap();
        Authority::made(directory.path(), &names, NOW).unwrap().tls().unwrap()
    }

    #[tokio::test]
    async fn plain_http_gets_nothing() {
        let server = Server::start(PATIENT, 10, Some(tls())).await;
        let mut stream = server.connect().await;
        stream.write_all(GET).await.unwrap();
        let said = rest(&mut stream).await;
        assert!(!said.contains("HTTP") && said.len() <= 7, "an alert of TLS at most: {said:?}");
        until(|| server.rejected("tls") == 1).await;
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_not_waited_for() {
        let server = Server::start(Patience { handshake: BRIEF, ..PATIENT }, 10, Some(tls())).await;
        assert_eq!(rest(&mut server.connect().await).await, "");
        assert_eq!(server.rejected("tls_timeout"), 1);
    }

    #[tokio::test]
    async fn a_client_that_does_not_trust_the_authority_goes_away() {
        let server = Server::start(PATIENT, 10, Some(tls())).await;
        let client =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
        let name = ServerName::try_from("a.vn").unwrap();
        let stream = server.connect().await;
        assert!(TlsConnector::from(Arc::new(client)).connect(name, stream).await.is_err());
        until(|| server.rejected("tls") == 1).await;
    }

    #[tokio::test]
    async fn a_handshake_does_not_hold_up_the_end() {
        let server = Server::start(PATIENT, 10, Some(tls())).await;
        let mut stream = server.connect().await;
        server.until_connections_are(1).await;
        server.stop.cancel();
        assert_eq!(rest(&mut stream).await, "");
        tokio::time::timeout(SOON / 2, server.running).await.unwrap().unwrap();
    }
}

#[test]
fn only_errors_of_one_connection_are_passed_over() {
    let of_one = |code| is_of_one_connection(&io::Error::from_raw_os_error(code));
    // Linux: ECONNABORTED, ECONNRESET, EHOSTUNREACH, EINTR.
    assert!([103, 104, 113, 4].into_iter().all(of_one));
    // EMFILE, ENFILE, ENOBUFS, ENOMEM, and what nobody expects.
    assert!(![24, 23, 105, 12, 22].into_iter().any(of_one));
}
