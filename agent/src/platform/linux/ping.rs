//! Echo on Linux: kernel stamps where they are to be had, the `surge-ping` library where not.
//!
//! `surge-ping` takes its time after the runtime has woken up, so a busy PC looks like a slow
//! line; the kernel stamps a reply when it arrives. Hence the library is only the fallback.
//!
//! Stamped replies can wait in the socket until some further requests have left. Nobody is woken
//! for them, which halves what an echo costs.

mod packet;
mod socket;
mod stamps;
mod surge;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket::{Opened, Socket};
use surge::Surge;

use crate::platform::echo::{Arrival, OpenError, Way};

/// A channel of echo requests to one address and of what comes back.
///
/// Every channel has a random identifier, sequence start and payload token, so that two
/// channels, two agents behind one address translator or a stranger are never mixed up.
#[derive(Debug)]
pub struct Ping(Channel);

#[derive(Debug)]
enum Channel {
    Socket(Box<Socket>),
    Library(Box<Surge>),
}

impl Ping {
    /// Opens a channel for at most `count` requests with `size` bytes of payload each. `timeout`
    /// is when the library gives up on one; sockets hear late replies too.
    pub fn open(
        target: SocketAddr,
        count: u16,
        size: u16,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        match Socket::open(target, count, size)? {
            Opened::Stamping(socket) => Ok(Self(Channel::Socket(Box::new(socket)))),
            Opened::Unstamped => {
                let surge = Surge::open(target, size, timeout)?;
                Ok(Self(Channel::Library(Box::new(surge))))
            }
        }
    }

    /// How this channel sends and hears.
    #[must_use]
    pub fn way(&self) -> Way {
        match &self.0 {
            Channel::Socket(socket) => socket.way(),
            Channel::Library(_) => Way::Library,
        }
    }

    /// Sends the request of that index, once.
    pub fn send(&mut self, index: u16) -> io::Result<()> {
        match &mut self.0 {
            Channel::Socket(socket) => socket.send(index),
            Channel::Library(surge) => {
                surge.send(index);
                Ok(())
            }
        }
    }

    /// What has come back since last asked.
    pub fn waiting(&mut self) -> Vec<Arrival> {
        match &mut self.0 {
            Channel::Socket(socket) => socket.waiting(),
            Channel::Library(surge) => surge.waiting(),
        }
    }
}
