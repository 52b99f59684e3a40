//! The public half of the key that updates are signed with (Ed25519, RFC 8032).

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Says what the letters behind it are.
const PREFIX: &str = "ed25519:";

/// RFC 8032 section 5.1.5.
const KEY_BYTES: usize = 32;

/// RFC 8032 section 5.1.6.
pub const SIGNATURE_BYTES: usize = 64;

/// Whose signature an agent believes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; KEY_BYTES]);

impl PublicKey {
    /// Of its bytes.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Whether this key's owner has signed `text`.
    #[must_use]
    pub fn has_signed(&self, text: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(text, signature).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no public key; one is {PREFIX} and 43 letters and digits, as \
                 `nhipcau-collector update key` prints it"
            )
        };
        let letters = text.strip_prefix(PREFIX).ok_or_else(wrong)?;
        let bytes = BASE64URL_NOPAD.decode(letters.as_bytes()).map_err(|_| wrong())?;
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_anything_else_is_none() {
        let key = PublicKey::new([7; 32]);
        assert_eq!(key.to_string().parse(), Ok(key));
        let longer = format!("{key}A");
        let padded = format!("{key}=");
        for wrong in ["", "ed25519:", "ed25519:AAAA", &key.to_string()[8..], &longer, &padded] {
            let told = wrong.parse::<PublicKey>().unwrap_err();
            assert!(told.contains("update key"), "{told}");
        }
    }
}
