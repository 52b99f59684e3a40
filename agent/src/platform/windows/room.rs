//! The devices of a room: by Plug and Play, which answers a service too, and the privacy settings
//! that programs are held to.

mod consent;
mod nodes;

use std::io;

use wire::Cause;

use self::consent::Asked;
use crate::platform::consent::Holder;
use crate::platform::pnp::Node;
use crate::platform::{Device, Sound, SoundDevice, edid};

/// See [`super`].
pub fn cameras() -> io::Result<Vec<Device>> {
    let found = nodes::nodes(Node::is_camera)?;
    let mut cameras: Vec<Device> = found.iter().map(Node::device).collect();
    let asked = consent::ask("webcam", "LetAppsAccessCamera");
    apply(&asked, cameras.iter_mut());
    // Windows tells that a camera is in use, and not which.
    if let [camera] = cameras.as_mut_slice() {
        (camera.in_use, camera.user) = match asked.holder {
            Holder::Program(name) => (Some(true), Some(name)),
            Holder::Nobody => (Some(false), None),
            Holder::Unseen => (None, None),
        };
    }
    Ok(cameras)
}

/// See [`super`].
pub fn usb_devices() -> io::Result<Vec<Device>> {
    Ok(nodes::nodes(Node::is_usb_device)?.iter().map(Node::plugged).collect())
}

/// See [`super`]. Mute and volume are the signed-in user's and are not told to a service.
pub fn sound_devices(sound: Sound) -> io::Result<Vec<SoundDevice>> {
    let mut found = nodes::nodes(|node| node.is_sound(sound) || node.is_plugged_sound())?;
    // What works is told of by its ends.
    found.retain(|node| node.is_sound(sound) || node.trouble().is_some());
    let mut devices: Vec<Device> = found.iter().map(Node::device).collect();
    if sound == Sound::In {
        apply(&consent::ask("microphone", "LetAppsAccessMicrophone"), devices.iter_mut());
    }
    Ok(devices.into_iter().map(|device| SoundDevice { device, controls: None }).collect())
}

/// See [`super`].
pub fn displays() -> io::Result<Vec<Device>> {
    let found = nodes::nodes(|node| node.is_of("Monitor"))?;
    let displays = found.iter().map(|node| {
        let identity = edid::identity(&node.edid).unwrap_or_default();
        let device = node.device();
        let name = if identity.name.is_empty() { device.name.clone() } else { identity.name };
        let aliases = format!("{} {} {}", identity.maker, device.name, device.aliases);
        Device { name, aliases, ..device }
    });
    Ok(displays.collect())
}

/// What the privacy settings deny, no device can give.
fn apply<'a>(asked: &Asked, devices: impl Iterator<Item = &'a mut Device>) {
    let Some(setting) = asked.denied else { return };
    for device in devices {
        device.troubles.push((Cause::PrivacySwitch, setting.to_owned()));
    }
}
