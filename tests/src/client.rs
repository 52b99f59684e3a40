//! Speaks the agents' protocol, well or badly: what a test gives is what the collector gets.

use std::io::{self, BufReader, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use serde_json::{Value, json};
use uuid::Uuid;
use wire::enrolment::{Code, EnrolRequest, sha256_hex};
use wire::{AgentInfo, Answer, limits};

use crate::http::{self, Response};
use crate::tls::{self, Tls};
use crate::wait::now;

/// One site's credential and the way to its collector.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    trust: Arc<ClientConfig>,
    /// The credential; a test may put anything here.
    pub credential: String,
}

impl Client {
    /// One that is not enrolled; `pin` is the authority's.
    #[must_use]
    pub fn stranger(address: SocketAddr, code: &Code) -> Self {
        let trust = tls::trust(address, code.pin).expect("a collector with the code's authority");
        Self { address, trust, credential: sha256_hex(Uuid::new_v4().as_bytes()) }
    }

    /// Enrols with `code` at the collector behind `address`.
    #[track_caller]
    #[must_use]
    pub fn enrol(address: SocketAddr, code: &Code) -> Self {
        let client = Self::stranger(address, code);
        let answer = client.ask_to_enrol(&hex(&code.secret));
        assert_eq!(answer.status, 200, "{}", answer.text());
        client
    }

    /// The same site at a collector that came back elsewhere.
    #[must_use]
    pub fn moved_to(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Posts an enrolment with this secret.
    #[must_use]
    pub fn ask_to_enrol(&self, secret: &str) -> Response {
        let request = EnrolRequest {
            version: limits::VERSION,
            secret: secret.to_owned(),
            credential_sha256: sha256_hex(self.credential.as_bytes()),
            agent: AgentInfo { version: "0.0.0".into(), os: "test".into() },
            hostname: "test".into(),
            addresses: Vec::new(),
            sent_at: now(),
        };
        let body = serde_json::to_vec(&request).expect("JSON");
        self.post(limits::ENROL_PATH, &[("Content-Type", "application/json")], &body)
            .expect("an answer")
    }

    /// A connection of its own.
    pub fn connect(&self) -> io::Result<Tls> {
        tls::open(self.address, &self.trust)
    }

    /// The bytes of a push of `body`.
    #[must_use]
    pub fn push_request(&self, encoding: &str, body: &[u8]) -> Vec<u8> {
        let authorization = format!("Bearer {}", self.credential);
        let mut headers =
            vec![("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        if encoding != "identity" {
            headers.push(("Content-Encoding", encoding));
        }
        http::request("POST", limits::REPORTS_PATH, &headers, body)
    }

    /// Posts a body as it is, on a connection of its own.
    pub fn push_raw(&self, encoding: &str, body: &[u8]) -> io::Result<Response> {
        self.exchange(&self.push_request(encoding, body))
    }

    /// Posts reports in a sound batch.
    #[track_caller]
    #[must_use]
    pub fn push(&self, reports: &[Value]) -> Answer {
        let body = serde_json::to_vec(&batch(reports)).expect("JSON");
        let answer = self.push_raw("identity", &body).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("{error} in {}", answer.text()))
    }

    /// Posts to a path.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
        self.exchange(&http::request("POST", path, headers, body))
    }

    /// Sends bytes on a connection of its own and reads one answer. A collector may answer and
    /// close before it has read all, so a failed write is no reason not to read.
    pub fn exchange(&self, bytes: &[u8]) -> io::Result<Response> {
        let mut stream = self.connect()?;
        let sent = stream.write_all(bytes).and_then(|()| stream.flush());
        http::read(&mut BufReader::new(stream)).map_err(|error| sent.err().unwrap_or(error))
    }
}

/// A sound batch of these reports, sent now.
#[must_use]
pub fn batch(reports: &[Value]) -> Value {
    json!({ "version": limits::VERSION, "sent_at": now(), "reports": reports })
}

/// A sound report with one reading of a probe `mcu` that took `duration_us`.
#[must_use]
pub fn report(boot: Uuid, seq: u64, taken_at: i64, duration_us: u64) -> Value {
    json!({
        "boot": boot, "seq": seq, "taken_at": taken_at, "uptime_ms": 1_000_000 + seq,
        "agent": { "version": "0.0.0", "os": "test" },
        "readings": [{
            "probe": "mcu", "kind": "icmp", "capability": "network", "every_ms": 15_000,
            "duration_us": duration_us,
            "samples": [{ "name": "bridge_probe_packets_sent_total", "value": seq }],
        }],
    })
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
