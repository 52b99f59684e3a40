//! TLS of both sides: a client that pins the collector's authority as an agent does, and a
//! certificate authority for scripted collectors.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme, StreamOwned,
};
use wire::enrolment::{PIN_BYTES, pin_of};

use crate::http;

/// A connection to a collector.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// How a client trusts the collector whose authority has `pin`: it looks at the presented chain
/// once, and from then on only at the authority.
pub fn trust(address: SocketAddr, pin: [u8; PIN_BYTES]) -> io::Result<Arc<ClientConfig>> {
    let seen = Arc::new(Anything::default());
    let mut stream = open(address, &believing(Arc::clone(&seen))?)?;
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    let chain = seen.chain.lock().unwrap();
    let authority = chain.iter().find(|certificate| pin_of(certificate) == pin);
    let authority = authority
        .ok_or_else(|| io::Error::other("no certificate of the chain has the code's pin"))?;
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).map_err(io::Error::other)?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Believes every collector, for those who measure and do not judge.
pub fn trusting_anything() -> io::Result<Arc<ClientConfig>> {
    believing(Arc::default())
}

fn believing(anything: Arc<Anything>) -> io::Result<Arc<ClientConfig>> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(anything)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A TLS connection; the handshake happens with the first byte.
pub fn open(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Tls> {
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, http::connect(address)?))
}

/// A certificate authority and a certificate for 127.0.0.1, both new.
#[must_use]
pub fn authority() -> (Arc<ServerConfig>, [u8; PIN_BYTES]) {
    let root_key = rcgen::KeyPair::generate().expect("a key");
    let mut root = rcgen::CertificateParams::default();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_certificate = root.self_signed(&root_key).expect("a certificate");
    let issuer = rcgen::Issuer::new(root, root_key);
    let leaf_key = rcgen::KeyPair::generate().expect("a key");
    let leaf = rcgen::CertificateParams::new(["127.0.0.1".to_owned()])
        .and_then(|leaf| leaf.signed_by(&leaf_key, &issuer))
        .expect("a certificate");
    let chain = vec![leaf.der().clone(), root_certificate.der().clone()];
    let key = PrivateKeyDer::try_from(leaf_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .expect("a server's configuration");
    (Arc::new(config), pin_of(root_certificate.der()))
}

/// Believes every certificate and remembers it.
#[derive(Debug, Default)]
struct Anything {
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(leaf).chain(others);
        *self.chain.lock().unwrap() = chain.map(|one| one.clone().into_owned()).collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &provider().signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &provider().signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
