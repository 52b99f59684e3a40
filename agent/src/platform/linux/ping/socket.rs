//! Echo on an own socket, with the kernel's receive stamps (`SO_TIMESTAMPNS`, socket(7)).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, send, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Type};

use super::packet::{self, Packets, TOKEN, is_v6};
use super::stamps;
use crate::platform::echo::{Arrival, Notice, OpenError, Way};

/// Tries for an identifier that no other ping socket of this system has. With a thousand in use
/// one try fails once in 65.
const IDENTIFIER_TRIES: usize = 8;

/// The largest message heard: a whole IP packet with the largest payload a probe may ask for
/// fits, and foreign ones may be cut.
const MESSAGE: usize = 2048;

/// Room for a time stamp, an extended error and its sender's address (some 100 bytes), aligned
/// and with headers.
const CONTROL: usize = 256;

/// A socket connected to the address it measures, so that the kernel delivers only what comes
/// from there, and the errors that others send about it.
#[derive(Debug)]
pub(super) struct Socket {
    channel: socket2::Socket,
    packets: Packets,
    raw: bool,
    /// The sequence number of index 0.
    first: u16,
    /// The request; each takes its own number and goes.
    packet: Vec<u8>,
    /// When each request left, by its index.
    sent: Vec<Option<Moment>>,
    /// There may be something in the error queue.
    complaints: bool,
    message: Box<[u8; MESSAGE]>,
    control: Box<[u8; CONTROL]>,
}

/// What opening came to.
pub(super) enum Opened {
    Stamping(Socket),
    /// Sockets are allowed, receive stamps are not to be had.
    Unstamped,
}

/// What was taken from a socket.
enum Taken {
    Ours(Arrival),
    Foreign,
    Nothing,
}

impl Socket {
    pub(super) fn open(target: SocketAddr, count: u16, size: u16) -> Result<Opened, OpenError> {
        let v6 = is_v6(target.ip());
        let (socket, raw) = create(v6)?;
        if setsockopt(&socket, sockopt::ReceiveTimestampns, &true).is_err() {
            return Ok(Opened::Unstamped);
        }
        stamps::switch_on();
        let errors = if v6 {
            setsockopt(&socket, sockopt::Ipv6RecvErr, &true)
        } else {
            setsockopt(&socket, sockopt::Ipv4RecvErr, &true)
        };
        errors.map_err(io::Error::from)?;
        socket.set_nonblocking(true)?;
        let identifier = if raw { u16::from_be_bytes(random()?) } else { bind(&socket, v6)? };
        socket.connect(&target.into())?;
        let packets = Packets { v6, ip_header: raw && !v6, identifier, token: random::<TOKEN>()? };
        Ok(Opened::Stamping(Self {
            channel: socket,
            raw,
            first: u16::from_be_bytes(random()?),
            packet: packets.blank(usize::from(size)),
            packets,
            sent: vec![None; usize::from(count)],
            complaints: false,
            message: Box::new([0; MESSAGE]),
            control: Box::new([0; CONTROL]),
        }))
    }

    pub(super) fn way(&self) -> Way {
        if self.raw { Way::RawSocket } else { Way::PingSocket }
    }

    pub(super) fn send(&mut self, index: u16) -> io::Result<()> {
        self.packets.number(&mut self.packet, self.first.wrapping_add(index));
        let (fd, packet) = (self.channel.as_raw_fd(), &self.packet);
        let depart = || {
            let now = Moment::now();
            send(fd, packet, MsgFlags::MSG_DONTWAIT).map(|_| now)
        };
        // A socket reports what became of an earlier packet by failing the next call, and has
        // then not sent; only a second refusal is about this one.
        let departed = depart().or_else(|_| {
            self.complaints = true;
            depart()
        })?;
        if let Some(sent) = self.sent.get_mut(usize::from(index)) {
            *sent = Some(departed);
        }
        Ok(())
    }

    pub(super) fn waiting(&mut self) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        // Each request can be answered, doubled and complained about; the bound only keeps a
        // flood of foreign packets from going on for ever.
        for _ in 0..self.sent.len().saturating_mul(4) {
            match self.take() {
                Taken::Ours(arrival) => arrivals.push(arrival),
                Taken::Foreign => {}
                Taken::Nothing => break,
            }
        }
        arrivals
    }

    /// Takes one message from the socket or, when there is none, from its error queue.
    fn take(&mut self) -> Taken {
        match self.receive(MsgFlags::empty()) {
            Ok(heard) => return self.reply(&heard),
            Err(Errno::EAGAIN) => {}
            // The word of an error whose whole story is in the error queue; told only once.
            Err(_) => self.complaints = true,
        }
        if !self.complaints {
            return Taken::Nothing;
        }
        if let Ok(heard) = self.receive(MsgFlags::MSG_ERRQUEUE) {
            return self.complaint(&heard);
        }
        self.complaints = false;
        Taken::Foreign
    }

    fn receive(&mut self, flags: MsgFlags) -> nix::Result<Heard> {
        let fd = self.channel.as_raw_fd();
        let mut parts = [IoSliceMut::new(&mut self.message[..])];
        let received = recvmsg::<SockaddrStorage>(
            fd,
            &mut parts,
            Some(&mut self.control[..]),
            flags | MsgFlags::MSG_DONTWAIT,
        )?;
        let mut heard =
            Heard { length: received.bytes, at: Moment::now(), stamp: None, notice: None };
        for control in received.cmsgs()? {
            match control {
                ControlMessageOwned::ScmTimestampns(stamp) => heard.stamp = Some(stamp.into()),
                ControlMessageOwned::Ipv4RecvErr(error, from) => {
                    let from = from.map(|from| u32::from_be(from.sin_addr.s_addr));
                    let from = from.map(|from| IpAddr::V4(from.into()));
                    heard.notice = notice(false, error.ee_type, error.ee_code, from);
                }
                ControlMessageOwned::Ipv6RecvErr(error, from) => {
                    let from = from.map(|from| IpAddr::V6(from.sin6_addr.s6_addr.into()));
                    heard.notice = notice(true, error.ee_type, error.ee_code, from);
                }
                _ => {}
            }
        }
        Ok(heard)
    }

    fn reply(&self, heard: &Heard) -> Taken {
        let bytes = self.message.get(..heard.length).unwrap_or_default();
        let Some((index, sent)) = self.packets.reply(bytes).and_then(|seq| self.request(seq))
        else {
            return Taken::Foreign;
        };
        Taken::Ours(Arrival::Reply { index, rtt: round_trip(sent, heard.stamp, heard.at) })
    }

    fn complaint(&self, heard: &Heard) -> Taken {
        let bytes = self.message.get(..heard.length).unwrap_or_default();
        let quoted = self.packets.quoted(bytes).and_then(|sequence| self.request(sequence));
        match (quoted, &heard.notice) {
            (Some((index, _)), Some(notice)) => {
                Taken::Ours(Arrival::Undeliverable { index, notice: notice.clone() })
            }
            _ => Taken::Foreign,
        }
    }

    /// The index of a request that was sent, and when.
    fn request(&self, sequence: u16) -> Option<(u16, Moment)> {
        let index = sequence.wrapping_sub(self.first);
        let sent = self.sent.get(usize::from(index)).copied().flatten()?;
        Some((index, sent))
    }
}

/// One message as the kernel handed it out; its bytes are in the socket's buffer.
struct Heard {
    length: usize,
    /// When it was handed out.
    at: Moment,
    /// When it arrived, by the wall clock, since the epoch.
    stamp: Option<Duration>,
    notice: Option<Notice>,
}

/// A moment by both clocks: the kernel stamps by the one that people set, and intervals need the
/// one that nobody can.
#[derive(Debug, Clone, Copy)]
struct Moment {
    /// Since the epoch.
    wall: Duration,
    monotonic: Instant,
}

impl Moment {
    /// The wall clock is read first: should the system interrupt in between, a round trip
    /// reckoned over this moment is too long rather than too short, and the shorter one counts.
    fn now() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall, monotonic: Instant::now() }
    }
}

/// A ping socket, or else a raw one; and whether it is raw.
fn create(v6: bool) -> Result<(socket2::Socket, bool), OpenError> {
    let (domain, protocol) =
        if v6 { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) };
    let open = |kind| socket2::Socket::new(domain, kind, Some(protocol));
    if let Ok(socket) = open(Type::DGRAM) {
        return Ok((socket, false));
    }
    match open(Type::RAW) {
        Ok(socket) => Ok((socket, true)),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(OpenError::Denied),
        Err(error) => Err(error.into()),
    }
}

/// Takes a random identifier: the kernel's own go up one by one, so hundreds of PCs behind one
/// address translator would choose the same.
fn bind(socket: &socket2::Socket, v6: bool) -> io::Result<u16> {
    let any: IpAddr = if v6 { [0u16; 8].into() } else { [0u8; 4].into() };
    let mut refusal = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..IDENTIFIER_TRIES {
        // 0 would let the kernel choose.
        let identifier = u16::from_be_bytes(random()?).max(1);
        match socket.bind(&SocketAddr::new(any, identifier).into()) {
            Ok(()) => return Ok(identifier),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

fn notice(v6: bool, kind: u8, code: u8, from: Option<IpAddr>) -> Option<Notice> {
    // The kernel's own complaints carry an unspecified sender.
    let from = from.filter(|from| !from.is_unspecified());
    packet::error(v6, kind, code).map(|what| Notice { what, from })
}

/// The round trip time of a reply that arrived at `stamp` and was taken at `taken`.
///
/// It can be reckoned from the sending on, or back from the taking. Either is right unless the
/// wall clock was set in its part of the way, and then it mostly comes out impossible or longer.
fn round_trip(sent: Moment, stamp: Option<Duration>, taken: Moment) -> Duration {
    let elapsed = taken.monotonic.saturating_duration_since(sent.monotonic);
    let from_sending = stamp.and_then(|stamp| stamp.checked_sub(sent.wall));
    let waited = stamp.and_then(|stamp| taken.wall.checked_sub(stamp));
    let from_taking = waited.and_then(|waited| elapsed.checked_sub(waited));
    [from_sending, from_taking].into_iter().flatten().fold(elapsed, Duration::min)
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_under_way_does_not_bend_the_round_trip() {
        const HOUR: i64 = 3_600_000;
        // The echo takes 40 ms and its reply then waits 60 ms. The clock is set by so many
        // milliseconds before the reply arrives, or after.
        let table = [
            ("not at all", 0, 0),
            ("an hour ahead on the way", HOUR, 0),
            ("an hour back on the way", -HOUR, 0),
            ("an hour ahead in the wait", 0, HOUR),
            ("an hour back in the wait", 0, -HOUR),
            ("a little ahead on the way", 50, 0),
            ("a little back on the way", -50, 0),
            ("a little ahead in the wait", 0, 50),
            ("a little back in the wait", 0, -50),
        ];
        let wall = |ms: i64| Duration::from_millis((10 * HOUR + ms).unsigned_abs());
        let began = Instant::now();
        let sent = Moment { wall: wall(0), monotonic: began };
        let end = began + Duration::from_millis(100);
        for (what, before, after) in table {
            let stamp = Some(wall(40 + before));
            let taken = Moment { wall: wall(100 + before + after), monotonic: end };
            assert_eq!(round_trip(sent, stamp, taken), Duration::from_millis(40), "{what}");
        }
        let taken = Moment { wall: wall(100), monotonic: end };
        assert_eq!(round_trip(sent, None, taken), Duration::from_millis(100), "no stamp");
        let both = Moment { wall: wall(2 * HOUR), monotonic: end };
        assert_eq!(round_trip(sent, Some(wall(-HOUR)), both), Duration::from_millis(100), "twice");
    }

    fn hears(target: &str) {
        let target: SocketAddr = target.parse().unwrap();
        let mut socket = match Socket::open(target, 3, 56) {
            Err(OpenError::Denied) => return println!("SKIPPED: this user may not send echoes"),
            // A machine without IPv6 has no such loopback.
            Err(OpenError::Io(error)) if target.is_ipv6() => return println!("SKIPPED: {error}"),
            Ok(Opened::Stamping(socket)) => socket,
            _ => panic!("Linux has receive stamps"),
        };
        for index in 0..3 {
            socket.send(index).unwrap();
        }
        let mut heard = Vec::new();
        while heard.len() < 3 {
            for arrival in socket.waiting() {
                let Arrival::Reply { index, rtt } = arrival else { panic!("{arrival:?}") };
                assert!(rtt < Duration::from_secs(5), "{rtt:?}");
                heard.push(index);
            }
        }
        assert_eq!(heard, [0, 1, 2]);
        assert_eq!(socket.waiting(), []);
    }

    #[test]
    fn this_system_answers_over_ipv4() {
        hears("127.0.0.1:0");
    }

    #[test]
    fn this_system_answers_over_ipv6() {
        hears("[::1]:0");
    }
}
