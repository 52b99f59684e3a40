//! `/api/v1/acknowledgements`: given, listed, taken back; and forgotten when they are over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::{Response, StatusCode};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use tracing::error;
use wire::UnixMillis;
use wire::limits::TEXT_CHARS;

use super::{Acknowledgement, Nothing, Shared, Trouble, over, until};
use crate::answers;
use crate::audit::{Act, Actor};
use crate::judging::{self, Judged};
use crate::listener::Body;
use crate::refusal::{Refusal, blocking};
use crate::store::audit::Deed;
use crate::store::{self, acknowledgements, audit};

/// An id and a note, generously.
pub const BODY_BYTES: usize = 4 * 1024;

/// Where they are given and taken back.
#[derive(Debug, Clone)]
pub struct Desk {
    store: Arc<Mutex<Connection>>,
    given: Arc<Shared>,
    judged: Arc<judging::Shared>,
}

/// What is asked for: `{"site": "th-0316", "meeting": "giao-ban@…", "note": "đang gọi"}`; `uplink` or
/// `area` in place of `site`.
#[derive(Deserialize)]
struct Asked {
    #[serde(flatten)]
    of: Trouble,
    meeting: Option<String>,
    #[serde(default)]
    note: String,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    of: &'a Trouble,
    #[serde(flatten)]
    given: &'a Acknowledgement,
}

impl Desk {
    /// Puts the stored ones in force.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(
        connection: Connection,
        given: Arc<Shared>,
        judged: Arc<judging::Shared>,
    ) -> rusqlite::Result<Self> {
        let stored = acknowledgements::all(&connection)?;
        given.change(|all| all.extend(stored));
        Ok(Self { store: Arc::new(Mutex::new(connection)), given, judged })
    }

    /// Forgets what is over; called after each judgement, on a thread that may wait.
    pub fn settle(&self, judged: &Judged, now: UnixMillis) {
        let over = over(&self.given.all(), judged, now);
        if over.is_empty() {
            return;
        }
        let store = self.store();
        for of in &over {
            if let Err(error) = acknowledgements::forget(&store, of) {
                error!(%error, "an acknowledgement that is over cannot be forgotten");
                return;
            }
        }
        self.given.change(|all| all.retain(|of, _| !over.contains(of)));
    }

    /// All that are in force.
    #[must_use]
    pub fn list(&self) -> Response<Body> {
        let all = self.given.all();
        let lines = all.iter().map(|(of, given)| Line { of, given });
        answers::json(StatusCode::OK, &lines.collect::<Vec<_>>())
    }

    /// Takes somebody's word, in place of what was said before of the same trouble.
    pub async fn give(&self, body: Bytes, actor: Actor, now: UnixMillis) -> Response<Body> {
        blocking(self.clone(), move |desk| {
            let bad = |error: serde_json::Error| {
                let told = format!("one of site, uplink or area is needed, and a note: {error}");
                Refusal::Told(StatusCode::UNPROCESSABLE_ENTITY, told)
            };
            let asked: Asked = serde_json::from_slice(&body).map_err(bad)?;
            let note = asked.note.trim();
            if note.chars().count() > TEXT_CHARS {
                let told = format!("a note has at most {TEXT_CHARS} characters");
                return Err(Refusal::Told(StatusCode::UNPROCESSABLE_ENTITY, told));
            }
            let (of, meeting) = (asked.of, asked.meeting);
            let until = until(&of, meeting.as_deref(), &desk.judged.latest(), now);
            let until = until.map_err(|nothing| told(nothing, &of))?;
            let (who, note) = (actor.who.clone(), note.to_owned());
            let mut given = Acknowledgement { id: 0, meeting, who, at: now, until, note };
            let store = desk.store();
            let before = desk.given.all().get(&of).map(json);
            let transaction = store::begin(&store)?;
            given.id = acknowledgements::put(&transaction, &of, &given)?;
            let (subject, after) = (of.id(), json(&given));
            let (before, after) = (before.as_deref(), Some(after.as_str()));
            let deed = Deed { act: Act::Acknowledged, subject, before, after };
            audit::add(&transaction, &actor, deed, now)?;
            transaction.commit()?;
            let answer = answers::json(StatusCode::CREATED, &Line { of: &of, given: &given });
            desk.given.change(|all| drop(all.insert(of, given)));
            Ok(answer)
        })
        .await
    }

    /// Takes one back.
    pub async fn take_back(&self, id: String, actor: Actor, now: UnixMillis) -> Response<Body> {
        blocking(self.clone(), move |desk| {
            let store = desk.store();
            let all = desk.given.all();
            let found = all.iter().find(|(_, given)| given.id.to_string() == id);
            let Some((of, given)) = found else {
                let told = format!("there is no acknowledgement {id}");
                return Err(Refusal::Told(StatusCode::NOT_FOUND, told));
            };
            let transaction = store::begin(&store)?;
            acknowledgements::forget(&transaction, of)?;
            let (act, before) = (Act::Unacknowledged, json(given));
            let deed = Deed { act, subject: of.id(), before: Some(&before), after: None };
            audit::add(&transaction, &actor, deed, now)?;
            transaction.commit()?;
            desk.given.change(|all| drop(all.remove(of)));
            Ok(answers::empty(StatusCode::NO_CONTENT))
        })
        .await
    }

    fn store(&self) -> MutexGuard<'_, Connection> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn json(given: &Acknowledgement) -> String {
    // It fails for maps whose keys are not texts, and there are none here.
    serde_json::to_string(given).unwrap_or_default()
}

fn told(nothing: Nothing, of: &Trouble) -> Refusal {
    let id = of.id();
    let (status, error) = match nothing {
        Nothing::Unknown => (StatusCode::NOT_FOUND, format!("there is no trouble of {id}")),
        Nothing::Ready => (StatusCode::CONFLICT, format!("{id} is ready")),
        Nothing::Meeting => {
            (StatusCode::NOT_FOUND, "no such meeting goes on or comes soon".to_owned())
        }
    };
    Refusal::Told(status, error)
}
