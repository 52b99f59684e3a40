//! Switches and shutters that keep everybody from a laptop's own camera.
//!
//! Only what drivers tell in files counts: to ask the camera itself means to open it.

use std::fs;
use std::path::Path;

use super::super::read_at;

/// Far above the devices that firmware describes on one bus.
const DEVICES: usize = 256;

/// What closes the camera that is built in, in the driver's own words; `None` where nothing does
/// or no driver tells.
pub(super) fn closed(root: &Path) -> Option<String> {
    let at = |bus: &str| root.join("sys/bus").join(bus).join("devices");
    // `[Camera Shutter] [muted]` (Documentation/ABI/testing/sysfs-platform-dell-privacy-wmi of
    // the kernel).
    let shutter = |device: &Path| {
        let states = read_at(&device.join("dell_privacy_current_state")).ok()?;
        let mut closed = states.lines().map(str::trim).filter(|line| line.ends_with("[muted]"));
        closed.find(|line| line.starts_with("[Camera")).map(str::to_owned)
    };
    // 0 is off (Documentation/ABI/testing/sysfs-platform-ideapad-laptop of the kernel).
    let power = |device: &Path| {
        let state = read_at(&device.join("camera_power")).ok()?;
        (state == "0").then(|| "camera_power is 0".to_owned())
    };
    first(&at("wmi"), shutter).or_else(|| first(&at("platform"), power))
}

fn first(bus: &Path, closed: impl Fn(&Path) -> Option<String>) -> Option<String> {
    let devices = fs::read_dir(bus).ok()?.flatten().take(DEVICES);
    devices.into_iter().find_map(|device| closed(&device.path()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::tree::Tree;

    #[test]
    fn a_shutter_and_a_switch_are_told_in_the_words_of_their_drivers() {
        let dell =
            "sys/bus/wmi/devices/6932965F-1671-4CEB-B988-D3AB0A901919/dell_privacy_current_state";
        let lenovo = "sys/bus/platform/devices/VPC2004:00/camera_power";
        for (file, text, closed) in [
            (
                dell,
                "[Microphone] [muted]\n[Camera Shutter] [muted]",
                Some("[Camera Shutter] [muted]"),
            ),
            (dell, "[Microphone] [muted]\n[Camera Shutter] [unmuted]", None),
            (lenovo, "0", Some("camera_power is 0")),
            (lenovo, "1", None),
        ] {
            let tree = Tree::default();
            tree.file("sys/bus/platform/devices/serial8250/uevent", "");
            tree.file(file, text);
            assert_eq!(super::closed(tree.root()).as_deref(), closed, "{text}");
        }
        assert_eq!(closed(Tree::default().root()), None);
    }
}
