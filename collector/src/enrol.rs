//! `POST /v1/enroll`: a PC that holds a code becomes a site.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::listener::body::Incoming;
use hyper::{Request, Response, StatusCode};
use tracing::{debug, error, info, warn};
use wire::enrolment::{
    EnrolAnswer, EnrolError, EnrolRefusal, EnrolRequest, EnrolWaiting, SECRET_BYTES, sha256_hex,
};
use wire::{UnixMillis, limits};

use crate::auth::keeper::Keeper;
use crate::bucket::{Bucket, Measure};
use crate::listener::{Body, body};
use crate::seldom::Seldom;
use crate::store::credentials::{Applicant, RedeemError, Redeemed, Redemption};
use crate::telemetry::Telemetry;
use crate::{answers, fleet};

pub(crate) mod matching;

/// How fast codes may be tried, by everybody together: a province whose PCs are all set up by one
/// script. After that each costs a transaction of the store; guessing one of 2^80 secrets stays
/// hopeless at any rate.
const ATTEMPTS: Measure = Measure { burst: 100.0, rate: 10.0 };

/// A request has some 400 bytes; a stranger may send it, so it gets little more room than that.
const BODY_BYTES: usize = 4 * 1024;

/// It fits one packet.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// After a failed write: a full disk is not mended sooner.
const STORE_RETRY_SECONDS: u64 = 10;

/// A technician may be on the telephone: a waiting PC that was just assigned is a site at once.
const AGAIN_SECONDS_LEAST: u64 = 10;

/// All who wait ask twice a second together; of thousands each still asks in an evening.
const AGAIN_SECONDS_MOST: u64 = 1_800;

/// Addresses of one PC that are kept; it sends those of its way here.
const ADDRESSES: usize = 4;

/// The values of `result` in metrics.
const RESULTS: [&str; 9] = [
    "enrolled",
    "replaced",
    "waiting",
    "too_many",
    "malformed",
    "unknown_code",
    "used_code",
    "expired_code",
    "failed",
];

/// Enrols.
#[derive(Debug)]
pub struct Enrolment {
    keeper: Keeper,
    fleet: Arc<fleet::Shared>,
    telemetry: Arc<Telemetry>,
    bucket: Mutex<Bucket>,
    refusals: Seldom,
}

/// Why a PC was not enrolled.
#[derive(Debug)]
enum Refused {
    TooMany(Duration),
    Malformed(String),
    Body(body::BodyError),
    Code(EnrolError),
    Store(rusqlite::Error),
}

impl Enrolment {
    /// Enrols with what `keeper` keeps.
    #[must_use]
    pub fn new(keeper: Keeper, fleet: Arc<fleet::Shared>, telemetry: Arc<Telemetry>) -> Self {
        // A counter that appears only with its first event hides that event from `rate()`.
        for result in RESULTS {
            telemetry.enrolments.with_label_values(&[result]);
        }
        let bucket = Mutex::new(Bucket::full(ATTEMPTS, Instant::now()));
        Self { keeper, fleet, telemetry, bucket, refusals: Seldom::default() }
    }

    /// Answers one request.
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        now: UnixMillis,
    ) -> Response<Body> {
        match self.enrol(request, peer, now).await {
            Ok(Redeemed::Waiting { id, of }) => {
                self.count("waiting");
                let again = u64::from(of / 2).clamp(AGAIN_SECONDS_LEAST, AGAIN_SECONDS_MOST);
                let waiting = EnrolWaiting { waiting: id, again_seconds: again, now };
                answers::json(StatusCode::ACCEPTED, &waiting)
            }
            Ok(Redeemed::Site { site, replaced }) => {
                self.count(if replaced.is_some() { "replaced" } else { "enrolled" });
                let snapshot = self.fleet.snapshot(now);
                let expected = snapshot.site(site.as_str()).and_then(|(_, s)| s.expected());
                let name = expected.map(|site| site.name.clone()).unwrap_or_default();
                answers::json(StatusCode::OK, &EnrolAnswer { site, name, now })
            }
            Err(refused) => {
                self.tell(&refused, peer);
                refused.answer()
            }
        }
    }

    async fn enrol(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        now: UnixMillis,
    ) -> Result<Redeemed, Refused> {
        let taken = self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        if let Err(wait) = taken {
            body::discard(request.into_body());
            return Err(Refused::TooMany(wait));
        }
        let bytes = body::read(request.into_body(), BODY_BYTES, BODY_PATIENCE)
            .await
            .map_err(Refused::Body)?;
        let request = parse(&bytes).map_err(Refused::Malformed)?;
        let redemption = self.redemption(&request, peer, now).map_err(Refused::Malformed)?;
        let hostname = redemption.hostname.clone();
        let redeemed = self.keeper.redeem(redemption, now).await.map_err(|error| match error {
            RedeemError::Refused(error) => Refused::Code(error),
            RedeemError::Store(error) => Refused::Store(error),
        })?;
        let clock_seconds = now.saturating_sub(request.sent_at) / 1000;
        let version = short(&request.agent.version);
        match &redeemed {
            Redeemed::Site { site, replaced: Some(before) } => {
                warn!(%site, %peer, hostname, before, version, clock_seconds, "site enrolled in the place of a PC, which is told and stops");
            }
            Redeemed::Site { site, replaced: None } => {
                info!(%site, %peer, hostname, version, clock_seconds, "site enrolled");
            }
            Redeemed::Waiting { id, of } => {
                debug!(id, of, %peer, hostname, version, "a PC waits for its site");
            }
        }
        Ok(redeemed)
    }

    /// With what only the collector knows: where it came from, and whose PC it may be.
    fn redemption(
        &self,
        request: &EnrolRequest,
        peer: SocketAddr,
        now: UnixMillis,
    ) -> Result<Redemption, String> {
        let mut redemption = redemption(request)?;
        let seen = peer.ip().to_canonical();
        redemption.applicant.address = seen.to_string();
        let mut addresses: Vec<IpAddr> =
            request.addresses.iter().take(ADDRESSES).copied().collect();
        addresses.push(seen);
        let snapshot = self.fleet.snapshot(now);
        let expected = snapshot.sites.iter().filter_map(|(id, site)| Some((id, site.expected()?)));
        let pc = matching::Pc { hostname: &redemption.hostname, addresses: &addresses };
        redemption.matched = matching::Sites::of(expected).whose(pc).cloned();
        Ok(redemption)
    }

    fn tell(&self, refused: &Refused, peer: SocketAddr) {
        self.count(refused.label());
        if let Refused::Store(cause) = refused {
            error!(%cause, "cannot enrol; is the disk of state_dir full?");
        } else if let Some(unsaid) = self.refusals.speak(Instant::now()) {
            warn!(%peer, unsaid, ?refused, "enrolment refused");
        }
    }

    fn count(&self, result: &str) {
        self.telemetry.enrolments.with_label_values(&[result]).inc();
    }
}

impl Refused {
    /// One of [`RESULTS`].
    fn label(&self) -> &'static str {
        match self {
            Self::TooMany(_) | Self::Code(EnrolError::TooMany) => "too_many",
            Self::Malformed(_) | Self::Body(_) => "malformed",
            Self::Code(EnrolError::UnknownCode) => "unknown_code",
            Self::Code(EnrolError::UsedCode) => "used_code",
            Self::Code(EnrolError::ExpiredCode) => "expired_code",
            Self::Code(EnrolError::Other) | Self::Store(_) => "failed",
        }
    }

    fn answer(self) -> Response<Body> {
        let refusal = |status, error| answers::json(status, &EnrolRefusal { error });
        match self {
            Self::TooMany(wait) => answers::retry_after(
                refusal(StatusCode::TOO_MANY_REQUESTS, EnrolError::TooMany),
                wait.as_secs() + 1,
            ),
            Self::Code(EnrolError::TooMany) => answers::retry_after(
                refusal(StatusCode::TOO_MANY_REQUESTS, EnrolError::TooMany),
                STORE_RETRY_SECONDS,
            ),
            Self::Code(error) => refusal(StatusCode::FORBIDDEN, error),
            Self::Malformed(reason) => answers::text(StatusCode::BAD_REQUEST, reason),
            Self::Body(error) => answers::last(answers::empty(error.status())),
            Self::Store(_) => answers::retry_after(
                refusal(StatusCode::SERVICE_UNAVAILABLE, EnrolError::Other),
                STORE_RETRY_SECONDS,
            ),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<EnrolRequest, String> {
    let request: EnrolRequest =
        serde_json::from_slice(bytes).map_err(|error| format!("not an enrolment: {error}"))?;
    if request.version == limits::VERSION {
        Ok(request)
    } else {
        Err(format!("version {} is not spoken here, {} is", request.version, limits::VERSION))
    }
}

fn redemption(request: &EnrolRequest) -> Result<Redemption, String> {
    let hex = |text: &str| data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
    let secret = hex(&request.secret)
        .filter(|bytes| bytes.len() == SECRET_BYTES)
        .ok_or_else(|| format!("secret is not {SECRET_BYTES} bytes in hexadecimal"))?;
    let credential = hex(&request.credential_sha256)
        .filter(|bytes| bytes.len() == 32)
        .ok_or("credential_sha256 is not a SHA-256 in hexadecimal")?;
    let told = request.addresses.iter().take(ADDRESSES).map(ToString::to_string);
    Ok(Redemption {
        secret_sha256: sha256_hex(&secret),
        credential_sha256: data_encoding::HEXLOWER.encode(&credential),
        hostname: short(&request.hostname),
        applicant: Applicant {
            os: short(&request.agent.os),
            version: short(&request.agent.version),
            address: String::new(),
            addresses: told.collect::<Vec<_>>().join(" "),
        },
        matched: None,
    })
}

/// Bounded, and without what would garble a log or a terminal.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(limits::TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> serde_json::Value {
        serde_json::json!({
            "version": 1, "secret": "00112233445566778899", "credential_sha256": "ab".repeat(32),
            "agent": { "version": "0.1.0", "os": "Debian" }, "hostname": "PC-HOP", "sent_at": 0,
        })
    }

    fn read(request: &serde_json::Value) -> Result<Redemption, String> {
        parse(request.to_string().as_bytes()).and_then(|request| redemption(&request))
    }

    #[test]
    fn only_hashes_of_secrets_go_on() {
        let redemption = read(&request()).unwrap();
        let secret = [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99];
        assert_eq!(redemption.secret_sha256, sha256_hex(&secret));
        assert_eq!(redemption.credential_sha256, "ab".repeat(32));
    }

    #[test]
    fn what_is_wrong_with_a_request_is_said() {
        let cases = [
            ("version", serde_json::json!(2), "version 2 is not spoken here"),
            ("secret", serde_json::json!("0011"), "secret is not"),
            ("secret", serde_json::json!("zz112233445566778899"), "secret is not"),
            ("credential_sha256", serde_json::json!(""), "credential_sha256 is not"),
            ("sent_at", serde_json::json!("now"), "not an enrolment"),
            ("agent", serde_json::json!(null), "not an enrolment"),
        ];
        for (key, value, expected) in cases {
            let mut request = request();
            request[key] = value;
            let error = read(&request).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(parse(b"\xff{").is_err());
    }

    #[test]
    fn a_name_cannot_garble_the_log() {
        let mut request = request();
        request["hostname"] = serde_json::json!(format!("a\u{1b}[31m\nb{}", "x".repeat(9999)));
        let hostname = read(&request).unwrap().hostname;
        assert!(hostname.starts_with("a[31mbx") && hostname.len() == limits::TEXT_CHARS);
    }

    #[test]
    fn nothing_like_a_request_is_too_strange() {
        crate::mutations::survives(&[request().to_string()], |bytes| {
            parse(bytes).and_then(|request| redemption(&request)).map(|_| ())
        });
    }
}
