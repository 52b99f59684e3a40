//! A collector that answers what the test says: it holds an authority of its own, so agents
//! enrol with it and trust it like any other.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use wire::enrolment::{Code, EnrolAnswer, SECRET_BYTES};
use wire::limits::UNPACKED_BYTES;
use wire::packing::DICTIONARY;
use wire::{Answer, Batch, Report, limits};

use crate::http;
use crate::wait::{self, now};

/// What becomes of one push.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Every report is accepted.
    Accept,
    /// Every report is accepted, in the words of a newer collector.
    AcceptInWordsOfTomorrow,
    /// Every report is refused for good.
    Refuse,
    /// This status, with these headers and this body; nothing is settled.
    Status(u16, Vec<(&'static str, &'static str)>, &'static str),
    /// The connection ends in the middle of the answer.
    Torn,
    /// The connection ends without a word.
    Silence,
}

impl Reply {
    /// Whether it settles every report as accepted.
    #[must_use]
    pub fn accepts(&self) -> bool {
        matches!(self, Self::Accept | Self::AcceptInWordsOfTomorrow)
    }
}

/// One push as it arrived.
#[derive(Debug, Clone)]
pub struct Push {
    /// When, on a monotonic clock.
    pub at: Instant,
    /// What the agent's clock said.
    pub sent_at: i64,
    /// Its reports, in their order.
    pub reports: Vec<Report>,
    /// What became of it.
    pub reply: Reply,
}

/// The scripted collector.
#[derive(Debug)]
pub struct Scripted {
    /// Where it listens.
    pub address: SocketAddr,
    /// A code for its one site.
    pub code: Code,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Reply>,
    pushes: Vec<Push>,
}

impl Scripted {
    /// Starts it. Pushes are answered with `script`, one after the other, and then accepted.
    #[must_use]
    pub fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let (tls, pin) = crate::tls::authority();
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(Mutex::new(State {
            script: script.into_iter().collect(),
            ..State::default()
        }));
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (tls, state) = (Arc::clone(&tls), Arc::clone(&serving));
                std::thread::spawn(move || serve(client, tls, &state));
            }
        });
        let code =
            Code { host: "127.0.0.1".into(), port: address.port(), secret: [7; SECRET_BYTES], pin };
        Self { address, code, state }
    }

    /// The pushes so far.
    #[must_use]
    pub fn pushes(&self) -> Vec<Push> {
        self.state.lock().unwrap().pushes.clone()
    }

    /// Waits until `count` pushes have come.
    #[track_caller]
    #[must_use]
    pub fn wait_for(&self, count: usize) -> Vec<Push> {
        wait::until("pushes", || {
            let pushes = self.pushes();
            wait::seen(pushes.len() >= count, || format!("{} of {count}", pushes.len()))?;
            Ok(pushes)
        })
    }
}

fn serve(client: TcpStream, tls: Arc<ServerConfig>, state: &Mutex<State>) -> Option<()> {
    client.set_read_timeout(Some(Duration::from_mins(2))).ok()?;
    let connection = ServerConnection::new(tls).ok()?;
    let mut stream = BufReader::new(StreamOwned::new(connection, client));
    loop {
        let (path, body) = request(&mut stream).ok()?;
        let (answer, whole) =
            if path == limits::ENROL_PATH { (enrolled(), true) } else { pushed(&body, state)? };
        stream.get_mut().write_all(&answer).ok()?;
        stream.get_mut().flush().ok()?;
        if !whole {
            return None;
        }
    }
}

fn request(stream: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let first = http::line(stream)?;
    let headers = http::headers(stream)?;
    let header =
        |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = http::exactly(stream, length)?;
    if header("content-encoding").as_deref() == Some("zstd") {
        let mut unpacker = zstd::bulk::Decompressor::with_dictionary(DICTIONARY)?;
        body = unpacker.decompress(&body, UNPACKED_BYTES)?;
    }
    Ok((first.split(' ').nth(1).unwrap_or_default().to_owned(), body))
}

fn enrolled() -> Vec<u8> {
    let site = "th-0001".parse().expect("an id");
    let answer = EnrolAnswer { site, name: "Điểm cầu".into(), now: now() };
    response(200, &[], &serde_json::to_string(&answer).expect("JSON"))
}

/// The bytes to send, and whether the connection goes on after them.
fn pushed(body: &[u8], state: &Mutex<State>) -> Option<(Vec<u8>, bool)> {
    let batch: Batch<Report> = serde_json::from_slice(body).expect("a batch");
    let numbers = batch.reports.iter().map(|report| (report.boot, report.seq));
    let mut answer = Answer {
        now: now(),
        accepted: Vec::new(),
        refused: Vec::new(),
        profile: None,
        update: None,
        meeting: None,
    };
    let reply = {
        let mut state = state.lock().unwrap();
        let reply = state.script.pop_front().unwrap_or(Reply::Accept);
        state.pushes.push(Push {
            at: Instant::now(),
            sent_at: batch.sent_at,
            reports: batch.reports.clone(),
            reply: reply.clone(),
        });
        reply
    };
    match reply {
        Reply::Silence => return None,
        Reply::Status(status, headers, text) => {
            return Some((response(status, &headers, text), true));
        }
        Reply::Refuse => {
            answer.refused = numbers
                .enumerate()
                .map(|(index, (boot, seq))| wire::Refusal {
                    index,
                    boot: Some(boot),
                    seq: Some(seq),
                    reason: "the test says so".into(),
                })
                .collect();
        }
        Reply::Accept | Reply::AcceptInWordsOfTomorrow | Reply::Torn => {
            answer.accepted = numbers.collect();
        }
    }
    let mut answer = serde_json::to_value(&answer).expect("JSON");
    if matches!(reply, Reply::AcceptInWordsOfTomorrow) {
        answer["advice"] = json!({ "of": ["tomorrow"] });
        answer["meeting"] = json!({
            "id": "giao-ban@2030-01-07T07:30", "start": now() + 600_000, "end": now() + 900_000,
            "rehearsal": { "of": "tomorrow" },
        });
    }
    let mut bytes = response(200, &[], &answer.to_string());
    if matches!(reply, Reply::Torn) {
        bytes.truncate(bytes.len() - 10);
        return Some((bytes, false));
    }
    Some((bytes, true))
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let (lines, length) = (http::lines(headers), body.len());
    format!("HTTP/1.1 {status} Scripted\r\n{lines}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}
