//! Whether the room's speakers are there, audible, and the ones that programs get.
//!
//! What comes after them, an amplifier or the sound of a television, no PC can see.

use std::num::NonZeroU8;
use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure};

use super::aside::Aside;
use super::failure;
use super::room::{self, Expected, Word};
use super::sound;
use crate::platform::{self, Sound, SoundDevice};
use crate::tally::Run;

const WORD: Word = Word { vi: "loa", en: "speaker" };

/// `speaker: { name: "Jabra" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speaker {
    /// A part of the device's name, its maker's, or its USB id (`0b0e:0420`); case does not matter.
    /// Default: whatever programs get that were told nothing.
    #[serde(default)]
    pub name: Option<Box<str>>,
    /// How many of them the room has. Default: 1.
    #[serde(default)]
    pub count: Option<NonZeroU8>,
    #[serde(skip)]
    asking: Aside<std::io::Result<Vec<SoundDevice>>>,
}

impl Speaker {
    /// Somebody presses a mute key; half a minute shows it while there is time.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Speaker);

    /// The system answers in milliseconds; a device that hangs never answers.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Looks for what is expected.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let asking = self.asking.ask(|| platform::sound_devices(Sound::Out));
        let what = "list the speakers";
        let there = failure::within(failure::patience(run), what, asking).await?;
        let expected = Expected { name: self.name.as_deref(), count: self.count };
        match there {
            Ok(there) => sound::record(run, WORD, expected, &there),
            Err(why) => room::untold(run, WORD, expected, &why.to_string()),
        }
        Ok(())
    }
}
