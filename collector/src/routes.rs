//! Which request is answered by whom.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, VARY,
    WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use wire::{SiteId, UnixMillis, limits};

use crate::auth::{Auth, Token};
use crate::board::Board;
use crate::enrol::Enrolment;
use crate::exposition::{self, Shard, Wanted};
use crate::ingest::{Encoding, Ingest};
use crate::listener::{Body, Patience, body};
use crate::meetings::desk::{self, Wish};
use crate::roll_call::desk::{ATTENDANCE_BYTES, Desk, Format};
use crate::seldom::Seldom;
use crate::telemetry::Telemetry;
use crate::{absences, answers, api, fleet, judging};

mod table;

pub use table::Port;

pub(crate) use table::decoded;
use table::{Access, Action, CONTENTS, Route, route};

/// All that answers need.
#[derive(Debug)]
pub struct Routes {
    /// Who is enrolled.
    pub auth: Arc<Auth>,
    /// Takes codes.
    pub enrolment: Enrolment,
    /// Takes reports.
    pub ingest: Ingest,
    /// What is known of the sites.
    pub fleet: Arc<fleet::Shared>,
    /// What is judged of them.
    pub judged: Arc<judging::Shared>,
    /// What is shown of both in a browser.
    pub board: Arc<Board>,
    /// The meetings.
    pub calendar: desk::Desk,
    /// Who is excused.
    pub excuses: absences::desk::Desk,
    /// What is remembered of meetings.
    pub memory: Desk,
    /// What is known of this program.
    pub telemetry: Arc<Telemetry>,
    /// What readers must show, if anything.
    pub token: Option<Token>,
    /// How long bodies may take.
    pub patience: Patience,
    /// Cancelled when the collector ends.
    pub stop: CancellationToken,
    /// Strangers at the agents' door.
    pub(crate) strangers: Seldom,
}

impl Routes {
    /// Answers one request; `now` is when its header arrived.
    pub async fn answer(
        &self,
        port: Port,
        request: Request<Incoming>,
        peer: SocketAddr,
        now: UnixMillis,
    ) -> Response<Body> {
        let started = Instant::now();
        let path = request.uri().path().to_owned();
        let route = route(port, &path);
        let name = route.as_ref().map_or("other", |route| route.name);
        let answer = self.admit(port, route, request, peer, now).await;
        self.telemetry.requests.with_label_values(&[name, answer.status().as_str()]).inc();
        let duration = self.telemetry.request_duration_seconds.with_label_values(&[name]);
        duration.observe(started.elapsed().as_secs_f64());
        answer
    }

    /// Lets only those in who may; a stranger learns nothing, not even which paths there are.
    async fn admit(
        &self,
        port: Port,
        route: Option<Route<'_>>,
        request: Request<Incoming>,
        peer: SocketAddr,
        now: UnixMillis,
    ) -> Response<Body> {
        let access = match (&route, port) {
            (Some(route), _) => route.access,
            (None, Port::Agents) => Access::Agent,
            (None, Port::Operations) => Access::Anyone,
        };
        let site = match access {
            Access::Anyone => None,
            Access::Agent => match self.auth.site_of(request.headers()) {
                Some(site) => Some(site),
                None => return self.unknown(request, peer),
            },
            Access::Reader => {
                if self.token.as_ref().is_some_and(|token| !token.is_in(request.headers())) {
                    let mut answer = answers::empty(StatusCode::UNAUTHORIZED);
                    answer
                        .headers_mut()
                        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                    return answer;
                }
                None
            }
        };
        let Some(route) = route else {
            body::discard(request.into_body());
            return answers::empty(StatusCode::NOT_FOUND);
        };
        if !route.methods.iter().any(|method| is_method(method, request.method())) {
            body::discard(request.into_body());
            return wrong_method(route.methods);
        }
        match (route.action, site) {
            (Action::Enrol, _) => self.enrolment.answer(request, peer, now).await,
            (Action::Reports, Some(site)) => self.reports((&site, peer.ip()), request, now).await,
            // No profiles yet; agents then run what their own file says.
            (Action::Profile, Some(_)) => answers::json(StatusCode::NOT_FOUND, &Nothing {}),
            // The table gives these to agents only.
            (Action::Reports | Action::Profile, None) => answers::empty(StatusCode::UNAUTHORIZED),
            (Action::Board(file), _) => file.answer(),
            (Action::BoardEvents, _) => {
                self.board.events(request.uri().query(), self.stop.clone()).await
            }
            (Action::BoardSite(id), _) => {
                self.board.site(&self.fleet.snapshot(now), id, request.uri().query())
            }
            (Action::Contents, _) => answers::text(StatusCode::OK, CONTENTS),
            (Action::Healthy, _) => answers::text(StatusCode::OK, "healthy\n"),
            (Action::Ready, _) => self.ready(),
            (Action::Metrics, _) => self.metrics(&request, now),
            (Action::Sites, _) => {
                let (snapshot, judged) = (self.fleet.snapshot(now), self.judged.latest());
                answers::json_bytes(StatusCode::OK, api::sites(&snapshot, &judged.judgement))
            }
            (Action::Site(id), _) => {
                let snapshot = self.fleet.snapshot(now);
                match api::site(&snapshot, &self.judged.latest().judgement, id) {
                    Some(json) => answers::json_bytes(StatusCode::OK, json),
                    None => answers::json(StatusCode::NOT_FOUND, &Nothing {}),
                }
            }
            (Action::Meetings, _) => self.meetings(None, request, now).await,
            (Action::Meeting(id), _) => self.meetings(Some(id), request, now).await,
            (Action::RollCall(id), _) => match decoded(id) {
                Some(id) => self.memory.roll_call(id).await,
                None => answers::text(StatusCode::BAD_REQUEST, "the id is not UTF-8\n"),
            },
            (Action::Attendance(id), _) => self.attendance(id, request, now).await,
            (Action::Absences, _) => self.absences(request, now).await,
            (Action::Absence(id), _) => self.excuses.delete(id.to_owned()).await,
        }
    }

    fn unknown(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let dismissal = self.auth.dismissal_of(request.headers());
        if let Some(unsaid) = self.strangers.speak(Instant::now()) {
            warn!(%peer, unsaid, "a request without a valid credential; revoked, or never enrolled");
        }
        // Whoever waits for "100 Continue" has not sent a body.
        if !request.headers().contains_key(hyper::header::EXPECT) {
            body::discard(request.into_body());
        }
        answers::last(match dismissal {
            Some(dismissal) => answers::json(StatusCode::UNAUTHORIZED, &dismissal),
            None => answers::empty(StatusCode::UNAUTHORIZED),
        })
    }

    async fn reports(
        &self,
        (site, peer): (&SiteId, IpAddr),
        request: Request<Incoming>,
        now: UnixMillis,
    ) -> Response<Body> {
        let Some(encoding) = Encoding::from_header(header(&request, CONTENT_ENCODING)) else {
            body::discard(request.into_body());
            let spoken = "Content-Encoding is zstd, gzip or identity here";
            return answers::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, spoken);
        };
        let bytes =
            match body::read(request.into_body(), limits::BODY_BYTES, self.patience.body).await {
                Ok(bytes) => bytes,
                Err(error) => {
                    debug!(%site, ?error, "a body was not read");
                    return answers::last(answers::empty(error.status()));
                }
            };
        match self.ingest.take((site, peer), encoding, bytes, now).await {
            Ok(mut answer) => {
                answer.meeting = self.judged.latest().expected.meetings.next_meeting(site).cloned();
                answers::json(StatusCode::OK, &answer)
            }
            Err(error) => {
                let status =
                    StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let answer = answers::text(status, error.reason);
                match error.retry_after {
                    Some(seconds) => answers::retry_after(answer, seconds),
                    None => answer,
                }
            }
        }
    }

    async fn meetings(
        &self,
        id: Option<&str>,
        request: Request<Incoming>,
        now: UnixMillis,
    ) -> Response<Body> {
        let id = match id.map(decoded) {
            Some(None) => return answers::text(StatusCode::BAD_REQUEST, "the id is not UTF-8\n"),
            Some(id) => id,
            None => None,
        };
        let (wish, method) = (id.clone().map_or(Wish::Add, Wish::Put), request.method().clone());
        match (method, id) {
            (Method::POST | Method::PUT, _) => {}
            (Method::DELETE, Some(id)) => return self.calendar.delete(id).await,
            (_, Some(id)) => return self.calendar.one(&id, now),
            (_, None) => return self.calendar.list(now),
        }
        let query = request.uri().query().unwrap_or_default();
        let preview = query.split('&').any(|part| part == "preview=true");
        match self.json(request, desk::BODY_BYTES).await {
            Ok(bytes) => self.calendar.take(wish, bytes, preview, now).await,
            Err(answer) => answer,
        }
    }

    async fn absences(&self, request: Request<Incoming>, now: UnixMillis) -> Response<Body> {
        if request.method() != Method::POST {
            return self.excuses.list(now);
        }
        match self.json(request, absences::desk::BODY_BYTES).await {
            Ok(bytes) => self.excuses.add(bytes, now).await,
            Err(answer) => answer,
        }
    }

    /// The body, if it says that it is JSON: a page in somebody's browser cannot send this type
    /// without being allowed to.
    async fn json(&self, request: Request<Incoming>, most: usize) -> Result<Bytes, Response<Body>> {
        let json =
            |kind: &str| kind.split(';').next().is_some_and(|k| k.trim() == "application/json");
        if !header(&request, CONTENT_TYPE).is_some_and(json) {
            body::discard(request.into_body());
            let spoken = "Content-Type is application/json here\n";
            return Err(answers::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, spoken));
        }
        let read = body::read(request.into_body(), most, self.patience.body).await;
        read.map_err(|error| answers::last(answers::empty(error.status())))
    }

    async fn attendance(
        &self,
        id: &str,
        request: Request<Incoming>,
        now: UnixMillis,
    ) -> Response<Body> {
        let Some(format) = Format::from_header(header(&request, CONTENT_TYPE)) else {
            body::discard(request.into_body());
            let spoken = "Content-Type is application/json or text/csv here\n";
            return answers::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, spoken);
        };
        let Some(id) = decoded(id) else {
            body::discard(request.into_body());
            return answers::text(StatusCode::BAD_REQUEST, "the id is not UTF-8\n");
        };
        match body::read(request.into_body(), ATTENDANCE_BYTES, self.patience.body).await {
            Ok(bytes) => self.memory.attendance(id, format, bytes, now).await,
            Err(error) => answers::last(answers::empty(error.status())),
        }
    }

    fn ready(&self) -> Response<Body> {
        if self.stop.is_cancelled() {
            answers::text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
        } else {
            answers::text(StatusCode::OK, "ready\n")
        }
    }

    fn metrics(&self, request: &Request<Incoming>, now: UnixMillis) -> Response<Body> {
        let shard = match Shard::from_query(request.uri().query()) {
            Ok(shard) => shard,
            Err(reason) => return answers::text(StatusCode::BAD_REQUEST, reason),
        };
        let wanted =
            Wanted::from_headers(header(request, ACCEPT), header(request, ACCEPT_ENCODING));
        let snapshot = self.fleet.snapshot(now);
        let verdicts = Arc::clone(&self.judged.latest().verdicts);
        let body = exposition::body(snapshot, verdicts, &self.telemetry, wanted, shard);
        let mut answer = Response::new(body);
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(wanted.content_type()));
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if let Some(encoding) = wanted.content_encoding() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        answer
    }
}

/// `{}`.
#[derive(serde::Serialize)]
struct Nothing {}

/// HEAD is GET whose body hyper leaves out.
fn is_method(wanted: &Method, asked: &Method) -> bool {
    asked == wanted || (wanted == Method::GET && asked == Method::HEAD)
}

fn wrong_method(wanted: &[Method]) -> Response<Body> {
    let names = wanted.iter().map(|method| match method.as_str() {
        "GET" => "GET, HEAD",
        other => other,
    });
    let allowed = HeaderValue::from_str(&names.collect::<Vec<_>>().join(", "));
    let mut answer = answers::empty(StatusCode::METHOD_NOT_ALLOWED);
    answer.headers_mut().extend(allowed.ok().map(|allowed| (ALLOW, allowed)));
    answer
}

fn header(request: &Request<Incoming>, name: HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests;
