//! The devices of a room as a system lists them.

use serde::{Deserialize, Serialize};
use wire::Cause;

/// A camera, a display, a USB device, or the part of a sound device that is common to all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What its maker calls it: `HD Pro Webcam C920`.
    pub name: String,
    /// What else it may be asked for by: maker, USB id, the socket it is plugged into.
    pub aliases: String,
    /// What stands in the way of its use, and the system's own words for it.
    pub troubles: Vec<(Cause, String)>,
    /// Whether a program uses it now; `None` where the system does not tell.
    pub in_use: Option<bool>,
    /// The program that uses it, where that is known.
    pub user: Option<String>,
}

/// A microphone or a speaker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SoundDevice {
    /// What it has in common with other devices.
    pub device: Device,
    /// Its controls; `None` where nobody is signed in who could see them.
    pub controls: Option<SoundControls>,
}

/// What the signed-in user's sound system says of a device.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SoundControls {
    /// Whether programs that were told nothing use it.
    pub default: bool,
    /// Whether its sound is off.
    pub muted: bool,
    /// 0 is silence and 1 its full volume; some systems amplify beyond.
    pub volume: f64,
}

/// Into the PC or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Microphones.
    In,
    /// Speakers.
    Out,
}
