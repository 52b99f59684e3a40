//! What the operations' side answers, once it is known that the caller may.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::listener::body::Incoming;
use bytes::Bytes;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use wire::UnixMillis;

use super::{Routes, decoded, header, refused};
use crate::audit::Actor;
use crate::board::Over;
use crate::exposition::{self, Shard, Wanted};
use crate::listener::{Body, body};
use crate::meetings::desk::{self, Wish};
use crate::permission::{Caller, Need, permit};
use crate::roll_call::desk::{ATTENDANCE_BYTES, Format};
use crate::{absences, acknowledgements, answers, waiting};

impl Routes {
    /// Who asks: whoever has a token, else whoever has signed in, else somebody.
    pub(super) async fn caller(&self, headers: &HeaderMap, now: UnixMillis) -> Caller {
        if let Some(role) = self.tokens.role(headers) {
            return Caller::Program(role);
        }
        let stranger = if self.tokens.is_open() { Caller::Neighbour } else { Caller::Nobody };
        self.people.person(headers, now).await.unwrap_or(stranger)
    }

    /// When somebody who looks on must no longer.
    pub(super) fn over(&self, caller: &Caller, headers: &HeaderMap) -> Over {
        match caller {
            Caller::Person { .. } => Box::pin(self.people.clone().until_over(headers.clone())),
            _ => Box::pin(std::future::pending()),
        }
    }

    pub(super) async fn sign_out(
        &self,
        headers: &HeaderMap,
        peer: SocketAddr,
        now: UnixMillis,
    ) -> Response<Body> {
        match self.caller(headers, now).await {
            Caller::Person { name, own_page, .. } => {
                // Whatever the role: to sign out is nobody's but the user's own act.
                let role = crate::users::Role::Operate;
                let caller = Caller::Person { name, role, own_page };
                if let Err(refusal) = permit(Need::Act, &caller) {
                    return refused(refusal);
                }
                let actor = Actor { who: caller.name().to_owned(), address: Some(peer.ip()) };
                self.people.sign_out(headers, actor, now).await
            }
            _ => answers::empty(StatusCode::NO_CONTENT),
        }
    }

    pub(super) async fn meetings(
        &self,
        id: Option<&str>,
        request: Request<Incoming>,
        actor: Actor,
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
            (Method::DELETE, Some(id)) => return self.calendar.delete(id, actor, now).await,
            (_, Some(id)) => return self.calendar.one(id, now).await,
            (_, None) => return self.calendar.list(now),
        }
        let query = request.uri().query().unwrap_or_default();
        let preview = query.split('&').any(|part| part == "preview=true");
        match self.json(request, desk::BODY_BYTES).await {
            Ok(bytes) => self.calendar.take(wish, bytes, preview, actor, now).await,
            Err(answer) => answer,
        }
    }

    pub(super) async fn absences(
        &self,
        request: Request<Incoming>,
        actor: Actor,
        now: UnixMillis,
    ) -> Response<Body> {
        if request.method() != Method::POST {
            return self.excuses.list(now);
        }
        match self.json(request, absences::desk::BODY_BYTES).await {
            Ok(bytes) => self.excuses.add(bytes, actor, now).await,
            Err(answer) => answer,
        }
    }

    pub(super) async fn acknowledge(
        &self,
        request: Request<Incoming>,
        actor: Actor,
        now: UnixMillis,
    ) -> Response<Body> {
        if request.method() != Method::POST {
            return self.acknowledgements.list();
        }
        match self.json(request, acknowledgements::desk::BODY_BYTES).await {
            Ok(bytes) => self.acknowledgements.give(bytes, actor, now).await,
            Err(answer) => answer,
        }
    }

    pub(super) async fn assign(
        &self,
        id: &str,
        request: Request<Incoming>,
        actor: Actor,
        now: UnixMillis,
    ) -> Response<Body> {
        match self.json(request, waiting::BODY_BYTES).await {
            Ok(bytes) => self.waiting.assign(id, bytes, actor, now).await,
            Err(answer) => answer,
        }
    }

    /// The body, if it says that it is JSON.
    async fn json(&self, request: Request<Incoming>, most: usize) -> Result<Bytes, Response<Body>> {
        if !answers::is_json(header(&request, CONTENT_TYPE)) {
            body::discard(request.into_body());
            let spoken = "Content-Type is application/json here\n";
            return Err(answers::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, spoken));
        }
        let read = body::read(request.into_body(), most, self.patience.body).await;
        read.map_err(|error| answers::last(answers::empty(error.status())))
    }

    pub(super) async fn attendance(
        &self,
        id: &str,
        request: Request<Incoming>,
        actor: Actor,
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
            Ok(bytes) => self.memory.attendance(id, format, bytes, actor, now).await,
            Err(error) => answers::last(answers::empty(error.status())),
        }
    }

    pub(super) fn ready(&self) -> Response<Body> {
        if self.stop.is_cancelled() {
            answers::text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
        } else {
            answers::text(StatusCode::OK, "ready\n")
        }
    }

    pub(super) fn metrics(&self, request: &Request<Incoming>, now: UnixMillis) -> Response<Body> {
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
