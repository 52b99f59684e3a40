//! `/api/v1/meetings`: meetings read, and those made, changed and taken away by other programs.
//! What is made here has the shape and the rules of a meeting in YAML.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::{Response, StatusCode};
use rusqlite::Connection;
use serde_json::value::RawValue;
use tracing::error;
use wire::UnixMillis;
use wire::ids::MeetingId;
use wire::yaml::Faults;

use super::{MEETINGS, Meeting, Origin, Shared, pages, yaml};
use crate::answers;
use crate::audit::{Act, Actor};
use crate::listener::Body;
use crate::refusal::{Refusal, blocking};
use crate::store::{self, audit, audit::Deed};

/// A meeting that names ten thousand sites one by one.
pub const BODY_BYTES: usize = 256 * 1024;

/// What is read and kept of them.
#[derive(Debug, Clone)]
pub struct Desk {
    store: Arc<Mutex<Connection>>,
    plan: Arc<Shared>,
}

/// What somebody asks to be done with the meeting in the body.
#[derive(Debug, Clone)]
pub enum Wish {
    /// To add it.
    Add,
    /// To have it under this id, there or not.
    Put(String),
}

impl Desk {
    /// Puts the stored meetings into the plan. One that is no longer understood is said and left
    /// where it is.
    pub fn open(connection: Connection, plan: Arc<Shared>) -> rusqlite::Result<Self> {
        let mut stored = BTreeMap::new();
        for (id, definition) in store::meetings::all(&connection)? {
            match yaml::one(Path::new(&id), &definition) {
                Ok(meeting) => {
                    stored.insert(meeting.id.clone(), Arc::new(meeting));
                }
                Err(faults) => error!("stored meeting: {faults}"),
            }
        }
        plan.set_stored(stored);
        Ok(Self { store: Arc::new(Mutex::new(connection)), plan })
    }

    /// Every meeting, and the occurrences of the next 14 days.
    #[must_use]
    pub fn list(&self, now: UnixMillis) -> Response<Body> {
        answers::json(StatusCode::OK, &pages::list(&self.plan.plan(), now))
    }

    /// One meeting with its next occurrences, and as it was posted where it was.
    pub async fn one(&self, id: String, now: UnixMillis) -> Response<Body> {
        blocking(self.clone(), move |desk| {
            let plan = desk.plan.plan();
            let found = plan.calendar.meetings.get(id.as_str());
            let (meeting, origin) = found.ok_or_else(|| unknown(&id))?;
            let posted = match origin {
                Origin::Api => {
                    let store = desk.store.lock().unwrap_or_else(PoisonError::into_inner);
                    store::meetings::definition(&store, &id)?
                }
                Origin::File(_) => None,
            };
            let posted = posted.as_deref().and_then(|posted| serde_json::from_str(posted).ok());
            let page = pages::one(meeting, Some(origin), posted, &plan.inventory, now);
            Ok(answers::json(StatusCode::OK, &page))
        })
        .await
    }

    /// Checks the meeting in `body`; keeps it unless only a preview is wanted.
    pub async fn take(
        &self,
        wish: Wish,
        body: Bytes,
        preview: bool,
        actor: Actor,
        now: UnixMillis,
    ) -> Response<Body> {
        let actor = (!preview).then_some(actor);
        blocking(self.clone(), move |desk| desk.granted(&wish, &body, actor.as_ref(), now)).await
    }

    /// Takes a meeting away.
    pub async fn delete(&self, id: String, actor: Actor, now: UnixMillis) -> Response<Body> {
        blocking(self.clone(), move |desk| {
            let store = desk.store.lock().unwrap_or_else(PoisonError::into_inner);
            let plan = desk.plan.plan();
            let Some((meeting, origin)) = plan.calendar.meetings.get(id.as_str()) else {
                return Err(unknown(&id));
            };
            changeable(&meeting.id, origin)?;
            let transaction = store::begin(&store)?;
            let before = store::meetings::definition(&transaction, &id)?;
            store::meetings::delete(&transaction, &meeting.id)?;
            let (act, subject) = (Act::MeetingRemoved, meeting.id.as_str());
            let deed = Deed { act, subject, before: before.as_deref(), after: None };
            audit::add(&transaction, &actor, deed, now)?;
            transaction.commit()?;
            desk.plan.change_stored(&meeting.id, None);
            Ok(answers::empty(StatusCode::NO_CONTENT))
        })
        .await
    }

    /// Without an `actor` it is a preview.
    fn granted(
        &self,
        wish: &Wish,
        body: &[u8],
        actor: Option<&Actor>,
        now: UnixMillis,
    ) -> Result<Response<Body>, Refusal> {
        let bad = |error: serde_json::Error| {
            Refusal::Told(StatusCode::BAD_REQUEST, format!("no JSON: {error}"))
        };
        let json: &RawValue = serde_json::from_slice(body).map_err(bad)?;
        let meeting = yaml::one(Path::new("body"), json.get()).map_err(|faults| faulty(&faults))?;
        if let Wish::Put(id) = wish
            && id != meeting.id.as_str()
        {
            let told = format!("the address says {id}, the body {}", meeting.id);
            return Err(Refusal::Told(StatusCode::BAD_REQUEST, told));
        }
        // Held from the look at what is there to the change.
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = self.plan.plan();
        let before = plan.calendar.meetings.get(&meeting.id);
        match (wish, before) {
            (Wish::Add, Some(_)) => {
                let told = format!("the id {} is taken", meeting.id);
                return Err(Refusal::Told(StatusCode::CONFLICT, told));
            }
            (Wish::Put(_), Some((_, origin))) => changeable(&meeting.id, origin)?,
            (_, None) if plan.calendar.meetings.len() >= MEETINGS => {
                let told = format!("there are {MEETINGS} meetings; take old ones away first");
                return Err(Refusal::Told(StatusCode::CONFLICT, told));
            }
            (_, None) => {}
        }
        let page = pages::one(&meeting, None, None, &plan.inventory, now);
        let Some(actor) = actor else { return Ok(answers::json(StatusCode::OK, &page)) };
        let transaction = store::begin(&store)?;
        let known = store::meetings::definition(&transaction, meeting.id.as_str())?;
        store::meetings::put(&transaction, &meeting.id, json.get(), now)?;
        let act = if known.is_some() { Act::MeetingChanged } else { Act::MeetingAdded };
        let (subject, after) = (meeting.id.as_str(), Some(json.get()));
        let deed = Deed { act, subject, before: known.as_deref(), after };
        audit::add(&transaction, actor, deed, now)?;
        transaction.commit()?;
        let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        let answer = answers::json(status, &page);
        self.plan.change_stored(&meeting.id.clone(), Some(meeting));
        Ok(answer)
    }
}

fn unknown(id: &str) -> Refusal {
    Refusal::Told(StatusCode::NOT_FOUND, format!("there is no meeting {id}"))
}

/// What people wrote down in a file is changed in that file.
fn changeable(id: &MeetingId, origin: &Origin) -> Result<(), Refusal> {
    match origin {
        Origin::Api => Ok(()),
        Origin::File(path) => {
            let told = format!("the meeting {id} stands in {}; change it there", path.display());
            Err(Refusal::Told(StatusCode::CONFLICT, told))
        }
    }
}

fn faulty(faults: &Faults) -> Refusal {
    let told = pages::Told::faulty(faults);
    Refusal::Faulty(Box::new(answers::json(StatusCode::UNPROCESSABLE_ENTITY, &told)))
}

impl Shared {
    fn change_stored(&self, id: &MeetingId, meeting: Option<Meeting>) {
        self.with_stored(|stored| match meeting {
            Some(meeting) => drop(stored.insert(id.clone(), Arc::new(meeting))),
            None => drop(stored.remove(id)),
        });
    }
}

#[cfg(test)]
mod tests;
