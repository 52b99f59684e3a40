use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::sign::CertifiedKey;
use wire::enrolment::pin_of;

use super::*;

const NOW: UnixMillis = 1_764_000_000_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

fn names(names: &[&str]) -> Vec<HostName> {
    serde_json::from_str(&serde_json::to_string(names).unwrap()).unwrap()
}

fn made(directory: &Path, asked: &[&str], now: UnixMillis) -> Authority {
    Authority::made(directory, &names(asked), now).unwrap()
}

/// The certificate that a new connection gets to see.
fn leaf(authority: &Authority) -> Vec<u8> {
    shown(authority).cert[0].to_vec()
}

fn shown(authority: &Authority) -> Arc<CertifiedKey> {
    Arc::clone(&authority.shown.get().key)
}

#[test]
fn the_first_start_makes_an_authority_and_later_starts_keep_it() {
    let directory = tempfile::tempdir().unwrap();
    let state_dir = directory.path().join("state");
    let first = made(&state_dir, &["collector.tinh.gov.vn", "10.1.2.3", "fd00::1"], NOW);
    let chain = &shown(&first).cert;
    assert_eq!(chain.len(), 2, "the authority is sent too, because agents pin it");
    assert_eq!(first.pin(), pin_of(&chain[1]));
    assert!(first.expires_at() > NOW + 300 * DAY);
    let again = made(&state_dir, &["collector.tinh.gov.vn", "10.1.2.3", "fd00::1"], NOW + DAY);
    assert_eq!(leaf(&again), leaf(&first));
    assert!(first.tls().is_ok());
}

#[cfg(unix)]
#[test]
fn its_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let state_dir = directory.path().join("state");
    made(&state_dir, &["a"], NOW);
    for entry in fs::read_dir(&state_dir).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[test]
fn other_names_mean_another_certificate_of_the_same_authority() {
    let directory = tempfile::tempdir().unwrap();
    let first = made(directory.path(), &["a.vn"], NOW);
    let second = made(directory.path(), &["a.vn", "10.0.0.1"], NOW);
    assert_ne!(leaf(&first), leaf(&second));
    assert_eq!(first.pin(), second.pin());
}

#[test]
fn it_renews_itself_when_a_third_of_its_life_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let authority = made(directory.path(), &["a"], NOW);
    let (old, standing) = (leaf(&authority), shown(&authority));
    assert!(!authority.tend(NOW + 200 * DAY).unwrap());
    assert!(authority.tend(NOW + 250 * DAY).unwrap());
    assert_ne!(leaf(&authority), old);
    assert_eq!(*standing.cert[0], *old, "connections that stand keep what they have");
    assert!(authority.expires_at() > NOW + 600 * DAY);
    assert!(!authority.tend(NOW + 250 * DAY).unwrap(), "once is enough");
    assert!(authority.tend(NOW).unwrap(), "the clock was set back: not valid yet is no good");
}

#[test]
fn two_processes_that_start_at_once_agree_on_one_authority() {
    let directory = tempfile::tempdir().unwrap();
    let pins: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| made(directory.path(), &["a"], NOW).pin())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(pins.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn what_a_power_cut_leaves_behind_is_completed() {
    for lost in [
        &["authority.pem", "server.pem", "server.key"][..],
        &["server.pem", "server.key"],
        &["server.pem"],
        &["server.key"],
    ] {
        let directory = tempfile::tempdir().unwrap();
        made(directory.path(), &["a"], NOW);
        for file in lost {
            fs::remove_file(directory.path().join(file)).unwrap();
        }
        fs::write(directory.path().join("authority.new"), "-----BEGIN").unwrap();
        made(directory.path(), &["a"], NOW);
    }
}

#[test]
fn a_damaged_certificate_is_replaced_a_damaged_authority_is_not() {
    let cases = [
        ("server.pem", None),
        ("server.key", None),
        ("authority.pem", Some("authority.pem: is damaged")),
        ("authority.key", Some("authority.key: is damaged")),
    ];
    for (file, expected) in cases {
        let directory = tempfile::tempdir().unwrap();
        let pin = made(directory.path(), &["a"], NOW).pin();
        fs::write(directory.path().join(file), "no longer PEM").unwrap();
        match (Authority::made(directory.path(), &names(&["a"]), NOW), expected) {
            (Ok(authority), None) => assert_eq!(authority.pin(), pin, "{file}"),
            (Err(error), Some(text)) => assert!(error.to_string().contains(text), "{error}"),
            (result, _) => panic!("{file}: {result:?}"),
        }
    }
}

#[test]
fn a_key_of_another_authority_is_told_apart() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    made(one.path(), &["a"], NOW);
    made(other.path(), &["a"], NOW);
    fs::copy(other.path().join("authority.key"), one.path().join("authority.key")).unwrap();
    let error = Authority::made(one.path(), &names(&["a"]), NOW).unwrap_err().to_string();
    assert!(error.contains("not the key of authority.pem") && error.contains("backup"), "{error}");
}

/// An operator's files: a certificate for `a.vn` with its authority, and its key.
struct Operator {
    directory: tempfile::TempDir,
}

impl Operator {
    fn new() -> Self {
        let operator = Self { directory: tempfile::tempdir().unwrap() };
        operator.issue(2020, 2040);
        operator
    }

    /// Writes files of a new authority, whose certificate is valid from one year to another.
    fn issue(&self, from: i32, to: i32) {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let mut parameters = CertificateParams::new(vec!["a.vn".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let leaf = parameters.signed_by(&key, &issuer).unwrap();
        self.write("chain.pem", &format!("{}{}", leaf.pem(), issuer.pem()));
        self.write("key.pem", &key.serialize_pem());
        self.write("leaf.pem", &leaf.pem());
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.directory.path().join(file), text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.directory.path().join(file)).unwrap()
    }

    fn open(&self, asked: &[&str]) -> Result<Authority, AuthorityError> {
        let path = |file| self.directory.path().join(file);
        let files = OwnCertificate { chain: path("chain.pem"), key: path("key.pem") };
        Authority::own(&files, &names(asked), NOW)
    }
}

#[test]
fn an_operator_brings_certificate_and_authority() {
    let operator = Operator::new();
    let authority = operator.open(&["a.vn"]).unwrap();
    assert_eq!(authority.pin(), pin_of(&shown(&authority).cert[1]));
    assert!(!authority.tend(NOW).unwrap(), "nothing has changed");
}

#[test]
fn an_operators_new_certificate_is_in_use_without_a_restart() {
    let operator = Operator::new();
    let authority = operator.open(&["a.vn"]).unwrap();
    let old = leaf(&authority);
    operator.write("key.pem", "half written");
    assert!(authority.tend(NOW).is_err());
    assert_eq!(leaf(&authority), old, "the old one stays");
    assert!(!authority.tend(NOW).unwrap(), "said once");
    operator.issue(2021, 2041);
    assert!(authority.tend(NOW).unwrap());
    assert_ne!(leaf(&authority), old);
}

#[test]
fn what_is_wrong_with_an_operators_files_is_said() {
    type Spoil = fn(&Operator);
    let cases: [(&str, Spoil); 9] = [
        ("chain.pem: there is no such file", |o| {
            fs::remove_file(o.directory.path().join("chain.pem")).unwrap();
        }),
        ("key.pem: there is no such file", |o| {
            fs::remove_file(o.directory.path().join("key.pem")).unwrap();
        }),
        ("key.pem: holds no private key", |o| o.write("key.pem", "")),
        ("key.pem: is not the key of", |o| {
            o.write("key.pem", &KeyPair::generate().unwrap().serialize_pem());
        }),
        ("chain.pem: needs at least two certificates", |o| {
            o.write("chain.pem", &o.read("leaf.pem"));
        }),
        ("chain.pem: its last certificate is not that of an authority", |o| {
            o.write("chain.pem", &o.read("leaf.pem").repeat(2));
        }),
        ("chain.pem: its certificates do not lead", |o| {
            let leaf = o.read("leaf.pem");
            o.issue(2020, 2040);
            o.write("chain.pem", &(leaf + &o.read("chain.pem").replace(&o.read("leaf.pem"), "")));
        }),
        ("chain.pem: has expired", |o| o.issue(2020, 2025)),
        ("chain.pem: is not valid yet", |o| o.issue(2039, 2040)),
    ];
    for (expected, spoil) in cases {
        let operator = Operator::new();
        spoil(&operator);
        let error = operator.open(&["a.vn"]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}, expected {expected}");
    }
    let operator = Operator::new();
    let error = operator.open(&["a.vn", "10.0.0.1"]).unwrap_err().to_string();
    assert!(error.contains("not valid for 10.0.0.1"), "{error}");
}
