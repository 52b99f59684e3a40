//! The end of an alert's way: the bridge to SMS or Zalo, as Alertmanager sees it.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use wire::UnixMillis;

use crate::{http, wait};

/// What a webhook was told.
#[derive(Debug, Clone)]
pub struct Message {
    /// When it came.
    pub at: UnixMillis,
    /// The path it came to: whose webhook it is.
    pub path: String,
    /// Alertmanager's words.
    pub body: Value,
}

impl Message {
    /// Whether all is well again.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.body["status"] == "resolved"
    }

    /// The alerts in it, as name, severity and what they are about.
    #[must_use]
    pub fn alerts(&self) -> Vec<(String, String)> {
        let alerts = self.body["alerts"].as_array().cloned().unwrap_or_default();
        let word = |alert: &Value, label: &str| {
            alert["labels"][label].as_str().unwrap_or_default().to_owned()
        };
        let about = |alert: &Value| {
            ["site", "meeting", "uplink"]
                .map(|label| word(alert, label))
                .into_iter()
                .find(|name| !name.is_empty())
                .unwrap_or_default()
        };
        alerts.iter().map(|alert| (word(alert, "alertname"), about(alert))).collect()
    }

    /// An annotation of its first alert.
    #[must_use]
    pub fn annotation(&self, name: &str) -> String {
        self.body["alerts"][0]["annotations"][name].as_str().unwrap_or_default().to_owned()
    }
}

/// Takes what Alertmanager's webhooks send, on any path.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Receiver {
    /// Starts one.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let messages: Arc<Mutex<Vec<Message>>> = Arc::default();
        let kept = Arc::clone(&messages);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || take(&client, &kept));
            }
        });
        Self { address, messages }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that came, but for the proof of life.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        let all = self.messages.lock().unwrap().clone();
        all.into_iter().filter(|message| message.path != "/heartbeat").collect()
    }

    /// Waits for a message that `fits`.
    #[track_caller]
    #[must_use]
    pub fn wait_for(&self, what: &str, fits: impl Fn(&Message) -> bool) -> Message {
        wait::until(what, || {
            let all = self.messages();
            let found = all.iter().find(|message| fits(message)).cloned();
            found.ok_or_else(|| {
                let told: Vec<_> = all
                    .iter()
                    .map(|m| format!("{} {} {:?}", m.path, m.body["status"], m.alerts()))
                    .collect();
                format!("{told:#?}")
            })
        })
    }
}

/// Any HTTP request is answered 200 and, if it has a JSON body, kept.
fn take(client: &TcpStream, kept: &Mutex<Vec<Message>>) -> Option<()> {
    let mut reader = BufReader::new(client);
    loop {
        let first = http::line(&mut reader).ok()?;
        let headers = http::headers(&mut reader).ok()?;
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        let body = http::exactly(&mut reader, length).ok()?;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        if let Ok(body) = serde_json::from_slice(&body) {
            kept.lock().unwrap().push(Message { at: wait::now(), path, body });
        }
        let mut writer = client;
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}

/// Something that answers `GET` with 200: what a probe looks at, until the line to it is cut.
#[must_use]
pub fn web_server() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || take(&client, &Mutex::default()));
        }
    });
    address
}
