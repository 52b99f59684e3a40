//! Through real sockets: a whole collector, and clients that speak to it byte by byte.

use std::path::Path;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wire::Language;
use wire::enrolment::{Code, sha256_hex};

use super::*;
use crate::commands::{self, Invitation, Which};
use crate::config::Config;
use crate::{Collector, Listeners};

mod people;

/// What a program that acts sends along.
const MAY_ACT: &str = "Authorization: Bearer a-token-for-acts\r\n";

const SOON: Duration = Duration::from_secs(20);

const INVENTORY: &str =
    "sites: [{ id: th-0316, name: \"Xã Hoằng Lộc\" }, { id: th-0317, name: b }]\n";

struct World {
    directory: tempfile::TempDir,
    config: Config,
    agents: SocketAddr,
    operations: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<Result<(), crate::StartError>>,
}

impl World {
    fn start() -> Self {
        Self::start_with("listen: '127.0.0.1:0', operate_token_file: operate-token")
    }

    fn start_with(operations: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("collector.yaml");
        let text = format!(
            "state_dir: state\ninventory: sites.yaml\noperations: {{ {operations} }}\n\
             agents: {{ listen: '127.0.0.1:0', names: [127.0.0.1] }}\n"
        );
        std::fs::write(&file, text).unwrap();
        std::fs::write(directory.path().join("sites.yaml"), INVENTORY).unwrap();
        std::fs::write(directory.path().join("token"), "a-token-of-some-length\n").unwrap();
        std::fs::write(directory.path().join("operate-token"), "a-token-for-acts").unwrap();
        let config = Config::read(&file).unwrap();
        let stop = CancellationToken::new();
        let collector = Collector::open(&config, stop.clone()).unwrap();
        let listeners = Listeners::bind(&config).unwrap();
        let (agents, operations) = listeners.addresses().unwrap();
        let running = tokio::spawn(collector.run(listeners));
        Self { directory, config, agents, operations, stop, running }
    }

    async fn to_agents(&self) -> TlsStream<TcpStream> {
        self.over_tls(self.agents).await
    }

    async fn over_tls(&self, address: SocketAddr) -> TlsStream<TcpStream> {
        connect(address, &self.directory.path().join("state/authority.pem")).await
    }

    /// The answer of the operations' side to one request.
    async fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(self.operations).await.unwrap();
        let may = if method == "GET" { "" } else { MAY_ACT };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{may}Connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    fn code(&self, site: &str) -> Code {
        let mut out = Vec::new();
        let which = Which::One(site.parse().unwrap());
        let invitation = Invitation { which, life: Duration::from_hours(1) };
        let aside = &mut std::io::sink();
        commands::enroll(&self.config, &invitation, Language::En, &mut out, aside).unwrap();
        String::from_utf8(out).unwrap().parse().unwrap()
    }

    async fn enrol(&self, code: &Code, credential: &str) -> String {
        let body = serde_json::json!({
            "version": 1, "secret": data_encoding::HEXLOWER.encode(&code.secret),
            "credential_sha256": sha256_hex(credential.as_bytes()),
            "agent": { "version": "0", "os": "" }, "sent_at": 0,
        });
        exchange(&mut self.to_agents().await, &post("/v1/enroll", "", &body.to_string())).await
    }

    async fn push(&self, credential: &str) -> String {
        let bearer = format!("Authorization: Bearer {credential}\r\n");
        let batch = format!(r#"{{"version":1,"sent_at":{},"reports":[]}}"#, crate::now());
        exchange(&mut self.to_agents().await, &post("/v1/reports", &bearer, &batch)).await
    }
}

async fn connect(address: SocketAddr, authority: &Path) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap()
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// One answer, which fits one read.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut buffer = vec![0; 8192];
    let read = tokio::time::timeout(SOON, stream.read(&mut buffer)).await.expect("no answer");
    String::from_utf8_lossy(&buffer[..read.unwrap()]).into_owned()
}

async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut all)).await.expect("no end");
    String::from_utf8_lossy(&all).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn operations_answer_what_stands_in_the_table() {
    let world = World::start();
    let cases = [
        ("GET", "/", 200, "content-security-policy: default-src 'none'"),
        ("GET", "/board.css", 200, "text/css"),
        ("GET", "/board.js", 200, "text/javascript"),
        ("GET", "/favicon.ico", 200, "image/svg+xml"),
        ("GET", "/board/sites/th-0316", 200, "Xã Hoằng Lộc"),
        ("GET", "/board/sites/th-9999", 404, ""),
        ("GET", "/api/v1", 200, "/metrics"),
        ("GET", "/metrics", 200, "bridge_expected{site=\"th-0316\"} 1"),
        ("GET", "/metrics?shard=9", 400, ""),
        ("GET", "/-/healthy", 200, "healthy"),
        ("GET", "/-/ready", 200, "ready"),
        ("GET", "/api/v1/sites", 200, "Xã Hoằng Lộc"),
        ("GET", "/api/v1/sites/th-0317", 200, "th-0317"),
        ("GET", "/api/v1/sites/th-9999", 404, "{}"),
        ("GET", "/api/v1/sites/", 404, ""),
        ("GET", "/v1/reports", 404, ""),
        ("GET", "/metrics/", 404, ""),
        ("POST", "/metrics", 405, "allow: GET, HEAD"),
        ("DELETE", "/api/v1/sites/th-0316", 405, ""),
    ];
    for (method, path, expected, part) in cases {
        let answer = world.ask(method, path).await;
        assert_eq!(status(&answer), expected, "{method} {path}: {answer}");
        assert!(answer.contains(part), "{method} {path}: {answer}");
    }
    let head = world.ask("HEAD", "/metrics").await;
    assert!(status(&head) == 200 && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn strangers_learn_nothing_from_the_agents_side() {
    let world = World::start();
    let requests = [
        post("/v1/reports", "", "{}"),
        post("/v1/reports", "Authorization: Bearer guess\r\n", "{}"),
        post("/metrics", "", ""),
        post("/nowhere", "", ""),
        "GET /v1/profile HTTP/1.1\r\nHost: a\r\n\r\n".into(),
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n".into(),
        // Answered before its body has come.
        "POST /v1/reports HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n".into(),
    ];
    for request in requests {
        let mut stream = world.to_agents().await;
        let answer = exchange(&mut stream, &request).await;
        assert_eq!(status(&answer), 401, "{request}: {answer}");
        assert!(answer.contains("content-length: 0"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(!answer.contains("bridge"), "{answer}");
    }
    let wrong = "PUT /v1/enroll HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(status(&exchange(&mut world.to_agents().await, wrong).await), 405);
}

#[tokio::test]
async fn an_agent_is_enrolled_pushes_and_is_revoked() {
    let world = World::start();
    let code = world.code("th-0316");
    let answer = world.enrol(&code, "first").await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains(r#""site":"th-0316","name":"Xã Hoằng Lộc""#), "{answer}");
    assert_eq!(status(&world.enrol(&code, "first").await), 200, "an answer may be lost");
    let answer = world.enrol(&code, "other").await;
    assert!(status(&answer) == 403 && answer.contains("used_code"), "{answer}");
    assert_eq!(status(&world.push("other").await), 401);
    let answer = world.push("first").await;
    assert!(status(&answer) == 200 && answer.contains(r#""accepted":[]"#), "{answer}");

    let code = world.code("th-0316");
    assert_eq!(status(&world.enrol(&code, "second").await), 200);
    assert_eq!(status(&world.push("first").await), 401, "the second replaces the first");
    assert_eq!(status(&world.push("second").await), 200);

    // A connection that stands is no exception.
    let mut stream = world.to_agents().await;
    let profile = "GET /v1/profile HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer second\r\n\r\n";
    assert_eq!(status(&exchange(&mut stream, profile).await), 404, "there are no profiles yet");
    commands::revoke(&world.config, &"th-0316".parse().unwrap(), Language::En).unwrap();
    let revoked = async { while status(&exchange(&mut stream, profile).await) == 404 {} };
    tokio::time::timeout(SOON, revoked).await.expect("never revoked");
    assert_eq!(status(&world.push("second").await), 401);
}

#[tokio::test]
async fn an_agents_mistakes_are_told_apart() {
    let world = World::start();
    world.enrol(&world.code("th-0317"), "mine").await;
    let bearer = "Authorization: Bearer mine\r\n";
    let unpacked = "Content-Encoding: br\r\n";
    let cases = [
        (post("/v1/reports", bearer, "nonsense"), 400),
        (post("/v1/reports", &format!("{bearer}{unpacked}"), ""), 415),
        (
            format!(
                "POST /v1/reports HTTP/1.1\r\nHost: a\r\n{bearer}Content-Length: 1048577\r\n\r\n"
            ),
            413,
        ),
        (format!("GET /v1/reports HTTP/1.1\r\nHost: a\r\n{bearer}\r\n"), 405),
        (post("/v1/profile", bearer, ""), 405),
        (post("/v2/reports", bearer, ""), 404),
        (post("/v1/enroll", "", "nonsense"), 400),
        (post("/v1/enroll", "", &"x".repeat(5000)), 413),
    ];
    for (request, expected) in cases {
        let answer = exchange(&mut world.to_agents().await, &request).await;
        assert_eq!(status(&answer), expected, "{request}: {answer}");
    }
}

#[tokio::test]
async fn codes_cannot_be_tried_at_any_speed() {
    let world = World::start();
    let mut stream = world.to_agents().await;
    let attempt = post("/v1/enroll", "", "guess");
    let mut tries = 0;
    let refused = loop {
        let answer = exchange(&mut stream, &attempt).await;
        tries += 1;
        match status(&answer) {
            400 if tries < 10_000 => {}
            429 => break answer,
            other => panic!("{other} after {tries} tries"),
        }
    };
    assert!(tries > 100, "a province may enrol at once");
    assert!(refused.contains("retry-after: 1\r\n") && refused.contains("too_many"), "{refused}");
}

#[tokio::test]
async fn beyond_loopback_readers_need_tls_and_the_token() {
    let world = World::start_with("listen: '0.0.0.0:0', token_file: token");
    let address = SocketAddr::from(([127, 0, 0, 1], world.operations.port()));
    for (path, token, expected) in [
        ("/metrics", "", 401),
        ("/metrics", "Authorization: Bearer another-token-of-length\r\n", 401),
        ("/metrics", "Authorization: Bearer a-token-of-some-length\r\n", 200),
        ("/api/v1/sites", "", 401),
        ("/api/v1/sites/th-0316", "", 401),
        ("/api/v1/absences", "", 401),
        ("/board/events", "", 401),
        ("/board/sites/th-0316", "", 401),
        ("/", "", 200),
        ("/board.js", "", 200),
        ("/-/healthy", "", 200),
        ("/-/ready", "", 200),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{token}\r\n");
        let answer = exchange(&mut world.over_tls(address).await, &request).await;
        assert_eq!(status(&answer), expected, "{path}: {answer}");
    }
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(!rest(&mut plain).await.contains("HTTP"));
}

#[tokio::test]
async fn a_stop_lets_requests_finish_and_says_that_it_is_not_ready() {
    let world = World::start();
    world.enrol(&world.code("th-0316"), "mine").await;
    let mut busy = world.to_agents().await;
    let batch = r#"{"version":1,"sent_at":0,"reports":[]}"#;
    let request = post("/v1/reports", "Authorization: Bearer mine\r\n", batch);
    let (early, late) = request.split_at(request.len() - 5);
    // The header has been read once "100 Continue" comes, so the request is in progress.
    let early = early.replace("Content-Length", "Expect: 100-continue\r\nContent-Length");
    assert!(exchange(&mut busy, &early).await.starts_with("HTTP/1.1 100"));
    world.stop.cancel();
    let ready = world.ask("GET", "/-/ready").await;
    assert!(status(&ready) == 503 && ready.contains("stopping"), "{ready}");
    assert_eq!(status(&exchange(&mut busy, late).await), 200);
    tokio::time::timeout(SOON, world.running).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(world.operations).await.is_err());
}

#[test]
fn ids_are_read_as_they_were_before_they_went_into_an_address() {
    let cases = [
        ("giao-ban@2026-11-23T07:30", Some("giao-ban@2026-11-23T07:30")),
        ("giao-ban%402026-11-23T07%3a30", Some("giao-ban@2026-11-23T07:30")),
        ("h%E1%BB%8Dp", Some("họp")),
        ("100%", Some("100%")),
        ("%+1%4", Some("%+1%4")),
        ("%ff", None),
    ];
    for (id, expected) in cases {
        assert_eq!(decoded(id).as_deref(), expected, "{id}");
    }
}

#[tokio::test]
async fn a_roll_call_is_asked_for_and_attendance_posted() {
    let world = World::start();
    let text = "sites: [{ id: th-0316, name: \"Xã Hoằng Lộc\" }]";
    let inventory = crate::inventory::parse("a.yaml".as_ref(), text.as_bytes()).unwrap();
    let now = crate::now();
    let occurrence = crate::meetings::Occurrence {
        id: "m@2026-11-23T07:30".to_owned(),
        title: "Giao ban".to_owned(),
        start: now,
        end: now + 8_000_000,
        sites: ["th-0316".parse().unwrap()].into(),
        needs: None,
        unmatched: Vec::new(),
    };
    let judged = crate::readiness::MeetingVerdict {
        id: occurrence.id.clone(),
        sites: std::collections::BTreeMap::new(),
    };
    let judgement = crate::readiness::Judgement {
        at: now + 500,
        sites: std::collections::BTreeMap::new(),
        meetings: vec![judged],
        incidents: Vec::new(),
    };
    let store = crate::store::open(&world.config.state_dir).unwrap();
    let mut recorder = crate::roll_call::recorder::Recorder::new(store, 0).unwrap();
    recorder.take(&judgement, &[occurrence], &inventory);

    let path = "/api/v1/meetings/m%402026-11-23T07%3A30";
    let answer = world.ask("GET", &format!("{path}/roll-call")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""latest":"T-0""#) && answer.contains("Hoằng Lộc"), "{answer}");
    assert!(answer.contains(r#""attendance":null"#), "{answer}");
    let mut stream = TcpStream::connect(world.operations).await.unwrap();
    let list = "Điểm cầu;Có mặt\r\nxa hoang loc;vắng\r\n";
    let header = format!("Content-Type: text/csv; charset=utf-8\r\n{MAY_ACT}Connection: close\r\n");
    stream.write_all(post(&format!("{path}/attendance"), &header, list).as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("200 OK") && answer.contains(r#""taken":1"#), "{answer}");
    let answer = world.ask("GET", &format!("{path}/roll-call")).await;
    assert!(answer.contains(r#""attendance":"absent""#), "{answer}");

    let answer = world.ask("GET", "/api/v1/meetings/m@2026-11-23T08:30/roll-call").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains(r#""nearest":"m@2026-11-23T07:30""#), "{answer}");
    let mut stream = TcpStream::connect(world.operations).await.unwrap();
    let header = format!("{MAY_ACT}Connection: close\r\n");
    let list = r#"{"th-0999":"present","th-0316":"maybe"}"#;
    stream.write_all(post(&format!("{path}/attendance"), &header, list).as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("422") && answer.contains("th-0999"), "{answer}");
    assert!(answer.contains("maybe"), "all faults at once: {answer}");
}

#[tokio::test]
async fn a_meeting_is_made_read_and_taken_away() {
    let world = World::start();
    let meeting = r#"{"id":"m","title":"Họp","start":"2026-11-23T07:30","duration":"1h"}"#;
    let json = &format!("Content-Type: application/json\r\n{MAY_ACT}");
    let send = async |request: String| {
        exchange(&mut TcpStream::connect(world.operations).await.unwrap(), &request).await
    };
    let answer =
        send(post("/api/v1/meetings", &json.replace("application/json", "text/plain"), meeting))
            .await;
    assert_eq!(status(&answer), 415, "a page in a browser can send text: {answer}");
    assert_eq!(status(&send(post("/api/v1/meetings?preview=true", json, meeting)).await), 200);
    assert_eq!(status(&world.ask("GET", "/api/v1/meetings/m").await), 404, "a preview only");
    assert_eq!(status(&send(post("/api/v1/meetings", json, meeting)).await), 201);
    assert_eq!(status(&send(post("/api/v1/meetings", json, meeting)).await), 409);
    let put =
        post("/api/v1/meetings/m", json, &meeting.replace("1h", "2h")).replacen("POST", "PUT", 1);
    assert_eq!(status(&send(put).await), 200);
    let page = world.ask("GET", "/api/v1/meetings/m").await;
    assert!(page.contains(r#""duration_seconds":7200"#), "{page}");
    let list = world.ask("GET", "/api/v1/meetings").await;
    assert!(list.contains(r#""id":"m","title":"Họp","source":"api""#), "{list}");
    assert!(world.ask("PATCH", "/api/v1/meetings/m").await.contains("GET, HEAD, PUT, DELETE"));
    assert_eq!(status(&world.ask("DELETE", "/api/v1/meetings/m").await), 204);
    assert_eq!(status(&world.ask("DELETE", "/api/v1/meetings/m").await), 404);
    let answer = send(post("/api/v1/meetings", json, &" ".repeat(300 * 1024))).await;
    assert_eq!(status(&answer), 413, "{answer}");
    world.stop.cancel();
}

#[tokio::test]
async fn an_absence_is_made_listed_and_taken_away() {
    let world = World::start();
    let json = &format!("Content-Type: application/json\r\n{MAY_ACT}");
    let send = async |request: String| {
        exchange(&mut TcpStream::connect(world.operations).await.unwrap(), &request).await
    };
    let absence =
        r#"{ "site": "th-0316", "from": "2026-11-23", "to": "2126-11-23", "reason": "x" }"#;
    assert_eq!(status(&send(post("/api/v1/absences", MAY_ACT, absence)).await), 415);
    assert_eq!(status(&send(post("/api/v1/absences", json, absence)).await), 201);
    assert!(world.ask("GET", "/api/v1/absences").await.contains(r#""site":"th-0316""#));
    assert_eq!(status(&world.ask("DELETE", "/api/v1/absences/1").await), 204);
    assert_eq!(status(&world.ask("DELETE", "/api/v1/absences/1").await), 404);
    assert_eq!(status(&world.ask("GET", "/api/v1/absences/1").await), 405);
}
