//! A packet capture on the whole namespace: the stamps of the kernel, as `tcpdump` shows them.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};

/// Every protocol, in network byte order (`ETH_P_ALL` of `linux/if_ether.h`).
const ALL: i32 = 0x0003_u16.to_be() as i32;

/// Packets wait here while the emulator sleeps; some 8,000 small ones.
const BUFFER: usize = 8 * 1024 * 1024;

/// When each echo was seen.
#[derive(Debug, Default)]
pub struct Seen(HashMap<(u16, u16), Sight>);

/// One echo; stamps are since the epoch.
#[derive(Debug)]
struct Sight {
    payload: [u8; 8],
    request: Duration,
    /// Its replies in their order; those with another payload are not its own.
    replies: Vec<Duration>,
}

impl Seen {
    /// The round trip times of an echo's replies, as the capture has them.
    #[must_use]
    pub fn round_trips(&self, identifier: u16, sequence: u16) -> Vec<Duration> {
        let Some(sight) = self.0.get(&(identifier, sequence)) else { return Vec::new() };
        sight.replies.iter().map(|reply| reply.saturating_sub(sight.request)).collect()
    }
}

#[derive(Debug)]
pub(super) struct Capture {
    socket: Socket,
    seen: Seen,
}

impl Capture {
    /// Begins to capture in the namespace of the calling thread.
    pub(super) fn start() -> io::Result<Self> {
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(ALL)))?;
        setsockopt(&socket, sockopt::RcvBufForce, &BUFFER)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        Ok(Self { socket, seen: Seen::default() })
    }

    /// Takes what has been captured since.
    pub(super) fn drain(&mut self) {
        let (mut packet, mut control) = ([0; 256], [0; 128]);
        loop {
            let mut parts = [IoSliceMut::new(&mut packet)];
            let received = recvmsg::<SockaddrStorage>(
                self.socket.as_raw_fd(),
                &mut parts,
                Some(&mut control),
                MsgFlags::MSG_DONTWAIT,
            );
            let received = match received {
                Ok(received) => received,
                Err(Errno::EAGAIN) => return,
                Err(error) => panic!("capture: {error}"),
            };
            let stamp = received.cmsgs().unwrap().find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
                _ => None,
            });
            let length = received.bytes.min(256);
            self.note(&packet[..length], stamp.expect("packet sockets stamp everything"));
        }
    }

    pub(super) fn finish(mut self) -> Seen {
        self.drain();
        self.seen
    }

    fn note(&mut self, packet: &[u8], stamp: Duration) {
        let Some((kind, key, payload)) = echo(packet) else { return };
        match kind {
            8 | 128 => {
                let sight = Sight { payload, request: stamp, replies: Vec::new() };
                self.seen.0.insert(key, sight);
            }
            0 | 129 => {
                if let Some(sight) = self.seen.0.get_mut(&key)
                    && sight.payload == payload
                {
                    sight.replies.push(stamp);
                }
            }
            _ => {}
        }
    }
}

/// An ICMP message's type, identifier, sequence number and first bytes of payload.
fn echo(packet: &[u8]) -> Option<(u8, (u16, u16), [u8; 8])> {
    let header = match packet.first()? >> 4 {
        4 if *packet.get(9)? == 1 => usize::from(packet[0] & 0xf) * 4,
        6 if *packet.get(6)? == 58 => 40,
        _ => return None,
    };
    let message = packet.get(header..)?;
    let [kind, 0, _, _, i0, i1, s0, s1] = *message.first_chunk()? else { return None };
    let key = (u16::from_be_bytes([i0, i1]), u16::from_be_bytes([s0, s1]));
    Some((kind, key, *message.get(8..)?.first_chunk()?))
}
