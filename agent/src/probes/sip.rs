//! Whether a SIP server (RFC 3261) answers OPTIONS over UDP, TCP or TLS.
//!
//! Any final answer proves that the way stands and the server lives, a refusal too; only the
//! answers that mean "not now" are a trouble. OPTIONS does not prove that a codec is registered:
//! that only the codec knows.

mod digest;
mod message;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use serde::Deserialize;
use wire::Cause;
use wire::reading::{Capability, Failure, Reason};

use self::digest::{Account, Challenge};
use self::message::{Answer, Awaited, Request, uri};
use super::failure;
use super::path::{self, Path, Tls, Transport};
use super::resolve::Host;
use crate::tally::Run;

/// After a refused password none is sent for so long: many servers lock an account after a few
/// wrong ones, and a probe must never be the one who did it.
const REFUSED_REST: Duration = Duration::from_hours(1);

/// A password file is one line.
const PASSWORD_BYTES: usize = 1024;

/// `sip: { server: 10.0.0.10, transport: tls }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sip {
    /// A name, resolved anew at each run, or an address.
    pub server: Host,
    /// Default: 5060, and 5061 over TLS (RFC 3261 § 19.1.2).
    #[serde(default)]
    pub port: Option<NonZeroU16>,
    /// `udp`, `tcp` or `tls`. Default: `udp`.
    #[serde(default)]
    pub transport: Transport,
    /// Who asks. Default: `nhipcau`, which no server needs to know.
    #[serde(default)]
    pub user: Option<User>,
    /// A file whose first line is the password of `user`, for servers that ask for one. Default:
    /// none; a server that asks for one has answered, which is enough.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// A PEM file of certificates to trust besides the system's. Default: none.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(skip)]
    tls: Tls,
    #[serde(skip)]
    refused_at: Option<Instant>,
}

/// See [`Sip::user`]: one that needs no escape in an address (RFC 3261 § 25.1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct User(Box<str>);

impl TryFrom<String> for User {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$,;?/".contains(c);
        if !text.is_empty() && text.chars().all(good) {
            return Ok(Self(text.into()));
        }
        Err(format!(
            "{text:?} is not a SIP user, like th-0316 or 0237123456; no host and no spaces"
        ))
    }
}

/// What one server answered.
#[derive(Debug)]
struct Told {
    server: SocketAddr,
    took: Duration,
    answer: Answer,
    /// Whether the last request carried a proof.
    proven: bool,
}

/// What an answer means for a meeting.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Alive,
    NotNow,
    PasswordRefused,
}

impl Sip {
    /// A server is a machine room's; half a minute shows its end in time.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// Three requests over UDP, more than a second apart (RFC 3261 § 17.1.2.1 begins with half
    /// a second), and as many again where a proof is asked for.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(8))
    }

    /// Asks the server what it can do; what it can does not matter, that it answers does.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let default = if self.transport == Transport::Tls { 5061 } else { 5060 };
        let port = self.port.map_or(default, NonZeroU16::get);
        self.tls.prepare(self.transport, self.ca_file.as_ref()).await?;
        let password = self.password()?;
        let this = &*self;
        let told = path::first_answer(run, &this.server, port, async |server, patience| {
            this.ask(server, patience, password.as_deref()).await
        });
        let told = told.await;
        self.tls.record(run);
        self.record(run, &told?)
    }

    async fn ask(
        &self,
        server: SocketAddr,
        patience: Duration,
        password: Option<&str>,
    ) -> Result<Told, Failure> {
        let start = Instant::now();
        // What answers at once leaves all its time to a second request with a proof.
        let patience = if password.is_some() { patience / 2 } else { patience };
        let mut path =
            Path::open(self.transport, server, &self.server, &self.tls, patience).await?;
        let (call, target) = (random()?, target(&self.server, server.port()));
        let user = self.user.as_ref().map_or("nhipcau", |user| &user.0);
        let (transport, local) = (self.transport, path.local);
        let mut request = Request {
            transport,
            local,
            target: &target,
            user,
            call: &call,
            sequence: 1,
            authorization: "",
        };
        let sent = Instant::now();
        let left = patience.saturating_sub(start.elapsed());
        let answer = path.ask(request.text().as_bytes(), left, &Awaited::to(&request)).await?;
        let took = sent.elapsed();
        let challenge = Challenge::best(&answer.challenges);
        let (Some(password), Some(challenge)) = (password, challenge) else {
            return Ok(Told { server, took, answer, proven: false });
        };
        let name = if answer.code == 407 { "Proxy-Authorization" } else { "Authorization" };
        let proof =
            challenge.answer(&Account { user, password }, &uri(&target, transport), &random()?);
        let authorization = format!("{name}: {proof}\r\n");
        request.sequence += 1;
        request.authorization = &authorization;
        let answer = path.ask(request.text().as_bytes(), patience, &Awaited::to(&request)).await?;
        Ok(Told { server, took, answer, proven: true })
    }

    /// The password, unless it was refused lately.
    fn password(&self) -> Result<Option<String>, Failure> {
        let resting = self.refused_at.is_some_and(|at| at.elapsed() < REFUSED_REST);
        let Some(file) = self.password_file.as_ref().filter(|_| !resting) else { return Ok(None) };
        let what = format_args!("read password_file {}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| failure::of(&error, what))?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() || line.len() > PASSWORD_BYTES {
            return Err(Failure::new(
                Reason::Absent,
                format_args!("{what}: no password in its first line"),
            ));
        }
        Ok(Some(line.to_owned()))
    }

    fn record(&mut self, run: &mut Run<'_>, told: &Told) -> Result<(), Failure> {
        let Told { server, took, answer, proven } = told;
        let Answer { code, words, .. } = answer;
        let (seconds, over) = (took.as_secs_f64(), self.transport.name());
        run.gauge("bridge_probe_answer_seconds", seconds);
        run.gauge("bridge_probe_sip_status_code", f64::from(*code));
        let program = answer.server.as_deref().unwrap_or("-");
        run.step(
            || format!("{server} ({program}) trả lời OPTIONS qua {over} sau {:.1} ms: {code} {words}.", seconds * 1e3),
            || format!("{server} ({program}) answered OPTIONS over {over} after {:.1} ms: {code} {words}.", seconds * 1e3),
        );
        match meaning(*code, *proven) {
            Meaning::Alive => {
                run.step(|| alive_vi(*code).to_owned(), || alive_en(*code).to_owned());
            }
            Meaning::NotNow => {
                let after =
                    answer.retry_after.as_ref().map(|after| format!(", retry after {after}"));
                let detail = format!("{code} {words}{}", after.unwrap_or_default());
                run.trouble(&self.server.to_string(), Cause::Overloaded, &detail);
            }
            Meaning::PasswordRefused => self.refused_at = Some(Instant::now()),
        }
        if self.refused_at.is_some_and(|at| at.elapsed() < REFUSED_REST) {
            let user = self.user.as_ref().map_or("nhipcau", |user| &user.0);
            let detail = format_args!(
                "{server} refused the password of {user}; it is not sent again for {} min, lest the account be locked",
                REFUSED_REST.as_secs() / 60
            );
            return Err(Failure::new(Reason::Unexpected, detail));
        }
        Ok(())
    }
}

/// RFC 3261 § 21.
fn meaning(code: u16, proven: bool) -> Meaning {
    match code {
        401 | 403 | 407 if proven => Meaning::PasswordRefused,
        // What stands behind the server does not answer it, or the server itself cannot now.
        408 | 480 | 500 | 502 | 503 | 504 => Meaning::NotNow,
        _ => Meaning::Alive,
    }
}

fn alive_vi(code: u16) -> &'static str {
    match code {
        486 | 600 => "Máy chủ sống và đang bận cuộc gọi.",
        400.. => "Máy chủ từ chối yêu cầu, nhưng như vậy là nó sống và đường tới nó thông.",
        _ => "Máy chủ sống và đường tới nó thông.",
    }
}

fn alive_en(code: u16) -> &'static str {
    match code {
        486 | 600 => "The server lives and is busy with a call.",
        400.. => "The server declines, and so it lives and the way to it stands.",
        _ => "The server lives and the way to it stands.",
    }
}

/// The server as an address has it: brackets around IPv6, and its port.
fn target(host: &Host, port: u16) -> String {
    let host = host.to_string();
    match host.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port).to_string(),
        Err(_) => format!("{host}:{port}"),
    }
}

/// A question that any SIP server answers over UDP, for whoever only wants an answer.
pub(super) fn any_question(server: SocketAddr, local: SocketAddr) -> Result<Vec<u8>, Failure> {
    let (transport, target, call) = (Transport::Udp, server.to_string(), random()?);
    let (target, call) = (target.as_str(), call.as_str());
    let (user, sequence, authorization) = ("nhipcau", 1, "");
    let request = Request { transport, local, target, user, call, sequence, authorization };
    Ok(request.text().into_bytes())
}

/// 64 random bits: nobody guesses them, and no two runs have the same.
fn random() -> Result<String, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Reason::Internal, format_args!("random bytes: {error}")))?;
    Ok(HEXLOWER.encode(&bytes))
}
