//! Whether the room's cameras are there and can be used.
//!
//! No camera is opened: that would light its lamp, and take it from the meeting.

use std::num::NonZeroU8;
use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure};

use super::aside::Aside;
use super::failure;
use super::room::{self, Expected, Word};
use crate::platform::{self, Device};
use crate::tally::Run;

const WORD: Word = Word { vi: "camera", en: "camera" };

/// `camera: { name: "Logitech", count: 1 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// A part of the camera's name, its maker's, or its USB id (`046d:082d`); case does not matter.
    /// Default: any.
    #[serde(default)]
    pub name: Option<Box<str>>,
    /// How many of them the room has. Default: 1.
    #[serde(default)]
    pub count: Option<NonZeroU8>,
    #[serde(skip)]
    asking: Aside<std::io::Result<Vec<Device>>>,
}

impl Camera {
    /// Somebody trips over a cable; half a minute shows it while there is time.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Camera);

    /// The system answers in milliseconds; a device that hangs never answers.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Looks for what is expected.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let asking = self.asking.ask(platform::cameras);
        let what = "list the cameras";
        let there = failure::within(failure::patience(run), what, asking).await?;
        let expected = Expected { name: self.name.as_deref(), count: self.count };
        match there {
            Ok(there) => room::record(run, WORD, expected, &there),
            Err(why) => room::untold(run, WORD, expected, &why.to_string()),
        }
        Ok(())
    }
}
