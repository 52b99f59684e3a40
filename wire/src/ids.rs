//! Ids that become label values, file names and parts of addresses.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits::ID_CHARS;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// No characters at all.
    #[error("an id must not be empty")]
    Empty,
    /// More than [`ID_CHARS`].
    #[error("an id has at most {ID_CHARS} characters, this one has {0}")]
    TooLong(usize),
    /// A character outside letters, digits, `-`, `_`, `.`, or one of the last three in front.
    #[error(
        "an id is made of ASCII letters, digits, '-', '_' and '.', and begins with a letter or digit; {0:?} is not allowed there"
    )]
    Character(char),
}

fn check(text: &str) -> Result<(), InvalidId> {
    let Some(first) = text.chars().next() else {
        return Err(InvalidId::Empty);
    };
    let length = text.chars().count();
    if length > ID_CHARS {
        return Err(InvalidId::TooLong(length));
    }
    if !first.is_ascii_alphanumeric() {
        return Err(InvalidId::Character(first));
    }
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))) {
        Some(bad) => Err(InvalidId::Character(bad)),
        None => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check(text)?;
                Ok(Self(Arc::from(text)))
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|error| {
                    de::Error::custom(format_args!("{text:?} is not an id: {error}"))
                })
            }
        }
    };
}

id! {
    /// One conference bridge (`th-0316`). Opaque and stable: names and areas are only labels of it,
    /// so that a renamed commune keeps its history.
    SiteId
}
id! {
    /// A node of the administrative tree (`hoang-hoa`).
    AreaId
}
id! {
    /// A meeting in the calendar (`giao-ban-tuan`); one of its occurrences is `id@start`.
    MeetingId
}
id! {
    /// A probe as its configuration names it (`mcu`, `camera`); unique within an agent.
    ProbeName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_letters_digits_and_inner_punctuation() {
        for good in ["th-0316", "00123", "a", "A.b_c-d"] {
            assert_eq!(good.parse::<SiteId>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "xã", "a b", "a/b", "a\"b", "a\n", &"x".repeat(ID_CHARS + 1)] {
            assert!(bad.parse::<SiteId>().is_err(), "{bad:?}");
        }
    }
}
