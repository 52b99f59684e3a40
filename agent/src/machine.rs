//! Which machine an identity belongs to: `machine.json` beside it. A disk that was copied with its
//! identity finds itself on another machine, and does not report as somebody else's site.
//!
//! What is compared are salted hashes of what stays with a machine for years: its main board, the
//! permanent addresses of its network interfaces, its disks. **One that is the same is enough**, so
//! a new network card, disk or main board alone raises no alarm, and is learnt; so is a disk that
//! moves to another PC, for then there is only one. Only where everything that both sides know
//! differs is it another machine. Where nothing can be compared, nothing is claimed; two agents
//! that then run with one credential are told apart by their collector.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use wire::enrolment::sha256_hex;

use crate::identity::{self, Identity};
use crate::platform::{self, Part};

const FILE: &str = "machine.json";

/// Enough that nobody tries all serial numbers there are against a hash.
const SALT_BYTES: usize = 16;

/// What a machine was made of when an identity was last used on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// SHA-256 of the credential it was written for: another identity is another question.
    credential: String,
    salt: String,
    /// Hashes by kind of part.
    parts: BTreeMap<String, BTreeSet<String>>,
}

/// How a machine compares to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinship {
    Same,
    /// It is the same, with another part.
    Changed,
    Other,
    /// Nothing is known of both.
    Unknown,
}

impl Record {
    fn of(identity: &Identity, salt: &str, parts: &[Part]) -> Self {
        let mut hashes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for part in parts {
            let hash = sha256_hex(format!("{salt} {} {}", part.kind, part.value).as_bytes());
            hashes.entry(part.kind.to_owned()).or_default().insert(hash);
        }
        let credential = sha256_hex(identity.credential.expose().as_bytes());
        Self { credential, salt: salt.to_owned(), parts: hashes }
    }

    fn compare(&self, now: &Self) -> Kinship {
        let none = BTreeSet::new();
        let of_both = self.parts.iter().map(|(kind, then)| (then, now.parts.get(kind)));
        let of_both = of_both.map(|(then, now)| (then, now.unwrap_or(&none)));
        let mut of_both = of_both.filter(|(then, now)| !then.is_empty() && !now.is_empty());
        if self.parts == now.parts {
            Kinship::Same
        } else if of_both.clone().any(|(then, now)| !then.is_disjoint(now)) {
            Kinship::Changed
        } else if of_both.next().is_some() {
            Kinship::Other
        } else {
            Kinship::Unknown
        }
    }

    /// What is there now, and of kinds that are not to be seen now what was there before.
    fn renewed(&self, now: Self) -> Self {
        let mut parts = self.parts.clone();
        parts.extend(now.parts);
        Self { parts, ..now }
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(FILE)
}

/// The record of this identity; one that cannot be read is begun anew.
fn record(state_dir: &Path, identity: &Identity) -> Option<Record> {
    let record = identity::read::<Record>(&path(state_dir)).ok().flatten()?;
    let credential = sha256_hex(identity.credential.expose().as_bytes());
    (record.credential == credential).then_some(record)
}

/// Whether this identity was made, and last used, on another machine.
#[must_use]
pub fn is_another(state_dir: &Path, identity: &Identity) -> bool {
    record(state_dir, identity).is_some_and(|record| {
        let now = Record::of(identity, &record.salt, &platform::parts());
        record.compare(&now) == Kinship::Other
    })
}

/// Keeps what this machine is made of with its identity. One that is another's is left alone.
pub fn remember(state_dir: &Path, identity: &Identity) {
    let parts = platform::parts();
    let kept = match record(state_dir, identity) {
        Some(record) => {
            let now = Record::of(identity, &record.salt, &parts);
            match record.compare(&now) {
                Kinship::Same | Kinship::Other => return,
                Kinship::Changed | Kinship::Unknown => record.renewed(now),
            }
        }
        None => match salt() {
            Ok(salt) => Record::of(identity, &salt, &parts),
            Err(error) => return tracing::warn!(%error, "no random numbers for machine.json"),
        },
    };
    if let Err(error) = identity::write(&path(state_dir), &kept) {
        tracing::warn!(%error, "a copy of this disk would not be noticed at once");
    }
}

fn salt() -> io::Result<String> {
    let mut bytes = [0; SALT_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Credential;

    fn identity() -> Identity {
        Identity {
            site: "th-0316".parse().unwrap(),
            collector: "collector.tinh.gov.vn:8443".into(),
            authority: vec![1],
            credential: Credential::make().unwrap(),
        }
    }

    /// `board=A interface=B interface=C`
    fn parts(text: &str) -> Vec<Part> {
        let part = |word: &'static str| {
            let (kind, value) = word.split_once('=').unwrap();
            Part { kind, value: value.to_owned() }
        };
        // Leaked, as kinds are names in the program.
        let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
        text.split_whitespace().map(part).collect()
    }

    #[test]
    fn one_part_that_stayed_is_enough_and_only_all_that_differ_make_another_machine() {
        use Kinship::{Changed, Other, Same, Unknown};
        let identity = identity();
        for (then, now, expected) in [
            ("board=A interface=B", "interface=B board=A", Same),
            // A new network card, a second one, one that is pulled out.
            ("board=A interface=B", "board=A interface=C", Changed),
            ("interface=B disk=D", "interface=C disk=D", Changed),
            ("interface=B", "interface=B interface=C", Changed),
            ("interface=B interface=C", "interface=C", Changed),
            ("interface=B disk=D", "disk=D", Changed),
            // A new main board beside an old card; a new disk; a disk that moved.
            ("board=A interface=B", "board=X interface=B", Changed),
            ("interface=B disk=D", "interface=B disk=E", Changed),
            ("interface=B disk=D", "interface=X disk=D", Changed),
            // A copy.
            ("board=A interface=B", "board=X interface=Y", Other),
            ("interface=B disk=D", "interface=Y disk=E", Other),
            ("interface=B", "interface=Y disk=E", Other),
            // The same number of two kinds says nothing.
            ("interface=B", "disk=B", Unknown),
            ("", "interface=B", Unknown),
            ("interface=B", "", Unknown),
        ] {
            let then = Record::of(&identity, "salt", &parts(then));
            let now = Record::of(&identity, "salt", &parts(now));
            assert_eq!(then.compare(&now), expected, "{then:?} {now:?}");
        }
    }

    #[test]
    fn parts_that_are_away_for_a_while_are_not_forgotten() {
        let identity = identity();
        let then = Record::of(&identity, "salt", &parts("board=A interface=B"));
        let now = Record::of(&identity, "salt", &parts("board=A disk=D"));
        let kept = then.renewed(now);
        let again = Record::of(&identity, "salt", &parts("interface=B"));
        assert_eq!(kept.compare(&again), Kinship::Changed);
    }

    #[test]
    fn no_number_of_a_machine_is_written_down() {
        let record =
            Record::of(&identity(), &salt().unwrap(), &parts("interface=00:1b:21:0a:0b:0c"));
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("1b:21"), "{text}");
        let other =
            Record::of(&identity(), &salt().unwrap(), &parts("interface=00:1b:21:0a:0b:0c"));
        assert_ne!(
            record.parts, other.parts,
            "two sites' hashes tell nobody that the parts are one"
        );
    }

    #[test]
    fn an_identity_is_of_this_machine_until_its_record_says_otherwise() {
        let directory = tempfile::tempdir().unwrap();
        let (state, identity) = (directory.path(), identity());
        assert!(!is_another(state, &identity), "of an older agent, or just enrolled");
        remember(state, &identity);
        assert!(!is_another(state, &identity));
        if platform::parts().is_empty() {
            return println!("SKIPPED: this machine tells nothing of itself");
        }
        let own = record(state, &identity).unwrap();
        let mut copied = own.clone();
        for hashes in copied.parts.values_mut() {
            *hashes = [sha256_hex(b"another machine's")].into();
        }
        identity::write(&path(state), &copied).unwrap();
        assert!(is_another(state, &identity));
        remember(state, &identity);
        assert!(is_another(state, &identity), "running on it does not make it its own");
        // Enrolled anew, it is a site of its own.
        let anew = self::identity();
        assert!(!is_another(state, &anew));
        remember(state, &anew);
        assert!(!is_another(state, &anew) && record(state, &anew).is_some());
    }
}
