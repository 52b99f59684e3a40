//! Sound cards from `/proc/asound` (Documentation/sound/designs/procfile.rst of the kernel).

use std::path::Path;

use super::super::read;
use crate::platform::{Device, Sound};

/// Far above the cards of a PC; the kernel itself allows 32.
const CARDS: usize = 32;

/// The cards that have this direction.
pub(super) fn devices(root: &Path, sound: Sound) -> Vec<Device> {
    let streams = read(root, "proc/asound/pcm").unwrap_or_default();
    let wanted = match sound {
        Sound::In => " capture ",
        Sound::Out => " playback ",
    };
    // 00-00: USB Audio : USB Audio : playback 1 : capture 1
    let has = |number: u8| {
        streams.lines().any(|line| {
            line.starts_with(&format!("{number:02}-")) && format!("{line} ").contains(wanted)
        })
    };
    let cards = read(root, "proc/asound/cards").unwrap_or_default();
    let cards = cards.lines().filter_map(card).filter(|(number, _)| has(*number)).take(CARDS);
    cards.map(|(number, name)| device(root, number, name, sound)).collect()
}

/// ` 1 [C920           ]: USB-Audio - HD Pro Webcam C920`
fn card(line: &str) -> Option<(u8, &str)> {
    let (number, rest) = line.trim_start().split_once(" [")?;
    let (_, name) = rest.split_once("]: ")?;
    Some((number.trim().parse().ok()?, name.split_once(" - ").map_or(name, |(_, name)| name)))
}

fn device(root: &Path, number: u8, name: &str, sound: Sound) -> Device {
    let id = read(root, &format!("proc/asound/card{number}/usbid")).unwrap_or_default();
    let direction = if sound == Sound::In { 'c' } else { 'p' };
    let status = format!("proc/asound/card{number}/pcm0{direction}/sub0/status");
    let in_use = read(root, &status).ok().map(|status| status.contains("state: RUNNING"));
    let aliases = format!("{id} card{number}");
    Device { name: name.to_owned(), aliases, in_use, ..Device::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::tree::Tree;

    /// A PC with its own sound and a webcam, as Linux 6.1 shows them.
    fn pc() -> Tree {
        let tree = Tree::default();
        tree.file(
            "proc/asound/cards",
            " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n                      HDA Intel PCH at 0xf7d10000 irq 33\n \
             1 [C920           ]: USB-Audio - HD Pro Webcam C920\n                      HD Pro Webcam C920 at usb-0000:00:14.0-3, high speed",
        );
        tree.file(
            "proc/asound/pcm",
            "00-00: ALC892 Analog : ALC892 Analog : playback 1 : capture 1\n00-03: HDMI 0 : HDMI 0 : playback 1\n01-00: USB Audio : USB Audio : capture 1",
        );
        tree.file("proc/asound/card1/usbid", "046d:082d");
        tree.file("proc/asound/card1/pcm0c/sub0/status", "closed");
        tree
    }

    fn names(tree: &Tree, sound: Sound) -> Vec<String> {
        devices(tree.root(), sound).into_iter().map(|device| device.name).collect()
    }

    #[test]
    fn cards_are_told_by_their_direction() {
        assert_eq!(names(&pc(), Sound::In), ["HDA Intel PCH", "HD Pro Webcam C920"]);
        assert_eq!(names(&pc(), Sound::Out), ["HDA Intel PCH"]);
        assert_eq!(names(&Tree::default(), Sound::In), [""; 0]);
    }

    #[test]
    fn a_running_stream_is_use() {
        let tree = pc();
        let used = |tree: &Tree| devices(tree.root(), Sound::In)[1].in_use;
        assert_eq!(used(&tree), Some(false));
        tree.file("proc/asound/card1/pcm0c/sub0/status", "state: RUNNING\nowner_pid   : 1234");
        assert_eq!(used(&tree), Some(true));
        assert_eq!(devices(tree.root(), Sound::In)[0].in_use, None, "nothing is told of this one");
    }
}
