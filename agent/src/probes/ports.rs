//! Which of the ports that a meeting needs come through, and which the line blocks: the one
//! sentence that whoever runs the firewall asks for.
//!
//! A port that refuses proves that the way to it stands; one that stays silent while another of
//! the same host answers is blocked on the way. Over UDP only an answer proves anything, so each
//! port is asked in the protocol that is spoken there.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use wire::Cause;
use wire::reading::{Capability, Failure, Reason};

use super::datagram::Datagrams;
use super::failure;
use super::resolve::Host;
use super::{h323, sip, stun};
use crate::tally::Run;

/// A conference server needs a handful; all are tried at once.
const PORTS: usize = 32;

/// `ports: { host: 10.0.0.10, need: [tcp/443, tcp/1720, sip/5060, stun/3478, h323/1719] }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// A name, resolved anew at each run, or an address.
    pub host: Host,
    /// `tcp/PORT`, or for UDP the protocol that answers there: `sip/5060`, `stun/3478`,
    /// `h323/1719`.
    pub need: Needs,
}

/// See [`Ports::need`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Needs(Vec<Port>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Port {
    protocol: Protocol,
    number: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Protocol {
    Tcp,
    Sip,
    Stun,
    H323,
}

/// What a port does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Open,
    Closed,
    Silent,
}

impl TryFrom<Vec<String>> for Needs {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        if texts.is_empty() || texts.len() > PORTS {
            return Err(format!("1 to {PORTS} ports, as in [tcp/443, sip/5060]"));
        }
        let mut ports = Vec::new();
        for text in texts {
            let port = Port::read(&text).ok_or_else(|| {
                format!(
                    "{text:?} is not a port: write tcp/443, or for UDP the protocol that answers \
                     there: sip/5060, stun/3478 or h323/1719"
                )
            })?;
            if ports.contains(&port) {
                return Err(format!("{port} stands here twice"));
            }
            ports.push(port);
        }
        Ok(Self(ports))
    }
}

impl Port {
    fn read(text: &str) -> Option<Self> {
        let (protocol, number) = text.split_once('/')?;
        let protocol = match protocol {
            "tcp" => Protocol::Tcp,
            "sip" => Protocol::Sip,
            "stun" => Protocol::Stun,
            "h323" => Protocol::H323,
            _ => return None,
        };
        let number = number.parse().ok().filter(|number| *number != 0)?;
        Some(Self { protocol, number })
    }
}

impl Ports {
    /// Rules of a firewall change when somebody changes them, a few times a year.
    pub const EVERY: Duration = Duration::from_mins(5);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// All ports at once; within 5 s a lost SYN was sent again twice.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(6))
    }

    /// Tries every port of the host's first address, the one other programs use.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let patience = failure::patience(run);
        let start = std::time::Instant::now();
        let addresses = self.host.addresses(0, patience).await?;
        let address = addresses.first().ok_or_else(|| {
            Failure::new(Reason::Resolve, format_args!("resolve {}: no address", self.host))
        })?;
        let left = patience.saturating_sub(start.elapsed());
        let mut trying = JoinSet::new();
        for (place, port) in self.need.0.iter().copied().enumerate() {
            let server = SocketAddr::new(address.ip(), port.number);
            trying.spawn(async move { (place, port.attempt(server, left).await) });
        }
        let mut found = vec![Err(Reason::Internal); self.need.0.len()];
        while let Some(tried) = trying.join_next().await {
            if let Ok((place, outcome)) = tried
                && let Some(slot) = found.get_mut(place)
            {
                *slot = outcome;
            }
        }
        self.record(run, &found)
    }

    fn record(&self, run: &mut Run<'_>, found: &[Result<Found, Reason>]) -> Result<(), Failure> {
        let ports = || self.need.0.iter().zip(found);
        let of = |wanted: Result<Found, Reason>| {
            let them = ports().filter(|(_, found)| **found == wanted);
            them.map(|(port, _)| port.to_string()).collect::<Vec<_>>().join(", ")
        };
        for (port, found) in ports() {
            let open = f64::from(u8::from(*found == Ok(Found::Open)));
            run.gauge_of("bridge_probe_port_open", &port.to_string(), open);
        }
        if let Some(reason) = found.iter().find_map(|found| found.err()) {
            let what = format_args!("{}: a port cannot be tried from here", self.host);
            return Err(Failure::new(reason, what));
        }
        let (open, closed, silent) =
            (of(Ok(Found::Open)), of(Ok(Found::Closed)), of(Ok(Found::Silent)));
        run.step(
            || sentence_vi(&self.host, &open, &closed, &silent),
            || sentence_en(&self.host, &open, &closed, &silent),
        );
        if open.is_empty() && closed.is_empty() {
            let detail = format_args!("{}: none of {silent} answers", self.host);
            return Err(Failure::new(Reason::Timeout, detail));
        }
        if !(closed.is_empty() && silent.is_empty()) {
            let detail = sentence_en(&self.host, &open, &closed, &silent);
            run.trouble(&self.host.to_string(), Cause::PortsBlocked, &detail);
        }
        Ok(())
    }
}

impl Port {
    /// Whether it is open; the error is a reason why this PC cannot even try.
    async fn attempt(self, server: SocketAddr, patience: Duration) -> Result<Found, Reason> {
        let outcome = match self.protocol {
            Protocol::Tcp => {
                let what = format!("connect {server}");
                let connecting = async {
                    let connected = TcpStream::connect(server).await;
                    connected.map(drop).map_err(|error| failure::of(&error, &what))
                };
                failure::within(patience, &what, connecting).await
            }
            protocol => protocol.ask(server, patience).await,
        };
        match outcome.map_err(|failure| failure.reason) {
            Ok(()) => Ok(Found::Open),
            // A firewall may refuse in the server's name; then it is the one to look at.
            Err(Reason::Refused | Reason::Protocol) => Ok(Found::Closed),
            Err(Reason::Timeout | Reason::Unreachable | Reason::Denied) => Ok(Found::Silent),
            Err(reason) => Err(reason),
        }
    }
}

impl Protocol {
    /// Any datagram in answer proves that both directions are open.
    async fn ask(self, server: SocketAddr, patience: Duration) -> Result<(), Failure> {
        let socket = Datagrams::to(server).await?;
        let local = socket.local()?;
        let question = match self {
            Self::Sip => sip::any_question(server, local)?,
            Self::H323 => h323::any_question(local)?,
            Self::Stun | Self::Tcp => stun::any_question()?,
        };
        socket.ask(&question, patience, |_| Some(())).await
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Sip => "sip",
            Protocol::Stun => "stun",
            Protocol::H323 => "h323",
        };
        write!(f, "{protocol}/{}", self.number)
    }
}

fn sentence_vi(host: &Host, open: &str, closed: &str, silent: &str) -> String {
    let parts = parts([("thông", open), ("bị chặn trên đường", silent), ("bên kia đóng", closed)]);
    format!("Các cổng cần cho cuộc họp tới {host}: {parts}.")
}

fn sentence_en(host: &Host, open: &str, closed: &str, silent: &str) -> String {
    let parts = parts([("open", open), ("blocked on the way", silent), ("closed there", closed)]);
    format!("Ports the meeting needs at {host}: {parts}.")
}

fn parts(parts: [(&str, &str); 3]) -> String {
    let there = parts.into_iter().filter(|(_, ports)| !ports.is_empty());
    there.map(|(word, ports)| format!("{word} {ports}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bench::{Bench, config};

    const NEED: &str = "{ host: mcu, need: [tcp/443, tcp/1720, sip/5060, stun/3478] }";

    #[test]
    fn one_sentence_says_what_is_open_blocked_and_closed() {
        use Found::{Closed, Open, Silent};
        for (found, troubles, sentence) in [
            (
                [Open; 4],
                "",
                "Ports the meeting needs at mcu: open tcp/443, tcp/1720, sip/5060, stun/3478.",
            ),
            (
                [Open, Closed, Silent, Silent],
                "mcu ports_blocked",
                "Ports the meeting needs at mcu: open tcp/443; blocked on the way sip/5060, stun/3478; closed there tcp/1720.",
            ),
            (
                [Closed, Silent, Silent, Silent],
                "mcu ports_blocked",
                "Ports the meeting needs at mcu: blocked on the way tcp/1720, sip/5060, stun/3478; closed there tcp/443.",
            ),
        ] {
            let mut outcome = Ok(());
            let probe: Ports = config(NEED);
            let seen = Bench::default().record(|run| outcome = probe.record(run, &found.map(Ok)));
            assert_eq!((outcome, seen.troubles().as_str()), (Ok(()), troubles));
            assert_eq!(seen.steps(), sentence);
            let open = f64::from(u8::from(found[0] == Open));
            assert_eq!(seen.number_of("bridge_probe_port_open", "tcp/443"), Some(open));
        }
    }

    #[test]
    fn a_host_of_which_nothing_is_heard_is_a_failure_and_not_a_firewall() {
        let probe: Ports = config(NEED);
        let mut outcome = Ok(());
        Bench::default().record(|run| outcome = probe.record(run, &[Ok(Found::Silent); 4]));
        let failure = outcome.unwrap_err();
        assert_eq!(failure.reason, Reason::Timeout);
        assert_eq!(&*failure.detail, "mcu: none of tcp/443, tcp/1720, sip/5060, stun/3478 answers");
    }

    #[test]
    fn a_port_is_written_with_its_protocol() {
        for (yaml, good) in [
            ("[tcp/443]", true),
            ("[sip/5060, stun/3478, h323/1719]", true),
            ("[]", false),
            ("[443]", false),
            ("[udp/5004]", false),
            ("[tcp/0]", false),
            ("[tcp/65536]", false),
            ("[tcp/443, tcp/443]", false),
        ] {
            assert_eq!(serde_yaml::from_str::<Needs>(yaml).is_ok(), good, "{yaml}");
        }
    }

    #[tokio::test]
    async fn ports_of_this_pc_are_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap().port();
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (silent, shut) = (
            tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            closed.local_addr().unwrap().port(),
        );
        drop(closed);
        let silent_port = silent.local_addr().unwrap().port();
        let yaml =
            format!("{{ host: 127.0.0.1, need: [tcp/{open}, tcp/{shut}, sip/{silent_port}] }}");
        let mut probe = crate::probes::Probe::Ports(config(&yaml));
        let found = Bench::within(Duration::from_millis(600)).run(&mut probe).await;
        assert_eq!(found.result, Ok(()));
        let expected = format!(
            "open tcp/{open}; blocked on the way sip/{silent_port}; closed there tcp/{shut}."
        );
        assert!(found.steps().ends_with(&expected), "{}", found.steps());
    }
}
