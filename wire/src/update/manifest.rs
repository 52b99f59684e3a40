//! The manifest: what is signed of a program. Text, so that a person can read what he signs.
//!
//! ```text
//! nhipcau-update 1
//! version 0.2.0
//! platform linux-x86_64
//! size 8123456
//! sha256 9f86d081884c7d65…
//! signed-at 1764000000000
//! downgrade no
//! signature k3nA…
//! ```
//! There is one way to write it: whatever reads otherwise is refused. Signed is everything above
//! the last line, and the first line keeps the signature from meaning anything else.

use std::str::FromStr;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};

use super::key::{PublicKey, SIGNATURE_BYTES};
use super::{MANIFEST_BYTES, PROGRAM_BYTES, Version};
use crate::UnixMillis;
use crate::limits::ID_CHARS;

/// What the text is, and its form.
const TITLE: &str = "nhipcau-update 1";

const SIGNATURE: &str = "signature ";

/// What is said of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its version.
    pub version: Version,
    /// What runs it: [`super::platform`].
    pub platform: Box<str>,
    /// Its length in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: [u8; 32],
    /// When it was signed. An agent takes nothing that was signed before what it took last, so
    /// that nobody can bring an old manifest again.
    pub signed_at: UnixMillis,
    /// Whether agents that run a higher version shall take it too.
    pub downgrade: bool,
}

/// Why a text is no manifest to go by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Longer than any.
    #[error("it is longer than {MANIFEST_BYTES} bytes")]
    TooLong,
    /// Another text, another form of it, or a broken one.
    #[error("it is no manifest of an update in a form that this version knows")]
    Form,
    /// Not by any of the keys.
    #[error("its signature is by none of the keys that are believed here")]
    Signature,
}

impl Manifest {
    /// What is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { version, platform, size, sha256, signed_at, downgrade } = self;
        let sha256 = HEXLOWER.encode(sha256);
        let downgrade = if *downgrade { "yes" } else { "no" };
        format!(
            "{TITLE}\nversion {version}\nplatform {platform}\nsize {size}\nsha256 {sha256}\n\
             signed-at {signed_at}\ndowngrade {downgrade}\n"
        )
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) {
            return None;
        }
        let mut value = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        let manifest = Self {
            version: number(value("version"))?,
            platform: value("platform").filter(|platform| is_platform(platform))?.into(),
            size: number(value("size")).filter(|size| (1..=PROGRAM_BYTES).contains(size))?,
            sha256: digest(value("sha256")?)?,
            signed_at: number(value("signed-at")).filter(|at| *at > 0)?,
            downgrade: match value("downgrade")? {
                "yes" => true,
                "no" => false,
                _ => return None,
            },
        };
        // There is one way to write it: no blank, no sign, no line more.
        (manifest.text() == text).then_some(manifest)
    }
}

fn number<T: FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}

fn digest(text: &str) -> Option<[u8; 32]> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Whether it can be a platform: it becomes part of a file's name.
pub(super) fn is_platform(text: &str) -> bool {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (3..=ID_CHARS / 2).contains(&text.len()) && text.bytes().all(known) && text.contains('-')
}

/// A manifest with its signature, as it travels.
#[must_use]
pub fn sealed(manifest: &Manifest, signature: &[u8; SIGNATURE_BYTES]) -> String {
    format!("{}{SIGNATURE}{}\n", manifest.text(), BASE64URL_NOPAD.encode(signature))
}

/// Reads a manifest that one of `keys` has signed. There is no way to read one that none has.
///
/// # Errors
/// What is wrong with it.
pub fn open(text: &str, keys: &[PublicKey]) -> Result<Manifest, Fault> {
    if text.len() > MANIFEST_BYTES {
        return Err(Fault::TooLong);
    }
    let place = text.rfind(SIGNATURE).ok_or(Fault::Form)?;
    let (said, signature) = text.split_at(place);
    let manifest = Manifest::read(said).ok_or(Fault::Form)?;
    let signature = signature.strip_prefix(SIGNATURE).and_then(|line| line.strip_suffix('\n'));
    let signature = signature.and_then(|line| BASE64URL_NOPAD.decode(line.as_bytes()).ok());
    let signature = signature.and_then(|bytes| <[u8; SIGNATURE_BYTES]>::try_from(bytes).ok());
    let signature = signature.ok_or(Fault::Form)?;
    let good = keys.iter().any(|key| key.has_signed(said.as_bytes(), &signature));
    if good { Ok(manifest) } else { Err(Fault::Signature) }
}

/// Names a manifest: the same id is the same text.
#[must_use]
pub fn id(text: &str) -> Box<str> {
    HEXLOWER.encode(&Sha256::digest(text)[..8]).into()
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            version: "0.2.0".parse().unwrap(),
            platform: "linux-x86_64".into(),
            size: 8_123_456,
            sha256: [0xab; 32],
            signed_at: 1_764_000_000_000,
            downgrade: false,
        }
    }

    fn pair(seed: u8) -> (Ed25519KeyPair, PublicKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        (pair, PublicKey::new(public))
    }

    fn signed(manifest: &Manifest, seed: u8) -> String {
        let (pair, _) = pair(seed);
        sealed(manifest, pair.sign(manifest.text().as_bytes()).as_ref().try_into().unwrap())
    }

    #[test]
    fn what_is_signed_by_a_believed_key_is_read_and_nothing_else() {
        let (_, mine) = pair(1);
        let (_, spare) = pair(2);
        let (_, another) = pair(3);
        let text = signed(&manifest(), 1);
        assert_eq!(open(&text, &[mine]), Ok(manifest()));
        assert_eq!(open(&text, &[spare, mine]), Ok(manifest()), "either will do");
        assert_eq!(open(&text, &[another]), Err(Fault::Signature));
        assert_eq!(open(&text, &[]), Err(Fault::Signature));
        let newer = text.replace("0.2.0", "0.3.0");
        assert_eq!(open(&newer, &[mine]), Err(Fault::Signature));
    }

    #[test]
    fn there_is_one_way_to_write_it() {
        let (pair, key) = pair(1);
        let good = manifest().text();
        for (old, new) in [
            ("size 8123456", "size +8123456"),
            ("size 8123456", "size 08123456"),
            ("size 8123456", "size 0"),
            ("size 8123456", "size 99999999999"),
            ("downgrade no\n", "downgrade no\ndowngrade yes\n"),
            ("downgrade no\n", "downgrade maybe\n"),
            ("downgrade no\n", ""),
            ("linux-x86_64", "../../etc"),
            ("version 0.2.0", "version  0.2.0"),
            ("version 0.2.0", "version 0.2"),
            ("sha256 ab", "sha256 AB"),
            ("nhipcau-update 1", "nhipcau-update 2"),
            ("\n", "\r\n"),
        ] {
            let bad = good.replacen(old, new, 1);
            assert_ne!(bad, good);
            let signature = pair.sign(bad.as_bytes());
            let signature = BASE64URL_NOPAD.encode(signature.as_ref());
            let text = format!("{bad}{SIGNATURE}{signature}\n");
            assert_eq!(open(&text, &[key]), Err(Fault::Form), "{bad}");
        }
        let more = format!("{}more\n", signed(&manifest(), 1));
        assert_eq!(open(&more, &[key]), Err(Fault::Form));
        assert_eq!(open(&"x".repeat(MANIFEST_BYTES + 1), &[key]), Err(Fault::TooLong));
    }

    #[test]
    fn no_manifest_is_too_strange() {
        let (_, key) = pair(1);
        let known =
            [signed(&manifest(), 1), signed(&Manifest { downgrade: true, ..manifest() }, 1)];
        let known = [known[0].as_str(), known[1].as_str()];
        crate::mutations::survives(&known, |bytes| {
            let Ok(text) = str::from_utf8(bytes) else { return false };
            let read = open(text, &[key]).is_ok();
            assert!(!read || known.contains(&text), "one that was not signed: {text}");
            read
        });
    }
}
