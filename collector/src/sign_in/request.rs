//! What a request says of whoever sends it.

use std::time::Duration;

use crate::listener::body::Incoming;
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, ORIGIN};
use hyper::{HeaderMap, Request, StatusCode};
use serde::Deserialize;
use wire::enrolment::sha256_hex;

use super::refused::Refused;
use super::{cookie, origin};
use crate::answers;
use crate::listener::body;

/// A name and the longest password, generously.
const BODY_BYTES: usize = 4 * 1024;

/// It fits one packet or two.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// Where the page shows that it knows the session's secret by its answer, not only by its cookie.
const PROOF: HeaderName = HeaderName::from_static("x-csrf-token");

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[derive(Deserialize)]
pub(super) struct Asked {
    pub(super) user: String,
    pub(super) password: String,
}

/// Name and password, from the collector's own page.
pub(super) async fn asked(request: Request<Incoming>) -> Result<Asked, Refused> {
    let refused = if !is_own(request.headers()) {
        Some(Refused::Foreign)
    } else if !answers::is_json(text(request.headers(), CONTENT_TYPE)) {
        Some(Refused::Malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE))
    } else {
        None
    };
    if let Some(refused) = refused {
        body::discard(request.into_body());
        return Err(refused);
    }
    let bytes = body::read(request.into_body(), BODY_BYTES, BODY_PATIENCE).await;
    let bytes = bytes.map_err(|error| Refused::Malformed(error.status()))?;
    serde_json::from_slice(&bytes).map_err(|_| Refused::Malformed(StatusCode::BAD_REQUEST))
}

pub(super) fn is_own(headers: &HeaderMap) -> bool {
    origin::is_own(text(headers, FETCH_SITE), text(headers, ORIGIN), text(headers, HOST))
}

pub(super) fn secret(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(COOKIE).iter().find_map(|value| cookie::secret(value.to_str().ok()?))
}

/// What only a page that reads the collector's answers can know of a session: it is made of the
/// secret, and the secret cannot be made of it.
pub(super) fn proof(secret: &str) -> String {
    sha256_hex(format!("proof of {secret}").as_bytes())
}

pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the page that asks knows the proof; hashes are compared, so that the time it takes says
/// nothing about it.
pub(super) fn is_proven(headers: &HeaderMap, secret: &str) -> bool {
    let hash = |text: &str| sha256_hex(text.as_bytes());
    text(headers, PROOF).is_some_and(|given| hash(given) == hash(&proof(secret)))
}
