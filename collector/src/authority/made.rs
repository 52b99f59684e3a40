//! The collector's own authority and its certificate, in the state directory.
//!
//! A key is written before its certificate and then kept: whatever a power cut leaves behind can
//! be completed. The authority is made once; it is what every agent trusts.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use wire::UnixMillis;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::served::Served;
use super::{AuthorityError, files};
use crate::config::HostName;
use crate::store;

const DAY: Duration = Duration::from_hours(24);

/// Clients whose clock is a little behind must not find a certificate of the future.
const BACKDATED: Duration = DAY;

/// Longer than the collector's machine lives: a new authority means enrolling every site again.
const AUTHORITY_LIFE: Duration = DAY.saturating_mul(20 * 365);

/// Renewal is automatic, so a year is only what a stopped collector survives.
const SERVER_LIFE: Duration = DAY.saturating_mul(365);

/// How an authority that cannot be used is got over.
const REPAIR: &str = "put a backup of the state directory in its place; or move authority.* away, \
                      after which every agent must enrol again";

struct Paths {
    authority: PathBuf,
    authority_key: PathBuf,
    server: PathBuf,
    server_key: PathBuf,
}

impl Paths {
    fn in_directory(state_dir: &Path) -> Self {
        Self {
            authority: state_dir.join("authority.pem"),
            authority_key: state_dir.join("authority.key"),
            server: state_dir.join("server.pem"),
            server_key: state_dir.join("server.key"),
        }
    }
}

/// The certificate in the state directory; a new one where there is none, it is due, or it is for
/// other names.
pub(super) fn open(
    state_dir: &Path,
    names: &[HostName],
    now: UnixMillis,
) -> Result<Served, AuthorityError> {
    store::make_directory(state_dir)?;
    let _lock = files::lock(state_dir)?;
    let paths = Paths::in_directory(state_dir);
    let authority = authority(&paths, now)?;
    if let Ok(Some(served)) = existing(&paths, &authority, names, now) {
        return Ok(served);
    }
    issue(&paths, &authority, names, now)
}

struct OwnAuthority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority(paths: &Paths, now: UnixMillis) -> Result<OwnAuthority, AuthorityError> {
    let key = files::read(&paths.authority_key)?;
    let Some(pem) = files::read(&paths.authority)? else {
        let key = made_key(&paths.authority_key, key.as_deref())?;
        let made = CertifiedIssuer::self_signed(authority_parameters(now)?, key)?;
        files::write(&paths.authority, &made.pem())?;
        return read_authority(paths, made.pem(), &made.key().serialize_pem());
    };
    let key = key.ok_or_else(|| {
        AuthorityError::unusable(&paths.authority_key, format!("is missing; {REPAIR}"))
    })?;
    read_authority(paths, pem, &key)
}

fn read_authority(paths: &Paths, pem: String, key: &str) -> Result<OwnAuthority, AuthorityError> {
    let key = KeyPair::from_pem(key).map_err(|error| {
        AuthorityError::unusable(&paths.authority_key, format!("is damaged ({error}); {REPAIR}"))
    })?;
    let damaged = || AuthorityError::unusable(&paths.authority, format!("is damaged; {REPAIR}"));
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| damaged())?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| damaged())?;
    if certificate.public_key().subject_public_key.data != key.public_key_raw() {
        return Err(AuthorityError::unusable(
            &paths.authority_key,
            format!("is not the key of authority.pem; {REPAIR}"),
        ));
    }
    Ok(OwnAuthority { issuer: Issuer::from_ca_cert_der(&der, key)?, pem })
}

/// The key in the file, or a new one that is on disk before it is used.
fn made_key(path: &Path, existing: Option<&str>) -> Result<KeyPair, AuthorityError> {
    if let Some(key) = existing.and_then(|pem| KeyPair::from_pem(pem).ok()) {
        return Ok(key);
    }
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    files::write(path, &key.serialize_pem())?;
    Ok(key)
}

/// The certificate on disk, if it is still the right one.
fn existing(
    paths: &Paths,
    authority: &OwnAuthority,
    names: &[HostName],
    now: UnixMillis,
) -> Result<Option<Served>, AuthorityError> {
    let (Some(leaf), Some(key)) = (files::read(&paths.server)?, files::read(&paths.server_key)?)
    else {
        return Ok(None);
    };
    let chain = format!("{leaf}{}", authority.pem);
    let served = Served::new((&paths.server, &chain), (&paths.server_key, &key), names, now)?;
    let same_names = served.key.end_entity_cert().is_ok_and(|leaf| has_names(leaf, names));
    Ok((same_names && !served.is_due(now)).then_some(served))
}

fn issue(
    paths: &Paths,
    authority: &OwnAuthority,
    names: &[HostName],
    now: UnixMillis,
) -> Result<Served, AuthorityError> {
    let on_disk = files::read(&paths.server_key)?;
    let key = made_key(&paths.server_key, on_disk.as_deref())?;
    let leaf = server_parameters(names, now)?.signed_by(&key, &authority.issuer)?.pem();
    files::write(&paths.server, &leaf)?;
    let chain = format!("{leaf}{}", authority.pem);
    let key = key.serialize_pem();
    Served::new((&paths.server, &chain), (&paths.server_key, &key), names, now)
}

fn authority_parameters(now: UnixMillis) -> Result<CertificateParams, AuthorityError> {
    let mut parameters = parameters(now, AUTHORITY_LIFE)?;
    parameters.distinguished_name.push(DnType::CommonName, "Nhip Cau collector authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(parameters)
}

fn server_parameters(
    names: &[HostName],
    now: UnixMillis,
) -> Result<CertificateParams, AuthorityError> {
    let mut parameters = parameters(now, SERVER_LIFE)?;
    parameters.distinguished_name.push(DnType::CommonName, "Nhip Cau collector");
    parameters.subject_alt_names = names.iter().map(alt_name).collect::<Result<_, _>>()?;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

fn parameters(now: UnixMillis, life: Duration) -> Result<CertificateParams, AuthorityError> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0));
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.not_before = now.checked_sub(BACKDATED).unwrap_or(SystemTime::UNIX_EPOCH).into();
    parameters.not_after = (now + life).into();
    // By default the serial comes from the key; a renewed certificate would have the old one,
    // which browsers refuse. Positive and of full length, as RFC 5280 § 4.1.2.2 wants it.
    let mut serial = uuid::Uuid::new_v4().into_bytes();
    serial[0] = (serial[0] & 0x7f) | 0x40;
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(parameters)
}

fn alt_name(name: &HostName) -> Result<SanType, rcgen::Error> {
    Ok(match name {
        HostName::Address(address) => SanType::IpAddress(*address),
        HostName::Name(name) => SanType::DnsName(name.as_str().try_into()?),
    })
}

/// Whether the certificate is for exactly these names.
fn has_names(certificate: &CertificateDer<'_>, names: &[HostName]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return false };
    let found = &extension.value.general_names;
    found.len() == names.len()
        && found.iter().zip(names).all(|(found, name)| match (found, name) {
            (GeneralName::DNSName(found), HostName::Name(name)) => found == name,
            (GeneralName::IPAddress(found), HostName::Address(address)) => match address {
                std::net::IpAddr::V4(address) => *found == address.octets(),
                std::net::IpAddr::V6(address) => *found == address.octets(),
            },
            _ => false,
        })
}
