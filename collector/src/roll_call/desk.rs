//! Where requests meet the memory: roll calls are asked for and attendance is posted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::{Response, StatusCode};
use rusqlite::Connection;
use serde::Serialize;
use tracing::{error, info};
use wire::UnixMillis;

use super::attendance::{Attendance, from_csv, from_json};
use super::remembered;
use crate::audit::{Act, Actor};
use crate::inventory::encoding;
use crate::listener::Body;
use crate::store::audit::Deed;
use crate::store::{attendance, audit};
use crate::{answers, api, store};

/// The largest attendance list: 10,000 sites by names of some 100 bytes.
pub const ATTENDANCE_BYTES: usize = 1024 * 1024;

/// Answers about roll calls from a connection of its own; one request at a time, for a month's
/// worth of them is fewer than a scrape's lines.
#[derive(Debug, Clone)]
pub struct Desk(Arc<Mutex<Connection>>);

/// How an attendance list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An object of site and presence.
    Json,
    /// Lines of site and presence.
    Csv,
}

impl Format {
    /// By the `Content-Type`; JSON where there is none.
    #[must_use]
    pub fn from_header(content_type: Option<&str>) -> Option<Self> {
        let kind = content_type.unwrap_or("application/json").split(';').next()?.trim();
        match kind.to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Json),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct NoRollCall {
    error: &'static str,
    nearest: Option<String>,
}

#[derive(Serialize)]
struct Taken {
    meeting: String,
    taken: usize,
}

#[derive(Serialize)]
struct Faults {
    error: &'static str,
    faults: Vec<String>,
}

impl Desk {
    /// Answers from this connection.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(connection)))
    }

    /// `GET …/roll-call`.
    pub async fn roll_call(&self, id: String) -> Response<Body> {
        self.ask(move |connection| {
            let Some(remembered) = remembered::meeting(connection, &id)? else {
                return unknown(connection, &id);
            };
            Ok(answers::json_bytes(StatusCode::OK, api::roll_call(&remembered)))
        })
        .await
    }

    /// `POST …/attendance`: the whole list, or nothing of it and all its faults.
    pub async fn attendance(
        &self,
        id: String,
        format: Format,
        body: bytes::Bytes,
        actor: Actor,
        now: UnixMillis,
    ) -> Response<Body> {
        self.ask(move |connection| {
            let remembered = remembered::meeting(connection, &id)?;
            let Some(latest) = remembered.as_ref().and_then(remembered::Remembered::latest) else {
                return unknown(connection, &id);
            };
            let list = match format {
                Format::Json => from_json(&body, &latest.call),
                Format::Csv => encoding::decode(&body)
                    .map_err(|fault| vec![fault])
                    .and_then(|text| from_csv(&text, &latest.call)),
            };
            let list = match list {
                Ok(list) => list,
                Err(faults) => {
                    let error = "nothing of the list was taken";
                    let faults = Faults { error, faults };
                    return Ok(answers::json(StatusCode::UNPROCESSABLE_ENTITY, &faults));
                }
            };
            let transaction = store::begin(connection)?;
            let told = |list: &Attendance| {
                let presences = list.iter().map(|(site, presence)| (site, presence.label()));
                serde_json::to_string(&presences.collect::<BTreeMap<_, _>>()).ok()
            };
            let before = told(&attendance::of_meeting(&transaction, &id)?);
            attendance::put(&transaction, &id, &list, now)?;
            let after = told(&list);
            let (before, after) = (before.as_deref(), after.as_deref());
            let deed = Deed { act: Act::Attendance, subject: &id, before, after };
            audit::add(&transaction, &actor, deed, now)?;
            transaction.commit()?;
            info!(meeting = id, sites = list.len(), "attendance posted");
            Ok(answers::json(StatusCode::OK, &Taken { meeting: id, taken: list.len() }))
        })
        .await
    }

    /// Asks on a thread that may wait for the disk.
    async fn ask(
        &self,
        question: impl FnOnce(&mut Connection) -> rusqlite::Result<Response<Body>> + Send + 'static,
    ) -> Response<Body> {
        let connection = Arc::clone(&self.0);
        let answer = tokio::task::spawn_blocking(move || {
            question(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match answer.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                error!(%error, "the roll calls cannot be read or written");
                let answer =
                    answers::text(StatusCode::SERVICE_UNAVAILABLE, "the store fails now\n");
                answers::retry_after(answer, 10)
            }
            Err(error) => {
                error!(%error, "a question about roll calls ended with a panic");
                answers::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

fn unknown(connection: &Connection, id: &str) -> rusqlite::Result<Response<Body>> {
    let error = "there is no roll call of this meeting";
    let nearest = remembered::nearest(connection, id)?;
    Ok(answers::json(StatusCode::NOT_FOUND, &NoRollCall { error, nearest }))
}
