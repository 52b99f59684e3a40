//! Enrolment: a technician types one string, and this PC is a site.
//!
//! Everything local comes before the request, because the code is good only once: the
//! configuration is read (or begun), the credential is made and kept beside the code's hash. If
//! the answer is lost, or the technician types the code again to be sure, the same code goes out
//! with the same credential and is answered again.
//!
//! An installer that nobody watches gives the code for [`Manner::Later`]: where the collector cannot
//! be reached it is kept, protected as the identity is, and the agent enrols as soon as it can.

mod again;
mod attempt;
mod starter;
mod words;

pub(crate) use again::{Asking, Waiting, refused, waits};
pub(crate) use words::refused as refusal;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use wire::enrolment::{
    Code, EnrolAnswer, EnrolError, EnrolRefusal, EnrolRequest, EnrolWaiting, InvalidCode,
    sha256_hex,
};
use wire::limits::{ENROL_PATH, VERSION};
use wire::yaml::Faults;
use wire::{Language, SiteId};

use self::attempt::{Attempt, Waits, sent_before};
use crate::identity::{self, Credential, Identity, IdentityError};
use crate::run::{agent_info, unix_ms};
use crate::trust::{self, PinnedAuthority, TrustError};
use crate::uplink::client::{self, Failed};
use crate::uplink::{self, Cause, Mark, UplinkError, mark};
use crate::{config, machine, platform};

/// A person waits for it, on a line that may be poor.
const TIMEOUT: Duration = Duration::from_secs(20);

/// An answer has some 200 bytes.
const ANSWER_BYTES: usize = 16 * 1024;

/// How a code is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Now or not at all; a PC that is a site already is left alone.
    Now,
    /// Now, also by a PC that is a site already.
    Replace,
    /// Now, or as soon as the collector can be reached: of an installer that nobody watches.
    Later,
}

/// Enrols this PC with `code` for the configuration at `config`, telling the person at the
/// terminal what happens; false where it failed.
pub async fn command(code: &str, config: &Path, manner: Manner, language: Language) -> bool {
    match enrol(code, config, manner, language).await {
        Ok(told) => {
            println!("{}", told.told(language));
            true
        }
        Err(failure) => {
            eprintln!("{}", failure.told(language));
            false
        }
    }
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
struct Enrolled {
    site: SiteId,
    /// The site's name in the inventory.
    name: String,
    collector: String,
    /// This PC's clock minus the collector's, in milliseconds.
    clock_offset: i64,
    /// Another identity was there before.
    replaced: bool,
}

/// What became of a good code.
#[derive(Debug)]
enum Outcome {
    Enrolled(Enrolled),
    /// The code is the fleet's: this PC waits to be matched to its site.
    Waiting {
        number: i64,
        collector: String,
    },
    /// The code is kept until it can be used.
    Kept(Failure),
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Code(#[from] InvalidCode),
    #[error(transparent)]
    Configuration(Faults),
    #[error("{0}: {1}")]
    Begin(String, std::io::Error),
    #[error(transparent)]
    Local(#[from] IdentityError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Client(#[from] UplinkError),
    /// The authority of the code is not behind this address.
    #[error("{0}: another collector")]
    WrongCollector(String),
    #[error("{}: {}", .0, .1.detail)]
    Way(String, Failed),
    /// With the seconds after which to try again, where the collector said so.
    #[error("{0:?}")]
    Refused(EnrolError, Option<u64>),
    /// This PC is a site already.
    #[error("enrolled as {site} with {collector}")]
    Enrolled { site: SiteId, collector: String },
    /// A status or a body that no collector gives.
    #[error("{0}: status {1}")]
    Answer(String, u16),
}

impl Failure {
    /// Whether the same code may be taken another time, with nobody at this PC.
    fn may_pass(&self) -> bool {
        match self {
            Self::Way(..) | Self::WrongCollector(_) | Self::Answer(..) => true,
            Self::Refused(error, _) => matches!(error, EnrolError::TooMany | EnrolError::Other),
            Self::Code(_)
            | Self::Configuration(_)
            | Self::Begin(..)
            | Self::Local(_)
            | Self::Trust(_)
            | Self::Client(_)
            | Self::Enrolled { .. } => false,
        }
    }
}

async fn enrol(
    code: &str,
    config: &Path,
    manner: Manner,
    language: Language,
) -> Result<Outcome, Failure> {
    let code: Code = code.parse()?;
    let file = config::load(config, false).map_err(Failure::Configuration)?.file;
    starter::begin(config, &file.state_dir, language)
        .map_err(|error| Failure::Begin(config.display().to_string(), error))?;
    let own = |before: &Identity| !machine::is_another(&file.state_dir, before);
    // What came with a copied disk is nothing that a code could take away from this PC.
    let before = identity::load(&file.state_dir).map(|before| before.filter(own));
    let proxy = file.proxy.as_deref();
    if let Ok(Some(before)) = &before
        && manner != Manner::Replace
        && !sent_before(&file.state_dir, &code)
        && !revoked(before, proxy).await
    {
        let Identity { site, collector, .. } = before.clone();
        return Err(Failure::Enrolled { site, collector });
    }
    let attempt = Attempt::with(&file.state_dir, &code)?;

    let (answer, authority) = match ask_closely(&code, &attempt.credential, proxy).await {
        Err(failure) if manner == Manner::Later && failure.may_pass() => {
            attempt.wait(&file.state_dir, Waits { code: code.to_string(), number: None })?;
            return Ok(Outcome::Kept(failure));
        }
        answer => answer?,
    };

    let collector = address(&code);
    let answer = match answer {
        Answered::Site(answer) => answer,
        Answered::Waiting(EnrolWaiting { waiting: number, .. }) => {
            let waits = Waits { code: code.to_string(), number: Some(number) };
            attempt.wait(&file.state_dir, waits)?;
            return Ok(Outcome::Waiting { number, collector });
        }
    };
    let credential = attempt.credential.clone();
    let site = answer.site.clone();
    let identity = Identity { site, collector: collector.clone(), authority, credential };
    identity::save(&file.state_dir, &identity)?;
    attempt.end(&file.state_dir, None)?;
    // A damaged one is replaced too; the same code typed twice replaces nothing.
    let replaced = before.map_or(true, |before| before.is_some_and(|before| before != identity));
    let clock_offset = unix_ms().saturating_sub(answer.now);
    let EnrolAnswer { site, name, .. } = answer;
    Ok(Outcome::Enrolled(Enrolled { site, name, collector, clock_offset, replaced }))
}

/// Asks once, and looks closer at why nothing came through: a person waits for the reason.
async fn ask_closely(
    code: &Code,
    credential: &Credential,
    proxy: Option<&str>,
) -> Result<(Answered, Vec<u8>), Failure> {
    match ask(code, credential, proxy).await {
        Err(Failure::Way(collector, failed)) => {
            let failed = mark::closer(failed, &collector, proxy).await;
            Err(Failure::Way(collector, failed))
        }
        answer => answer,
    }
}

/// Asks once, and tells the authority that the handshake has shown.
async fn ask(
    code: &Code,
    credential: &Credential,
    proxy: Option<&str>,
) -> Result<(Answered, Vec<u8>), Failure> {
    let (tls, authority) = trust::enrolment_config(code.pin)?;
    let http = client::http(tls, proxy)?;
    let answer = post(&http, code, credential).await?;
    Ok((answer, found(&authority, &address(code))?))
}

fn address(code: &Code) -> String {
    format!("{}:{}", code.host, code.port)
}

/// A handshake that succeeded has shown it.
fn found(authority: &PinnedAuthority, collector: &str) -> Result<Vec<u8>, Failure> {
    let certificate = authority.certificate().map(<[u8]>::to_vec);
    certificate.ok_or_else(|| Failure::WrongCollector(collector.to_owned()))
}

/// What came back for a good code.
enum Answered {
    Site(EnrolAnswer),
    Waiting(EnrolWaiting),
}

/// Whether the collector does not know this PC any more, so that nothing is lost by replacing what
/// it was.
async fn revoked(identity: &Identity, proxy: Option<&str>) -> bool {
    let knocked = uplink::knock(identity, proxy).await;
    matches!(knocked, Ok(Err(closed)) if matches!(closed.cause, Cause::Credential | Cause::Replaced))
}

/// This PC's address on the way to the collector: for the person who matches PCs to sites. Nothing
/// is sent.
async fn own_address(collector: &str) -> Option<IpAddr> {
    let there = tokio::net::lookup_host(collector).await.ok()?.next()?;
    let here = match there {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = tokio::net::UdpSocket::bind(here).await.ok()?;
    socket.connect(there).await.ok()?;
    Some(socket.local_addr().ok()?.ip())
}

async fn post(
    http: &reqwest::Client,
    code: &Code,
    credential: &Credential,
) -> Result<Answered, Failure> {
    let collector = address(code);
    let request = EnrolRequest {
        version: VERSION,
        secret: hex(&code.secret),
        credential_sha256: sha256_hex(credential.expose().as_bytes()),
        agent: agent_info(),
        hostname: platform::hostname(),
        addresses: own_address(&collector).await.into_iter().collect(),
        sent_at: unix_ms(),
    };
    let body = serde_json::to_vec(&request).unwrap_or_default();
    let sent = http
        .post(format!("https://{collector}{ENROL_PATH}"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .timeout(TIMEOUT)
        .body(body)
        .send()
        .await;
    let response = sent.map_err(|error| on_the_way(&collector, &error))?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = client::bounded(response, ANSWER_BYTES)
        .await
        .map_err(|failed| Failure::Way(collector.clone(), failed))?;
    read(status, &body).map_err(|refusal| match refusal {
        Some(error) => Failure::Refused(error, retry_after),
        None => Failure::Answer(collector, status),
    })
}

/// What an answer says; an error without a reason makes no sense.
fn read(status: u16, body: &[u8]) -> Result<Answered, Option<EnrolError>> {
    match status {
        200 => return serde_json::from_slice(body).map(Answered::Site).map_err(|_| None),
        202 => return serde_json::from_slice(body).map(Answered::Waiting).map_err(|_| None),
        _ => {}
    }
    Err(serde_json::from_slice(body).ok().map(|refusal: EnrolRefusal| refusal.error))
}

fn on_the_way(collector: &str, error: &reqwest::Error) -> Failure {
    let failed = Failed::of(error);
    if failed.mark == Some(Mark::OtherAuthority) {
        return Failure::WrongCollector(collector.to_owned());
    }
    Failure::Way(collector.to_owned(), failed)
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests;
