//! Where the API's desks do what is asked of them, and what they say when nothing is done.

use hyper::{Response, StatusCode};
use serde::Serialize;
use tracing::error;

use crate::answers;
use crate::listener::Body;

/// Seconds: a disk that is full is not emptied sooner.
const STORE_RETRY_AFTER: u64 = 5;

/// Why nothing is done.
#[derive(Debug)]
pub(crate) enum Refusal {
    Told(StatusCode, String),
    /// The faults of what was sent, as the desk tells them.
    Faulty(Box<Response<Body>>),
    Store(rusqlite::Error),
}

#[derive(Serialize)]
struct Told<'a> {
    error: &'a str,
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error)
    }
}

impl Refusal {
    fn answer(self) -> Response<Body> {
        match self {
            Self::Told(status, error) => answers::json(status, &Told { error: &error }),
            Self::Faulty(answer) => *answer,
            Self::Store(error) => {
                error!(%error, "what was asked for could not be kept");
                let told = Told { error: "the store cannot be written" };
                let answer = answers::json(StatusCode::SERVICE_UNAVAILABLE, &told);
                answers::retry_after(answer, STORE_RETRY_AFTER)
            }
        }
    }
}

/// Does the work of a desk on a thread that may wait: commits wait for the disk, and rules of
/// meetings may take a while to follow.
pub(crate) async fn blocking<D: Send + 'static>(
    desk: D,
    work: impl FnOnce(&D) -> Result<Response<Body>, Refusal> + Send + 'static,
) -> Response<Body> {
    let done = tokio::task::spawn_blocking(move || work(&desk).unwrap_or_else(Refusal::answer));
    done.await.unwrap_or_else(|_| answers::empty(StatusCode::INTERNAL_SERVER_ERROR))
}
