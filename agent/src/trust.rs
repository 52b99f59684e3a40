//! Whom the agent trusts: the authority it enrolled with, whatever the date.
//!
//! A PC whose CMOS battery is dead starts in 2009. Chain, signature and name are verified as
//! always; only the validity dates are not, because this PC cannot judge them. What is lost: a
//! stolen collector key cannot be outlived by its certificate's expiry, only by a new authority.
//! Both are files on the same machine.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use wire::enrolment::{PIN_BYTES, pin_of};

/// Each certificate of a chain can be before or after its time once; longer chains than this no
/// collector has.
const DATES_TRIED: usize = 4;

/// One collector, and room for its restart.
const SESSIONS_KEPT: usize = 2;

/// The authority's certificate is none.
#[derive(Debug, thiserror::Error)]
#[error("the certificate of the collector's authority is unusable: {0}")]
pub struct TrustError(String);

/// TLS that trusts chains to `authority` (a certificate in DER) alone, on any date.
pub fn client_config(authority: &[u8]) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(ring::default_provider());
    let anchor = anchored(authority, &provider).map_err(|error| TrustError(error.to_string()))?;
    config(anchor, provider)
}

/// TLS for enrolment: trusts chains that lead to a certificate with `pin` among those presented,
/// and keeps that certificate.
pub fn enrolment_config(
    pin: [u8; PIN_BYTES],
) -> Result<(ClientConfig, Arc<PinnedAuthority>), TrustError> {
    let provider = Arc::new(ring::default_provider());
    let authority =
        Arc::new(PinnedAuthority { pin, provider: Arc::clone(&provider), found: OnceLock::new() });
    Ok((config(Arc::clone(&authority) as _, provider)?, authority))
}

fn config(
    anchor: Arc<dyn Anchor>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, TrustError> {
    let verifier = Arc::new(Dateless { anchor, provider: Arc::clone(&provider) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TrustError(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(SESSIONS_KEPT);
    Ok(config)
}

/// The usual verifier with one anchor.
fn anchored(
    authority: &[u8],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority))?;
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| Error::General(error.to_string()))
}

/// What chains must lead to.
trait Anchor: fmt::Debug + Send + Sync {
    /// Verifies a chain and the name, on any date.
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error>;
}

/// Verifies at whatever moment the certificates hold, if there is one for the whole chain.
impl Anchor for WebPkiServerVerifier {
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut moment = now;
        for _ in 0..DATES_TRIED {
            match self.verify_server_cert(leaf, others, name, &[], moment) {
                Err(Error::InvalidCertificate(CertificateError::ExpiredContext {
                    not_after,
                    ..
                })) => moment = not_after,
                Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
                    not_before,
                    ..
                })) => moment = not_before,
                outcome => return outcome,
            }
        }
        self.verify_server_cert(leaf, others, name, &[], moment)
    }
}

/// Leaves the chain to its anchor, and verifies signatures as always.
#[derive(Debug)]
struct Dateless {
    anchor: Arc<dyn Anchor>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Dateless {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.anchor.verify(leaf, others, name, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Nothing the other side presented has the code's pin: it is another collector, or somebody in
/// between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("none of the presented certificates is the authority the code names")]
pub struct WrongPin;

impl WrongPin {
    /// Whether a handshake failed because of this.
    #[must_use]
    pub fn is(error: &Error) -> bool {
        let Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) = error else {
            return false;
        };
        cause.is::<Self>()
    }
}

/// The authority with the code's pin, once a handshake has shown it.
#[derive(Debug)]
pub struct PinnedAuthority {
    pin: [u8; PIN_BYTES],
    provider: Arc<CryptoProvider>,
    found: OnceLock<CertificateDer<'static>>,
}

impl PinnedAuthority {
    /// The certificate in DER; none before a handshake succeeded.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.found.get().map(AsRef::as_ref)
    }
}

impl Anchor for PinnedAuthority {
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut chain = std::iter::once(leaf).chain(others);
        let authority = chain.find(|shown| pin_of(shown) == self.pin).ok_or_else(|| {
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(WrongPin))))
        })?;
        let shown = anchored(authority, &self.provider)?.verify(leaf, others, name, now)?;
        // A second handshake of this client has the same pin, so the same certificate.
        let _ = self.found.set(authority.clone().into_owned());
        Ok(shown)
    }
}

#[cfg(test)]
mod tests;
