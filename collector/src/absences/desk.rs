//! `/api/v1/absences`: absences and maintenance windows read, and those made and taken away by
//! other programs. What is made here has the shape and the rules of one in the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::{Response, StatusCode};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::value::RawValue;
use tracing::error;
use wire::UnixMillis;
use wire::yaml::Faults;

use super::{ABSENCES, Absence, Scope, Shared, file};
use crate::answers;
use crate::api::Moment;
use crate::audit::{Act, Actor};
use crate::listener::Body;
use crate::refusal::{Refusal, blocking};
use crate::store::{self, audit, audit::Deed};

/// Ids and texts of one absence, generously.
pub const BODY_BYTES: usize = 16 * 1024;

/// What is read and kept of them.
#[derive(Debug, Clone)]
pub struct Desk {
    store: Arc<Mutex<Connection>>,
    absences: Arc<Shared>,
}

#[derive(Serialize)]
struct List<'a> {
    now: Moment,
    absences: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    /// Of those that came through the API; what stands in the file is changed there.
    id: Option<i64>,
    source: &'static str,
    site: Option<&'a str>,
    area: Option<&'a str>,
    uplink: Option<&'a str>,
    from: Moment,
    to: Moment,
    reason: &'a str,
    /// Whether it excuses now.
    now: bool,
}

#[derive(Serialize)]
struct Faulty {
    error: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<String>,
}

impl Desk {
    /// Puts the stored absences in force. One that is no longer understood is said and left
    /// where it is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(connection: Connection, absences: Arc<Shared>) -> rusqlite::Result<Self> {
        let mut stored = BTreeMap::new();
        for (id, definition) in store::absences::all(&connection)? {
            match file::one(Path::new("absence"), &definition) {
                Ok(absence) => drop(stored.insert(id, absence)),
                Err(faults) => error!(id, "stored absence: {faults}"),
            }
        }
        absences.set_stored(stored);
        Ok(Self { store: Arc::new(Mutex::new(connection)), absences })
    }

    /// Every absence that is not over.
    #[must_use]
    pub fn list(&self, now: UnixMillis) -> Response<Body> {
        let (of_file, stored) = self.absences.parts();
        let of_file = of_file.iter().map(|absence| line(None, absence, now));
        let stored = stored.iter().map(|(id, absence)| line(Some(*id), absence, now));
        let mut absences: Vec<_> = of_file.chain(stored).collect();
        absences.retain(|absence| absence.to.0 > now);
        absences.sort_by_key(|absence| absence.from.0);
        answers::json(StatusCode::OK, &List { now: Moment(now), absences })
    }

    /// Keeps the absence in `body`.
    pub async fn add(&self, body: Bytes, actor: Actor, now: UnixMillis) -> Response<Body> {
        blocking(self.clone(), move |desk| {
            let bad = |error: serde_json::Error| {
                Refusal::Told(StatusCode::BAD_REQUEST, format!("no JSON: {error}"))
            };
            let json: &RawValue = serde_json::from_slice(&body).map_err(bad)?;
            let absence =
                file::one(Path::new("body"), json.get()).map_err(|faults| faulty(&faults))?;
            if absence.to <= now {
                let told = "the absence is over already".to_owned();
                return Err(Refusal::Told(StatusCode::UNPROCESSABLE_ENTITY, told));
            }
            // Held from the count to the change.
            let store = desk.store.lock().unwrap_or_else(PoisonError::into_inner);
            // Roll calls have written down whom they excused and why.
            store::absences::forget_over(&store, now)?;
            desk.absences.forget_over(now);
            if desk.absences.parts().1.len() >= ABSENCES {
                let told = format!("there are {ABSENCES} absences; take old ones away first");
                return Err(Refusal::Told(StatusCode::CONFLICT, told));
            }
            let transaction = store::begin(&store)?;
            let id = store::absences::add(&transaction, json.get(), absence.to, now)?;
            let deed = Deed {
                act: Act::AbsenceAdded,
                subject: absence.of.id(),
                before: None,
                after: Some(json.get()),
            };
            audit::add(&transaction, &actor, deed, now)?;
            transaction.commit()?;
            let answer = answers::json(StatusCode::CREATED, &line(Some(id), &absence, now));
            desk.absences.change_stored(id, Some(absence));
            Ok(answer)
        })
        .await
    }

    /// Takes an absence away.
    pub async fn delete(&self, id: String, actor: Actor, now: UnixMillis) -> Response<Body> {
        blocking(self.clone(), move |desk| {
            let unknown =
                || Refusal::Told(StatusCode::NOT_FOUND, format!("there is no absence {id}"));
            let number: i64 = id.parse().map_err(|_| unknown())?;
            let store = desk.store.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = store::begin(&store)?;
            let Some(definition) = store::absences::take(&transaction, number)? else {
                return Err(unknown());
            };
            let gone = file::one(Path::new("absence"), &definition).ok();
            let deed = Deed {
                act: Act::AbsenceRemoved,
                subject: gone.as_ref().map_or("", |absence| absence.of.id()),
                before: Some(&definition),
                after: None,
            };
            audit::add(&transaction, &actor, deed, now)?;
            transaction.commit()?;
            desk.absences.change_stored(number, None);
            Ok(answers::empty(StatusCode::NO_CONTENT))
        })
        .await
    }
}

fn line(id: Option<i64>, absence: &Absence, now: UnixMillis) -> Line<'_> {
    let (site, area, uplink) = match &absence.of {
        Scope::Site(id) => (Some(id.as_str()), None, None),
        Scope::Area(id) => (None, Some(id.as_str()), None),
        Scope::Uplink(name) => (None, None, Some(name.as_str())),
    };
    Line {
        id,
        source: if id.is_some() { "api" } else { "file" },
        site,
        area,
        uplink,
        from: Moment(absence.from),
        to: Moment(absence.to),
        reason: &absence.reason,
        now: absence.from <= now && now < absence.to,
    }
}

fn faulty(faults: &Faults) -> Refusal {
    let faults = faults.0.iter().map(ToString::to_string).collect();
    let told = Faulty { error: "the absence has faults", faults };
    Refusal::Faulty(Box::new(answers::json(StatusCode::UNPROCESSABLE_ENTITY, &told)))
}

#[cfg(test)]
mod tests;
