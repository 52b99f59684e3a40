//! Against servers on this PC that answer as they are told.

use tokio::net::UdpSocket;

use super::*;
use crate::probes::Probe;
use crate::probes::bench::{Bench, Found, config};

/// A server that makes its answer of each request; its port.
async fn server(answer: impl Fn(&str) -> String + Send + 'static) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut buffer = vec![0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let text = answer(&String::from_utf8_lossy(&buffer[..length]));
            let _ = socket.send_to(text.as_bytes(), from).await;
        }
    });
    port
}

/// An answer with the headers of its request, as RFC 3261 § 8.2.6.2 wants.
fn reply(request: &str, status: &str, more: &str) -> String {
    let kept = |line: &&str| {
        ["Via", "From", "To", "Call-ID", "CSeq"].iter().any(|name| line.starts_with(name))
    };
    let lines: Vec<_> = request.lines().filter(kept).collect();
    format!("SIP/2.0 {status}\r\n{}\r\n{more}Content-Length: 0\r\n\r\n", lines.join("\r\n"))
}

async fn once(port: u16, more: &str) -> Found {
    let mut probe = Probe::Sip(config(&format!("{{ server: 127.0.0.1, port: {port}{more} }}")));
    Bench::within(Duration::from_secs(10)).run(&mut probe).await
}

#[tokio::test]
async fn any_final_answer_is_alive_and_not_now_is_a_trouble() {
    for (status, troubles) in [
        ("200 OK", ""),
        ("302 Moved", ""),
        ("401 Unauthorized", ""),
        ("404 Not Found", ""),
        ("405 Method Not Allowed", ""),
        ("486 Busy Here", ""),
        ("501 Not Implemented", ""),
        ("603 Decline", ""),
        ("408 Request Timeout", "127.0.0.1 overloaded"),
        ("480 Temporarily Unavailable", "127.0.0.1 overloaded"),
        ("500 Server Internal Error", "127.0.0.1 overloaded"),
        ("503 Service Unavailable", "127.0.0.1 overloaded"),
    ] {
        let port = server(move |request| reply(request, status, "Retry-After: 5\r\n")).await;
        let found = once(port, "").await;
        assert_eq!(found.result, Ok(()), "{status}");
        assert_eq!(found.troubles(), troubles, "{status}");
        let code = found.number("bridge_probe_sip_status_code").unwrap();
        assert!(status.starts_with(&code.to_string()));
        assert!(found.number("bridge_probe_answer_seconds").is_some());
    }
}

#[tokio::test]
async fn only_a_final_answer_to_this_request_ends_the_waiting() {
    let port = server(|request| reply(request, "100 Trying", "")).await;
    let mut probe = Probe::Sip(config(&format!("{{ server: 127.0.0.1, port: {port} }}")));
    let found = Bench::within(Duration::from_millis(400)).run(&mut probe).await;
    assert_eq!(found.reason(), Some(Reason::Protocol), "{:?}", found.result);
    assert!(found.detail().ends_with("3 answers, none of them to this question"));
}

#[tokio::test]
async fn a_password_is_proven_where_it_is_asked_for_and_never_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "zanzibar\n").unwrap();
    let challenge = "WWW-Authenticate: Digest realm=\"tinh\", nonce=\"n1\", qop=\"auth\"\r\n";
    let port = server(move |request| {
        assert!(!request.contains("zanzibar"));
        let proven =
            request.contains("\r\nAuthorization: Digest username=\"th-0316\", realm=\"tinh\"");
        if proven { reply(request, "200 OK", "") } else { reply(request, "401 Who?", challenge) }
    })
    .await;
    let account = format!(", user: th-0316, password_file: {}", file.display());
    let found = once(port, &account).await;
    assert_eq!(
        (found.result.clone(), found.number("bridge_probe_sip_status_code")),
        (Ok(()), Some(200.0))
    );
}

#[tokio::test]
async fn a_refused_password_is_told_and_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "wrong").unwrap();
    let challenge = "Proxy-Authenticate: Digest realm=\"tinh\", nonce=\"n1\"\r\n";
    let proofs = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&proofs);
    let port = server(move |request| {
        let proven = u32::from(request.contains("Proxy-Authorization: "));
        counted.fetch_add(proven, std::sync::atomic::Ordering::SeqCst);
        reply(request, "407 Who?", challenge)
    })
    .await;
    let yaml = format!("{{ server: 127.0.0.1, port: {port}, password_file: {} }}", file.display());
    let (mut probe, mut bench) = (Probe::Sip(config(&yaml)), Bench::default());
    for _ in 0..3 {
        let found = bench.run(&mut probe).await;
        assert_eq!(found.reason(), Some(Reason::Unexpected), "{:?}", found.result);
        assert!(found.detail().contains("refused the password of nhipcau"), "{}", found.detail());
        assert!(!found.steps().contains("wrong"));
    }
    assert_eq!(proofs.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_password_that_is_not_there_is_told_by_its_file() {
    let found = once(9, ", password_file: /nowhere/password").await;
    assert_eq!(found.reason(), Some(Reason::Absent));
    assert!(found.detail().starts_with("read password_file /nowhere/password"));
}

#[tokio::test]
async fn a_stream_that_is_no_sip_is_told_as_such() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (answer, why) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "an answer that is no SIP"),
        ("", "the connection was closed without an answer"),
        ("SIP/2.0 200 OK\r\nContent-Length: x\r\n\r\n", "a Content-Length that is none"),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 2048];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let found = once(port, ", transport: tcp").await;
        assert_eq!(found.reason(), Some(Reason::Protocol), "{:?}", found.result);
        assert!(found.detail().ends_with(why), "{}", found.detail());
    }
}

#[test]
fn an_address_of_ipv6_stands_in_brackets() {
    for (host, expected) in [
        ("\"2001:db8::1\"", "[2001:db8::1]:5060"),
        ("10.0.0.10", "10.0.0.10:5060"),
        ("mcu", "mcu:5060"),
    ] {
        assert_eq!(target(&config::<Host>(host), 5060), expected);
    }
}

#[test]
fn a_user_that_needs_an_escape_is_refused() {
    for (yaml, good) in
        [("th-0316", true), ("\"0237\"", true), ("a@b", false), ("\"a b\"", false), ("\"\"", false)]
    {
        assert_eq!(serde_yaml::from_str::<User>(yaml).is_ok(), good, "{yaml}");
    }
}
