//! Whether the room's displays are connected and get a picture.
//!
//! Behind a splitter the splitter is the display, and a television behind it is out of sight.

use std::num::NonZeroU8;
use std::time::Duration;

use serde::Deserialize;
use wire::Cause;
use wire::reading::{Capability, Failure};

use super::aside::Aside;
use super::failure;
use super::room::{self, Expected, Word};
use crate::platform::{self, Device};
use crate::tally::Run;

const WORD: Word = Word { vi: "màn hình", en: "display" };

/// `display: { name: "LG TV" }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Display {
    /// A part of the display's name, its maker's three letters, or its connector (`HDMI-A-1`); case
    /// does not matter.
    /// Default: any.
    #[serde(default)]
    pub name: Option<Box<str>>,
    /// How many of them the room has. Default: 1.
    #[serde(default)]
    pub count: Option<NonZeroU8>,
    /// Whether this room shows one picture on several displays on purpose. Default: no, and a
    /// display that repeats another is told, where the system tells it (Windows).
    #[serde(default)]
    pub duplicated: bool,
    #[serde(skip)]
    asking: Aside<std::io::Result<Vec<Device>>>,
}

impl Display {
    /// Somebody switches a television off; half a minute shows it while there is time.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Display);

    /// The system answers in milliseconds; a device that hangs never answers.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Looks for what is expected.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let asking = self.asking.ask(platform::displays);
        let what = "list the displays";
        let there = failure::within(failure::patience(run), what, asking).await?;
        let expected = Expected { name: self.name.as_deref(), count: self.count };
        match there {
            Ok(there) => room::record(run, WORD, expected, &self.judged(there)),
            Err(why) => room::untold(run, WORD, expected, &why.to_string()),
        }
        Ok(())
    }

    /// What is so on purpose is no trouble.
    fn judged(&self, mut there: Vec<Device>) -> Vec<Device> {
        for display in there.iter_mut().filter(|_| self.duplicated) {
            display.troubles.retain(|(cause, _)| *cause != Cause::Duplicated);
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bench::config;

    #[test]
    fn one_picture_on_several_displays_is_a_trouble_unless_it_is_on_purpose() {
        let troubles = vec![(Cause::Duplicated, String::new()), (Cause::Asleep, String::new())];
        let there = || vec![Device { troubles: troubles.clone(), ..Device::default() }];
        for (yaml, left) in [("{}", 2), ("{ duplicated: false }", 2), ("{ duplicated: true }", 1)] {
            let probe: Display = config(yaml);
            assert_eq!(probe.judged(there())[0].troubles.len(), left, "{yaml}");
        }
    }
}
