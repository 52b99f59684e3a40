//! A network namespace, held by a thread of this process.
//!
//! Namespaces belong to threads, so nothing outside this thread changes, and sockets and child
//! processes that it makes are inside.

use std::sync::mpsc;
use std::thread;

use nix::sched::{CloneFlags, unshare};

type Work = Box<dyn FnOnce() + Send>;

/// A namespace; it ends with its last socket or process.
#[derive(Debug)]
pub(super) struct Namespace(mpsc::Sender<Work>);

impl Namespace {
    pub(super) fn start() -> Result<Self, String> {
        let (works, inbox) = mpsc::channel::<Work>();
        let (told, entered) = mpsc::channel();
        let body = move || {
            told.send(unshare(CloneFlags::CLONE_NEWNET)).unwrap();
            for work in inbox {
                work();
            }
        };
        thread::Builder::new().name("namespace".into()).spawn(body).unwrap();
        match entered.recv().unwrap() {
            Ok(()) => Ok(Self(works)),
            Err(error) => Err(format!("no network namespace (are you root?): {error}")),
        }
    }

    /// Runs `work` inside and gives back what it returns.
    pub(super) fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = mpsc::channel();
        // Nobody waits for the result only when the waiting test has failed already.
        let work = move || drop(done.send(work()));
        self.0.send(Box::new(work)).unwrap();
        result.recv().expect("the work inside the namespace failed")
    }
}
