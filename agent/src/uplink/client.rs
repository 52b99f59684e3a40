//! The HTTP client: one request, its answer or the cause of having none.

use std::error::Error;
use std::io;
use std::ops::Range;
use std::time::Duration;

use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue,
    RANGE, RETRY_AFTER,
};
use reqwest::{NoProxy, Proxy, Response, StatusCode, redirect};
use rustls::ClientConfig;
use wire::limits::{ID_CHARS, PROFILE_BYTES, PROFILE_PATH, REPORTS_PATH, UPDATE_PATH};
use wire::update::{MANIFEST_BYTES, PART_BYTES};

use super::class::Raw;
use super::{Cause, Mark, UplinkError};
use crate::identity::Identity;
use crate::trust;

/// Name, TCP and TLS. A lost first packet is repeated after 1 s and 3 s.
const CONNECT: Duration = Duration::from_secs(5);

/// Below the 4 min after which the collector closes idle connections, and above the 2 min of the
/// resting cadence: an agent at rest keeps its connection, and never writes into one that is
/// being closed.
const IDLE: Duration = Duration::from_secs(225);

/// Routers forget a silent connection after a minute at the earliest, save a few. Each time costs a
/// hundred bytes both ways: at half of this, a third of a megabyte a day for a site at rest.
const KEEPALIVE: Duration = Duration::from_secs(55);

/// A profile is some kilobytes, as a fresh batch is.
const PROFILE_TIMEOUT: Duration = Duration::from_secs(10);

/// The smallest part that is asked for, 8 KiB, over a line of 1 kbit/s; an ordinary one takes two
/// seconds.
const PART_TIMEOUT: Duration = Duration::from_mins(1);

/// 500 settled reports with reasons are some 100 KB; more is no answer of a collector.
const ANSWER_BYTES: usize = 256 * 1024;

/// The collector as an HTTP client sees it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    profile_url: String,
    update_url: String,
    authorization: HeaderValue,
}

impl Client {
    pub(super) fn new(identity: &Identity, proxy: Option<&str>) -> Result<Self, UplinkError> {
        let tls = trust::client_config(&identity.authority)?;
        let bearer = format!("Bearer {}", identity.credential.expose());
        let mut authorization = HeaderValue::try_from(bearer)
            .map_err(|_| UplinkError::Client("the credential is no text for a header".into()))?;
        authorization.set_sensitive(true);
        let url = format!("https://{}{REPORTS_PATH}", identity.collector);
        let profile_url = format!("https://{}{PROFILE_PATH}", identity.collector);
        let update_url = format!("https://{}{UPDATE_PATH}", identity.collector);
        Ok(Self { http: http(tls, proxy)?, url, profile_url, update_url, authorization })
    }

    /// Posts a body within `timeout`.
    pub(super) async fn post(&self, body: Vec<u8>, timeout: Duration) -> Result<Raw, Failed> {
        let response = self
            .http
            .post(&self.url)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(CONTENT_ENCODING, HeaderValue::from_static("zstd"))
            .timeout(timeout)
            .body(body)
            .send()
            .await
            .map_err(|error| Failed::of(&error))?;
        let header = |name| text(response.headers(), name);
        let (retry_after, date) = (header(RETRY_AFTER), header(DATE));
        let status = response.status().as_u16();
        Ok(Raw { status, retry_after, date, body: bounded(response, ANSWER_BYTES).await? })
    }

    /// Gets the profile of this site: its etag and its text; `None` where there is none.
    pub(super) async fn profile(&self) -> Result<Option<(String, String)>, Failed> {
        let response = self.get(&self.profile_url, PROFILE_TIMEOUT, None).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if response.status() != StatusCode::OK {
            return Err(unusable(format!("status {}", response.status().as_u16())));
        }
        let etag = text(response.headers(), ETAG).filter(|etag| etag.len() <= ID_CHARS);
        let etag = etag.ok_or_else(|| unusable("a profile without an etag".to_owned()))?;
        let body = bounded(response, PROFILE_BYTES).await?;
        match String::from_utf8(body) {
            Ok(body) => Ok(Some((etag, body))),
            Err(_) => Err(unusable("a profile that is not UTF-8".to_owned())),
        }
    }

    /// Gets the manifest of the update on offer; `None` where there is none.
    pub(super) async fn manifest(&self) -> Result<Option<String>, Failed> {
        let response = self.get(&self.update_url, PROFILE_TIMEOUT, None).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(unusable(format!("status {}", status.as_u16()))),
        }
        let body = bounded(response, MANIFEST_BYTES).await?;
        String::from_utf8(body).map(Some).map_err(|_| unusable("not UTF-8".to_owned()))
    }

    /// Gets a part of an update's program.
    pub(super) async fn part(&self, id: &str, range: Range<u64>) -> Result<Part, Failed> {
        let url = format!("{}/{id}", self.update_url);
        let last = range.end.saturating_sub(1);
        let range = format!("bytes={}-{last}", range.start);
        let response = self.get(&url, PART_TIMEOUT, Some(range)).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(Part::Beyond),
            StatusCode::SERVICE_UNAVAILABLE => {
                return Err(unusable("others are fetching it; later".to_owned()));
            }
            status => return Err(unusable(format!("status {}", status.as_u16()))),
        }
        let most = usize::try_from(PART_BYTES).unwrap_or(usize::MAX);
        bounded(response, most).await.map(Part::Bytes)
    }

    async fn get(
        &self,
        url: &str,
        timeout: Duration,
        range: Option<String>,
    ) -> Result<Response, Failed> {
        let mut request =
            self.http.get(url).header(AUTHORIZATION, self.authorization.clone()).timeout(timeout);
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        request.send().await.map_err(|error| Failed::of(&error))
    }
}

/// What came of a program.
#[derive(Debug)]
pub(crate) enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// There are no more.
    Beyond,
}

fn unusable(detail: String) -> Failed {
    Failed { cause: Cause::Answer, mark: None, detail }
}

/// A client for one collector over TLS alone.
pub(crate) fn http(tls: ClientConfig, proxy: Option<&str>) -> Result<reqwest::Client, UplinkError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .https_only(true)
        // A collector never redirects; whoever does gets no credential.
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(1)
        .tcp_keepalive(KEEPALIVE);
    if let Some(proxy) = proxy {
        let wrong = |error: reqwest::Error| UplinkError::Proxy {
            proxy: proxy.to_owned(),
            error: chain(&error),
        };
        let proxy = Proxy::https(proxy).map_err(wrong)?;
        builder = builder.proxy(proxy.no_proxy(NoProxy::from_env()));
    }
    builder.build().map_err(|error| UplinkError::Client(chain(&error)))
}

/// The body, as long as it stays within `most`.
pub(crate) async fn bounded(mut response: Response, most: usize) -> Result<Vec<u8>, Failed> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failed::of(&error))? {
        if body.len() + chunk.len() > most {
            let detail = format!("the answer has more than {most} bytes");
            return Err(Failed { cause: Cause::Answer, mark: None, detail });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) cause: Cause,
    pub(crate) mark: Option<Mark>,
    /// For people: the whole chain of errors.
    pub(crate) detail: String,
}

impl Failed {
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        Self { cause: cause(error), mark: Mark::of(error), detail: chain(error) }
    }
}

fn cause(error: &reqwest::Error) -> Cause {
    if find::<rustls::Error>(error).is_some() {
        return Cause::Tls;
    }
    if error.is_dns() {
        return Cause::Resolve;
    }
    if error.is_timeout() {
        return Cause::Timeout;
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => Cause::Refused,
        Some(
            io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::PermissionDenied,
        ) => Cause::Unreachable,
        Some(io::ErrorKind::TimedOut) => Cause::Timeout,
        _ => Cause::Closed,
    }
}

/// The deepest error of that type behind `error`. An `io::Error` hides what it carries from
/// `source`, so that is looked into by itself.
pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let deeper = carried.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    deeper.and_then(find).or_else(|| error.downcast_ref())
}

/// What is behind an error, in one line; its own words only name the URL, which is known.
fn chain(error: &reqwest::Error) -> String {
    let mut told = String::new();
    let mut next: Option<&dyn Error> = error.source().or(Some(error));
    while let Some(error) = next {
        let text = error.to_string();
        if !told.ends_with(&text) {
            if !told.is_empty() {
                told.push_str(": ");
            }
            told.push_str(&text);
        }
        next = error.source();
    }
    told
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
