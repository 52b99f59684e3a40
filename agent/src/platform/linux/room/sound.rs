//! Microphones and speakers: by the sound server of whoever is signed in, which knows what
//! programs get; without one by the kernel, which knows only what is plugged in.

use std::path::Path;

use wire::Cause;

use super::{alsa, pulse};
use crate::platform::{Device, Sound, SoundDevice};

/// All devices of one direction.
pub(in super::super) fn devices(root: &Path, sound: Sound) -> Vec<SoundDevice> {
    pulse::devices(root, sound)
        .unwrap_or_else(|| alsa::devices(root, sound).into_iter().map(unseen).collect())
}

/// A device of which mute and volume are out of sight.
fn unseen(mut device: Device) -> SoundDevice {
    device.troubles.push((Cause::NobodySignedIn, "no sound server could be asked".to_owned()));
    SoundDevice { device, controls: None }
}
