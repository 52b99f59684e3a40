//! Which request is answered by whom.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use crate::listener::body::Incoming;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, HeaderName, HeaderValue, RANGE, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use wire::{SiteId, UnixMillis, limits};

use crate::audit::Actor;
use crate::auth::{Auth, Tokens};
use crate::board::Board;
use crate::enrol::Enrolment;
use crate::ingest::{Encoding, Ingest, Taken};
use crate::listener::{Body, Patience, body};
use crate::meetings::desk;
use crate::permission::{Caller, Need, Refusal, permit};
use crate::roll_call::desk::Desk;
use crate::seldom::Seldom;
use crate::telemetry::Telemetry;
use crate::updates::desk::Said;
use crate::{
    absences, acknowledgements, answers, api, audit, fleet, judging, profiles, sign_in, updates,
    waiting,
};

mod operations;
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
    /// Who looks after what.
    pub acknowledgements: acknowledgements::desk::Desk,
    /// Who is excused.
    pub excuses: absences::desk::Desk,
    /// Who waits to be matched to a site.
    pub waiting: waiting::Desk,
    /// What is remembered of meetings.
    pub memory: Desk,
    /// What is known of this program.
    pub telemetry: Arc<Telemetry>,
    /// What programs must show.
    pub tokens: Tokens,
    /// What sites are to run.
    pub profiles: Arc<profiles::desk::Desk>,
    /// Which version agents are given.
    pub updates: Arc<updates::desk::Desk>,
    /// Who has signed in.
    pub people: sign_in::Desk,
    /// Who did what.
    pub log: audit::desk::Desk,
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
        let acts = port == Port::Operations && !request.method().is_safe();
        let answer = self.admit(port, route, request, peer, now).await;
        if acts && answer.status().is_success() {
            self.judged.wake();
        }
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
        let may_change = |route: &Route<'_>| route.has(request.method());
        let need = match access {
            // What no route does changes nothing.
            Access::Reader if route.as_ref().is_some_and(may_change) => Need::of(request.method()),
            Access::Operator if request.method().is_safe() => Need::Oversee,
            Access::Operator => Need::Act,
            _ => Need::View,
        };
        let (site, caller) = match access {
            Access::Anyone => (None, Caller::Nobody),
            Access::Agent => match self.auth.site_of(request.headers()) {
                Some(site) => (Some(site), Caller::Nobody),
                None => return self.unknown(request, peer),
            },
            Access::Reader | Access::Operator => {
                let caller = self.caller(request.headers(), now).await;
                if let Err(refusal) = permit(need, &caller) {
                    body::discard(request.into_body());
                    return refused(refusal);
                }
                (None, caller)
            }
        };
        let Some(route) = route else {
            body::discard(request.into_body());
            return answers::empty(StatusCode::NOT_FOUND);
        };
        if !route.has(request.method()) {
            body::discard(request.into_body());
            return wrong_method(route.methods);
        }
        let actor = || Actor { who: caller.name().to_owned(), address: Some(peer.ip()) };
        match (route.action, site) {
            (Action::Enrol, _) => self.enrolment.answer(request, peer, now).await,
            (Action::Reports, Some(site)) => self.reports((&site, peer.ip()), request, now).await,
            (Action::Profile, Some(site)) => self.profiles.profile(&site),
            (Action::Update, Some(site)) => self.updates.manifest(&site),
            (Action::UpdatePart(id), Some(site)) => {
                self.updates.part(&site, id, header(&request, RANGE)).await
            }
            // The table gives these to agents only.
            (Action::Reports | Action::Profile | Action::Update | Action::UpdatePart(_), None) => {
                answers::empty(StatusCode::UNAUTHORIZED)
            }
            (Action::Board(file), _) => file.answer(),
            (Action::BoardEvents, _) => {
                let over = self.over(&caller, request.headers());
                let encodings = header(&request, ACCEPT_ENCODING);
                let query = request.uri().query();
                self.board.events(query, encodings, self.stop.clone(), over).await
            }
            (Action::SignIn, _) => self.people.sign_in(request, peer, now).await,
            (Action::SignOut, _) => self.sign_out(request.headers(), peer, now).await,
            (Action::Who, _) => {
                let caller = self.caller(request.headers(), now).await;
                sign_in::Desk::who(&caller, request.headers())
            }
            (Action::Profiles, _) => self.profiles.page(),
            (Action::Updates, _) => self.updates.page(now),
            (Action::Audit, _) => self.log.answer(request.uri().query()).await,
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
            (Action::Meetings, _) => self.meetings(None, request, actor(), now).await,
            (Action::Meeting(id), _) => self.meetings(Some(id), request, actor(), now).await,
            (Action::RollCall(id), _) => match decoded(id) {
                Some(id) => self.memory.roll_call(id).await,
                None => answers::text(StatusCode::BAD_REQUEST, "the id is not UTF-8\n"),
            },
            (Action::Attendance(id), _) => self.attendance(id, request, actor(), now).await,
            (Action::Absences, _) => self.absences(request, actor(), now).await,
            (Action::Acknowledgements, _) => self.acknowledge(request, actor(), now).await,
            (Action::Acknowledgement(id), _) => {
                self.acknowledgements.take_back(id.to_owned(), actor(), now).await
            }
            (Action::Waiting, _) => self.waiting.list(now).await,
            (Action::Assign(id), _) => self.assign(id, request, actor(), now).await,
            (Action::Absence(id), _) => self.excuses.delete(id.to_owned(), actor(), now).await,
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
            Ok(Taken { mut answer, profile, update }) => {
                let said = match update {
                    Some(standing) => Said::Standing(standing),
                    // Every agent at work says something of its profile.
                    None if profile.is_some() => Said::Off,
                    None => Said::Nothing,
                };
                answer.profile = self.profiles.push(site, profile);
                let judged = self.judged.latest();
                let meeting = judged.expected.meetings.next_meeting(site);
                answer.update = self.updates.push(site, said, meeting, now);
                answer.meeting = meeting.cloned();
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
}

/// `{}`.
#[derive(serde::Serialize)]
struct Nothing {}

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

/// What is said to whoever may not.
fn refused(refusal: Refusal) -> Response<Body> {
    let told = |error: &'static str| answers::json(StatusCode::FORBIDDEN, &Refused { error });
    match refusal {
        Refusal::SignIn => {
            let mut answer = answers::empty(StatusCode::UNAUTHORIZED);
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            answer
        }
        Refusal::Role => told("this takes the role operate"),
        Refusal::Forged => {
            told("this did not come from the collector's own page; a proxy must pass Host on")
        }
    }
}

#[derive(serde::Serialize)]
struct Refused {
    error: &'static str,
}

fn header(request: &Request<Incoming>, name: HeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests;
