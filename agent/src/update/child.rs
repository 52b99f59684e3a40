//! An update as it runs below the installed program, and what the two say to each other.

use std::io::{self, BufRead, Write};
use std::thread;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Told to an update: its trial is over.
pub(super) const PROVED: &str = "proved";

/// Told by an update: a report of its was accepted.
pub(super) const ACCEPTED: &str = "accepted";

/// Told by an update as its last word, with an id behind it: that one is to run.
pub(super) const SWITCH: &str = "switch ";

/// What this program is.
#[derive(Debug, Clone)]
pub enum Role {
    /// The installed one.
    Installed,
    /// An update that the installed one has started.
    Updated {
        /// The id of its manifest.
        id: Box<str>,
        /// Whether it has proved itself.
        proved: watch::Receiver<bool>,
    },
}

/// What an update hears from the installed program, and tells it.
#[derive(Debug)]
pub struct Told;

impl Told {
    /// Begins to listen: `stop` is cancelled when the installed program wants an end or is gone.
    #[must_use]
    pub fn listen(id: &str, on_trial: bool, stop: CancellationToken) -> Role {
        let (prove, proved) = watch::channel(!on_trial);
        // A thread of its own: there is no waiting for standard input without one.
        thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if line == PROVED {
                    prove.send_replace(true);
                }
            }
            stop.cancel();
        });
        Role::Updated { id: id.into(), proved }
    }

    /// As its last word: the update with this id is to run.
    pub fn switch(id: &str) {
        tell(&format!("{SWITCH}{id}"));
    }
}

/// Tells the installed program something. Where it is gone nobody misses it.
pub(super) fn tell(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
