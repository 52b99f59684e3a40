//! Echo through the `surge-ping` library, where the kernel gives no receive stamps.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::packet::{TOKEN, is_v6};
use super::socket::random;
use crate::platform::echo::{Arrival, OpenError};

/// One client and a random identifier a channel: two pingers of one client that address one
/// host take each other's replies.
#[derive(Debug)]
pub(super) struct Surge {
    client: SurgeClient,
    target: SocketAddr,
    identifier: PingIdentifier,
    first: u16,
    payload: Vec<u8>,
    timeout: Duration,
    /// The library's, whoever sends.
    runtime: Handle,
    echoes: JoinSet<Option<Arrival>>,
}

struct SurgeClient(Client);

impl std::fmt::Debug for SurgeClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Surge {
    pub(super) fn open(
        target: SocketAddr,
        size: u16,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let kind = if is_v6(target.ip()) { ICMP::V6 } else { ICMP::V4 };
        let client =
            Client::new(&Config::builder().kind(kind).build()).map_err(|error| {
                match error.kind() {
                    io::ErrorKind::PermissionDenied => OpenError::Denied,
                    _ => OpenError::Io(error),
                }
            })?;
        let [i0, i1, s0, s1] = random()?;
        let token: [u8; TOKEN] = random()?;
        let mut payload = token.to_vec();
        payload.resize(usize::from(size), 0);
        Ok(Self {
            client: SurgeClient(client),
            target,
            identifier: PingIdentifier(u16::from_be_bytes([i0, i1])),
            first: u16::from_be_bytes([s0, s1]),
            payload,
            timeout,
            runtime: Handle::current(),
            echoes: JoinSet::new(),
        })
    }

    pub(super) fn send(&mut self, index: u16) {
        let client = self.client.0.clone();
        let (target, identifier, timeout) = (self.target, self.identifier, self.timeout);
        let sequence = PingSequence(self.first.wrapping_add(index));
        let payload = self.payload.clone();
        let echo = async move {
            let mut pinger = client.pinger(target.ip(), identifier).await;
            pinger.timeout(timeout);
            if let SocketAddr::V6(target) = target {
                pinger.scope_id(target.scope_id());
            }
            let (packet, rtt) = pinger.ping(sequence, &payload).await.ok()?;
            is_reply(&packet).then_some(Arrival::Reply { index, rtt })
        };
        self.echoes.spawn_on(echo, &self.runtime);
    }

    pub(super) fn waiting(&mut self) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        while let Some(ended) = self.echoes.try_join_next() {
            // Nothing if it was lost, or an error that the library does not tell apart.
            arrivals.extend(ended.ok().flatten());
        }
        arrivals
    }
}

/// The library hands out ICMP errors as if they were answers.
fn is_reply(packet: &IcmpPacket) -> bool {
    match packet {
        IcmpPacket::V4(packet) => packet.get_icmp_type().0 == 0,
        IcmpPacket::V6(packet) => packet.get_icmpv6_type().0 == 129,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_library_hears_this_system_too() {
        let target = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut surge = match Surge::open(target, 56, Duration::from_secs(5)) {
            Err(OpenError::Denied) => return println!("SKIPPED: this user may not send echoes"),
            opened => opened.unwrap(),
        };
        // As the probe does it: from a thread that is not the runtime's.
        std::thread::scope(|threads| {
            threads.spawn(|| surge.send(3));
        });
        let arrival = loop {
            if let Some(arrival) = surge.waiting().pop() {
                break arrival;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let Arrival::Reply { index, rtt } = arrival else { panic!("{arrival:?}") };
        assert_eq!(index, 3);
        assert!(rtt < Duration::from_secs(5));
    }
}
