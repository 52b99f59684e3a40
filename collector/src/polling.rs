//! Calendars at web addresses, fetched from time to time; the rim around [`crate::meetings`].
//!
//! ```text
//!  meeting_urls ─▶ poller (one task each) ─▶ client: GET, only if changed
//!                     │ good                    │ otherwise
//!                     ▼                         ▼
//!              store (the last good copy)    a fault, said once
//!                     └────────▶ Inbox ◀────────┘ ─▶ watch ─▶ calendar
//! ```
//!
//! What was good stays in force until something better comes, also over a restart.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;
use wire::yaml::{Fault, Faults};

use crate::config::MeetingUrl;
use crate::meetings::files::{self, Content};
use crate::store::calendars::{self, Copy};

mod client;
mod poller;

#[cfg(test)]
mod tests;

use client::{Client, Fetched};

/// What the pollers found last.
#[derive(Debug)]
pub struct Inbox {
    store: Mutex<Connection>,
    state: Mutex<State>,
    /// Somebody wants everything read anew.
    asked: Notify,
}

#[derive(Debug, Default)]
struct State {
    version: u64,
    calendars: BTreeMap<PathBuf, Standing>,
}

/// One calendar.
#[derive(Debug, Default)]
struct Standing {
    /// The last good content.
    content: Option<Arc<Content>>,
    /// What is wrong since.
    faults: Vec<Fault>,
}

/// What one look at all calendars finds.
pub type Found = (BTreeMap<PathBuf, Arc<Content>>, Vec<Fault>);

impl Inbox {
    /// Begins with the copies of the run before.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(store: Connection, urls: &[MeetingUrl]) -> rusqlite::Result<Self> {
        let names: Vec<&str> = urls.iter().map(|url| url.name.as_str()).collect();
        calendars::keep_only(&store, &names)?;
        let mut state = State::default();
        for calendar in urls {
            let standing = state.calendars.entry(place(calendar)).or_default();
            if let Some(copy) = copy_of(&store, calendar)? {
                match files::parse_icalendar(&place(calendar), &copy.body) {
                    Ok(content) => standing.content = Some(content),
                    Err(faults) => error!("the copy of a calendar is not understood: {faults}"),
                }
            }
        }
        let (store, state) = (Mutex::new(store), Mutex::new(state));
        Ok(Self { store, state, asked: Notify::new() })
    }

    /// Changes whenever something is found.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).version
    }

    /// The good calendars, and what is wrong with the others.
    #[must_use]
    pub fn found(&self) -> Found {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let good = state.calendars.iter().filter_map(|(place, standing)| {
            Some((place.clone(), Arc::clone(standing.content.as_ref()?)))
        });
        let faults = state.calendars.values().flat_map(|standing| standing.faults.iter().cloned());
        (good.collect(), faults.collect())
    }

    /// Has every calendar fetched now.
    pub fn ask(&self) {
        self.asked.notify_waiters();
    }

    /// Polls until stopped.
    pub async fn run(self: Arc<Self>, urls: Vec<MeetingUrl>, stop: CancellationToken) {
        let mut pollers = JoinSet::new();
        for calendar in urls {
            pollers.spawn(poller::run(calendar, Arc::clone(&self), stop.clone()));
        }
        while let Some(ended) = pollers.join_next().await {
            if let Err(error) = ended {
                error!(%error, "a calendar is no longer fetched");
            }
        }
    }

    /// What to ask the server for: whatever is not this.
    fn copy(&self, calendar: &MeetingUrl) -> Option<Copy> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let copy = copy_of(&store, calendar);
        copy.unwrap_or_else(|error| {
            error!(%error, "the copy of a calendar cannot be read");
            None
        })
    }

    fn take(&self, calendar: &MeetingUrl, copy: &Copy, content: Arc<Content>) {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = calendars::put(&store, calendar.name.as_str(), copy) {
            error!(%error, "a calendar is in force, but not after a restart. Is the disk full?");
        }
        drop(store);
        self.settle(calendar, Some(content), Vec::new());
    }

    /// With content that is new, or none where the last is still good or nothing good came.
    fn settle(&self, calendar: &MeetingUrl, content: Option<Arc<Content>>, faults: Vec<Fault>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = state.calendars.entry(place(calendar)).or_default();
        if content.is_none() && standing.faults == faults {
            return;
        }
        standing.content = content.or_else(|| standing.content.take());
        standing.faults = faults;
        state.version += 1;
    }
}

fn copy_of(store: &Connection, calendar: &MeetingUrl) -> rusqlite::Result<Option<Copy>> {
    let copy = calendars::get(store, calendar.name.as_str())?;
    // Under the same name there may be another calendar by now.
    Ok(copy.filter(|copy| copy.url_sha256 == url_sha256(calendar)))
}

fn url_sha256(calendar: &MeetingUrl) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(calendar.url.0.as_str()))
}

/// What stands in messages for a file's name.
fn place(calendar: &MeetingUrl) -> PathBuf {
    PathBuf::from(format!("meeting_urls[{}]", calendar.name))
}

fn fault(calendar: &MeetingUrl, message: String) -> Vec<Fault> {
    let (file, key) = (place(calendar), String::new());
    vec![Fault { file, line: 0, column: 0, key, message }]
}

/// Fetches each calendar once, for `check`.
pub async fn look(urls: &[MeetingUrl]) -> Found {
    let (mut good, mut faults) = (BTreeMap::new(), Vec::new());
    for calendar in urls {
        let fetched = match Client::new(calendar) {
            Ok(client) => client.get(None).await,
            Err(message) => Err(message),
        };
        match fetched {
            Ok(Fetched::New { body, .. }) => {
                match files::parse_icalendar(&place(calendar), &body) {
                    Ok(content) => drop(good.insert(place(calendar), content)),
                    Err(Faults(found)) => faults.extend(found),
                }
            }
            Ok(Fetched::Unchanged) => {}
            Err(message) => faults.extend(fault(calendar, message)),
        }
    }
    (good, faults)
}
