//! Whom the probe trusts, and what it says of a certificate it does not.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};
use wire::reading::{Failure, Reason};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::failure;

/// The system's authorities and those of a probe's own file.
pub(super) struct Trust {
    roots: Arc<RootCertStore>,
    own: Vec<CertificateDer<'static>>,
    pinned: Option<[u8; 32]>,
}

impl Trust {
    /// Trusts the certificate of this SHA-256 fingerprint, whatever name and dates stand in it, and
    /// no other: who compared it has seen the very device, and any other is in its place.
    pub(super) fn pin(&mut self, fingerprint: [u8; 32]) {
        self.pinned = Some(fingerprint);
    }
}

/// Reads the system's certificates, once for all probes, and `ca_file`.
pub(super) fn trust(ca_file: Option<&Path>) -> Result<Trust, Failure> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let system = SYSTEM.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // Stores contain old certificates in forms nobody uses any more; the others count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    let Some(path) = ca_file else {
        return Ok(Trust { roots: Arc::clone(system), own: Vec::new(), pinned: None });
    };
    let own = read(path)?;
    let mut roots = RootCertStore::clone(system);
    roots.add_parsable_certificates(own.iter().cloned());
    Ok(Trust { roots: Arc::new(roots), own, pinned: None })
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let shown = path.display();
    let pem = std::fs::read(path)
        .map_err(|error| failure::of(&error, format_args!("read ca_file {shown}")))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).flatten().collect();
    if certificates.is_empty() {
        let detail = format_args!("ca_file {shown}: no certificate in it (PEM is expected)");
        return Err(Failure::new(Reason::Absent, detail));
    }
    Ok(certificates)
}

/// Who wants to know of every server's certificate, trusted or not.
pub(super) trait Witness: fmt::Debug + Send + Sync {
    /// It expires then, in Unix seconds.
    fn certificate(&self, expiry: i64);

    /// Its SHA-256 fingerprint.
    fn fingerprint(&self, _fingerprint: [u8; 32]) {}
}

/// A TLS configuration that trusts `trust` and tells `seen` of every server's certificate.
pub(super) fn tls(trust: Trust, seen: Arc<dyn Witness>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier {
        // Without a single authority there is no verifier, and nobody is trusted.
        chain: WebPkiServerVerifier::builder_with_provider(trust.roots, Arc::clone(&provider))
            .build()
            .ok(),
        own: trust.own,
        pinned: trust.pinned,
        provider: Arc::clone(&provider),
        seen,
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    // A resumed session would not show the certificate, and would be another thing to measure.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates of `ca_file`. Devices sign themselves with certificates that are authorities
    /// by name, which no chain may end in; being in the file is trust enough.
    own: Vec<CertificateDer<'static>>,
    pinned: Option<[u8; 32]>,
    provider: Arc<CryptoProvider>,
    seen: Arc<dyn Witness>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let validity = validity(end_entity);
        if let Some((_, not_after)) = validity {
            self.seen.certificate(not_after);
        }
        let fingerprint = <[u8; 32]>::from(Sha256::digest(end_entity));
        self.seen.fingerprint(fingerprint);
        if let Some(pinned) = self.pinned {
            let other = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
            return (pinned == fingerprint).then(ServerCertVerified::assertion).ok_or(other);
        }
        if self.own.iter().any(|own| own == end_entity) {
            return in_time(validity, now);
        }
        let chain = self.chain.as_ref().ok_or(CertificateError::UnknownIssuer)?;
        chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// From and until when the certificate is valid, in Unix seconds; `None` for one that cannot be
/// read, which the chain will refuse.
fn validity(certificate: &CertificateDer<'_>) -> Option<(i64, i64)> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let validity = parsed.validity();
    Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
}

fn in_time(validity: Option<(i64, i64)>, now: UnixTime) -> Result<ServerCertVerified, Error> {
    let (not_before, not_after) = validity.ok_or(CertificateError::BadEncoding)?;
    let time = |seconds: i64| {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            u64::try_from(seconds).unwrap_or(0),
        ))
    };
    if now > time(not_after) {
        return Err(
            CertificateError::ExpiredContext { time: now, not_after: time(not_after) }.into()
        );
    }
    if now < time(not_before) {
        let not_before = time(not_before);
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    Ok(ServerCertVerified::assertion())
}

/// What is wrong, for the one who has to mend it. With a wrong date this PC's own is named, as
/// a PC with an empty battery believes every certificate to be of the future.
pub(super) fn fault(error: &Error) -> String {
    let Error::InvalidCertificate(fault) = error else { return error.to_string() };
    match fault {
        CertificateError::ExpiredContext { time, not_after } => {
            format!("the certificate expired on {}; today is {} here", day(not_after), day(time))
        }
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the certificate is valid from {} on; today is {} here",
            day(not_before),
            day(time)
        ),
        CertificateError::UnknownIssuer => {
            "unknown issuer: neither this system nor ca_file trusts the certificate".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let few = presented.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
            let name = expected.to_str();
            format!("the certificate is for another name than {name}: {few}")
        }
        CertificateError::ApplicationVerificationFailure => {
            "another certificate than the one whose fingerprint is configured".to_owned()
        }
        // Above all the certificates of devices that signed themselves as authorities.
        CertificateError::Other(cause) => format!(
            "the certificate is not acceptable ({cause}); one a server signed itself belongs into \
             ca_file"
        ),
        other => format!("the certificate is not valid: {other}"),
    }
}

fn day(time: &UnixTime) -> impl fmt::Display {
    date(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

/// The date of a moment, `2026-11-23`, in UTC.
pub(super) fn date(unix_seconds: i64) -> String {
    ASN1Time::from_timestamp(unix_seconds)
        .map_or_else(|_| unix_seconds.to_string(), |time| time.to_datetime().date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_like_a_certificate_is_too_strange() {
        let made = rcgen::generate_simple_self_signed(["codec.local".to_owned()]).unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_hours(500_000));
        crate::mutations::survives(&[made.cert.der()], |bytes| {
            let validity = validity(&CertificateDer::from(bytes.to_vec()));
            in_time(validity, now).err().map(|error| fault(&error))
        });
    }
}
