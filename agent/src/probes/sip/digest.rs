//! The proof of who asks (RFC 8760, which brings SHA-256 to the digest of RFC 3261 § 22).

use std::collections::BTreeMap;
use std::fmt::Write;

use data_encoding::HEXLOWER;
use md5::Md5;
use sha2::{Digest, Sha256};

/// What a server wants to be proven.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    hash: Hash,
    /// Whether it knows `qop=auth`; servers older than RFC 2617 do not.
    qop: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hash {
    Md5,
    Sha256,
}

/// An account.
#[derive(Debug)]
pub(super) struct Account<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a str,
}

impl Challenge {
    /// The best of the challenges this program can answer.
    pub(super) fn best<'a>(challenges: impl IntoIterator<Item = &'a String>) -> Option<Self> {
        challenges.into_iter().filter_map(|text| Self::read(text)).max_by_key(|own| own.hash)
    }

    fn read(text: &str) -> Option<Self> {
        let (scheme, parameters) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut parameters = parameters_of(parameters);
        let mut take = |name: &str| parameters.remove(name);
        let hash = match take("algorithm").map(|name| name.to_ascii_uppercase()).as_deref() {
            None | Some("MD5") => Hash::Md5,
            Some("SHA-256") => Hash::Sha256,
            Some(_) => return None,
        };
        let qop = take("qop");
        let qop = match &qop {
            None => false,
            Some(list) if list.split(',').any(|word| word.trim().eq_ignore_ascii_case("auth")) => {
                true
            }
            Some(_) => return None,
        };
        // What is quoted back must not break out of its quotes.
        let plain = |text: &String| !text.contains(['"', '\\']) && !text.contains(char::is_control);
        let (realm, nonce, opaque) = (take("realm")?, take("nonce")?, take("opaque"));
        let all_plain =
            [Some(&realm), Some(&nonce), opaque.as_ref()].into_iter().flatten().all(plain);
        all_plain.then_some(Self { realm, nonce, opaque, hash, qop })
    }

    /// The value of the header that answers it. `cnonce` is random.
    pub(super) fn answer(&self, account: &Account<'_>, uri: &str, cnonce: &str) -> String {
        let Self { realm, nonce, opaque, hash, qop } = self;
        let Account { user, password } = account;
        let secret = hash.of(&format!("{user}:{realm}:{password}"));
        let what = hash.of(&format!("OPTIONS:{uri}"));
        let between = if *qop { format!("{nonce}:00000001:{cnonce}:auth") } else { nonce.clone() };
        let response = hash.of(&format!("{secret}:{between}:{what}"));
        let algorithm = hash.name();
        let mut text = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={algorithm}"
        );
        if *qop {
            let _ = write!(text, ", cnonce=\"{cnonce}\", nc=00000001, qop=auth");
        }
        if let Some(opaque) = opaque {
            let _ = write!(text, ", opaque=\"{opaque}\"");
        }
        text
    }
}

impl Hash {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn of(self, text: &str) -> String {
        match self {
            Self::Md5 => HEXLOWER.encode(&Md5::digest(text)),
            Self::Sha256 => HEXLOWER.encode(&Sha256::digest(text)),
        }
    }
}

/// `name=value, name="value"`; a comma within quotes belongs to the value.
fn parameters_of(text: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        parameters.entry(name).or_insert_with(|| value.trim().to_owned());
        rest = next;
    }
    parameters
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCOUNT: Account<'static> = Account { user: "bob", password: "zanzibar" };

    fn challenge(text: &str) -> Option<Challenge> {
        Challenge::best([&text.to_owned()])
    }

    /// `md5(md5("bob:biloxi.com:zanzibar") + ":dcd98b:" + md5("OPTIONS:sip:biloxi.com"))`, by
    /// Python's hashlib.
    #[test]
    fn the_answer_without_qop_is_the_old_one() {
        let own = challenge("Digest realm=\"biloxi.com\", nonce=\"dcd98b\"").unwrap();
        let text = own.answer(&ACCOUNT, "sip:biloxi.com", "");
        assert!(
            text.starts_with("Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b\"")
        );
        assert!(text.contains("response=\"7d90b84720c2f2ddfa535442d88d4b12\""), "{text}");
        assert!(text.ends_with("algorithm=MD5"), "{text}");
    }

    #[test]
    fn the_strongest_of_the_known_challenges_is_answered() {
        let md5 =
            "Digest realm=\"a, b\", nonce=\"1\", algorithm=MD5, qop=\"auth,auth-int\"".to_owned();
        let sha =
            "Digest algorithm=SHA-256,realm=\"a, b\",nonce=\"2\",opaque=\"o\",qop=auth".to_owned();
        let new = "Digest realm=\"a\", nonce=\"3\", algorithm=SHA-512-256".to_owned();
        let own = Challenge::best([&md5, &sha, &new]).unwrap();
        assert_eq!((own.hash, own.nonce.as_str(), own.realm.as_str()), (Hash::Sha256, "2", "a, b"));
        let text = own.answer(&ACCOUNT, "sip:a", "cafe");
        let response =
            "response=\"8cf550549eff751a5ccbc2f5f6b586684f9f034508484b40165a42633c93e66f\"";
        for part in [
            "cnonce=\"cafe\", nc=00000001, qop=auth",
            "opaque=\"o\"",
            "algorithm=SHA-256",
            response,
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_none() {
        for text in [
            "",
            "Basic realm=\"a\"",
            "Digest realm=\"a\"",
            "Digest nonce=\"a\"",
            "Digest realm=\"a\", nonce=\"b\", qop=\"auth-int\"",
            "Digest realm=\"a\", nonce=\"b\", algorithm=MD5-sess",
            "Digest realm=\"a\", nonce=\"b\\\"",
            "Digest =",
        ] {
            assert_eq!(challenge(text), None, "{text}");
        }
    }

    proptest! {
        /// Whatever a server sends, the header that goes back stays one line.
        #[test]
        fn no_challenge_is_too_strange(text in "(Digest )?(realm|nonce|opaque|qop|algorithm|=|\"|\\PC|[, \\r\\n\\\\]){0,40}") {
            if let Some(own) = challenge(&text) {
                let answer = own.answer(&ACCOUNT, "sip:a", "cafe");
                prop_assert!(!answer.contains(char::is_control), "{answer}");
            }
        }
    }

    #[test]
    fn nothing_like_a_challenge_is_too_strange() {
        let shapes = [
            "Digest realm=\"a, b\", nonce=\"1\", algorithm=MD5, qop=\"auth,auth-int\"",
            "Digest algorithm=SHA-256,realm=\"a\\\" b\",nonce=\"2\",opaque=\"o\",qop=auth",
            "Basic realm=\"a\"",
        ];
        crate::mutations::survives(&shapes, |bytes| {
            let own = challenge(&String::from_utf8_lossy(bytes))?;
            let answer = own.answer(&ACCOUNT, "sip:a", "cafe");
            assert!(!answer.contains(char::is_control), "{answer}");
            Some(answer)
        });
    }
}
