//! Updates of the agent: what an operator signs, and what an agent says of it.
//!
//! ```text
//!  operator, offline          collector                    agent
//!  key, program ─▶ manifest ─▶ POST /v1/reports ◀───────── standing: what it runs and tried
//!                              the offered manifest's id ─▶
//!                              GET /v1/update       ◀───── manifest: signature, version, digest
//!                              GET /v1/update/{id}  ◀───── the program, part by part
//! ```
//! The collector only hands on: an agent believes a signature by a key that was given to it when
//! it was installed, and nothing else. So whoever takes the collector cannot make agents run
//! anything that the operator has not signed.

mod key;
mod manifest;
pub mod stamp;
mod version;

use serde::{Deserialize, Serialize};

pub use key::{PublicKey, SIGNATURE_BYTES};
pub use manifest::{Fault, Manifest, id, open, sealed};
pub use version::Version;

/// A manifest as it travels is some 350 bytes.
pub const MANIFEST_BYTES: usize = 1024;

/// The largest program: several times what an agent is built to be, and little enough for every
/// disk and every line.
pub const PROGRAM_BYTES: u64 = 64 * 1024 * 1024;

/// The most that is asked for at once of a program: a fifth of a second on a line of 20 Mbit/s.
pub const PART_BYTES: u64 = 512 * 1024;

/// Nothing of a PC is changed when a meeting is that near: its room is switched on an hour
/// before, and a profile or a version on trial must have proved itself or be gone by then.
pub const NEAR_MEETING_MILLIS: u64 = 2 * 60 * 60 * 1000;

/// A system and its processors, as in `linux-x86_64`: a program runs on one of them.
#[must_use]
pub fn platform(system: &str, processor: &str) -> String {
    format!("{system}-{processor}")
}

/// What an agent that takes updates says of them with every push.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// What it can run: [`platform`].
    pub platform: Box<str>,
    /// The id of the manifest whose program runs for good; none where it is the installed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Box<str>>,
    /// The id of the manifest whose program runs on trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trying: Option<Box<str>>,
    /// The update it gave up last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failed>,
}

/// An update that an agent does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The id of its manifest.
    pub id: Box<str>,
    /// In which way.
    pub how: How,
    /// Why, in ASCII English.
    pub reason: Box<str>,
}

/// How an update failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Found wrong before it ran.
    Refused,
    /// Ended by itself on trial.
    Died,
    /// Ran its trial through without a report that was accepted.
    Silent,
    /// Of a later version.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_short_and_what_is_new_in_it_is_left_alone() {
        let standing = Standing { platform: "linux-x86_64".into(), ..Standing::default() };
        assert_eq!(serde_json::to_string(&standing).unwrap(), r#"{"platform":"linux-x86_64"}"#);
        let of_tomorrow =
            r#"{"platform":"p","mood":1,"failed":{"id":"a","how":"bored","reason":"","x":0}}"#;
        let standing: Standing = serde_json::from_str(of_tomorrow).unwrap();
        assert_eq!(standing.failed.unwrap().how, How::Other);
    }
}
