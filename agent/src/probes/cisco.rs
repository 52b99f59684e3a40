//! What a Cisco codec (SX, MX, DX, Room, Board, Desk; TC7 to `RoomOS`) says of itself.
//!
//! One `GET /status.xml` with the password of a user: no session is opened, for a codec has few
//! of them and does not take back those that somebody forgot.

mod status;
#[cfg(test)]
mod tests;

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use wire::Cause;
use wire::reading::{Capability, Failure, Reason};

use super::codec::{self, Finding, Ladder, Media, Status};
use super::failure;
use super::resolve::Host;
use super::secret::{PasswordFile, Refusal, Secret};
use super::web::{Answer, Fingerprint, Scheme, Site, Visit, Web};
use crate::tally::Run;

/// `cisco: { host: 10.0.0.20, user: nhipcau, password_file: cisco.password, fingerprint: "AB:CD:…" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cisco {
    /// A name, resolved anew at each run, or an address.
    pub host: Host,
    /// Default: 443, and 80 in clear.
    #[serde(default)]
    pub port: Option<NonZeroU16>,
    /// `https` or `http`. Default: `https`.
    #[serde(default)]
    pub scheme: Scheme,
    /// A user of the codec who may read its status; older versions ask for the role ADMIN.
    pub user: Box<str>,
    /// A file whose first line is that user's password.
    pub password_file: PasswordFile,
    /// A PEM file of certificates to trust besides the system's. Default: none.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The SHA-256 fingerprint of the codec's own certificate, to trust it alone. Default: none.
    #[serde(default)]
    pub fingerprint: Option<Fingerprint>,
    /// What should be connected to the codec.
    #[serde(default)]
    pub expected: Expected,
    #[serde(skip)]
    web: Web,
    #[serde(skip)]
    refusal: Refusal,
}

/// See [`Cisco::expected`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// Default: 1.
    pub cameras: usize,
    /// In jacks. Default: 0, for microphones on the network are none of them, and unused jacks
    /// look like unplugged ones.
    pub microphones: usize,
    /// Default: 1.
    pub displays: usize,
}

impl Default for Expected {
    fn default() -> Self {
        Self { cameras: 1, microphones: 0, displays: 1 }
    }
}

impl Cisco {
    /// A status document is dear for a small codec, which needs a second for it.
    pub const EVERY: Duration = Duration::from_mins(1);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Codec);

    /// The smallest codecs take seconds over a handshake and a document.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(20))
    }

    /// Reads the codec's status.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let secret = self.password_file.read()?;
        if self.refusal.forbids(&secret) {
            self.refused(run, "it was refused before");
            return Ok(());
        }
        let patience = failure::patience(run);
        let asked = self.ask(&secret, patience).await;
        if let Err(failure) = &asked {
            Ladder::of_failure(failure).record(run, &Media::default());
        }
        let answer = asked?;
        if matches!(answer.status, 401 | 403) {
            self.refusal.note(secret);
            self.refused(
                run,
                if answer.status == 401 { "401" } else { "403, its role may be too low" },
            );
            return Ok(());
        }
        let judged = self.judge(answer);
        if let Err(failure) = &judged {
            Ladder { login: Some(true), ..Ladder::of_failure(failure) }
                .record(run, &Media::default());
        }
        judged?.record(run, "Cisco");
        Ok(())
    }

    async fn ask(&mut self, secret: &Secret, patience: Duration) -> Result<Answer, Failure> {
        let site = Site {
            host: &self.host,
            port: self.port,
            scheme: self.scheme,
            ca_file: self.ca_file.as_ref(),
            fingerprint: self.fingerprint.as_ref(),
        };
        let visit: Visit = self.web.visit(&site, patience).await?;
        let request = visit.request(Method::GET, "/status.xml");
        visit.send(request.basic_auth(&*self.user, Some(secret.reveal())), "GET /status.xml").await
    }

    fn judge(&self, answer: Answer) -> Result<Status, Failure> {
        let what = format!("GET /status.xml of {}", self.host);
        let answer = answer.good(&what)?;
        let strange = |why: &str| Failure::new(Reason::Protocol, format_args!("{what}: {why}"));
        let xml = String::from_utf8(answer.body).map_err(|_| strange("it is not UTF-8"))?;
        status::read(&xml, &self.expected).map_err(|why| strange(&why))
    }

    fn refused(&self, run: &mut Run<'_>, why: &str) {
        Ladder::refused().record(run, &Media::default());
        let detail = format!("{}: {why}; {}", self.user, Refusal::advice());
        codec::record(run, &[Finding::wrong("codec", Cause::LoginRefused, detail)]);
    }
}
