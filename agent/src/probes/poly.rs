//! What a Poly codec says of itself: Studio X and G7500 over their REST interface, the older
//! `RealPresence` Group over SNMP (POLYCOM-ENDPOINT-MIB).
//!
//! The REST interface has sessions, and few of them: the one that is opened is closed on every
//! path, also where a run is cut off.

mod group;
mod session;
mod status;
#[cfg(test)]
mod tests;

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use wire::Cause;
use wire::reading::{Capability, Failure, Reason};

use self::session::{Opened, Session};
use super::codec::{self, Finding, Ladder, Media, Status};
use super::failure;
use super::path;
use super::resolve::Host;
use super::secret::{PasswordFile, Refusal};
use super::snmp::{self, Account, Keys};
use super::web::{Fingerprint, Scheme, Site, Web};
use crate::tally::Run;

/// `poly: { host: 10.0.0.21, password_file: poly.password, fingerprint: "AB:CD:…" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct Poly {
    written: Written,
    web: Web,
    refusal: Refusal,
    keys: Keys,
}

/// As people write it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// A name, resolved anew at each run, or an address.
    host: Host,
    /// Default: 443 of `rest`, 161 of `snmp`.
    #[serde(default)]
    port: Option<NonZeroU16>,
    /// `rest` of Studio X and G7500, `snmp` of `RealPresence` Group. Default: `rest`.
    #[serde(default)]
    api: Api,
    /// `https` or `http`. Default: `https`.
    #[serde(default)]
    scheme: Scheme,
    /// Default: `admin`.
    #[serde(default)]
    user: Option<Box<str>>,
    /// A file whose first line is that user's password; `rest` needs one.
    #[serde(default)]
    password_file: Option<PasswordFile>,
    /// A PEM file of certificates to trust besides the system's. Default: none.
    #[serde(default)]
    ca_file: Option<PathBuf>,
    /// The SHA-256 fingerprint of the codec's own certificate, to trust it alone. Default: none.
    #[serde(default)]
    fingerprint: Option<Fingerprint>,
    /// How `snmp` proves who asks. Default: v2c with the community `public`.
    #[serde(default)]
    account: Account,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Api {
    #[default]
    Rest,
    Snmp,
}

impl TryFrom<Written> for Poly {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        if written.api == Api::Rest && written.password_file.is_none() {
            return Err("api rest needs a password_file");
        }
        let (web, refusal, keys) = (Web::default(), Refusal::default(), Keys::default());
        Ok(Self { written, web, refusal, keys })
    }
}

impl Poly {
    /// Each run is a session, of which the codec keeps a list.
    pub const EVERY: Duration = Duration::from_mins(1);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Codec);

    /// A login, some five questions and a logout, each within a second or two.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(20))
    }

    /// Asks for all that a meeting depends on.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let asked = match self.written.api {
            Api::Rest => self.ask(failure::patience(run)).await,
            Api::Snmp => self.ask_group(run).await,
        };
        match asked {
            Ok(Ok(status)) => status.record(run, "Poly"),
            Ok(Err(why)) => refused(run, &why),
            Err(failure) => {
                Ladder::of_failure(&failure).record(run, &Media::default());
                return Err(failure);
            }
        }
        Ok(())
    }

    /// What the codec says, or how it refuses its asker.
    async fn ask(&mut self, patience: Duration) -> Result<Result<Status, String>, Failure> {
        let Written { host, port, scheme, ca_file, fingerprint, .. } = &self.written;
        let Some(file) = &self.written.password_file else {
            return Err(Failure::new(Reason::Absent, "no password_file"));
        };
        let secret = file.read()?;
        if self.refusal.forbids(&secret) {
            return Ok(Err(format!("it was refused before; {}", Refusal::advice())));
        }
        let site = Site {
            host,
            port: *port,
            scheme: *scheme,
            ca_file: ca_file.as_ref(),
            fingerprint: fingerprint.as_ref(),
        };
        let visit = self.web.visit(&site, patience).await?;
        let session = match Session::open(visit, self.user(), &secret).await? {
            Opened::Session(session) => session,
            Opened::Refused(why) => {
                self.refusal.note(secret);
                return Ok(Err(format!("{why}; {}", Refusal::advice())));
            }
        };
        let status = status::ask(&session).await;
        session.close().await;
        status.map(Ok)
    }

    async fn ask_group(&mut self, run: &mut Run<'_>) -> Result<Result<Status, String>, Failure> {
        let port = self.written.port.map_or(snmp::PORT, NonZeroU16::get);
        let auth = match self.keys.prepare(&self.written.account)? {
            Ok(auth) => auth,
            Err(refused) => return Ok(Err(refused.0)),
        };
        let asking = path::first_answer(run, &self.written.host, port, async |server, patience| {
            group::ask(&snmp::Session::open(server, auth.clone(), patience).await?).await
        });
        let asked = asking.await?;
        Ok(asked.map_err(|refused| self.keys.refuse(refused).0))
    }

    fn user(&self) -> &str {
        self.written.user.as_deref().unwrap_or("admin")
    }
}

fn refused(run: &mut Run<'_>, why: &str) {
    Ladder::refused().record(run, &Media::default());
    codec::record(run, &[Finding::wrong("codec", Cause::LoginRefused, why)]);
}
