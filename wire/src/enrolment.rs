//! Enrolment: the one string a technician types, and `POST /v1/enroll`.
//!
//! ```text
//! collector.tinh.gov.vn:8443/3KQ9F-7M2XD-…       host and port, for people to see where it leads
//!                            └ Crockford base32 of secret (10) ‖ pin (16) ‖ check (3)
//! ```
//! The agent makes its own credential and sends only its hash, so that an answer lost on the way
//! can be asked for again with the same code, and no credential ever travels in an answer.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use data_encoding::{Encoding, HEXLOWER, Specification};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::UnixMillis;
use crate::ids::SiteId;
use crate::report::AgentInfo;

/// 80 random bits: guessing is hopeless within a code's life, also without the collector's
/// rate limit.
pub const SECRET_BYTES: usize = 10;

/// 128 bits of the authority's SHA-256 fingerprint: a second certificate with the same ones
/// costs 2^128 tries.
pub const PIN_BYTES: usize = 16;

/// 24 bits over host, secret and pin: a slip of the hand is told apart from a used code.
const CHECK_BYTES: usize = 3;

/// Characters between hyphens, so that the string can be read over the phone.
const GROUP: usize = 5;

/// What a technician types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Host name or address of the collector; an IPv6 address stands in brackets.
    pub host: String,
    /// Its port for agents.
    pub port: u16,
    /// Proves to the collector that this site was invited.
    pub secret: [u8; SECRET_BYTES],
    /// Proves to the agent that this is the collector: the first bytes of the SHA-256 of its
    /// certificate authority's certificate (DER).
    pub pin: [u8; PIN_BYTES],
}

/// Why a text is not a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCode {
    /// No `host:port/` in front.
    #[error(
        "an enrolment code looks like collector.example:8443/XXXXX-XXXXX-…; this has no host and port in front of a '/'"
    )]
    Address,
    /// A character that no code has.
    #[error("{0:?} does not occur in an enrolment code")]
    Character(char),
    /// Too short or too long: part of it is missing.
    #[error(
        "the enrolment code is not complete: {found} characters after the '/', {expected} expected"
    )]
    Length {
        /// Characters there should be.
        expected: usize,
        /// Characters there are.
        found: usize,
    },
    /// A slip of the hand.
    #[error("the enrolment code has a typing error: its check does not fit")]
    Check,
}

const PAYLOAD_BYTES: usize = SECRET_BYTES + PIN_BYTES + CHECK_BYTES;
const PAYLOAD_CHARS: usize = (PAYLOAD_BYTES * 8).div_ceil(5);

/// Crockford's base32: no letter that looks like a digit. Lower case, `I`, `L` and `O` are
/// understood as what was meant.
fn base32() -> Option<Encoding> {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.translate.from.push_str("abcdefghjkmnpqrstvwxyzOoIiLl");
    specification.translate.to.push_str("ABCDEFGHJKMNPQRSTVWXYZ001111");
    specification.check_trailing_bits = false;
    specification.encoding().ok()
}

impl Code {
    fn check(&self) -> [u8; CHECK_BYTES] {
        let mut hash = Sha256::new();
        hash.update(self.host.as_bytes());
        hash.update(self.port.to_be_bytes());
        hash.update(self.secret);
        hash.update(self.pin);
        let digest = hash.finalize();
        [digest[0], digest[1], digest[2]]
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = [&self.secret[..], &self.pin[..], &self.check()[..]].concat();
        let encoding = base32().ok_or(fmt::Error)?;
        write!(f, "{}:{}/", self.host, self.port)?;
        for (index, symbol) in encoding.encode(&payload).chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{symbol}")?;
        }
        Ok(())
    }
}

impl FromStr for Code {
    type Err = InvalidCode;

    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let (address, payload) = text.trim().rsplit_once('/').ok_or(InvalidCode::Address)?;
        let address = address.trim_start_matches("https://");
        let (host, port) = address.rsplit_once(':').ok_or(InvalidCode::Address)?;
        let port = port.parse().map_err(|_| InvalidCode::Address)?;
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '/' || c == '@') {
            return Err(InvalidCode::Address);
        }
        let symbols: String = payload.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if let Some(bad) =
            symbols.chars().find(|c| !c.is_ascii_alphanumeric() || matches!(c, 'U' | 'u'))
        {
            return Err(InvalidCode::Character(bad));
        }
        if symbols.len() != PAYLOAD_CHARS {
            return Err(InvalidCode::Length { expected: PAYLOAD_CHARS, found: symbols.len() });
        }
        let bytes = base32()
            .and_then(|encoding| encoding.decode(symbols.as_bytes()).ok())
            .filter(|bytes| bytes.len() == PAYLOAD_BYTES)
            .ok_or(InvalidCode::Check)?;
        let mut code =
            Self { host: host.to_owned(), port, secret: [0; SECRET_BYTES], pin: [0; PIN_BYTES] };
        code.secret.copy_from_slice(&bytes[..SECRET_BYTES]);
        code.pin.copy_from_slice(&bytes[SECRET_BYTES..SECRET_BYTES + PIN_BYTES]);
        if code.check() == bytes[SECRET_BYTES + PIN_BYTES..] {
            Ok(code)
        } else {
            Err(InvalidCode::Check)
        }
    }
}

/// What the agent posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// [`crate::limits::VERSION`].
    pub version: u32,
    /// The code's secret in hexadecimal.
    pub secret: String,
    /// SHA-256 of the credential the agent has made for itself, in hexadecimal: of the very
    /// text that will follow `Bearer ` in its requests.
    pub credential_sha256: String,
    /// The program that enrols.
    pub agent: AgentInfo,
    /// The PC's name, for people who match PCs to sites.
    #[serde(default)]
    pub hostname: String,
    /// The PC's own addresses on the way to the collector, for the same people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// The agent's clock: years of difference are told to the technician.
    pub sent_at: UnixMillis,
}

/// What the collector answers with 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolAnswer {
    /// The site the code was made for.
    pub site: SiteId,
    /// Its name in the inventory, to be read back to the technician.
    #[serde(default)]
    pub name: String,
    /// The collector's time.
    pub now: UnixMillis,
}

/// What the collector answers with 202 to a PC that used the fleet's code and is no site yet. It asks
/// again with the same request after a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolWaiting {
    /// Its number, which its technician can read out.
    pub waiting: i64,
    /// After how many seconds to ask again.
    pub again_seconds: u64,
    /// The collector's time.
    pub now: UnixMillis,
}

/// What the collector answers with 403 (or 429, with `Retry-After`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRefusal {
    /// Why, for the agent to say in its own language.
    pub error: EnrolError,
}

/// Why an enrolment was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolError {
    /// No such code was ever made here, or it was withdrawn.
    UnknownCode,
    /// The code was used by another PC.
    UsedCode,
    /// The code's time is over.
    ExpiredCode,
    /// Too many attempts; see `Retry-After`.
    TooMany,
    /// A reason of a newer collector.
    #[serde(other)]
    Other,
}

/// What the collector answers with 401 to a PC whose site another PC has taken over since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    /// Says that it is one.
    pub error: Dismissed,
    /// The name of the PC that took over; empty where it did not say.
    #[serde(default)]
    pub by: String,
    /// When, by the collector's clock.
    pub at: UnixMillis,
}

/// The one word of a [`Dismissal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dismissed {
    /// Another PC is the site now.
    Replaced,
}

/// SHA-256 in hexadecimal: what the collector keeps of secrets and credentials. They are random
/// and at least 80 bits long, so a slow password hash would protect nothing more.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// The pin of a certificate authority.
#[must_use]
pub fn pin_of(certificate_der: &[u8]) -> [u8; PIN_BYTES] {
    let digest = Sha256::digest(certificate_der);
    let mut pin = [0; PIN_BYTES];
    pin.copy_from_slice(&digest[..PIN_BYTES]);
    pin
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example() -> Code {
        Code {
            host: "collector.tinh.gov.vn".into(),
            port: 8443,
            secret: [7; 10],
            pin: pin_of(b"ca"),
        }
    }

    #[test]
    fn a_code_survives_being_typed_by_hand() {
        let text = example().to_string();
        let spoken = text.to_lowercase().replace('0', "o").replace('1', "l").replace('-', " ");
        // The host keeps its digits; only the payload may be mistyped.
        let (address, _) = text.split_once('/').unwrap();
        let (_, payload) = spoken.split_once('/').unwrap();
        assert_eq!(format!(" {address}/{payload}\n").parse(), Ok(example()));
    }

    #[test]
    fn what_is_wrong_with_a_code_is_said() {
        let text = example().to_string();
        let cases = [
            ("nonsense".to_owned(), InvalidCode::Address),
            ("host/AAAA".to_owned(), InvalidCode::Address),
            (text[..text.len() - 2].to_owned(), InvalidCode::Length { expected: 47, found: 45 }),
            (format!("{}u", &text[..text.len() - 1]), InvalidCode::Character('u')),
            (text.replace(":8443", ":8444"), InvalidCode::Check),
        ];
        for (typed, error) in cases {
            assert_eq!(typed.parse::<Code>(), Err(error), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn every_code_reads_back(secret: [u8; 10], pin: [u8; 16], port: u16) {
            let code = Code { host: "[fd00::1]".into(), port, secret, pin };
            prop_assert_eq!(code.to_string().parse(), Ok(code));
        }

        #[test]
        fn no_text_panics(text in ".{0,120}") {
            let _ = text.parse::<Code>();
        }
    }

    #[test]
    fn nothing_like_a_code_or_an_answer_is_too_strange() {
        let code = example();
        let ipv6 = Code { host: "[fd00::1]".into(), ..example() };
        crate::mutations::survives(&[code.to_string(), ipv6.to_string()], |bytes| {
            String::from_utf8_lossy(bytes).parse::<Code>()
        });
        let shapes = [
            r#"{"site":"th-0316","now":1,"authority":"-----BEGIN CERTIFICATE-----"}"#,
            r#"{"error":"expired","now":1}"#,
        ];
        crate::mutations::survives(&shapes, |bytes| {
            let answer: Option<EnrolAnswer> = serde_json::from_slice(bytes).ok();
            let refusal: Option<EnrolRefusal> = serde_json::from_slice(bytes).ok();
            (answer, refusal)
        });
    }
}
