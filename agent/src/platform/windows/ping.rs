//! Echo through the system's own service (`IcmpSendEcho2Ex`), which needs no right and no raw
//! socket. It waits for its answer, so it is called on threads beside the agent's own, and the
//! time is taken there: the service itself counts in whole milliseconds.

mod echo;
mod workers;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use workers::Job;

use crate::platform::echo::{Arrival, OpenError, Way};

/// A channel of echo requests to one address and of what comes back.
#[derive(Debug)]
pub struct Ping {
    target: SocketAddr,
    payload: Arc<[u8]>,
    timeout: Duration,
    tell: Sender<Arrival>,
    arrivals: Receiver<Arrival>,
}

impl Ping {
    /// Opens a channel for requests with `size` bytes of payload each. The system gives up on one
    /// after `timeout`: nothing is late here.
    pub fn open(
        target: SocketAddr,
        _count: u16,
        size: u16,
        timeout: Duration,
    ) -> Result<Self, OpenError> {
        let (tell, arrivals) = channel();
        let payload = vec![0; usize::from(size)].into();
        Ok(Self { target, payload, timeout, tell, arrivals })
    }

    /// How this channel sends and hears.
    #[must_use]
    pub fn way(&self) -> Way {
        Way::System
    }

    /// Sends the request of that index, once.
    pub fn send(&mut self, index: u16) -> io::Result<()> {
        workers::take(Job {
            target: self.target,
            index,
            payload: Arc::clone(&self.payload),
            timeout: self.timeout,
            tell: self.tell.clone(),
        })
    }

    /// What has come back since last asked.
    pub fn waiting(&mut self) -> Vec<Arrival> {
        self.arrivals.try_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Far beyond what a loaded machine takes.
    const LIMIT: Duration = Duration::from_secs(30);

    fn heard(target: &str, count: u16, timeout: Duration) -> Vec<Arrival> {
        let target: SocketAddr = target.parse().unwrap();
        let mut ping = Ping::open(target, count, 56, timeout).unwrap();
        (0..count).for_each(|index| ping.send(index).unwrap());
        let begun = Instant::now();
        let mut heard = Vec::new();
        while heard.len() < usize::from(count) && begun.elapsed() < LIMIT {
            heard.extend(ping.waiting());
            std::thread::sleep(Duration::from_millis(1));
        }
        heard
    }

    #[test]
    fn this_system_answers_each_request_once() {
        let mut indices: Vec<u16> = heard("127.0.0.1:0", 3, Duration::from_secs(5))
            .into_iter()
            .map(|arrival| match arrival {
                Arrival::Reply { index, rtt } => {
                    assert!(rtt < Duration::from_secs(5), "{rtt:?}");
                    index
                }
                Arrival::Undeliverable { notice, .. } => panic!("{notice:?}"),
            })
            .collect();
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2]);
    }

    #[test]
    fn what_nobody_can_reach_is_told_or_lost_and_never_answered() {
        // Reserved (RFC 1112 section 4): nobody has it.
        let target: SocketAddr = "240.0.0.1:0".parse().unwrap();
        let mut ping = Ping::open(target, 1, 56, Duration::from_millis(50)).unwrap();
        ping.send(0).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let answers = ping.waiting();
        assert!(!answers.iter().any(|arrival| matches!(arrival, Arrival::Reply { .. })));
    }
}
