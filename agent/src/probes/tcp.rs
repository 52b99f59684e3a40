//! Whether a port takes TCP connections, and how long that takes.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::net::TcpStream;
use wire::reading::{Capability, Failure, Reason};

use super::failure;
use super::resolve::Host;
use crate::tally::Run;

/// `tcp: { host: mcu.tinh.gov.vn, port: 5061 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    /// A name, resolved anew at each run, or an address.
    pub host: Host,
    /// The port.
    pub port: NonZeroU16,
}

impl Tcp {
    /// A handshake is three packets; four a minute show an outage within a meeting's patience.
    pub const EVERY: Duration = Duration::from_secs(15);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// Linux sends a lost SYN again after 1 s and 3 s; within 5 s both had their chance.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(5))
    }

    /// Connects and hangs up.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let start = Instant::now();
        let patience = failure::patience(run);
        let (host, port) = (&self.host, self.port.get());
        let addresses = host.addresses(port, patience).await?;
        if !host.is_address() {
            run.step(
                || format!("{host} được phân giải thành {}.", list(&addresses)),
                || format!("{host} resolves to {}.", list(&addresses)),
            );
        }
        self.connect(run, &addresses, patience.saturating_sub(start.elapsed())).await
    }

    /// Tries one address after the other until one connects, each with its share of the time.
    ///
    /// The time counts from the first attempt: programs that try the addresses in this order
    /// wait as long, so a dead first address shows as a slow connection instead of being hidden
    /// by a second one that works.
    async fn connect(
        &self,
        run: &mut Run<'_>,
        addresses: &[SocketAddr],
        patience: Duration,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let mut first = None;
        for (address, share) in failure::in_turn(addresses, patience) {
            match attempt(*address, share).await {
                Ok(()) => {
                    let seconds = start.elapsed().as_secs_f64();
                    run.gauge("bridge_probe_connect_seconds", seconds);
                    run.step(
                        || format!("Đã kết nối tới {address} sau {:.1} ms.", seconds * 1e3),
                        || format!("Connected to {address} after {:.1} ms.", seconds * 1e3),
                    );
                    return Ok(());
                }
                Err(failure) => {
                    run.step(|| not_connected_vi(*address, &failure), || failure.to_string());
                    first.get_or_insert(failure);
                }
            }
        }
        // The first address is the one other programs would use.
        Err(first.unwrap_or_else(|| Failure::new(Reason::Resolve, "no address to connect to")))
    }
}

async fn attempt(address: SocketAddr, patience: Duration) -> Result<(), Failure> {
    let what = format_args!("connect {address}");
    let connecting = async {
        TcpStream::connect(address).await.map_err(|error| {
            // A reset in answer to a SYN is how some firewalls refuse.
            if error.kind() == std::io::ErrorKind::ConnectionReset {
                Failure::new(Reason::Refused, format_args!("{what}: connection reset"))
            } else {
                failure::of(&error, what)
            }
        })
    };
    failure::within(patience, what, connecting).await.map(drop)
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

fn not_connected_vi(address: SocketAddr, failure: &Failure) -> String {
    let meaning = match failure.reason {
        Reason::Refused => "máy có trả lời nhưng cổng đang đóng hoặc bị tường lửa từ chối",
        Reason::Unreachable => "không có đường đi tới địa chỉ này",
        Reason::Timeout => "không có trả lời: máy tắt, mất đường truyền hoặc tường lửa chặn",
        Reason::Denied => "máy này không cho phép chương trình kết nối",
        _ => "lỗi khác",
    };
    format!("Không kết nối được {address}: {meaning} ({failure}).")
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::probes::Probe;
    use crate::probes::bench::{Bench, config};

    fn probe(port: u16) -> Probe {
        Probe::Tcp(config(&format!("{{ host: 127.0.0.1, port: {port} }}")))
    }

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn an_open_port_gives_its_connect_time() {
        let (_listener, port) = listener().await;
        let found = Bench::default().run(&mut probe(port)).await;
        assert_eq!(found.result, Ok(()));
        let seconds = found.number("bridge_probe_connect_seconds").unwrap();
        assert!(seconds > 0.0 && seconds < 20.0, "{seconds}");
        assert!(found.steps().starts_with(&format!("Connected to 127.0.0.1:{port} after ")));
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        let (closed, port) = listener().await;
        drop(closed);
        let found = Bench::default().run(&mut probe(port)).await;
        assert_eq!(found.reason(), Some(Reason::Refused));
        assert_eq!(found.detail(), format!("connect 127.0.0.1:{port}: connection refused"));
        assert_eq!(found.number("bridge_probe_connect_seconds"), None);
    }

    /// A listener whose queue is full lets the kernel drop every further SYN, as a dead line does.
    #[tokio::test]
    async fn a_port_that_stays_silent_times_out() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let fill = || TcpStream::connect(address);
        let _full = (fill().await.unwrap(), fill().await.unwrap());

        let mut bench = Bench::within(Duration::from_millis(400));
        let found = bench.run(&mut probe(address.port())).await;
        assert_eq!(found.reason(), Some(Reason::Timeout));
        assert_eq!(found.detail(), format!("connect {address}: no answer in 0.38 s"));
    }

    #[tokio::test]
    async fn an_address_without_a_route_is_unreachable() {
        // No connection can be made to the limited broadcast, with or without a default route.
        let mut tcp: Tcp = config("{ host: 255.255.255.255, port: 9 }");
        let mut tally = crate::tally::Tally::default();
        let mut run = Run::new(&mut tally, Tcp::EVERY, Duration::from_secs(5), false);
        let failure = tcp.run(&mut run).await.unwrap_err();
        assert_eq!(failure.reason, Reason::Unreachable, "{failure}");
    }

    #[tokio::test]
    async fn a_dead_first_address_is_said_and_does_not_end_the_run() {
        let (closed, dead) = listener().await;
        drop(closed);
        let (_listener, alive) = listener().await;
        let addresses = [dead, alive].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let tcp: Tcp = config("{ host: mcu.example, port: 5060 }");
        let mut tally = crate::tally::Tally::default();
        let mut run = Run::new(&mut tally, Tcp::EVERY, Duration::from_secs(5), true);
        tcp.connect(&mut run, &addresses, Duration::from_secs(5)).await.unwrap();
        let trace = run.finish().trace;
        let steps: Vec<_> = trace.0.iter().map(|(_, en)| en.as_str()).collect();
        assert!(steps.first().unwrap().ends_with("connection refused"), "{steps:?}");
        assert!(steps.get(1).unwrap().starts_with("Connected to"), "{steps:?}");
    }

    #[test]
    fn a_configuration_that_cannot_work_is_refused() {
        for yaml in ["{ host: a, port: 0 }", "{ host: a }", "{ port: 1 }", "{ host: a, prt: 1 }"] {
            assert!(serde_yaml::from_str::<Tcp>(yaml).is_err(), "{yaml}");
        }
    }
}
