//! A device with a web server of its own, whose certificate it signed itself: it answers what the
//! test says, in bytes, and counts who asks.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::http;

/// A certificate that nobody vouches for, as devices make one at their first start.
#[derive(Debug, Clone)]
pub struct SelfSigned {
    config: Arc<ServerConfig>,
    /// Its SHA-256, as browsers show it.
    pub fingerprint: String,
}

impl Default for SelfSigned {
    fn default() -> Self {
        // For a name by which nobody calls it.
        let made = rcgen::generate_simple_self_signed(["codec.local".to_owned()]).unwrap();
        let der: CertificateDer<'static> = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let fingerprint = wire::enrolment::sha256_hex(&der);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![der], key))
            .unwrap();
        Self { config: Arc::new(config), fingerprint }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET /status.xml`
    pub what: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Asked {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What the device does with a request.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Sends these bytes and ends the connection.
    Say(Vec<u8>),
    /// Says nothing until whoever asked has gone.
    Hang,
}

/// A device that runs.
#[derive(Debug)]
pub struct Appliance {
    /// Where it listens.
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Appliance {
    /// Starts it. What comes without TLS is not heard.
    #[must_use]
    pub fn start(
        certificate: &SelfSigned,
        answer: impl Fn(&Asked) -> Deed + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        let config = Arc::clone(&certificate.config);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (config, log, answer) =
                    (Arc::clone(&config), Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(client, config, &log, &*answer));
            }
        });
        Self { port, asked }
    }

    /// Everything that was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often something was asked that begins so.
    #[must_use]
    pub fn count(&self, what: &str) -> usize {
        self.asked().iter().filter(|asked| asked.what.starts_with(what)).count()
    }
}

fn serve(
    client: TcpStream,
    config: Arc<ServerConfig>,
    log: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked) -> Deed,
) -> Option<()> {
    client.set_read_timeout(Some(Duration::from_mins(2))).ok()?;
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).ok()?, client));
    let first = http::line(&mut stream).ok()?;
    let headers = http::headers(&mut stream).ok()?;
    let mut asked = Asked {
        what: first.trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
        body: String::new(),
    };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    asked.body = String::from_utf8(http::exactly(&mut stream, length).ok()?).ok()?;
    log.lock().unwrap().push(asked.clone());
    match answer(&asked) {
        Deed::Say(bytes) => {
            stream.get_mut().write_all(&bytes).ok()?;
            stream.get_mut().conn.send_close_notify();
            stream.get_mut().flush().ok()?;
        }
        Deed::Hang => drop(stream.read(&mut [0]).ok()?),
    }
    Some(())
}

/// An answer with a length and an end.
#[must_use]
pub fn page(status: u16, headers: &[(&str, &str)], body: &str) -> Deed {
    let (lines, length) = (http::lines(headers), body.len());
    let head = format!("HTTP/1.1 {status} X\r\n{lines}Content-Length: {length}\r\n");
    Deed::Say(format!("{head}Connection: close\r\n\r\n{body}").into_bytes())
}
