//! A wide-area network in a network namespace of its own: a TUN device, and behind it a line
//! with delay, jitter, loss, doubles and a rate, and a far end that answers echo requests.
//!
//! ```text
//!  a thread of the namespace                    the thread "wan"
//!  program ──▶ kernel ──▶ wan0 (TUN) ─────────▶ Line: lost? when? how often? ──▶ FarEnd
//!     ▲                    │  ▲                                                  │
//!     └── kernel ◀─────────┼──┴──────────────── due: at its time ◀───────────────┘
//!                          ▼
//!                       Capture (kernel stamps of both ways: what `tcpdump` would see)
//! ```
//!
//! Nothing of it is trusted to be on time: the truth is what the line decided and what the
//! capture saw, not what was asked for.

mod capture;
mod device;
mod far_end;
mod line;
mod namespace;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use capture::Capture;
pub use capture::Seen;
use line::Line;
pub use line::{Conditions, Fate};
use namespace::Namespace;

/// A host at the far end, over IPv4; as is every other of 10.77.0.0/16 but those below.
pub const FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 1, 1));
/// The same over IPv6, as is every other of `fd77::/64`.
pub const FAR_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 1, 1));
/// Hosts of 10.77.255.0/24 do not exist, and the router there says so.
pub const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 255, 1));

/// How long the emulator sleeps at most before it looks whether it should stop.
const GLANCE: Duration = Duration::from_millis(20);

/// A running network. Ends when dropped.
#[derive(Debug)]
pub struct Wan {
    namespace: Namespace,
    stop: Arc<AtomicBool>,
    emulator: Option<JoinHandle<Truth>>,
}

/// What really happened.
#[derive(Debug, Default)]
pub struct Truth {
    /// Every echo request that came to the line, in its order.
    pub echoes: Vec<Echo>,
    /// What the capture saw of each, by the kernel's stamps.
    pub seen: Seen,
}

/// One echo request, as the line saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// The identifier in the request.
    pub identifier: u16,
    /// The sequence number in the request.
    pub sequence: u16,
    /// What the line did to it.
    pub fate: Fate,
}

impl Wan {
    /// Makes namespace, device and line. Where the system does not allow it, says why.
    pub fn start(conditions: Conditions) -> Result<Self, String> {
        let namespace = Namespace::start()?;
        let (device, capture) = namespace.inside(|| -> Result<_, String> {
            let device = device::open()?;
            for arguments in [
                "link set lo up",
                "addr add 10.77.0.1/16 dev wan0",
                "addr add fd77::1/64 dev wan0 nodad",
                "link set wan0 up",
            ] {
                ip(arguments)?;
            }
            let capture = Capture::start().map_err(|error| format!("no capture: {error}"))?;
            Ok((device, capture))
        })?;
        let stop = Arc::new(AtomicBool::new(false));
        let emulator = Emulator::new(device, capture, conditions, Arc::clone(&stop));
        let emulator = thread::Builder::new().name("wan".into()).spawn(move || emulator.run());
        Ok(Self { namespace, stop, emulator: Some(emulator.unwrap()) })
    }

    /// Runs `work` on a thread inside the namespace: sockets it opens and programs it starts are
    /// in it too.
    pub fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        self.namespace.inside(work)
    }

    /// Lets every user, or only root, open ping sockets in the namespace, or nobody.
    pub fn allow_ping_sockets(&self, groups: &'static str) {
        self.inside(move || fs::write("/proc/sys/net/ipv4/ping_group_range", groups)).unwrap();
    }

    /// Ends the network and tells what happened.
    #[must_use]
    pub fn truth(mut self) -> Truth {
        self.stop.store(true, Ordering::Relaxed);
        self.emulator.take().unwrap().join().unwrap()
    }
}

impl Drop for Wan {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Truth {
    /// The echoes with one identifier: those of one program.
    pub fn of(&self, identifier: u16) -> impl Iterator<Item = &Echo> {
        self.echoes.iter().filter(move |echo| echo.identifier == identifier)
    }
}

/// The line at work.
struct Emulator {
    device: File,
    capture: Capture,
    line: Line,
    stop: Arc<AtomicBool>,
    began: Instant,
    /// Packets on their way: when they are due, and in which order they were made.
    due: BinaryHeap<Reverse<(Duration, u64, Vec<u8>)>>,
    made: u64,
    echoes: Vec<Echo>,
}

impl Emulator {
    fn new(device: File, capture: Capture, conditions: Conditions, stop: Arc<AtomicBool>) -> Self {
        Self {
            device,
            capture,
            line: Line::new(conditions),
            stop,
            began: Instant::now(),
            due: BinaryHeap::new(),
            made: 0,
            echoes: Vec::new(),
        }
    }

    fn run(mut self) -> Truth {
        while !self.stop.load(Ordering::Relaxed) {
            self.wait();
            self.take();
            self.give();
            self.capture.drain();
        }
        Truth { echoes: self.echoes, seen: self.capture.finish() }
    }

    /// Until a packet comes or one is due.
    fn wait(&self) {
        let until = self.due.peek().map_or(GLANCE, |Reverse((due, ..))| {
            due.saturating_sub(self.began.elapsed()).min(GLANCE)
        });
        let mut descriptors = [PollFd::new(self.device.as_fd(), PollFlags::POLLIN)];
        // A signal may cut the wait short; then the round is made early.
        let _ = ppoll(&mut descriptors, Some(TimeSpec::from_duration(until)), None);
    }

    fn take(&mut self) {
        let mut packet = [0; 2048];
        while let Ok(length) = self.device.read(&mut packet) {
            let packet = &packet[..length];
            let Some(request) = far_end::Request::parse(packet) else { continue };
            let fate = self.line.pass(self.began.elapsed(), length);
            let answer = request.answer();
            for due in &fate.arrivals {
                if self.line.forges() {
                    self.made += 1;
                    self.due.push(Reverse((*due, self.made, far_end::forge(&answer))));
                }
                self.made += 1;
                self.due.push(Reverse((*due, self.made, answer.clone())));
            }
            let (identifier, sequence) = (request.identifier, request.sequence);
            self.echoes.push(Echo { identifier, sequence, fate });
        }
    }

    fn give(&mut self) {
        while let Some(Reverse((due, ..))) = self.due.peek()
            && *due <= self.began.elapsed()
        {
            let Some(Reverse((.., packet))) = self.due.pop() else { break };
            self.device.write_all(&packet).unwrap();
        }
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    run("ip", arguments)
}

fn run(program: &str, arguments: &str) -> Result<(), String> {
    let ended = Command::new(program).args(arguments.split(' ')).output();
    let ended = ended.map_err(|error| format!("{program}: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments}: {}", String::from_utf8_lossy(&ended.stderr).trim()))
}
