//! Why nobody signed in, and what is said of it.

use std::time::Duration;

use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::answers;
use crate::listener::Body;

/// Why nobody signed in.
#[derive(Debug)]
pub(super) enum Refused {
    Malformed(StatusCode),
    /// Another page asks.
    Foreign,
    Slow(Duration),
    Busy,
    Wrong,
    Failed(String),
}

#[derive(Serialize)]
struct Told {
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Refused {
    pub(super) fn answer(self) -> Response<Body> {
        let told = |status, error| answers::json(status, &Told { error, seconds: None });
        match self {
            Self::Malformed(status) => answers::last(told(status, "malformed")),
            Self::Foreign => told(StatusCode::FORBIDDEN, "foreign"),
            Self::Wrong => told(StatusCode::UNAUTHORIZED, "wrong"),
            Self::Slow(wait) => {
                let seconds = wait.as_secs() + 1;
                let told = Told { error: "slow", seconds: Some(seconds) };
                answers::retry_after(answers::json(StatusCode::TOO_MANY_REQUESTS, &told), seconds)
            }
            Self::Busy => answers::retry_after(told(StatusCode::SERVICE_UNAVAILABLE, "busy"), 1),
            Self::Failed(_) => told(StatusCode::SERVICE_UNAVAILABLE, "failed"),
        }
    }
}
