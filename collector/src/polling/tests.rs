use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wire::duration::Span;

use super::*;
use crate::config::CalendarUrl;
use crate::meetings::Calendar;

const ONE: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:Giao ban\r\n\
    DTSTART;TZID=Asia/Ho_Chi_Minh:20261123T073000\r\nDURATION:PT1H\r\nLOCATION:A\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";

/// A server of one calendar, which counts what it is asked.
struct Server {
    url: String,
    status: Arc<AtomicU16>,
    body: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("http://{}/secret/basic.ics", socket.local_addr().unwrap()),
            status: Arc::new(AtomicU16::new(200)),
            body: Arc::new(Mutex::new(ONE.to_owned())),
            asked: Arc::default(),
        };
        let (status, body, asked) =
            (Arc::clone(&server.status), Arc::clone(&server.body), Arc::clone(&server.asked));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = socket.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap().to_lowercase();
                let (status, body) = (status.load(Ordering::SeqCst), body.lock().unwrap().clone());
                let tag = format!("\"{}\"", body.len());
                let known = request.contains(&format!("if-none-match: {tag}"));
                asked.lock().unwrap().push(request);
                let (status, body) = if known { (304, String::new()) } else { (status, body) };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nETag: {tag}\r\nConnection: close\r\n\
                     Location: /secret/basic.ics\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                // A client that has read enough hangs up.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        server
    }

    fn calendar(&self) -> MeetingUrl {
        MeetingUrl {
            name: "van-phong".parse().unwrap(),
            url: CalendarUrl(self.url.parse().unwrap()),
            every: Span::seconds(60),
            authority: None,
        }
    }

    fn says(&self, status: u16, body: &str) {
        self.status.store(status, Ordering::SeqCst);
        body.clone_into(&mut self.body.lock().unwrap());
    }
}

struct Desk {
    state: tempfile::TempDir,
    inbox: Arc<Inbox>,
    stop: CancellationToken,
    seen: u64,
}

impl Desk {
    fn new(urls: &[MeetingUrl]) -> Self {
        let state = tempfile::tempdir().unwrap();
        Self::again(state, urls)
    }

    fn again(state: tempfile::TempDir, urls: &[MeetingUrl]) -> Self {
        let store = crate::store::open(state.path()).unwrap();
        let inbox = Arc::new(Inbox::open(store, urls).unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(Arc::clone(&inbox).run(urls.to_vec(), stop.clone()));
        Self { state, inbox, stop, seen: 0 }
    }

    /// Titles of meetings and faults, once something is found.
    async fn found(&mut self) -> (Vec<String>, Vec<String>) {
        while self.inbox.version() == self.seen {
            self.inbox.ask();
            tokio::task::yield_now().await;
        }
        self.seen = self.inbox.version();
        self.now()
    }

    fn now(&self) -> (Vec<String>, Vec<String>) {
        let (good, faults) = self.inbox.found();
        let (calendar, _): (Calendar, _) = files::assemble(&good);
        let titles = calendar.meetings.values().map(|(meeting, _)| meeting.title.clone());
        (titles.collect(), faults.iter().map(ToString::to_string).collect())
    }
}

fn told(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn what_was_good_stays_until_something_better_comes_and_over_a_restart() {
    let server = Server::start().await;
    let urls = [server.calendar()];
    let mut desk = Desk::new(&urls);
    assert_eq!(desk.found().await, (told(&["Giao ban"]), vec![]));

    server.says(503, "busy");
    let busy = told(&["meeting_urls[van-phong]: the server says 503 Service Unavailable"]);
    assert_eq!(desk.found().await, (told(&["Giao ban"]), busy));
    server.says(200, "<html>please sign in</html>");
    let (titles, faults) = desk.found().await;
    assert_eq!(titles, told(&["Giao ban"]));
    assert!(faults[0].contains("does not begin with BEGIN:VCALENDAR"), "{faults:?}");

    desk.stop.cancel();
    let mut desk = Desk::again(desk.state, &urls);
    assert_eq!(desk.now().0, told(&["Giao ban"]), "before anything is fetched");
    server.says(200, &ONE.replace("Giao ban", "Giao ban tháng"));
    while desk.found().await != (told(&["Giao ban tháng"]), vec![]) {}
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let server = Server::start().await;
    let mut desk = Desk::new(&[server.calendar()]);
    desk.found().await;
    let unchanged = || {
        let asked = server.asked.lock().unwrap();
        asked.iter().any(|request| request.contains("if-none-match: "))
    };
    while !unchanged() {
        desk.inbox.ask();
        tokio::task::yield_now().await;
    }
    assert_eq!(desk.now(), (told(&["Giao ban"]), vec![]));
}

#[tokio::test]
async fn another_address_under_a_name_does_not_begin_with_the_copy_of_the_first() {
    let server = Server::start().await;
    let mut desk = Desk::new(&[server.calendar()]);
    desk.found().await;
    desk.stop.cancel();
    let mut other = server.calendar();
    other.url.0.set_path("/other.ics");
    let desk = Desk::again(desk.state, &[other]);
    assert_eq!(desk.now(), (vec![], vec![]));
}

#[tokio::test]
async fn each_failure_is_told_without_the_secret_address() {
    let server = Server::start().await;
    let client = Client::new(&server.calendar()).unwrap();
    let large = "x".repeat(9 * 1024 * 1024);
    for (status, body, expected) in [
        (404, "", "the server says 404 Not Found; is the address still right?"),
        (302, "", "it redirects in circles"),
        (304, "", "the server says 304 Not Modified"),
        (200, large.as_str(), "larger than 8 MiB"),
    ] {
        server.says(status, body);
        let error = client.get(None).await.unwrap_err();
        assert!(error.contains(expected) && !error.contains("secret"), "{status}: {error}");
    }
    let mut nobody = server.calendar();
    nobody.url.0.set_port(Some(1)).unwrap();
    let error = Client::new(&nobody).unwrap().get(None).await.unwrap_err();
    assert!(error.contains("refused") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_calendar_over_tls_is_trusted_by_its_authority_alone() {
    let directory = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    let (pem, key) = (certificate.pem(), key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.try_into().unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{ONE}", ONE.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let authority = directory.path().join("ca.pem");
    std::fs::write(&authority, pem).unwrap();
    let mut calendar = MeetingUrl {
        name: "a".parse().unwrap(),
        url: CalendarUrl(format!("https://{address}/a.ics").parse().unwrap()),
        every: Span::seconds(60),
        authority: Some(authority),
    };
    let (good, faults) = look(std::slice::from_ref(&calendar)).await;
    assert_eq!((good.len(), faults), (1, vec![]));
    calendar.authority = None;
    let (good, faults) = look(std::slice::from_ref(&calendar)).await;
    assert_eq!(good, BTreeMap::new());
    assert!(faults[0].message.contains("certificate"), "{faults:?}");
}
