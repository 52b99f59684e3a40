//! The line between an agent and its collector: a TCP relay that can fail in every way a line
//! fails. Its address stays while the collector behind it dies and comes back elsewhere.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Whole.
    Good,
    /// Cut: what was open is reset, what is new is closed at once.
    Cut,
    /// Nothing moves, nothing ends. What was open stays so for ever, as behind a firewall that
    /// forgot it; what is new waits for better times.
    Stalled,
    /// The collector hears everything, its answers get lost.
    AnswersLost,
    /// The collector's side of each connection is closed; the agent may still send.
    HalfClosed,
    /// So many bytes a second in each direction, and so much delay for each piece.
    Slow {
        /// Of one direction.
        bytes_a_second: u64,
        /// Added to each piece.
        delay: Duration,
    },
}

/// The relay.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    line: Mutex<Line>,
    target: Mutex<SocketAddr>,
    up: AtomicU64,
    down: AtomicU64,
    connections: AtomicU64,
}

/// How soon a change of the line is felt by a connection that is waiting for bytes.
const NOTICE: Duration = Duration::from_millis(20);

/// The most that moves at once.
const PIECE: usize = 16 * 1024;

impl Link {
    /// A good line to `target`.
    #[must_use]
    pub fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(State {
            line: Mutex::new(Line::Good),
            target: Mutex::new(target),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&accepting);
                std::thread::spawn(move || state.serve(client));
            }
        });
        Self { address, state }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What lies behind it from now on.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.state.target.lock().unwrap() = target;
    }

    /// How the line is from now on, for open and for new connections.
    pub fn set(&self, line: Line) {
        *self.state.line.lock().unwrap() = line;
    }

    /// Bytes from the agent and to the agent so far.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.state.up.load(Relaxed), self.state.down.load(Relaxed))
    }

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Relaxed)
    }
}

impl State {
    fn line(&self) -> Line {
        *self.line.lock().unwrap()
    }

    fn serve(self: Arc<Self>, client: TcpStream) {
        self.connections.fetch_add(1, Relaxed);
        while self.line() == Line::Stalled {
            std::thread::sleep(NOTICE);
        }
        if self.line() == Line::Cut {
            return;
        }
        let target = *self.target.lock().unwrap();
        let Ok(server) = TcpStream::connect(target) else { return };
        let halves = [client.try_clone(), server.try_clone()];
        let [Ok(client_too), Ok(server_too)] = halves else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let back = Arc::clone(&self);
        let down = std::thread::spawn(move || back.carry(server_too, client_too, &back.down, true));
        self.carry(client, server, &self.up, false);
        let _ = down.join();
    }

    /// Carries one direction until either end or the line ends it.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream, bytes: &AtomicU64, answers: bool) {
        let mut piece = vec![0; PIECE];
        let _ = from.set_read_timeout(Some(NOTICE));
        loop {
            let line = self.line();
            match line {
                Line::Stalled => return forget(from, to),
                Line::Cut => break,
                Line::HalfClosed if answers => {
                    let _ = to.shutdown(Shutdown::Write);
                    return;
                }
                _ => {}
            }
            let read = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    continue;
                }
                Err(_) => break,
            };
            // The line may have changed while this waited for bytes.
            match self.line() {
                Line::Stalled => return forget(from, to),
                Line::Cut => break,
                Line::AnswersLost | Line::HalfClosed if answers => continue,
                _ => {}
            }
            if let Line::Slow { bytes_a_second, delay } = line {
                let carrying = Duration::from_secs(1) * u32::try_from(read).unwrap_or(u32::MAX);
                std::thread::sleep(
                    delay + carrying / u32::try_from(bytes_a_second).unwrap_or(u32::MAX).max(1),
                );
            }
            bytes.fetch_add(read as u64, Relaxed);
            if to.write_all(&piece[..read]).is_err() {
                break;
            }
        }
        // Both at once: neither side may believe that the other still listens.
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}

/// Keeps a connection open for the rest of the process without moving a byte.
fn forget(from: TcpStream, to: TcpStream) {
    std::mem::forget((from, to));
}
