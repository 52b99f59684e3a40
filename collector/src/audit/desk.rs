//! `/api/v1/audit`: the log read, page by page.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::{Response, StatusCode};
use rusqlite::Connection;
use tracing::error;
use wire::Language;

use super::PAGE;
use crate::answers;
use crate::listener::Body;
use crate::store::audit;

/// Answers from a connection of its own; a page is read in a millisecond.
#[derive(Debug, Clone)]
pub struct Desk(Arc<Mutex<Connection>>);

impl Desk {
    /// Answers from this connection.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(connection)))
    }

    /// The latest entries; with `before=ID` those before it.
    pub async fn answer(&self, query: Option<&str>) -> Response<Body> {
        let before = answers::asked(query, "before").map_or(Ok(i64::MAX), str::parse);
        let Ok(before) = before else {
            return answers::text(StatusCode::BAD_REQUEST, "before is an entry's id\n");
        };
        let language = answers::asked(query, "lang").and_then(|lang| lang.parse().ok());
        let language: Language = language.unwrap_or_default();
        let connection = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            audit::latest(&connection, before, PAGE)
        });
        match read.await {
            Ok(Ok(entries)) => {
                let page = super::page(&entries, language);
                answers::kept_nowhere(answers::json_bytes(StatusCode::OK, page))
            }
            Ok(Err(error)) => {
                error!(%error, "the audit log cannot be read");
                answers::empty(StatusCode::SERVICE_UNAVAILABLE)
            }
            Err(_) => answers::empty(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}
