//! Threads that wait for echoes: as many as requests are under way, which on a healthy line is one
//! for all probes together.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;
use std::{io, thread};

use super::echo::{Echoed, Service};
use crate::platform::echo::Arrival;

/// Requests under way at once, of all probes together: a hundred a second, each waiting two
/// seconds in vain, and half as many again.
const WORKERS: usize = 300;

/// A thread that has had nothing to do for so long ends: each holds memory.
const KEPT: Duration = Duration::from_secs(30);

/// A worker calls one function of Windows and none of its own that is deep.
const STACK: usize = 128 * 1024;

/// The system loads its drivers at the first request of all, which takes up to 60 ms; that is not
/// the line's time.
const WARM_UP: Duration = Duration::from_millis(200);

/// One request.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) target: SocketAddr,
    pub(super) index: u16,
    pub(super) payload: Arc<[u8]>,
    pub(super) timeout: Duration,
    pub(super) tell: Sender<Arrival>,
}

struct Office {
    desk: Mutex<Desk>,
    bell: Condvar,
}

struct Desk {
    jobs: VecDeque<Job>,
    workers: usize,
    idle: usize,
}

static OFFICE: Office = Office {
    desk: Mutex::new(Desk { jobs: VecDeque::new(), workers: 0, idle: 0 }),
    bell: Condvar::new(),
};

/// Has a request sent at once. The error says that too many are under way, or that the system has
/// no further thread.
pub(super) fn take(job: Job) -> io::Result<()> {
    let mut desk = OFFICE.desk();
    if desk.jobs.len() >= desk.idle {
        if desk.workers >= WORKERS {
            let message = format!("{WORKERS} echo requests wait for their answers already");
            return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
        }
        thread::Builder::new().name("echo".to_owned()).stack_size(STACK).spawn(work)?;
        desk.workers += 1;
        // It takes the first job that it finds, so it is as good as idle.
        desk.idle += 1;
    }
    desk.jobs.push_back(job);
    drop(desk);
    OFFICE.bell.notify_one();
    Ok(())
}

impl Office {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        // A worker that panicked has left the desk in order: it holds it only to take a job.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` where none came for long.
    fn next(&self) -> Option<Job> {
        let desk = self.desk();
        let wait = self.bell.wait_timeout_while(desk, KEPT, |desk| desk.jobs.is_empty());
        let (mut desk, _) = wait.unwrap_or_else(PoisonError::into_inner);
        let job = desk.jobs.pop_front();
        desk.idle -= 1;
        if job.is_none() {
            desk.workers -= 1;
        }
        job
    }
}

fn work() {
    static WARM: Once = Once::new();
    let mut service = Service::default();
    WARM.call_once(|| {
        service.echo((Ipv4Addr::LOCALHOST, 0).into(), &[], WARM_UP);
    });
    while let Some(job) = OFFICE.next() {
        let arrival = match service.echo(job.target, &job.payload, job.timeout) {
            Echoed::Reply(rtt) => Some(Arrival::Reply { index: job.index, rtt }),
            Echoed::Refused(notice) => Some(Arrival::Undeliverable { index: job.index, notice }),
            Echoed::Nothing => None,
        };
        if let Some(arrival) = arrival {
            // Nobody may be waiting for it any more.
            let _ = job.tell.send(arrival);
        }
        OFFICE.desk().idle += 1;
    }
}
