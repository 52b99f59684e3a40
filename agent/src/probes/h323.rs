//! Whether an H.323 gatekeeper answers (UDP 1719), and whether an MCU or codec takes calls
//! (TCP 1720).
//!
//! On port 1720 nothing is sent: a Setup would ring.

mod ras;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::net::TcpStream;
use wire::Cause;
use wire::reading::{Capability, Failure, Reason};

use self::ras::Answer;
use super::datagram::Datagrams;
use super::resolve::Host;
use super::{failure, path};
use crate::tally::Run;

/// ITU-T H.225.0, appendix on IP: where a gatekeeper is asked.
const GATEKEEPER_PORT: u16 = 1719;

/// ITU-T H.225.0, appendix on IP: where calls come in.
const CALL_PORT: u16 = 1720;

/// `h323: { server: 10.0.0.10, check: [gatekeeper, calls] }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct H323 {
    /// A name, resolved anew at each run, or an address.
    pub server: Host,
    /// What it is to be. Default: both; a codec or an MCU without a gatekeeper only takes calls.
    #[serde(default = "both")]
    pub check: Vec<Part>,
    /// Default: 1719.
    #[serde(default)]
    pub gatekeeper_port: Option<NonZeroU16>,
    /// Default: 1720.
    #[serde(default)]
    pub call_port: Option<NonZeroU16>,
}

/// What an H.323 server can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// It knows who is where.
    Gatekeeper,
    /// It takes calls.
    Calls,
}

fn both() -> Vec<Part> {
    vec![Part::Gatekeeper, Part::Calls]
}

/// What was seen of one part.
#[derive(Debug)]
enum Seen {
    Gatekeeper { server: SocketAddr, took: Duration, answer: Answer },
    Calls { server: SocketAddr, took: Duration },
}

impl H323 {
    /// A server is a machine room's; half a minute shows its end in time.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// For each part three questions, or the SYNs Linux sends within 5 s.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Asks for each part. All of them must be there; the first that is not is the failure.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let mut first = None;
        for part in &self.check {
            let port = self.port(*part);
            // Each part has its share of the time, or a dead first one would hide the second.
            let parts = u32::try_from(self.check.len()).unwrap_or(1).max(1);
            let seen =
                path::first_answer(run, &self.server, port, async |server, patience| match part {
                    Part::Gatekeeper => gatekeeper(server, patience / parts).await,
                    Part::Calls => calls(server, patience / parts).await,
                });
            match seen.await {
                Ok(seen) => self.record(run, &seen),
                Err(failure) => {
                    first.get_or_insert(Failure {
                        detail: format!("{part}: {}", failure.detail).into(),
                        ..failure
                    });
                }
            }
        }
        first.map_or(Ok(()), Err)
    }

    fn port(&self, part: Part) -> u16 {
        let (own, default) = match part {
            Part::Gatekeeper => (self.gatekeeper_port, GATEKEEPER_PORT),
            Part::Calls => (self.call_port, CALL_PORT),
        };
        own.map_or(default, NonZeroU16::get)
    }

    fn record(&self, run: &mut Run<'_>, seen: &Seen) {
        match seen {
            Seen::Gatekeeper { server, took, answer } => {
                let seconds = took.as_secs_f64();
                run.gauge("bridge_probe_answer_seconds", seconds);
                run.step(
                    || {
                        format!(
                            "Gatekeeper {server} trả lời sau {:.1} ms: {}.",
                            seconds * 1e3,
                            answer_vi(answer)
                        )
                    },
                    || {
                        format!(
                            "Gatekeeper {server} answered after {:.1} ms: {}.",
                            seconds * 1e3,
                            answer_en(answer)
                        )
                    },
                );
                if let Answer::Reject(Some(reason @ "resourceUnavailable")) = answer {
                    run.trouble(&self.server.to_string(), Cause::Overloaded, reason);
                }
            }
            Seen::Calls { server, took } => {
                let seconds = took.as_secs_f64();
                run.gauge("bridge_probe_connect_seconds", seconds);
                run.step(
                    || format!("{server} nhận kết nối cuộc gọi sau {:.1} ms.", seconds * 1e3),
                    || {
                        format!(
                            "{server} takes connections for calls after {:.1} ms.",
                            seconds * 1e3
                        )
                    },
                );
            }
        }
    }
}

async fn gatekeeper(server: SocketAddr, patience: Duration) -> Result<Seen, Failure> {
    let socket = Datagrams::to(server).await?;
    let sequence = sequence()?;
    let question = ras::request(sequence, socket.local()?);
    let sent = Instant::now();
    let answer = socket.ask(&question, patience, |datagram| ras::answer(datagram, sequence));
    let answer = answer.await?;
    Ok(Seen::Gatekeeper { server, took: sent.elapsed(), answer })
}

/// A question that any gatekeeper answers, for whoever only wants an answer.
pub(super) fn any_question(local: SocketAddr) -> Result<Vec<u8>, Failure> {
    Ok(ras::request(sequence()?, local))
}

/// A random one, or a late answer to the run before would be taken for this run's.
fn sequence() -> Result<u16, Failure> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Reason::Internal, format_args!("random bytes: {error}")))?;
    Ok(u16::from_be_bytes(bytes).max(1))
}

async fn calls(server: SocketAddr, patience: Duration) -> Result<Seen, Failure> {
    let start = Instant::now();
    let what = format_args!("connect {server}");
    let connecting =
        async { TcpStream::connect(server).await.map_err(|error| failure::of(&error, what)) };
    failure::within(patience, what, connecting).await?;
    Ok(Seen::Calls { server, took: start.elapsed() })
}

fn answer_vi(answer: &Answer) -> String {
    match answer {
        Answer::Confirm(name) => format!("sẵn sàng phục vụ ({})", name.as_deref().unwrap_or("-")),
        Answer::Reject(reason) => {
            format!("từ chối máy này ({}), nhưng như vậy là nó sống", reason.unwrap_or("-"))
        }
    }
}

fn answer_en(answer: &Answer) -> String {
    match answer {
        Answer::Confirm(name) => format!("it would serve ({})", name.as_deref().unwrap_or("-")),
        Answer::Reject(reason) => {
            format!("it does not serve this PC ({}), and so it lives", reason.unwrap_or("-"))
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gatekeeper => "gatekeeper",
            Self::Calls => "calls",
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, UdpSocket};

    use super::*;
    use crate::probes::Probe;
    use crate::probes::bench::{Bench, Found, config};

    /// A gatekeeper that answers each request with `kind` and what comes after the protocol.
    async fn answering(kind: [u8; 2], rest: &'static [u8]) -> u16 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let answer = [&kind, &buffer[2..11.min(length)], rest].concat();
                let _ = socket.send_to(&answer, from).await;
            }
        });
        port
    }

    async fn once(yaml: &str) -> Found {
        let mut probe = Probe::H323(config(&format!("{{ server: 127.0.0.1, {yaml} }}")));
        Bench::within(Duration::from_secs(4)).run(&mut probe).await
    }

    #[tokio::test]
    async fn a_gatekeeper_lives_whether_it_would_serve_or_not() {
        for (kind, rest, troubles) in [
            ([0x04, 0x00], &[0x00, 10, 0, 0, 1, 6, 0xB7], ""),
            ([0x08, 0x00], &[0x20, 0, 0, 0, 0, 0, 0], ""),
            ([0x08, 0x00], &[0x00, 0, 0, 0, 0, 0, 0], "127.0.0.1 overloaded"),
        ] {
            let port = answering(kind, rest).await;
            let found = once(&format!("check: [gatekeeper], gatekeeper_port: {port}")).await;
            assert_eq!((found.result.clone(), found.troubles().as_str()), (Ok(()), troubles));
            assert!(found.number("bridge_probe_answer_seconds").is_some());
        }
    }

    #[tokio::test]
    async fn a_part_that_is_not_there_does_not_hide_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let nobody = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let closed = nobody.local_addr().unwrap().port();
        drop(nobody);
        let found = once(&format!("gatekeeper_port: {closed}, call_port: {port}")).await;
        assert_eq!(found.reason(), Some(Reason::Refused));
        assert!(found.detail().starts_with("gatekeeper: ask 127.0.0.1:"), "{}", found.detail());
        assert!(found.number("bridge_probe_connect_seconds").is_some(), "{}", found.steps());
    }
}
