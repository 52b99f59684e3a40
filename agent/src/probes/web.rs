//! Requests to a device's own web server: HTTP over TLS, to that one host and nowhere else.
//!
//! Devices sign themselves. Whom to trust is said by `ca_file`, or by the fingerprint of the very
//! certificate, which a failure tells so that it can be compared with the device's own screen.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER_PERMISSIVE;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder};
use serde::Deserialize;
use wire::reading::{Failure, Reason};

use super::certificates::{self, Witness};
use super::failure;
use super::http::fault::{self, Unresolved};
use super::resolve::Host;

/// A status document of the largest codec has some 200 KiB.
const BODY_BYTES: usize = 1024 * 1024;

/// Where a device's web server is, and whom to trust there.
#[derive(Debug, Clone)]
pub(super) struct Site<'a> {
    pub(super) host: &'a Host,
    pub(super) port: Option<NonZeroU16>,
    pub(super) scheme: Scheme,
    pub(super) ca_file: Option<&'a PathBuf>,
    pub(super) fingerprint: Option<&'a Fingerprint>,
}

/// How to speak to the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Over TLS.
    #[default]
    Https,
    /// In clear, the password too: only for devices that know nothing else.
    Http,
}

/// SHA-256 of a certificate, as browsers and `openssl x509 -fingerprint -sha256` show it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Fingerprint(Box<[u8; 32]>);

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok();
        let whole = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        whole.map(|bytes| Self(Box::new(bytes))).ok_or_else(|| {
            format!("{text:?} is not a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons")
        })
    }
}

/// What the server's certificate was, for whoever has to decide about it.
#[derive(Debug, Default)]
struct Shown(Mutex<Option<[u8; 32]>>);

impl Witness for Shown {
    fn certificate(&self, _: i64) {}

    fn fingerprint(&self, fingerprint: [u8; 32]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
    }
}

/// A client, made at the first run.
#[derive(Debug, Clone, Default)]
pub(super) struct Web {
    made: Option<Client>,
    shown: Arc<Shown>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) cookies: Vec<String>,
    pub(super) body: Vec<u8>,
}

/// A web server with the time that is left for it.
#[derive(Clone)]
pub(super) struct Visit {
    client: Client,
    base: String,
    tls: bool,
    shown: Arc<Shown>,
    deadline: Instant,
}

impl Web {
    /// Gets ready for `patience`.
    pub(super) async fn visit(
        &mut self,
        site: &Site<'_>,
        patience: Duration,
    ) -> Result<Visit, Failure> {
        let deadline = Instant::now() + patience;
        let client = match &self.made {
            Some(client) => client.clone(),
            None => self.made.insert(make(site, &self.shown).await?).clone(),
        };
        let host = match site.host.to_string().parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V6(address)) => format!("[{address}]"),
            _ => site.host.to_string(),
        };
        let (scheme, default) = match site.scheme {
            Scheme::Https => ("https", 443),
            Scheme::Http => ("http", 80),
        };
        let base = format!("{scheme}://{host}:{}", site.port.map_or(default, NonZeroU16::get));
        let tls = site.scheme == Scheme::Https;
        Ok(Visit { client, base, tls, shown: Arc::clone(&self.shown), deadline })
    }
}

async fn make(site: &Site<'_>, shown: &Arc<Shown>) -> Result<Client, Failure> {
    let internal = |error: &dyn std::fmt::Display| {
        Failure::new(Reason::Internal, format_args!("make an HTTP client: {error}"))
    };
    let ca_file = site.ca_file.cloned();
    let mut trust = tokio::task::spawn_blocking(move || certificates::trust(ca_file.as_deref()))
        .await
        .map_err(|error| internal(&error))??;
    if let Some(fingerprint) = site.fingerprint {
        trust.pin(*fingerprint.0);
    }
    let witness = Arc::clone(shown) as Arc<dyn Witness>;
    let tls = certificates::tls(trust, witness).map_err(|error| internal(&error))?;
    Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .no_proxy()
        // A connection lives for one run's questions and not from run to run.
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(Duration::from_secs(2))
        .referer(false)
        .user_agent(concat!("nhipcau-agent/", env!("CARGO_PKG_VERSION")))
        // A password is for this host alone.
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(System))
        .build()
        .map_err(|error| internal(&error))
}

/// The system's resolver, as everywhere.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            match tokio::net::lookup_host((name.as_str(), 0)).await {
                Ok(found) => {
                    let addresses: Vec<SocketAddr> = found.collect();
                    Ok(Box::new(addresses.into_iter()) as Addrs)
                }
                Err(error) => Err(Unresolved::boxed(name.as_str(), &error)),
            }
        })
    }
}

impl Visit {
    /// A request for a path of the device: `/status.xml`.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends it and reads what comes back, to its end or to its bound.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        what: &str,
    ) -> Result<Answer, Failure> {
        let what = format!("{what} of {}", self.base);
        let left = self.deadline.saturating_duration_since(Instant::now());
        failure::within(left, &what, self.fetch(request, &what)).await
    }

    /// Sends what has to be sent also when all time is gone: to let go of what the device holds.
    pub(super) async fn send_at_last(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        /// A second more than a device takes that still answers.
        const PATIENCE: Duration = Duration::from_secs(2);
        let what = format!("log out of {}", self.base);
        failure::within(PATIENCE, &what, self.fetch(request, &what)).await
    }

    async fn fetch(&self, request: RequestBuilder, what: &str) -> Result<Answer, Failure> {
        let failed =
            |error: &reqwest::Error| self.with_fingerprint(fault::of(error, what, self.tls));
        let mut response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let cookies = cookies(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + chunk.len() > BODY_BYTES {
                let detail = format_args!("{what}: more than {} KiB", BODY_BYTES / 1024);
                return Err(Failure::new(Reason::Protocol, detail));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, cookies, body })
    }

    fn with_fingerprint(&self, failure: Failure) -> Failure {
        let shown = *self.shown.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (failure.reason, shown) {
            (Reason::Tls, Some(shown)) => {
                let fingerprint = HEXLOWER_PERMISSIVE.encode(&shown);
                let detail = format_args!("{}; its fingerprint is {fingerprint}", failure.detail);
                Failure::new(Reason::Tls, detail)
            }
            _ => failure,
        }
    }
}

impl Answer {
    /// Good, or why not; 401 and 403 are for the caller to judge.
    pub(super) fn good(self, what: &str) -> Result<Self, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let why = match self.status {
            300..=399 => "it redirects to somewhere else, which is not followed with a password",
            404 => "there is no such thing; is it another kind of device?",
            503 => "it is busy, or has no session left",
            _ => "",
        };
        let status = self.status;
        Err(Failure::new(Reason::Unexpected, format_args!("{what}: status {status} {why}")))
    }
}

/// `name=value` of each cookie that is set.
fn cookies(headers: &HeaderMap) -> Vec<String> {
    let set = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    set.filter_map(|cookie| cookie.split(';').next()).map(|pair| pair.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_programs_show_it() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(Fingerprint::try_from(plain), Fingerprint::try_from(colons));
        for bad in ["", "ab", &"zz".repeat(32), &"ab".repeat(20)] {
            assert!(Fingerprint::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
