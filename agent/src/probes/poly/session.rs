//! A session of Poly's REST interface (`VideoOS` REST API, "session"), which is always closed.

use reqwest::header::{CONTENT_TYPE, COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use wire::reading::{Failure, Reason};

use super::super::secret::Secret;
use super::super::web::{Answer, Visit};
use crate::runtime;

const SESSION: &str = "/rest/current/session";

/// How a login ended.
pub(super) enum Opened {
    Session(Session),
    Refused(String),
}

/// An open session. One that is dropped before it was closed is closed in the background, so that
/// a run that is cut off leaves none behind.
pub(super) struct Session {
    visit: Visit,
    cookies: String,
    token: Option<String>,
    open: bool,
}

impl Session {
    pub(super) async fn open(visit: Visit, user: &str, secret: &Secret) -> Result<Opened, Failure> {
        let body = json!({ "user": user, "password": secret.reveal() }).to_string();
        let request = visit.request(Method::POST, SESSION);
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        let answer = visit.send(request, "log in to").await?;
        if matches!(answer.status, 401 | 403) {
            return Ok(Opened::Refused(format!("{user}: status {}", answer.status)));
        }
        let answer = answer.good("log in")?;
        let value = json_of(&answer, "log in")?;
        let id = value.pointer("/session/sessionId").and_then(Value::as_str);
        match id.filter(|_| value.get("success") != Some(&Value::Bool(false))) {
            Some(id) => Ok(Opened::Session(Self::of(visit, id, &answer.cookies))),
            None => Ok(Opened::Refused(format!("{user}: no session"))),
        }
    }

    fn of(visit: Visit, id: &str, set: &[String]) -> Self {
        let token = set.iter().find_map(|cookie| cookie.strip_prefix("XSRF-TOKEN="));
        let token = token.map(str::to_owned);
        // What would end the header is no session of this device.
        let fit: String = id.chars().filter(|c| !c.is_control() && *c != ';').collect();
        let mut cookies = format!("session_id={fit}");
        if let Some(token) = &token {
            cookies = format!("{cookies}; XSRF-TOKEN={token}");
        }
        Self { visit, cookies, token, open: true }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.visit.request(method, path).header(COOKIE, &self.cookies);
        match &self.token {
            Some(token) => request.header("x-xsrf-token", token),
            None => request,
        }
    }

    /// What stands at `path`.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let what = format!("GET {path}");
        let answer = self.visit.send(self.request(Method::GET, path), &what).await?;
        json_of(&answer.good(&what)?, &what)
    }

    /// Logs out. A codec that does not answer any more has its own troubles.
    pub(super) async fn close(mut self) {
        let request = self.request(Method::DELETE, SESSION);
        let _ = self.visit.send_at_last(request).await;
        self.open = false;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.open {
            let (visit, request) = (self.visit.clone(), self.request(Method::DELETE, SESSION));
            runtime::farewell(async move { drop(visit.send_at_last(request).await) });
        }
    }
}

fn json_of(answer: &Answer, what: &str) -> Result<Value, Failure> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| Failure::new(Reason::Protocol, format_args!("{what}: {error}")))
}
