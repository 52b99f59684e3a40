//! `/api/v1/waiting`: the PCs that enrolled with the fleet's code, and which sites they become.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::{Response, StatusCode};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tracing::error;
use wire::{SiteId, UnixMillis};

use crate::api::Moment;
use crate::audit::Actor;
use crate::enrol::matching::{Clue, Pc, Sites};
use crate::fleet::Snapshot;
use crate::listener::Body;
use crate::store::waiting::{self, AssignError, Waiting};
use crate::{answers, fleet};

/// A site's id and a word.
pub const BODY_BYTES: usize = 1024;

/// Of so many PCs it is said which sites they may be: holding these against ten thousand sites takes
/// some tenths of a second, and whoever assigns begins with the first.
const SUGGESTED: usize = 200;

/// Sites that are named for a PC: of a network that many share, none is a suggestion.
const SUGGESTIONS: usize = 5;

/// Answers from a connection of its own.
#[derive(Debug, Clone)]
pub struct Desk {
    store: Arc<Mutex<Connection>>,
    fleet: Arc<fleet::Shared>,
}

#[derive(Serialize)]
struct List<'a> {
    now: Moment,
    waiting: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: i64,
    hostname: &'a str,
    os: &'a str,
    version: &'a str,
    /// As the collector saw it.
    address: &'a str,
    /// As the PC told them.
    addresses: Vec<&'a str>,
    asked_at: Moment,
    heard_at: Moment,
    /// The sites that it may be, the likeliest first.
    suggested: Vec<Suggestion<'a>>,
}

#[derive(Serialize)]
struct Suggestion<'a> {
    site: &'a SiteId,
    by: Vec<Clue>,
    /// Whether the site has a PC, which this one would replace.
    enrolled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    site: SiteId,
    #[serde(default)]
    replace: bool,
}

#[derive(Serialize)]
struct Told {
    error: String,
}

impl Desk {
    /// Answers from this connection; `fleet` knows which sites are expected.
    #[must_use]
    pub fn new(connection: Connection, fleet: Arc<fleet::Shared>) -> Self {
        Self { store: Arc::new(Mutex::new(connection)), fleet }
    }

    /// Everybody who waits.
    pub async fn list(&self, now: UnixMillis) -> Response<Body> {
        let snapshot = self.fleet.snapshot(now);
        self.blocking(move |desk| {
            let all = {
                let store = desk.store.lock().unwrap_or_else(PoisonError::into_inner);
                waiting::all(&store)?
            };
            let expected = snapshot.sites.iter();
            let expected = expected.filter_map(|(id, site)| Some((id, site.expected()?)));
            let sites = if all.is_empty() { None } else { Some(Sites::of(expected)) };
            let line = |(place, one)| {
                let sites = sites.as_ref().filter(|_| place < SUGGESTED);
                let suggested = sites.map(|sites| suggested(one, sites, &snapshot));
                line(one, suggested.unwrap_or_default())
            };
            let waiting = all.iter().enumerate().map(line).collect();
            Ok(answers::json(StatusCode::OK, &List { now: Moment(now), waiting }))
        })
        .await
    }

    /// Makes the one with the number `id` the site that `body` names.
    pub async fn assign(
        &self,
        id: &str,
        body: Bytes,
        actor: Actor,
        now: UnixMillis,
    ) -> Response<Body> {
        let Ok(id) = id.parse() else {
            return told(StatusCode::NOT_FOUND, format!("nobody waits under {id:?}"));
        };
        let wish: Wish = match serde_json::from_slice(&body) {
            Ok(wish) => wish,
            Err(error) => {
                let shape = r#"{"site": "th-0316", "replace": false}"#;
                return told(StatusCode::BAD_REQUEST, format!("{error}; write {shape}"));
            }
        };
        let snapshot = self.fleet.snapshot(now);
        let expected = snapshot.site(wish.site.as_str()).and_then(|(_, site)| site.expected());
        if expected.is_none() {
            let error = format!("the inventory has no site {}", wish.site);
            return told(StatusCode::UNPROCESSABLE_ENTITY, error);
        }
        self.blocking(move |desk| {
            let store = desk.store.lock().unwrap_or_else(PoisonError::into_inner);
            let wish = (id, &wish.site, wish.replace);
            match waiting::assign(&store, wish, &actor, now) {
                Ok(()) => Ok(answers::empty(StatusCode::NO_CONTENT)),
                Err(AssignError::Store(error)) => Err(error),
                Err(error @ AssignError::Unknown(_)) => {
                    Ok(told(StatusCode::NOT_FOUND, error.to_string()))
                }
                Err(error @ AssignError::Taken(_)) => {
                    Ok(told(StatusCode::CONFLICT, error.to_string()))
                }
            }
        })
        .await
    }

    /// Commits wait for the disk.
    async fn blocking(
        &self,
        work: impl FnOnce(&Self) -> rusqlite::Result<Response<Body>> + Send + 'static,
    ) -> Response<Body> {
        let desk = self.clone();
        match tokio::task::spawn_blocking(move || work(&desk)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                error!(%error, "the waiting agents cannot be read or written");
                answers::empty(StatusCode::SERVICE_UNAVAILABLE)
            }
            Err(_) => answers::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

fn suggested<'a>(
    waiting: &Waiting,
    sites: &Sites<'a>,
    snapshot: &'a Snapshot,
) -> Vec<Suggestion<'a>> {
    let addresses = waiting.addresses.split(' ').chain([waiting.address.as_str()]);
    let addresses: Vec<_> = addresses.filter_map(|text| text.parse().ok()).collect();
    let like = sites.like(Pc { hostname: &waiting.hostname, addresses: &addresses });
    let suggestion = |(site, by): (&'a SiteId, _)| {
        let known = snapshot.site(site.as_str());
        let enrolled = known.is_some_and(|(_, known)| known.is_enrolled());
        Suggestion { site, by, enrolled }
    };
    like.into_iter().take(SUGGESTIONS).map(suggestion).collect()
}

fn line<'a>(waiting: &'a Waiting, suggested: Vec<Suggestion<'a>>) -> Line<'a> {
    Line {
        id: waiting.id,
        hostname: &waiting.hostname,
        os: &waiting.os,
        version: &waiting.version,
        address: &waiting.address,
        addresses: waiting.addresses.split(' ').filter(|text| !text.is_empty()).collect(),
        asked_at: Moment(waiting.asked_at),
        heard_at: Moment(waiting.heard_at),
        suggested,
    }
}

fn told(status: StatusCode, error: String) -> Response<Body> {
    answers::json(status, &Told { error })
}
