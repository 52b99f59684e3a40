//! Echo on an own socket, with the kernel's receive stamps (`SO_TIMESTAMPNS`, socket(7)).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, send, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::packet::{self, Packets, TOKEN, is_v6};
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
    /// To the runtime, an ICMP socket is like any other for datagrams.
    channel: UdpSocket,
    packets: Packets,
    raw: bool,
    /// The sequence number of index 0.
    first: u16,
    size: usize,
    /// When each request left, by its index.
    sent: Vec<Option<Instant>>,
    /// Nothing was there when last looked, and the runtime has not said more since.
    quiet: bool,
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
            channel: UdpSocket::from_std(socket.into())?,
            packets,
            raw,
            first: u16::from_be_bytes(random()?),
            size: usize::from(size),
            sent: vec![None; usize::from(count)],
            quiet: true,
            complaints: false,
            message: Box::new([0; MESSAGE]),
            control: Box::new([0; CONTROL]),
        }))
    }

    pub(super) fn way(&self) -> Way {
        if self.raw { Way::RawSocket } else { Way::PingSocket }
    }

    pub(super) fn send(&mut self, index: u16) -> io::Result<()> {
        let request = self.packets.request(self.first.wrapping_add(index), self.size);
        let fd = self.channel.as_raw_fd();
        let depart = || {
            let now = Instant::now();
            send(fd, &request, MsgFlags::MSG_DONTWAIT).map(|_| now)
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

    pub(super) async fn next(&mut self) -> Arrival {
        loop {
            // A flood of packets must not keep the runtime from its timers.
            tokio::task::coop::consume_budget().await;
            if self.quiet {
                self.wait().await;
                self.quiet = false;
            }
            match self.take() {
                Taken::Ours(arrival) => return arrival,
                Taken::Foreign => {}
                Taken::Nothing => self.quiet = true,
            }
        }
    }

    /// Waits until there may be something.
    async fn wait(&self) {
        if self.channel.ready(Interest::READABLE | Interest::ERROR).await.is_err() {
            // The runtime is going down; whoever waits is going with it.
            std::future::pending::<()>().await;
        }
        // Forgets the readiness before looking, so that what comes meanwhile is told again. One
        // by one: the runtime forgets nothing of a combined interest.
        for interest in [Interest::READABLE, Interest::ERROR] {
            let forget = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            self.channel.try_io(interest, forget).unwrap_or_default();
        }
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
        let mut heard = Heard { length: received.bytes, ..Heard::default() };
        for control in received.cmsgs()? {
            match control {
                ControlMessageOwned::ScmTimestampns(stamp) => heard.age = age(stamp),
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
        heard.at = Some(Instant::now());
        Ok(heard)
    }

    fn reply(&self, heard: &Heard) -> Taken {
        let bytes = self.message.get(..heard.length).unwrap_or_default();
        let Some((index, sent)) = self.packets.reply(bytes).and_then(|seq| self.request(seq))
        else {
            return Taken::Foreign;
        };
        let elapsed = heard.at.map_or(Duration::ZERO, |at| at.saturating_duration_since(sent));
        Taken::Ours(Arrival::Reply { index, rtt: round_trip(elapsed, heard.age) })
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
    fn request(&self, sequence: u16) -> Option<(u16, Instant)> {
        let index = sequence.wrapping_sub(self.first);
        let sent = self.sent.get(usize::from(index)).copied().flatten()?;
        Some((index, sent))
    }
}

/// One message as the kernel handed it out; its bytes are in the socket's buffer.
#[derive(Default)]
struct Heard {
    length: usize,
    /// When it was handed out.
    at: Option<Instant>,
    /// How long it had then been in the kernel.
    age: Option<Duration>,
    notice: Option<Notice>,
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

/// How long ago a stamp of the wall clock was; nothing if the clock was since set back.
fn age(stamp: TimeSpec) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let seconds = u64::try_from(stamp.tv_sec()).ok()?;
    let nanoseconds = u32::try_from(stamp.tv_nsec()).ok()?;
    now.checked_sub(Duration::new(seconds, nanoseconds))
}

/// The round trip time: what has elapsed by the monotonic clock, less what the reply then waited
/// in the kernel.
///
/// Only that short wait is taken from the wall clock, whose stamps the kernel gives: the clock
/// may be set while an echo is on its way and nothing is wrong. Set within the wait, the result
/// is at worst what a program without stamps would say.
fn round_trip(elapsed: Duration, age: Option<Duration>) -> Duration {
    age.and_then(|age| elapsed.checked_sub(age)).unwrap_or(elapsed)
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_clock_set_under_way_does_not_bend_the_round_trip() {
        const MS: fn(u64) -> Duration = Duration::from_millis;
        let table = [
            ("an idle PC", MS(41), Some(MS(0)), MS(41)),
            ("a busy PC woke up late", MS(90), Some(MS(49)), MS(41)),
            ("no stamp", MS(41), None, MS(41)),
            (
                "the clock went an hour ahead before it was asked",
                MS(41),
                Some(MS(3_600_000)),
                MS(41),
            ),
        ];
        for (what, elapsed, age, expected) in table {
            assert_eq!(round_trip(elapsed, age), expected, "{what}");
        }
        let tomorrow = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 86_400;
        assert_eq!(age(TimeSpec::new(tomorrow.try_into().unwrap(), 0)), None, "set back");
    }

    async fn hears(target: &str) {
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
        for expected in 0..3 {
            let arrival = timeout(Duration::from_secs(10), socket.next()).await;
            let Ok(Arrival::Reply { index, rtt }) = arrival else { panic!("{arrival:?}") };
            assert_eq!(index, expected);
            assert!(rtt < Duration::from_secs(5), "{rtt:?}");
        }
        assert_eq!(socket.waiting(), []);
    }

    #[tokio::test]
    async fn an_idle_channel_sleeps() {
        let target = "127.0.0.1:0".parse().unwrap();
        let Ok(Opened::Stamping(mut socket)) = Socket::open(target, 1, 56) else {
            return println!("SKIPPED: this user may not send echoes");
        };
        socket.send(0).unwrap();
        // The runtime notices that there is something before it is taken.
        tokio::time::sleep(Duration::from_millis(1)).await;
        socket.next().await;
        let (mut looks, mut next) = (0, pin!(socket.next()));
        let look = poll_fn(|context| {
            looks += 1;
            next.as_mut().poll(context)
        });
        assert!(timeout(Duration::from_millis(50), look).await.is_err());
        // Once to begin, once for what the socket had to say before, once for the end.
        assert!(looks < 10, "looked {looks} times");
    }

    #[tokio::test]
    async fn this_system_answers_over_ipv4() {
        hears("127.0.0.1:0").await;
    }

    #[tokio::test]
    async fn this_system_answers_over_ipv6() {
        hears("[::1]:0").await;
    }
}
