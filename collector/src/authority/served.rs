//! A certificate with its key and its chain, checked before any agent sees it.

use std::path::Path;
use std::sync::Arc;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore};
use wire::UnixMillis;
use wire::enrolment::{PIN_BYTES, pin_of};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::AuthorityError;
use crate::config::HostName;

/// A certificate in use.
#[derive(Debug)]
pub(super) struct Served {
    /// The chain that is sent, the authority last, and the key of its first certificate.
    pub(super) key: Arc<CertifiedKey>,
    /// Of the chain's last certificate.
    pub(super) pin: [u8; PIN_BYTES],
    not_before: UnixMillis,
    /// When it expires.
    pub(super) not_after: UnixMillis,
}

impl Served {
    /// Puts `chain` and `key` together. The paths are only for what is said of faults.
    pub(super) fn new(
        (chain_path, chain): (&Path, &str),
        (key_path, key): (&Path, &str),
        names: &[HostName],
        now: UnixMillis,
    ) -> Result<Self, AuthorityError> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().map_err(
                |error| AuthorityError::unusable(chain_path, format!("no PEM file: {error}")),
            )?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| {
            AuthorityError::unusable(
                key_path,
                format!("holds no private key in PEM that is not encrypted: {error}"),
            )
        })?;
        let problem = |problem| AuthorityError::unusable(chain_path, problem);
        let pin = pin_of(check(&chain, names, now).map_err(problem)?);
        let (not_before, not_after) = life(chain.first()).ok_or_else(|| {
            AuthorityError::unusable(chain_path, "its first certificate cannot be read")
        })?;
        let provider = rustls::crypto::ring::default_provider();
        let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| {
            AuthorityError::unusable(
                key_path,
                format!("is not the key of {}: {error}", chain_path.display()),
            )
        })?;
        Ok(Self { key: Arc::new(key), pin, not_before, not_after })
    }

    /// Whether only a third of its life is left: time enough to notice where renewal fails. Also
    /// where it lies in the future, because the clock was set back.
    pub(super) fn is_due(&self, now: UnixMillis) -> bool {
        now < self.not_before || now >= self.not_after - (self.not_after - self.not_before) / 3
    }
}

/// Checks what an agent will check and returns the authority; else what is wrong.
fn check<'a>(
    chain: &'a [CertificateDer<'static>],
    names: &[HostName],
    now: UnixMillis,
) -> Result<&'a CertificateDer<'static>, String> {
    let [server, intermediates @ .., authority] = chain else {
        return Err("needs at least two certificates: the server's first, that of its authority \
                    last, because enrolment codes pin the authority"
            .to_owned());
    };
    let is_authority = X509Certificate::from_der(authority).is_ok_and(|(_, last)| last.is_ca());
    if !is_authority {
        return Err("its last certificate is not that of an authority (CA:TRUE); append the \
                    authority's"
            .to_owned());
    }
    let server = ParsedCertificate::try_from(server)
        .map_err(|error| format!("its first certificate cannot be used: {error}"))?;
    let mut roots = RootCertStore::empty();
    roots
        .add(authority.clone())
        .map_err(|error| format!("its last certificate cannot serve as the authority: {error}"))?;
    let seconds = u64::try_from(now / 1000).unwrap_or(0);
    let moment = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    verify_server_cert_signed_by_trust_anchor(
        &server,
        &roots,
        intermediates,
        moment,
        algorithms.all,
    )
    .map_err(|error| chain_problem(&error))?;
    for name in names {
        let as_asked = ServerName::try_from(match name {
            HostName::Address(address) => address.to_string(),
            HostName::Name(name) => name.clone(),
        })
        .map_err(|error| format!("agents.names has {name:?}: {error}"))?;
        verify_server_name(&server, &as_asked).map_err(|_| {
            format!(
                "is not valid for {}, which stands in agents.names; agents would refuse it",
                as_asked.to_str()
            )
        })?;
    }
    Ok(authority)
}

fn chain_problem(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "has expired; put a new one in its place".to_owned(),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "is not valid yet; is this machine's clock right?".to_owned(),
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "its certificates do not lead from the first to the last; put each issuer after what \
             it issued"
            .to_owned(),
        other => format!("cannot be used by a server: {other}"),
    }
}

fn life(certificate: Option<&CertificateDer<'_>>) -> Option<(UnixMillis, UnixMillis)> {
    let (_, certificate) = X509Certificate::from_der(certificate?).ok()?;
    let validity = certificate.validity();
    Some((validity.not_before.timestamp() * 1000, validity.not_after.timestamp() * 1000))
}
