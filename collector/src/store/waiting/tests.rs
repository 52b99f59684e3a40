use super::*;

const NOW: UnixMillis = 1_764_000_000_000;
const DAY: i64 = 86_400_000;

struct Office {
    connection: Connection,
    _directory: tempfile::TempDir,
}

impl Office {
    /// With a fleet code `fleet` for a day.
    fn new(uses: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let connection = super::super::open(directory.path()).unwrap();
        add_code(&connection, "fleet", (NOW + DAY, uses), &Actor::somebody(), NOW).unwrap();
        Self { connection, _directory: directory }
    }

    /// What becomes of a PC that asks.
    fn asks(&mut self, credential: &str, matched: Option<&str>, now: UnixMillis) -> String {
        let asked = Redemption {
            secret_sha256: "fleet".into(),
            credential_sha256: credential.into(),
            hostname: format!("PC-{credential}"),
            applicant: credentials::Applicant { address: "10.0.0.1".into(), ..Default::default() },
            matched: matched.map(|site| site.parse().unwrap()),
        };
        match credentials::redeem(&mut self.connection, &asked, now) {
            Ok(Redeemed::Site { site, .. }) => site.to_string(),
            Ok(Redeemed::Waiting { id, of }) => format!("{id} of {of}"),
            Err(RedeemError::Refused(error)) => format!("{error:?}"),
            Err(RedeemError::Store(error)) => panic!("{error}"),
        }
    }

    fn assign(&self, id: i64, site: &str, replace: bool) -> Result<(), String> {
        let actor = Actor { who: "an".into(), address: None };
        let wish = (id, &site.parse().unwrap(), replace);
        assign(&self.connection, wish, &actor, NOW).map_err(|error| error.to_string())
    }
}

#[test]
fn who_has_the_fleets_code_waits_until_assigned_and_counts_for_nothing_before() {
    let mut office = Office::new(10);
    assert_eq!(office.asks("c1", None, NOW), "1 of 1");
    assert_eq!(office.asks("c2", None, NOW + 5), "2 of 2");
    assert_eq!(office.asks("c1", None, NOW + 9), "1 of 2", "asking again is no second one");
    assert!(credentials::all(&office.connection).unwrap().is_empty());
    let waiting = all(&office.connection).unwrap();
    assert_eq!((waiting[0].hostname.as_str(), waiting[0].heard_at), ("PC-c1", NOW + 9));
    office.assign(1, "th-0316", false).unwrap();
    assert_eq!(office.asks("c1", None, NOW + 10), "th-0316");
    assert_eq!(all(&office.connection).unwrap().len(), 1);
    assert_eq!(office.assign(1, "th-0317", false).unwrap_err(), "nobody waits under the number 1");
    let log = audit::since(&office.connection, 0).unwrap();
    let acts: Vec<_> = log.iter().map(|one| (one.act.as_str(), one.subject.as_str())).collect();
    assert_eq!(acts, [("fleet_code_make", "fleet"), ("assign", "th-0316")]);
}

#[test]
fn a_site_that_has_a_pc_is_taken_over_by_a_persons_word_alone() {
    let mut office = Office::new(10);
    assert_eq!(office.asks("c1", Some("th-0316"), NOW), "th-0316", "matched beyond doubt");
    assert_eq!(office.asks("c2", Some("th-0316"), NOW), "2 of 1");
    assert!(office.assign(2, "th-0316", false).unwrap_err().contains("has a PC already"));
    office.assign(2, "th-0316", true).unwrap();
    assert_eq!(credentials::former(&office.connection).unwrap()[0].sha256, "c1");
    assert_eq!(office.asks("c2", None, NOW), "th-0316");
}

#[test]
fn the_fleets_code_ends_by_time_and_by_number_and_who_waits_goes_on_waiting() {
    let mut office = Office::new(1);
    assert_eq!(office.asks("c1", None, NOW), "1 of 1");
    assert_eq!(office.asks("c2", None, NOW), "UsedCode");
    assert_eq!(office.asks("c2", None, NOW + 2 * DAY), "ExpiredCode");
    assert_eq!(office.asks("c1", None, NOW + 2 * DAY), "1 of 1");
    add_code(&office.connection, "newer", (NOW + DAY, 5), &Actor::somebody(), NOW).unwrap();
    assert_eq!(office.asks("c3", None, NOW), "UnknownCode", "only the newest is good");
    // Who is gone for a month makes room.
    add_code(&office.connection, "fleet", (NOW + 90 * DAY, 5), &Actor::somebody(), NOW).unwrap();
    assert_eq!(office.asks("c4", None, NOW + 60 * DAY), "2 of 1");
}
