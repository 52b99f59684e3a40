use super::*;

const NOW: UnixMillis = 1_764_000_000_000;
const WEEK: i64 = 7 * 24 * 60 * 60 * 1000;

struct Desk {
    connection: Connection,
    _directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { connection: super::super::open(directory.path()).unwrap(), _directory: directory }
    }

    fn invite(&mut self, site: &str, secret: &str) {
        let codes = [(site.parse().unwrap(), secret.to_owned())];
        add_codes(&mut self.connection, (&codes, NOW + WEEK), &Actor::somebody(), NOW).unwrap();
    }

    /// The site that the secret enrolled, or the word of the refusal.
    fn redeem_at(&mut self, secret: &str, credential: &str, now: UnixMillis) -> String {
        let asked = Redemption {
            secret_sha256: secret.to_owned(),
            credential_sha256: credential.to_owned(),
            hostname: "PC-HOP".to_owned(),
            applicant: Applicant::default(),
            matched: None,
        };
        match redeem(&mut self.connection, &asked, now) {
            Ok(Redeemed::Site { site, .. }) => site.to_string(),
            Ok(waiting) => panic!("{waiting:?}"),
            Err(RedeemError::Refused(error)) => format!("{error:?}"),
            Err(RedeemError::Store(error)) => panic!("{error}"),
        }
    }

    fn redeem(&mut self, secret: &str, credential: &str) -> String {
        self.redeem_at(secret, credential, NOW)
    }

    fn enrolled(&self) -> Vec<String> {
        let mut all: Vec<_> = all(&self.connection)
            .unwrap()
            .into_iter()
            .map(|credential| format!("{}={}", credential.site, credential.sha256))
            .collect();
        all.sort();
        all
    }

    fn generation(&self) -> i64 {
        generation(&self.connection).unwrap()
    }
}

#[test]
fn a_code_enrols_one_pc_once() {
    let mut desk = Desk::new();
    desk.invite("th-0316", "s1");
    assert_eq!(desk.redeem("s1", "c1"), "th-0316");
    assert_eq!(desk.redeem("s1", "c2"), "UsedCode");
    assert_eq!(desk.enrolled(), ["th-0316=c1"]);
}

#[test]
fn a_code_nobody_made_is_unknown() {
    assert_eq!(Desk::new().redeem("s1", "c1"), "UnknownCode");
}

#[test]
fn a_code_dies_at_its_end() {
    let mut desk = Desk::new();
    desk.invite("th-0316", "s1");
    assert_eq!(desk.redeem_at("s1", "c1", NOW + WEEK), "ExpiredCode");
    assert_eq!(desk.redeem_at("s1", "c1", NOW + WEEK - 1), "th-0316");
}

#[test]
fn the_same_agent_may_ask_again_even_after_the_end() {
    let mut desk = Desk::new();
    desk.invite("th-0316", "s1");
    assert_eq!(desk.redeem("s1", "c1"), "th-0316");
    let generation = desk.generation();
    assert_eq!(desk.redeem_at("s1", "c1", NOW + 2 * WEEK), "th-0316");
    assert_eq!(desk.generation(), generation, "nothing has changed");
}

#[test]
fn asking_again_does_not_undo_a_revocation_or_a_replacement() {
    let mut desk = Desk::new();
    desk.invite("th-0316", "s1");
    desk.redeem("s1", "c1");
    desk.invite("th-0316", "s2");
    assert_eq!(desk.redeem("s2", "c2"), "th-0316");
    assert_eq!(desk.enrolled(), ["th-0316=c2"], "the second enrolment replaces the first");
    assert_eq!(desk.redeem("s1", "c1"), "UsedCode");
    assert!(
        revoke(&mut desk.connection, &"th-0316".parse().unwrap(), &Actor::somebody(), NOW).unwrap()
    );
    assert_eq!(desk.redeem("s2", "c2"), "UsedCode");
    assert!(desk.enrolled().is_empty());
}

#[test]
fn a_new_code_withdraws_the_unused_one_of_its_site_only() {
    let mut desk = Desk::new();
    desk.invite("th-0316", "s1");
    desk.invite("th-0317", "other");
    desk.invite("th-0316", "s2");
    assert_eq!(desk.redeem("s1", "c1"), "UnknownCode");
    assert_eq!(desk.redeem("other", "c9"), "th-0317");
    assert_eq!(desk.redeem("s2", "c1"), "th-0316");
}

#[test]
fn revoking_takes_credential_and_open_codes_and_is_seen_by_others() {
    let mut desk = Desk::new();
    desk.invite("th-0316", "s1");
    desk.redeem("s1", "c1");
    desk.invite("th-0316", "s2");
    let before = desk.generation();
    let site = "th-0316".parse().unwrap();
    assert!(revoke(&mut desk.connection, &site, &Actor::somebody(), NOW).unwrap());
    assert!(desk.generation() > before);
    assert_eq!(desk.redeem("s2", "c2"), "UnknownCode");
    assert!(
        !revoke(&mut desk.connection, &site, &Actor::somebody(), NOW).unwrap(),
        "there is nothing left to revoke"
    );
}

#[test]
fn codes_long_dead_are_forgotten() {
    let mut desk = Desk::new();
    desk.invite("th-0316", "s1");
    let later = NOW + WEEK + KEEP_DEAD_CODES_MILLIS + 1;
    let codes = [("th-0317".parse().unwrap(), "s2".to_owned())];
    add_codes(&mut desk.connection, (&codes, later + WEEK), &Actor::somebody(), later).unwrap();
    assert_eq!(desk.redeem_at("s1", "c1", later), "UnknownCode");
}

#[test]
fn a_pc_that_was_replaced_is_remembered_with_who_took_over() {
    let mut desk = Desk::new();
    desk.invite("th-0316", "s1");
    desk.redeem("s1", "c1");
    assert!(former(&desk.connection).unwrap().is_empty());
    desk.invite("th-0316", "s2");
    desk.redeem("s2", "c2");
    let by = "PC-HOP".to_owned();
    let expected = Former { sha256: "c1".into(), at: NOW, by };
    assert_eq!(former(&desk.connection).unwrap(), [expected]);
    // An answer asked for again replaces nobody.
    desk.redeem("s2", "c2");
    assert_eq!(former(&desk.connection).unwrap().len(), 1);
    // A revoked site is nobody's: its PC is not told of another.
    revoke(&mut desk.connection, &"th-0316".parse().unwrap(), &Actor::somebody(), NOW).unwrap();
    assert_eq!(former(&desk.connection).unwrap().len(), 1);
    add_codes(&mut desk.connection, (&[], NOW), &Actor::somebody(), NOW + 60 * WEEK).unwrap();
    assert!(former(&desk.connection).unwrap().is_empty(), "a year is enough");
}
