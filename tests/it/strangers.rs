//! Whoever connects to the agents' port: slow, endless, too many at once, or not even TLS.

use std::io::{BufReader, Read, Write};
use std::time::{Duration, Instant};

use tests::client::{Client, batch, report};
use tests::collector::{Collector, inventory};
use tests::http;
use tests::wait::{PATIENCE, now};
use uuid::Uuid;

const SITE: &str = "th-0001";

fn enrolled() -> (Collector, Client) {
    let collector = Collector::start(&inventory(&[SITE]));
    let client = Client::enrol(collector.agents(), &collector.code(SITE));
    (collector, client)
}

fn sound_push(client: &Client) -> Vec<u8> {
    let body = batch(&[report(Uuid::new_v4(), 1, now(), 1)]).to_string();
    client.push_request("identity", body.as_bytes())
}

fn assert_sound(client: &Client) {
    assert_eq!(client.exchange(&sound_push(client)).unwrap().status, 200);
}

#[test]
fn plain_http_and_noise_get_nothing() {
    let (collector, client) = enrolled();
    let noise: [&[u8]; 4] = [
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\xff\xff",
        b"SSH-2.0-x\r\n",
        &[0; 4096],
    ];
    for bytes in noise {
        let mut stream = http::connect(collector.agents()).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "{:?}", String::from_utf8_lossy(&answer));
    }
    assert_sound(&client);
}

#[test]
fn without_a_credential_there_is_nothing_to_see() {
    let (collector, client) = enrolled();
    let mut stranger = client.clone();
    for credential in ["", "x", "Bearer", &"f".repeat(64), &"x".repeat(4000)] {
        stranger.credential = credential.to_owned();
        let answer = stranger.exchange(&sound_push(&stranger)).unwrap();
        assert!([400, 401, 403, 431].contains(&answer.status), "{credential}: {}", answer.status);
    }
    let bare = http::request("POST", "/v1/reports", &[], b"{}");
    assert!([401, 403].contains(&client.exchange(&bare).unwrap().status));
    for path in ["/", "/metrics", "/api/v1/sites", "/-/healthy", "/v1/reports/../../metrics"] {
        let answer = client.exchange(&http::request("GET", path, &[], &[])).unwrap();
        assert!([401, 403, 404, 405].contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.text().contains("bridge_"), "{path}");
    }
    assert_sound(&client);
    assert_eq!(collector.scrape().value("bridge_up", &[("site", SITE)]), Some(1.0));
}

/// A stranger who sends a byte now and then; the collector must end it by itself.
fn is_ended(client: &Client, begin: &[u8], drip: &[u8]) -> Duration {
    let mut stream = client.connect().unwrap();
    stream.sock.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    stream.write_all(begin).unwrap();
    stream.flush().unwrap();
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let mut answer = [0; 512];
        match stream.read(&mut answer) {
            Ok(0) => return start.elapsed(),
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                if stream.write_all(drip).and_then(|()| stream.flush()).is_err() {
                    return start.elapsed();
                }
            }
            Err(_) => return start.elapsed(),
        }
    }
    panic!("still connected after {PATIENCE:?}");
}

#[test]
fn slow_headers_are_ended() {
    let (_collector, client) = enrolled();
    let took = is_ended(&client, b"POST /v1/reports HTTP/1.1\r\nHost: x\r\n", b"X-Slow: 1\r\n");
    println!("ended after {took:?}");
    assert_sound(&client);
}

#[test]
fn a_slow_body_is_ended() {
    let (_collector, client) = enrolled();
    let head = format!(
        "POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 500000\r\n\r\n",
        client.credential
    );
    let took = is_ended(&client, head.as_bytes(), b" ");
    println!("ended after {took:?}");
    assert_sound(&client);
}

#[test]
fn a_silent_connection_is_ended() {
    let (collector, client) = enrolled();
    let mut silent = http::connect(collector.agents()).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(silent.read(&mut [0; 16]).unwrap_or(0), 0, "no handshake, no connection");
    assert_sound(&client);
}

#[test]
fn an_endless_body_is_cut_off_at_its_limit() {
    let (_collector, client) = enrolled();
    let head = format!(
        "POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        client.credential
    );
    let mut stream = client.connect().unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let chunk =
        [format!("{:x}\r\n", 65536).into_bytes(), vec![b' '; 65536], b"\r\n".to_vec()].concat();
    // 64 MiB, far beyond the limit: the collector stops reading long before.
    let sent = (0..1024).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    let answer = http::read(&mut BufReader::new(stream));
    assert!(
        sent < 1024 || answer.as_ref().is_ok_and(|answer| answer.status == 413),
        "{sent} chunks were taken"
    );
    if let Ok(answer) = answer {
        assert_eq!(answer.status, 413);
    }
    assert_sound(&client);
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_the_body() {
    let (_collector, client) = enrolled();
    let head = format!(
        "POST /v1/reports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 99999999999\r\n\r\n",
        client.credential
    );
    assert_eq!(client.exchange(head.as_bytes()).unwrap().status, 413);
    assert_sound(&client);
}

#[test]
fn headers_beyond_the_limit_are_refused() {
    let (_collector, client) = enrolled();
    let many: String = (0..5000).map(|at| format!("X-{at}: x\r\n")).collect::<Vec<_>>().concat();
    let long = format!("X-Long: {}\r\n", "x".repeat(1024 * 1024));
    for headers in [many, long] {
        let request = format!("POST /v1/reports HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        if let Ok(answer) = client.exchange(request.as_bytes()) {
            assert!([400, 431].contains(&answer.status), "{}", answer.status);
        }
    }
    assert_sound(&client);
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let (_collector, client) = enrolled();
    let boots: Vec<Uuid> = (0..5).map(|_| Uuid::new_v4()).collect();
    let requests: Vec<Vec<u8>> = boots
        .iter()
        .map(|boot| {
            client.push_request(
                "identity",
                batch(&[report(*boot, 1, now(), 1)]).to_string().as_bytes(),
            )
        })
        .collect();
    let mut stream = client.connect().unwrap();
    stream.write_all(&requests.concat()).unwrap();
    stream.flush().unwrap();
    let mut reader = BufReader::new(stream);
    for boot in boots {
        let answer = http::read(&mut reader).unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains(&boot.to_string()), "{}", answer.text());
    }
}

#[test]
fn guessing_credentials_does_not_shut_out_the_sites_behind_the_same_address() {
    let (_collector, client) = enrolled();
    let mut stranger = client.clone();
    stranger.credential = "f".repeat(64);
    for _ in 0..50 {
        let _ = stranger.exchange(&sound_push(&stranger));
    }
    assert_sound(&client);
}

#[test]
fn a_crowd_of_idle_connections_does_not_keep_an_agent_out() {
    let (collector, client) = enrolled();
    let crowd: Vec<_> = (0..300).filter_map(|_| http::connect(collector.agents()).ok()).collect();
    assert_sound(&client);
    drop(crowd);
}
