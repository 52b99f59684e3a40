//! Whether a TURN relay (RFC 8656) is there for rooms whose line lets nothing else through.
//!
//! Asked without an account: the relay's 401 is the proof that it lives and that the line lets
//! its protocol through, and no password needs to lie in a commune.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use wire::Cause;
use wire::reading::{Capability, Failure, Reason};

use super::path::{self, Tls, Transport};
use super::resolve::Host;
use super::stun::message::Method;
use super::stun::{Ask, Told, default_port};
use crate::tally::Run;

/// `turn: { server: turn.tinh.gov.vn, transport: tls, port: 443 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// A name, resolved anew at each run, or an address.
    pub server: Host,
    /// Default: 3478, and 5349 over TLS.
    #[serde(default)]
    pub port: Option<NonZeroU16>,
    /// `udp`, `tcp` or `tls`, between this PC and the relay. Default: `udp`.
    #[serde(default)]
    pub transport: Transport,
    /// A PEM file of certificates to trust besides the system's. Default: none.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    #[serde(skip)]
    tls: Tls,
}

/// What a relay's answer means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// It asks for an account, or gives a relay without: it works.
    Works,
    /// It lives and has no relay to give now.
    Exhausted,
    /// It is no relay for us.
    Refused,
}

impl Turn {
    /// A relay is started once and then runs; a minute shows a dead one in time.
    pub const EVERY: Duration = Duration::from_mins(1);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// Three questions over UDP, a second and more apart; a handshake takes as long.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(5))
    }

    /// Asks for a relay without an account.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let port = self.port.map_or(default_port(self.transport), NonZeroU16::get);
        self.tls.prepare(self.transport, self.ca_file.as_ref()).await?;
        let (server, transport, tls) = (&self.server, self.transport, &self.tls);
        let answer = path::first_answer(run, server, port, async |address, patience| {
            let ask = Ask { method: Method::Allocate, transport, address, patience };
            ask.ask(server, tls).await
        });
        let answer = answer.await;
        self.tls.record(run);
        self.record(run, &answer?)
    }

    fn record(&self, run: &mut Run<'_>, told: &Told) -> Result<(), Failure> {
        told.record(run);
        let (code, why) = told.answer.error.clone().unwrap_or_default();
        let realm = told.answer.realm.as_deref().unwrap_or("-");
        match meaning(told.answer.success, code) {
            Meaning::Works => run.step(
                || format!("Máy chuyển tiếp hoạt động (vùng {realm}, mã {code})."),
                || format!("The relay works (realm {realm}, code {code})."),
            ),
            Meaning::Exhausted => {
                run.trouble(&self.server.to_string(), Cause::Overloaded, &format!("{code} {why}"));
            }
            Meaning::Refused => {
                let detail = format_args!("{}: error {code} {why}", told.server);
                return Err(Failure::new(Reason::Unexpected, detail));
            }
        }
        Ok(())
    }
}

/// RFC 8489 § 14.8 and RFC 8656 § 19.
fn meaning(success: bool, code: u16) -> Meaning {
    match code {
        _ if success => Meaning::Works,
        // 438: stale nonce, 441 to 443: of accounts and addresses. All of them only a relay says.
        401 | 437 | 438 | 441 | 443 => Meaning::Works,
        // 300: try another server; 486: quota; 500: for the moment; 508: no capacity.
        300 | 486 | 500 | 508 => Meaning::Exhausted,
        _ => Meaning::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bench::{Bench, config};
    use crate::probes::stun::message::Answer;

    #[test]
    fn the_401_is_the_proof_and_a_full_relay_is_a_trouble() {
        for (success, code, troubles, reason) in [
            (false, 401, "", None),
            (true, 0, "", None),
            (false, 438, "", None),
            (false, 486, "turn overloaded", None),
            (false, 508, "turn overloaded", None),
            (false, 403, "", Some(Reason::Unexpected)),
            (false, 400, "", Some(Reason::Unexpected)),
            (false, 0, "", Some(Reason::Unexpected)),
        ] {
            let error = (code != 0).then(|| (code, "why".to_owned()));
            let told = Told {
                server: "10.0.0.10:3478".parse().unwrap(),
                local: "10.0.0.5:4000".parse().unwrap(),
                transport: Transport::Tcp,
                took: Duration::from_millis(8),
                answer: Answer { success, error, ..Answer::default() },
            };
            let mut outcome = Ok(());
            let found = Bench::default().record(|run| {
                outcome = config::<Turn>("{ server: turn }").record(run, &told);
            });
            assert_eq!(found.troubles(), troubles, "{code}");
            assert_eq!(outcome.err().map(|failure| failure.reason), reason, "{code}");
        }
    }
}
