//! What the echo channel of any system yields. Each system's own `Ping` speaks these words.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// How a `Ping` sends and hears. Told to people by `once`, because accuracy and what can be
/// counted hang on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A ping socket: no privilege, receive stamps of the kernel.
    PingSocket,
    /// A raw socket: privileged, receive stamps of the kernel.
    RawSocket,
    /// The `surge-ping` library: the program's own clock, no duplicates, nothing late.
    Library,
    /// The system's own service (`IcmpSendEcho2Ex` of Windows): the program's own clock, no
    /// duplicates, nothing late.
    System,
}

/// Something that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// The answer to the request of that index, its round trip time with it.
    Reply {
        /// The request's index, as given to `send`.
        index: u16,
        /// From the request's departure to the reply's arrival at this system.
        rtt: Duration,
    },
    /// Somebody on the way, or this system itself, says that the request cannot arrive.
    Undeliverable {
        /// The request's index, as given to `send`.
        index: u16,
        /// Who says so and what.
        notice: Notice,
    },
}

/// What an ICMP error says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The error in words.
    pub what: &'static str,
    /// Who sent it; absent where it is this system's own.
    pub from: Option<IpAddr>,
}

/// Why no channel could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The system lets this user have no kind of echo at all.
    #[error(
        "this user may not send echo requests; run: sysctl -w \
         net.ipv4.ping_group_range=\"0 2147483647\", or give the program CAP_NET_RAW"
    )]
    Denied,
    /// The system says no for another cause, mostly that there is no route.
    #[error(transparent)]
    Io(#[from] io::Error),
}
