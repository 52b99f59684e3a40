//! Against real servers on this PC, good ones and bad ones.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::probes::Probe;
use crate::probes::bench::{Bench, Found, config};

/// Long enough for an answer from this PC, short enough to wait for none.
const BRIEF: Duration = Duration::from_millis(300);

/// What a server does after a request.
#[derive(Clone)]
enum Then {
    HangUp,
    StayOpen,
}

/// A server that answers each request with `bytes`; its port.
async fn server(bytes: impl Into<Vec<u8>>, then: Then) -> u16 {
    serve(bytes.into(), then, None).await
}

async fn serve(bytes: Vec<u8>, then: Then, tls: Option<TlsAcceptor>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (bytes, then, tls) = (bytes.clone(), then.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => talk(stream, &bytes, &then).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            talk(stream, &bytes, &then).await;
                        }
                    }
                }
            });
        }
    });
    port
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8], then: &Then) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    // The probe may hang up before it has read everything.
    let _ = stream.write_all(bytes).await;
    match then {
        Then::HangUp => drop(stream.shutdown().await),
        Then::StayOpen => std::future::pending().await,
    }
}

fn page(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn get(url: &str, more: &str) -> Found {
    get_within(Duration::from_secs(20), url, more).await
}

async fn get_within(timeout: Duration, url: &str, more: &str) -> Found {
    let mut probe = Probe::Http(config(&format!("{{ url: \"{url}\"{more} }}")));
    Bench::within(timeout).run(&mut probe).await
}

#[tokio::test]
async fn a_page_gives_its_phases_status_and_text() {
    let port = server(page("Xin chào"), Then::StayOpen).await;
    let found = get(&format!("http://localhost:{port}/"), ", expect: \"chào\"").await;
    assert_eq!(found.result, Ok(()));
    for phase in ["resolve", "connect", "first_byte", "transfer"] {
        let seconds = found.number(&format!("bridge_probe_http_{phase}_seconds"));
        assert!(seconds.is_some_and(|s| (0.0..20.0).contains(&s)), "{phase}: {seconds:?}");
    }
    assert_eq!(found.number("bridge_probe_http_status_code"), Some(200.0));
    assert_eq!(found.number("bridge_probe_tls_expiry_timestamp_seconds"), None);
    assert!(found.steps().contains("Status 200, 9 bytes read."), "{}", found.steps());
}

#[tokio::test]
async fn an_address_has_no_phase_of_resolving() {
    let port = server(page(""), Then::StayOpen).await;
    let found = get(&format!("http://127.0.0.1:{port}/"), "").await;
    assert_eq!(found.result, Ok(()));
    assert_eq!(found.number("bridge_probe_http_resolve_seconds"), None);
}

#[tokio::test]
async fn every_run_makes_a_new_connection() {
    let port = server(page("x"), Then::StayOpen).await;
    let mut probe = Probe::Http(config(&format!("{{ url: \"http://127.0.0.1:{port}/\" }}")));
    let mut bench = Bench::default();
    for _ in 0..2 {
        let found = bench.run(&mut probe).await;
        assert!(found.number("bridge_probe_http_connect_seconds").is_some());
    }
}

#[tokio::test]
async fn what_is_not_as_expected_is_told() {
    for (answer, more, cause) in [
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned(), "", "status 503"),
        (page("x"), ", status: [401]", "status 200"),
        (page("abc"), ", expect: z", "the text is not within the first 3 bytes of the body"),
    ] {
        let port = server(answer, Then::StayOpen).await;
        let found = get(&format!("http://127.0.0.1:{port}/a?secret=1"), more).await;
        assert_eq!(found.reason(), Some(Reason::Unexpected), "{cause}");
        assert_eq!(found.detail(), format!("GET http://127.0.0.1:{port}/a: {cause}"));
        assert!(found.number("bridge_probe_http_status_code").is_some());
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed_and_not_good() {
    let answer = "HTTP/1.1 302 Found\r\nLocation: http://portal.example/login?from=x\r\n\
                  Content-Length: 0\r\n\r\n";
    let port = server(answer, Then::StayOpen).await;
    let url = format!("http://127.0.0.1:{port}/");
    let found = get(&url, "").await;
    assert_eq!(found.reason(), Some(Reason::Unexpected));
    assert_eq!(found.detail(), format!("GET {url}: status 302 redirects to host portal.example"));
    assert_eq!(get(&url, ", status: [302]").await.result, Ok(()));
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed_and_one_in_circles_ends() {
    let target = server(page("arrived"), Then::StayOpen).await;
    let to = |port: u16| {
        format!(
            "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let port = server(to(target), Then::StayOpen).await;
    let found = get(&format!("http://127.0.0.1:{port}/"), ", expect: arrived").await;
    assert_eq!(found.result, Ok(()));

    let circle = "HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
    let port = server(circle, Then::StayOpen).await;
    let found = get(&format!("http://127.0.0.1:{port}/"), "").await;
    assert_eq!(found.reason(), Some(Reason::Unexpected));
    assert!(found.detail().ends_with("it redirects in circles"), "{}", found.detail());
}

#[tokio::test]
async fn of_a_huge_body_only_the_beginning_is_read() {
    let port = server(page(&"x".repeat(10 * 1024 * 1024)), Then::StayOpen).await;
    let found = get(&format!("http://127.0.0.1:{port}/"), "").await;
    assert_eq!(found.result, Ok(()));
    assert!(found.steps().contains(&format!("{BODY_BYTES} bytes read")), "{}", found.steps());
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_a_fault_of_the_protocol() {
    for answer in
        ["", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"]
    {
        let port = server(answer, Then::HangUp).await;
        let found = get(&format!("http://127.0.0.1:{port}/"), "").await;
        assert_eq!(found.reason(), Some(Reason::Protocol), "{answer:?}: {}", found.detail());
    }
}

#[tokio::test]
async fn a_time_out_says_what_was_waited_for() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    for (answer, stage) in [("", "waiting for the answer's headers"), (half, "reading the body")] {
        let port = server(answer, Then::StayOpen).await;
        let url = format!("http://127.0.0.1:{port}/");
        let found = get_within(BRIEF, &url, "").await;
        assert_eq!(found.reason(), Some(Reason::Timeout));
        assert_eq!(found.detail(), format!("GET {url}: no end of {stage} in time"));
    }
}

#[tokio::test]
async fn a_closed_port_refuses_and_a_name_without_address_does_not_resolve() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let found = get(&format!("http://127.0.0.1:{port}/"), "").await;
    assert_eq!(found.reason(), Some(Reason::Refused), "{}", found.detail());

    let name = "x".repeat(64);
    let found = get(&format!("http://{name}/"), "").await;
    assert_eq!(found.reason(), Some(Reason::Resolve), "{}", found.detail());
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_whole_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 24];
        stream.read_exact(&mut request).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let more = format!(", proxy: \"http://127.0.0.1:{port}\"");
    get("http://mcu.example/", &more).await.result.unwrap_err();
    assert_eq!(asked.await.unwrap(), "GET http://mcu.example/ ");
}

/// A key and a certificate for `localhost`, changed by `change`, signed by `issuer` or itself.
fn certificate(
    issuer: Option<&Issuer<'_, KeyPair>>,
    change: impl FnOnce(&mut CertificateParams),
) -> (CertificateDer<'static>, KeyPair) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = match issuer {
        Some(issuer) => params.signed_by(&key, issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    (certificate.der().clone(), key)
}

fn authority() -> (Issuer<'static, KeyPair>, CertificateDer<'static>) {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    (Issuer::new(params, key), certificate)
}

async fn tls_server((certificate, key): (CertificateDer<'static>, KeyPair)) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let port = serve(page("x").into_bytes(), Then::StayOpen, Some(acceptor)).await;
    format!("https://localhost:{port}/")
}

fn pem_file(certificate: &CertificateDer<'_>) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = data_encoding::BASE64.encode(certificate);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    std::fs::write(file.path(), pem).unwrap();
    file
}

fn trusting(file: &tempfile::NamedTempFile) -> String {
    format!(", ca_file: '{}'", file.path().display())
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_gives_its_expiry() {
    let (issuer, ca) = authority();
    let leaf = certificate(Some(&issuer), |params| params.not_after = date_time_ymd(2098, 5, 1));
    let url = tls_server(leaf).await;
    let found = get(&url, &trusting(&pem_file(&ca))).await;
    assert_eq!(found.result, Ok(()));
    let expiry = found.number("bridge_probe_tls_expiry_timestamp_seconds");
    assert_eq!(expiry, Some(4_049_740_800.0));
    assert!(found.steps().contains("expires on 2098-05-01"), "{}", found.steps());
}

#[tokio::test]
async fn a_device_that_signed_itself_is_trusted_by_its_own_certificate() {
    let leaf = certificate(None, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let file = pem_file(&leaf.0);
    let url = tls_server(leaf).await;
    assert_eq!(get(&url, &trusting(&file)).await.result, Ok(()));
    let found = get(&url, "").await;
    assert_eq!(found.reason(), Some(Reason::Tls), "{}", found.detail());
}

#[tokio::test]
async fn a_bad_certificate_is_named_and_its_expiry_still_told() {
    let (issuer, ca) = authority();
    let ca_file = pem_file(&ca);
    let past = date_time_ymd(2020, 1, 2);
    let expired = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = past;
    };
    let future = |params: &mut CertificateParams| params.not_before = date_time_ymd(2090, 1, 1);
    let other = |params: &mut CertificateParams| {
        *params = CertificateParams::new(vec!["other.example".to_owned()]).unwrap();
    };
    let own = certificate(None, expired);
    let own_file = pem_file(&own.0);
    let (by_authority, by_itself) = (trusting(&ca_file), trusting(&own_file));
    for (leaf, trust, cause) in [
        (certificate(Some(&issuer), expired), &by_authority, "expired on 2020-01-02; today is 20"),
        (own, &by_itself, "expired on 2020-01-02; today is 20"),
        (
            certificate(Some(&issuer), future),
            &by_authority,
            "is valid from 2090-01-01 on; today is 20",
        ),
        (certificate(Some(&issuer), other), &by_authority, "another name than localhost: "),
        (certificate(Some(&issuer), |_| {}), &String::new(), "unknown issuer: "),
    ] {
        let url = tls_server(leaf).await;
        let found = get(&url, trust).await;
        assert_eq!(found.reason(), Some(Reason::Tls), "{cause}: {}", found.detail());
        assert!(found.detail().contains(cause), "{cause}: {}", found.detail());
        let expiry = found.number("bridge_probe_tls_expiry_timestamp_seconds");
        assert!(expiry.is_some(), "{cause}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_a_failure_of_tls() {
    for answer in ["", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 16];
            stream.read_exact(&mut hello).await.unwrap();
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let found = get(&format!("https://127.0.0.1:{port}/"), "").await;
        assert_eq!(found.reason(), Some(Reason::Tls), "{answer:?}: {}", found.detail());
    }
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_used_is_named() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let found = get("https://localhost:1/", &trusting(&empty)).await;
    assert_eq!(found.reason(), Some(Reason::Absent));
    assert!(found.detail().ends_with("no certificate in it (PEM is expected)"));
    let found = get("https://localhost:1/", ", ca_file: /nonexistent.pem").await;
    assert_eq!(found.reason(), Some(Reason::Absent));
    assert_eq!(found.detail(), "read ca_file /nonexistent.pem: entity not found");
}
