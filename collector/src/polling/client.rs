//! One GET: within a time, within a size, and only if something changed (RFC 9110 § 13).
//!
//! Private addresses are as good as public ones: the operator wrote them, and the calendar
//! server of an office stands in its own network.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, ETAG, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Response, StatusCode, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::config::MeetingUrl;
use crate::store::calendars::Copy;

/// Name, TCP and TLS. A lost first packet is repeated after 1 s and 3 s.
const CONNECT: Duration = Duration::from_secs(10);

/// The whole answer: a decade of meetings over a slow line.
const ANSWER: Duration = Duration::from_mins(1);

/// A calendar with a decade of weekly meetings and hundreds of attendees has some 4 MB.
const BODY_BYTES: usize = 8 * 1024 * 1024;

/// Published calendars move behind one or two of them.
const REDIRECTS: usize = 5;

/// Fetches one calendar.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
}

/// What the server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// That nothing changed.
    Unchanged,
    /// The calendar.
    New { etag: Option<String>, last_modified: Option<String>, body: Vec<u8> },
}

impl Client {
    /// One for this calendar; an error says why there is none.
    pub(super) fn new(calendar: &MeetingUrl) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(calendar)?)
            .http1_only()
            .referer(false)
            .user_agent(concat!("nhipcau-collector/", env!("CARGO_PKG_VERSION")))
            .redirect(redirects())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            // The next request is minutes away.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| format!("no HTTP client: {}", chain(error)))?;
        Ok(Self { http, url: calendar.url.0.clone() })
    }

    /// Asks for the calendar, if it is another one than `copy`.
    pub(super) async fn get(&self, copy: Option<&Copy>) -> Result<Fetched, String> {
        let mut request = self.http.get(self.url.clone());
        request = request.header(ACCEPT, HeaderValue::from_static("text/calendar, */*;q=0.1"));
        let conditions = [
            (IF_NONE_MATCH, copy.and_then(|copy| copy.etag.as_ref())),
            (IF_MODIFIED_SINCE, copy.and_then(|copy| copy.last_modified.as_ref())),
        ];
        for (name, value) in conditions {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = request.send().await.map_err(chain)?;
        match answer.status() {
            StatusCode::OK => {
                let header = |name| {
                    let value: Option<&HeaderValue> = answer.headers().get(name);
                    value.and_then(|value| value.to_str().ok()).map(str::to_owned)
                };
                let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
                Ok(Fetched::New { etag, last_modified, body: bounded(answer).await? })
            }
            StatusCode::NOT_MODIFIED if copy.is_some() => Ok(Fetched::Unchanged),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => {
                Err(format!("the server says {status}; is the address still right?"))
            }
            status => Err(format!("the server says {status}")),
        }
    }
}

async fn bounded(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(chain)? {
        if body.len() + chunk.len() > BODY_BYTES {
            let most = BODY_BYTES / 1024 / 1024;
            return Err(format!("larger than {most} MiB; publish a shorter time"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Never from a protected way to an open one: the address may be a secret.
fn redirects() -> Policy {
    Policy::custom(|attempt: Attempt<'_>| {
        let was_https = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
        if attempt.previous().len() > REDIRECTS {
            attempt.error("it redirects in circles")
        } else if was_https && attempt.url().scheme() != "https" {
            attempt.error("it redirects from https to http")
        } else {
            attempt.follow()
        }
    })
}

/// Trusts what the system does, and the calendar's own authority.
fn tls(calendar: &MeetingUrl) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &calendar.authority {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("no TLS: {error}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The error with its causes, and without the address.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        told = format!("{told}: {next}");
        cause = next.source();
    }
    told
}
