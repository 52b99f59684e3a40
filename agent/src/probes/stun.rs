//! Under which address the outside sees this PC, and whether that changes.
//!
//! A conference client tells the other side this address for picture and sound. Where it changes
//! during a call, as with a line that is dialled anew or two lines that share the load, the call
//! loses both.

pub(super) mod message;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Deserialize;
use wire::Cause;
use wire::reading::{Capability, Failure, Reason};

use self::message::{Answer, Awaited, Method, Transaction};
use super::path::{self, Path, Tls, Transport};
use super::resolve::Host;
use crate::tally::Run;

/// `stun: { server: stun.tinh.gov.vn }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stun {
    /// A name, resolved anew at each run, or an address.
    pub server: Host,
    /// Default: 3478, and 5349 over TLS (RFC 8489 § 18.6).
    #[serde(default)]
    pub port: Option<NonZeroU16>,
    /// `udp`, `tcp` or `tls`. Default: `udp`, which picture and sound take.
    #[serde(default)]
    pub transport: Transport,
    /// A PEM file of certificates to trust besides the system's. Default: none.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(skip)]
    tls: Tls,
    /// What the run before was told.
    #[serde(skip)]
    before: Option<IpAddr>,
}

impl Stun {
    /// One datagram each way; a new address shows before a meeting has begun.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// Three questions over UDP, a second and more apart.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(5))
    }

    /// Asks the server from where it sees this PC's question come.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let port = self.port.map_or(default_port(self.transport), NonZeroU16::get);
        self.tls.prepare(self.transport, self.ca_file.as_ref()).await?;
        let (server, transport, tls) = (&self.server, self.transport, &self.tls);
        let answer = path::first_answer(run, server, port, async |address, patience| {
            let ask = Ask { method: Method::Binding, transport, address, patience };
            ask.ask(server, tls).await
        });
        let answer = answer.await;
        self.tls.record(run);
        self.record(run, &answer?)
    }

    fn record(&mut self, run: &mut Run<'_>, told: &Told) -> Result<(), Failure> {
        told.record(run);
        let Told { server, local, answer, .. } = told;
        let Some(mapped) = answer.mapped.filter(|_| answer.success) else {
            let error = answer.error.as_ref();
            let why = error.map_or("no address in the answer".to_owned(), |(code, why)| {
                format!("error {code} {why}")
            });
            return Err(Failure::new(Reason::Unexpected, format_args!("{server}: {why}")));
        };
        run.step(|| mapped_vi(*local, mapped), || mapped_en(*local, mapped));
        let before = self.before.replace(mapped.ip()).filter(|before| *before != mapped.ip());
        run.count(
            "bridge_probe_mapped_address_changes_total",
            f64::from(u8::from(before.is_some())),
        );
        if let Some(before) = before {
            let detail = format!("{before} is now {}", mapped.ip());
            run.trouble(&self.server.to_string(), Cause::AddressChanged, &detail);
        }
        Ok(())
    }
}

/// RFC 8489 § 18.6 and RFC 8656 § 22: the same for STUN and TURN.
pub(super) fn default_port(transport: Transport) -> u16 {
    if transport == Transport::Tls { 5349 } else { 3478 }
}

/// A question that any STUN server answers, for whoever only wants an answer.
pub(super) fn any_question() -> Result<Vec<u8>, Failure> {
    Ok(message::question(Method::Binding, fresh()?))
}

/// One question to one address.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) transport: Transport,
    pub(super) address: SocketAddr,
    pub(super) patience: Duration,
}

/// What one server told.
pub(super) struct Told {
    pub(super) server: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) transport: Transport,
    pub(super) took: Duration,
    pub(super) answer: Answer,
}

impl Ask {
    pub(super) async fn ask(&self, host: &Host, tls: &Tls) -> Result<Told, Failure> {
        let Self { method, transport, address: server, patience } = *self;
        let start = Instant::now();
        let mut path = Path::open(transport, server, host, tls, patience).await?;
        let transaction = fresh()?;
        let question = message::question(method, transaction);
        let sent = Instant::now();
        let left = patience.saturating_sub(start.elapsed());
        let answer = path.ask(&question, left, &Awaited { method, transaction }).await?;
        let told = Told { server, local: path.local, transport, took: sent.elapsed(), answer };
        if method == Method::Allocate && told.answer.success {
            // A relay that asks for no account has given one of its own, which others may need.
            let (method, transaction) = (Method::Refresh, fresh()?);
            let left = patience.saturating_sub(start.elapsed());
            let back = message::question(method, transaction);
            path.ask(&back, left, &Awaited { method, transaction }).await.ok();
        }
        Ok(told)
    }
}

impl Told {
    /// What every answer tells.
    pub(super) fn record(&self, run: &mut Run<'_>) {
        let seconds = self.took.as_secs_f64();
        run.gauge("bridge_probe_answer_seconds", seconds);
        let (server, over) = (self.server, self.transport.name());
        let software = self.answer.software.as_deref().unwrap_or("-");
        run.step(
            || format!("{server} ({software}) trả lời qua {over} sau {:.1} ms.", seconds * 1e3),
            || format!("{server} ({software}) answered over {over} after {:.1} ms.", seconds * 1e3),
        );
    }
}

/// A transaction of its own for every question, or an answer could be somebody else's.
fn fresh() -> Result<Transaction, Failure> {
    let mut transaction = Transaction::default();
    getrandom::fill(&mut transaction)
        .map_err(|error| Failure::new(Reason::Internal, format_args!("random bytes: {error}")))?;
    Ok(transaction)
}

fn mapped_vi(local: SocketAddr, mapped: SocketAddr) -> String {
    if local.ip() == mapped.ip() {
        format!("Bên ngoài thấy máy này ở {mapped}, đúng địa chỉ của nó: không có NAT.")
    } else {
        format!("Bên ngoài thấy {local} của máy này ở {mapped}: có NAT trên đường.")
    }
}

fn mapped_en(local: SocketAddr, mapped: SocketAddr) -> String {
    if local.ip() == mapped.ip() {
        format!("The outside sees this PC at {mapped}, its own address: there is no NAT.")
    } else {
        format!("The outside sees {local} of this PC at {mapped}: there is NAT in between.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bench::{Bench, config};

    fn told(mapped: Option<&str>, success: bool) -> Told {
        let error = (!success).then(|| (420, "Unknown Attribute".to_owned()));
        let mapped = mapped.map(|address| address.parse().unwrap());
        Told {
            server: "10.0.0.10:3478".parse().unwrap(),
            local: "192.168.1.5:40000".parse().unwrap(),
            transport: Transport::Udp,
            took: Duration::from_millis(12),
            answer: Answer { success, mapped, error, ..Answer::default() },
        }
    }

    #[test]
    fn a_new_address_is_told_once_and_counted() {
        let (mut bench, mut probe) = (Bench::default(), config::<Stun>("{ server: mcu }"));
        for (mapped, troubles, changes) in [
            ("203.0.113.9:4000", "", 0.0),
            ("203.0.113.9:4001", "", 0.0),
            ("203.0.113.77:4001", "mcu address_changed", 1.0),
            ("203.0.113.77:4002", "", 1.0),
        ] {
            let told = told(Some(mapped), true);
            let found = bench.record(|run| probe.record(run, &told).unwrap());
            assert_eq!(found.troubles(), troubles, "{mapped}");
            assert_eq!(found.number("bridge_probe_mapped_address_changes_total"), Some(changes));
            assert_eq!(found.number("bridge_probe_answer_seconds"), Some(0.012));
        }
    }

    #[test]
    fn an_answer_without_an_address_is_not_the_expected_one() {
        for (told, why) in [
            (told(None, true), "10.0.0.10:3478: no address in the answer"),
            (told(None, false), "10.0.0.10:3478: error 420 Unknown Attribute"),
            (told(Some("203.0.113.9:1"), false), "10.0.0.10:3478: error 420 Unknown Attribute"),
        ] {
            let mut failure = None;
            Bench::default().record(|run| {
                failure = config::<Stun>("{ server: mcu }").record(run, &told).err();
            });
            let failure = failure.unwrap();
            assert_eq!((failure.reason, &*failure.detail), (Reason::Unexpected, why));
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_refuses() {
        let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = nobody.local_addr().unwrap().port();
        drop(nobody);
        for transport in ["udp", "tcp"] {
            let yaml = format!("{{ server: 127.0.0.1, port: {port}, transport: {transport} }}");
            let mut probe = crate::probes::Probe::Stun(config(&yaml));
            let found = Bench::default().run(&mut probe).await;
            assert_eq!(found.reason(), Some(Reason::Refused), "{transport}: {:?}", found.result);
        }
    }
}
