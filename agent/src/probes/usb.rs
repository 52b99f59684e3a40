//! Whether USB devices that no other probe looks for are there: capture boxes, dongles, controls.
//!
//! Cameras and sound devices have probes of their own, which see more.

use std::num::NonZeroU8;
use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure};

use super::aside::Aside;
use super::failure;
use super::room::{self, Expected, Word};
use crate::platform::{self, Device};
use crate::tally::Run;

const WORD: Word = Word { vi: "thiết bị USB", en: "USB device" };

/// `usb: { name: "0b0e:0420" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usb {
    /// A part of the device's name, its maker's, its USB id (`0b0e:0420`) or its socket (`usb
    /// 1-3`); case does not matter.
    /// Required: a PC has many USB devices of its own.
    pub name: Box<str>,
    /// How many of them the room has. Default: 1.
    #[serde(default)]
    pub count: Option<NonZeroU8>,
    #[serde(skip)]
    asking: Aside<std::io::Result<Vec<Device>>>,
}

impl Usb {
    /// Somebody trips over a cable; half a minute shows it while there is time.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Host);

    /// The system answers in milliseconds; a device that hangs never answers.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Looks for what is expected.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let asking = self.asking.ask(platform::usb_devices);
        let what = "list the USB devices";
        let there = failure::within(failure::patience(run), what, asking).await?;
        let expected = Expected { name: Some(&self.name), count: self.count };
        match there {
            Ok(there) => room::record(run, WORD, expected, &there),
            Err(why) => room::untold(run, WORD, expected, &why.to_string()),
        }
        Ok(())
    }
}
