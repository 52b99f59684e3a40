//! The people who sign in to the board: their names, what they may do, their passwords.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::PasswordHasher;
use argon2::{Argon2, PasswordHash, PasswordVerifier};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use wire::limits::ID_CHARS;

/// Characters of the shortest password. With the throttle a guesser has some thousands of attempts
/// a day; what is left to fear are words and dates, which seldom are so long.
pub const SHORTEST: usize = 12;

/// Characters of the longest password: more than any manager of passwords makes.
pub const LONGEST: usize = 256;

/// Bytes of a salt, as RFC 9106 § 3.1 recommends.
pub const SALT_BYTES: usize = 16;

/// What is checked where there is no such user, so that the answer takes as long: the parameters of
/// every hash made here, and a digest of nothing.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bmhpcGNhdS1ub2JvZHk\
                      $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything.
    View,
    /// Act too: excuse, acknowledge, change meetings.
    Operate,
}

impl Role {
    /// As it stands in the store and on the command line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Operate => "operate",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::View, Self::Operate]
            .into_iter()
            .find(|role| role.label() == text)
            .ok_or_else(|| "a role is view or operate".to_owned())
    }
}

/// A user's name, in lower case: who types `Lan` means `lan`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins_well && text.len() <= ID_CHARS && text.chars().all(allowed) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(format!(
            "a user's name is 1 to {ID_CHARS} ASCII letters, digits, '.', '-', '_' and '@', and begins with a letter or digit"
        ))
    }
}

/// A password as it was typed, in one form whatever keyboard composed its marks (RFC 8265 § 4.2).
pub struct Password(String);

/// Nobody prints one by accident.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Fewer than [`SHORTEST`] characters.
    Short,
    /// More than [`LONGEST`] characters.
    Long,
    /// The user's name is in it.
    Name,
    /// Hardly any of its characters differ.
    Same,
}

impl Password {
    /// What was typed.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        Self(typed.nfc().collect())
    }

    /// Whether it is too weak to be a user's from now on.
    #[must_use]
    pub fn weakness(&self, of: &UserName) -> Option<Weakness> {
        let mut characters: Vec<char> = self.0.chars().collect();
        let length = characters.len();
        characters.sort_unstable();
        characters.dedup();
        if length < SHORTEST {
            Some(Weakness::Short)
        } else if length > LONGEST {
            Some(Weakness::Long)
        } else if of.0.len() > 2 && self.0.to_lowercase().contains(&of.0) {
            Some(Weakness::Name)
        } else {
            // Four of twelve: "aaaaaaaaaaaa" and "121212121212" are the first to be tried.
            (characters.len() < 4).then_some(Weakness::Same)
        }
    }

    /// What is kept of it: Argon2id with the memory, passes and lanes that OWASP advises (19 MiB,
    /// 2, 1), some 30 ms of one core.
    pub fn hash(&self, salt: [u8; SALT_BYTES]) -> Result<String, argon2::password_hash::Error> {
        let hash = Argon2::default().hash_password_with_salt(self.0.as_bytes(), &salt)?;
        Ok(hash.to_string())
    }

    /// Whether it is the one that was hashed; where there is no hash it is not, and that takes as
    /// long.
    #[must_use]
    pub fn is(&self, hash: Option<&str>) -> bool {
        let verified = |hash: &str| {
            let hash = PasswordHash::new(hash).ok()?;
            Argon2::default().verify_password(self.0.as_bytes(), &hash).ok()
        };
        verified(hash.unwrap_or(NOBODY)).is_some() && hash.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_plain_and_of_one_case() {
        let longest = "a".repeat(64);
        for (text, expected) in [
            ("lan", Some("lan")),
            ("Lan.Nguyen@tinh.gov.vn", Some("lan.nguyen@tinh.gov.vn")),
            (longest.as_str(), Some(longest.as_str())),
            ("", None),
            ("Lân", None),
            ("-lan", None),
            ("lan hoa", None),
            ("<b>", None),
            (&"a".repeat(65), None),
        ] {
            let name = text.parse::<UserName>().ok();
            assert_eq!(name.as_ref().map(UserName::as_str), expected, "{text}");
        }
    }

    #[test]
    fn what_is_guessed_first_is_no_password() {
        let lan: UserName = "lan.hoa".parse().unwrap();
        for (text, weakness) in [
            ("mười một ký", Some(Weakness::Short)),
            ("mười hai ký t", None),
            (&"0123456789ab".repeat(22), Some(Weakness::Long)),
            ("Lan.Hoa-2026!", Some(Weakness::Name)),
            ("121212121212", Some(Weakness::Same)),
            ("correct horse battery staple", None),
        ] {
            assert_eq!(Password::new(text).weakness(&lan), weakness, "{text}");
        }
    }

    #[test]
    fn a_password_is_known_by_its_hash_however_its_marks_were_composed() {
        let composed = Password::new("cầu Hoằng Lộc");
        let hash = composed.hash([7; SALT_BYTES]).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let decomposed: String = "cầu Hoằng Lộc".nfd().collect();
        assert!(Password::new(&decomposed).is(Some(&hash)));
        assert!(!Password::new("cầu Hoằng Lọc").is(Some(&hash)));
        assert!(!Password::new("").is(Some("broken")));
        assert_ne!(composed.hash([8; SALT_BYTES]).unwrap(), hash);
        assert_eq!(format!("{composed:?}"), "Password");
    }

    #[test]
    fn nobodys_password_costs_as_much_as_anybodys() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let hash = Password::new("anything at all").hash([1; SALT_BYTES]).unwrap();
        let somebody = PasswordHash::new(&hash).unwrap();
        assert_eq!(nobody.params, somebody.params);
        assert_eq!(nobody.algorithm, somebody.algorithm);
        let length = |hash: &PasswordHash| hash.hash.map(|output| output.len());
        assert_eq!(length(&nobody), length(&somebody));
        assert!(!Password::new("").is(None));
    }

    #[test]
    fn who_may_act_may_look() {
        assert!(Role::Operate > Role::View);
        assert_eq!("operate".parse(), Ok(Role::Operate));
        assert!("admin".parse::<Role>().is_err());
    }
}
