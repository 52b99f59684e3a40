//! The devices of a room: by Plug and Play, which answers a service too, and the privacy settings
//! that programs are held to.

mod arrangement;
mod com;
mod consent;
mod nodes;
mod sound;

use std::io;

use wire::Cause;

use self::consent::{Asked, Kind};
use super::session;
use crate::platform::pnp::Node;
use crate::platform::session::{Told, Topic};
use crate::platform::{Device, Sound, SoundDevice, arrangement as arranged, edid};

/// What this program's own session tells, asked by a service that has another one.
pub(super) fn look(about: Topic) -> Option<Told> {
    match about {
        Topic::Microphones => sound::ends(Sound::In).map(Told::Sounds),
        Topic::Speakers => sound::ends(Sound::Out).map(Told::Sounds),
        Topic::Displays => arrangement::targets().map(Told::Displays),
        Topic::CameraConsent => Some(Told::Consent(consent::of_user(Kind::Camera))),
        Topic::MicrophoneConsent => Some(Told::Consent(consent::of_user(Kind::Microphone))),
        Topic::Unknown => None,
    }
}

/// See [`crate::platform`].
pub fn cameras() -> io::Result<Vec<Device>> {
    let found = nodes::nodes(Node::is_camera)?;
    let mut cameras: Vec<Device> = found.iter().map(Node::device).collect();
    let asked = consent::ask(Kind::Camera);
    apply(&asked, cameras.iter_mut());
    // Windows tells that a camera is in use, and not which.
    if let [camera] = cameras.as_mut_slice() {
        (camera.in_use, camera.user) = asked.holder.told();
    }
    Ok(cameras)
}

/// See [`crate::platform`].
pub fn usb_devices() -> io::Result<Vec<Device>> {
    Ok(nodes::nodes(Node::is_usb_device)?.iter().map(Node::plugged).collect())
}

/// See [`crate::platform`].
pub fn sound_devices(way: Sound) -> io::Result<Vec<SoundDevice>> {
    let nodes = nodes::nodes(|node| node.is_sound(way) || node.is_plugged_sound())?;
    let (ends, plugged): (Vec<Node>, Vec<Node>) =
        nodes.into_iter().partition(|node| node.is_sound(way));
    let mut found = match session::ask(Topic::of(way)) {
        Ok(Told::Sounds(heard)) => heard,
        Ok(_) => Vec::new(),
        Err(why) => ends.iter().map(|node| unheard(node, why)).collect(),
    };
    if way == Sound::In {
        let asked = consent::ask(Kind::Microphone);
        apply(&asked, found.iter_mut().map(|sound| &mut sound.device));
        // As with cameras; conference programs take the default one where nobody chose another.
        let default = |sound: &&mut SoundDevice| sound.controls.is_some_and(|c| c.default);
        if let Some(sound) = found.iter_mut().find(default) {
            (sound.device.in_use, sound.device.user) = asked.holder.told();
        }
    }
    // Without its driver a device has no ends, and is told of as a whole.
    let broken = plugged.iter().filter(|node| node.trouble().is_some());
    found.extend(broken.map(|node| SoundDevice { device: node.device(), controls: None }));
    Ok(found)
}

/// An end of which only Plug and Play tells.
fn unheard(node: &Node, why: &str) -> SoundDevice {
    let mut device = node.device();
    let why = format!("no default, mute and volume: {why}");
    device.troubles.push((Cause::NobodySignedIn, why));
    SoundDevice { device, controls: None }
}

/// See [`crate::platform`].
pub fn displays() -> io::Result<Vec<Device>> {
    let found = nodes::nodes(|node| node.is_of("Monitor"))?;
    let displays = found.into_iter().map(|node| {
        let identity = edid::identity(&node.edid).unwrap_or_default();
        let device = node.device();
        let name = if identity.name.is_empty() { device.name.clone() } else { identity.name };
        let aliases = format!("{} {} {}", identity.maker, device.name, device.aliases);
        (node.id, Device { name, aliases, ..device })
    });
    let mut displays: Vec<(String, Device)> = displays.collect();
    // Without a word on the arrangement there is still one on what is connected.
    if let Ok(Told::Displays(targets)) = session::ask(Topic::Displays) {
        arranged::judge(&mut displays, &targets);
    }
    Ok(displays.into_iter().map(|(_, display)| display).collect())
}

/// What the privacy settings deny, no device can give.
fn apply<'a>(asked: &Asked, devices: impl Iterator<Item = &'a mut Device>) {
    let Some(setting) = asked.denied else { return };
    for device in devices {
        device.troubles.push((Cause::PrivacySwitch, setting.to_owned()));
    }
}
