//! Chains made by an authority of the test, held against the verifiers.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use super::*;

/// 2026-06-01, a day on which everything is valid.
const TODAY: u64 = 1_780_272_000;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2035, 1, 1);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A certificate valid in 2026 for the collector's names.
    fn leaf(&self) -> CertificateDer<'static> {
        let names = ["collector.tinh.gov.vn".to_owned(), "10.1.2.3".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, &self.0).unwrap().der().clone()
    }
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn name(name: &str) -> ServerName<'static> {
    ServerName::try_from(name.to_owned()).unwrap()
}

fn enrolled(authority: &Authority) -> Arc<WebPkiServerVerifier> {
    anchored(&authority.der(), &Arc::new(ring::default_provider())).unwrap()
}

fn enrolling(pinned: &Authority) -> Arc<PinnedAuthority> {
    enrolment_config(pin_of(&pinned.der())).unwrap().1
}

fn verdict(
    anchor: &dyn Anchor,
    chain: &[CertificateDer<'_>],
    host: &str,
    now: u64,
) -> Result<(), CertificateError> {
    match anchor.verify(&chain[0], &chain[1..], &name(host), at(now)) {
        Ok(_) => Ok(()),
        Err(Error::InvalidCertificate(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_date_of_the_pc_does_not_matter() {
    let authority = Authority::new();
    let chain = [authority.leaf(), authority.der()];
    for (when, now) in [
        ("1970, a dead battery", 0),
        ("2009, another one", 1_230_768_000),
        ("between the authority's start and the leaf's", 1_740_000_000),
        ("today", TODAY),
        ("after the leaf", 1_830_000_000),
        ("after the authority", 2_100_000_000),
    ] {
        assert_eq!(
            verdict(&*enrolled(&authority), &chain, "collector.tinh.gov.vn", now),
            Ok(()),
            "{when}"
        );
        assert_eq!(
            verdict(&*enrolling(&authority), &chain, "collector.tinh.gov.vn", now),
            Ok(()),
            "{when}"
        );
    }
}

#[test]
fn the_name_matters_on_any_date() {
    let authority = Authority::new();
    let chain = [authority.leaf(), authority.der()];
    for now in [0, TODAY, 2_100_000_000] {
        for (host, good) in [
            ("collector.tinh.gov.vn", true),
            ("10.1.2.3", true),
            ("collector.tinh.gov.vn.evil.example", false),
            ("evil.example", false),
            ("10.1.2.4", false),
            ("fd00::1", false),
        ] {
            assert_eq!(
                verdict(&*enrolled(&authority), &chain, host, now).is_ok(),
                good,
                "{host} at {now}"
            );
            assert_eq!(
                verdict(&*enrolling(&authority), &chain, host, now).is_ok(),
                good,
                "{host} at {now}"
            );
        }
    }
}

#[test]
fn another_authority_is_nobody() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    for now in [0, TODAY, 2_100_000_000] {
        for chain in [
            vec![theirs.leaf(), theirs.der()],
            vec![theirs.leaf()],
            // Showing our authority beside a leaf it never signed proves nothing.
            vec![theirs.leaf(), ours.der()],
        ] {
            assert!(verdict(&*enrolled(&ours), &chain, "collector.tinh.gov.vn", now).is_err());
            assert!(verdict(&*enrolling(&ours), &chain, "collector.tinh.gov.vn", now).is_err());
        }
    }
}

#[test]
fn once_enrolled_the_authority_need_not_be_shown() {
    let authority = Authority::new();
    assert_eq!(verdict(&*enrolled(&authority), &[authority.leaf()], "10.1.2.3", TODAY), Ok(()));
}

#[test]
fn at_enrolment_the_authority_of_the_code_must_be_shown_and_is_kept() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let wrong_pin = CertificateError::Other(OtherError(Arc::new(WrongPin)));
    for chain in [vec![ours.leaf()], vec![theirs.leaf(), theirs.der()]] {
        let verifier = enrolling(&ours);
        let error = verdict(&*verifier, &chain, "10.1.2.3", TODAY).unwrap_err();
        assert_eq!(error.to_string(), wrong_pin.to_string());
        assert_eq!(verifier.certificate(), None);
    }
    let verifier = enrolling(&ours);
    // In any place of the chain.
    let chain = [ours.leaf(), theirs.der(), ours.der()];
    assert_eq!(verdict(&*verifier, &chain, "10.1.2.3", TODAY), Ok(()));
    assert_eq!(verifier.certificate(), Some(ours.der().as_ref()));
}

#[test]
fn an_authority_that_is_no_certificate_is_refused_with_its_name() {
    let error = client_config(b"no certificate").unwrap_err().to_string();
    assert!(error.contains("the collector's authority is unusable"), "{error}");
}
