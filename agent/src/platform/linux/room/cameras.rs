//! Cameras from `/sys/class/video4linux`, without opening one: that would light its lamp.

use std::fs;
use std::path::{Path, PathBuf};

use wire::Cause;

use super::super::{number, read_at};
use super::holders::{self, Holder};
use super::privacy;
use super::usb::{self, UsbDevice};
use crate::platform::Device;

/// The class of cameras (usb.org, Defined Class Codes).
const VIDEO: &str = "0e";

/// The class of devices with functions that belong together, as cameras with a microphone.
const COMPOSITE: &str = "ef";

/// Below this a camera has no room for a picture; 480 Mbit/s is what every USB 2 socket gives.
const SLOW_BELOW: f64 = 480.0;

/// Far above a PC with several cameras, each of which has up to four nodes.
const NODES: usize = 64;

/// A node of a camera that gives pictures.
struct Node {
    name: String,
    /// `/dev/video0`
    file: PathBuf,
    /// The device behind it below `/sys`, links followed; `None` for one that only software makes.
    hardware: Option<PathBuf>,
}

/// All cameras: those that work, and those of which USB tells and no driver.
pub(in super::super) fn cameras(root: &Path) -> Vec<Device> {
    let attached = usb::list(root);
    let nodes = nodes(root);
    let behind = |usb: &UsbDevice, node: &Node| {
        node.hardware.as_ref().is_some_and(|path| path.starts_with(&usb.path))
    };
    let mut cameras: Vec<Device> = nodes
        .iter()
        .map(|node| camera(root, node, attached.iter().find(|usb| behind(usb, node))))
        .collect();
    for usb in &attached {
        if !nodes.iter().any(|node| behind(usb, node)) {
            cameras.extend(without_picture(usb));
        }
    }
    cameras
}

fn camera(root: &Path, node: &Node, usb: Option<&UsbDevice>) -> Device {
    let mut troubles = usb.map(UsbDevice::troubles).unwrap_or_default();
    if let Some(speed) = usb.and_then(|usb| usb.speed).filter(|speed| *speed < SLOW_BELOW) {
        troubles.push((Cause::Slow, format!("{speed} Mbit/s")));
    }
    if usb.is_some_and(|usb| usb.built_in) {
        troubles.extend(privacy::closed(root).map(|words| (Cause::PrivacySwitch, words)));
    }
    let aliases = usb.map(UsbDevice::aliases).unwrap_or_default();
    // The driver puts an unused camera to sleep, which tells without a look at every program.
    let status = usb.map(|usb| read_at(&usb.path.join("power/runtime_status")));
    let asleep = status.is_some_and(|status| status.is_ok_and(|status| status == "suspended"));
    let holder = if asleep {
        Holder::Nobody
    } else {
        holders::holder(root, std::slice::from_ref(&node.file))
    };
    let (in_use, user) = match holder {
        Holder::Program(name) => (Some(true), Some(name)),
        Holder::Nobody => (Some(false), None),
        Holder::Unseen => (None, None),
    };
    let aliases = format!("{aliases} {}", node.file.display());
    Device { name: node.name.clone(), aliases, troubles, in_use, user }
}

/// A camera that USB lists and that gives no picture.
fn without_picture(usb: &UsbDevice) -> Option<Device> {
    let mut troubles = usb.troubles();
    if usb.has(VIDEO) && troubles.is_empty() {
        let driven = usb.interfaces.iter().any(|i| i.class == VIDEO && i.has_driver);
        let (cause, words) = if driven {
            (Cause::Failed, "the driver made no video device")
        } else {
            (Cause::NoDriver, "no driver took its video interface")
        };
        troubles.push((cause, format!("usb {}: {words}", usb.place)));
    }
    // Of a device that may not start nothing shows but that it has several functions.
    let may_be = usb.has(VIDEO) || (!usb.authorised && usb.class == COMPOSITE);
    let (name, aliases) = (usb.name(), usb.aliases());
    may_be.then(|| Device { name, aliases, troubles, ..Device::default() })
}

fn nodes(root: &Path) -> Vec<Node> {
    let Ok(entries) = fs::read_dir(root.join("sys/class/video4linux")) else { return Vec::new() };
    let mut found: Vec<(u32, Node)> = entries
        .flatten()
        .take(NODES)
        .filter_map(|entry| {
            let file_name = entry.file_name();
            let node = file_name.to_str()?;
            let place = node.strip_prefix("video")?.parse().ok()?;
            let path = entry.path();
            let name = read_at(&path.join("name")).unwrap_or_else(|_| node.to_owned());
            let hardware = fs::canonicalize(path.join("device")).ok();
            let file = Path::new("/dev").join(node);
            gives_pictures(root, &path).then_some((place, Node { name, file, hardware }))
        })
        .collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, node)| node).collect()
}

/// Cameras have more than one node: pictures come from one, data about pictures from the others.
/// udev asked each when it came (`v4l_id`); without udev the first of a device is the one.
fn gives_pictures(root: &Path, node: &Path) -> bool {
    let number_of_node = read_at(&node.join("dev")).unwrap_or_default();
    let known = read_at(&root.join("run/udev/data").join(format!("c{number_of_node}")));
    let capabilities = known.ok().and_then(|known| {
        known
            .lines()
            .find_map(|line| line.strip_prefix("E:ID_V4L_CAPABILITIES=").map(str::to_owned))
    });
    match capabilities {
        Some(capabilities) => capabilities.contains(":capture:"),
        None => number::<u32>(&node.join("index")).is_none_or(|index| index == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::tree::Tree;

    const USB: &str = "sys/devices/pci0000:00/0000:00:14.0/usb1/1-3";

    /// A Logitech C920, its two nodes and its links as Linux 6.1 with uvcvideo makes them.
    fn c920() -> Tree {
        let tree = Tree::default();
        for (file, text) in [
            ("idVendor", "046d"),
            ("idProduct", "082d"),
            ("product", "HD Pro Webcam C920"),
            ("bDeviceClass", "ef"),
            ("speed", "480"),
            ("authorized", "1"),
            ("bConfigurationValue", "1"),
            ("power/runtime_status", "suspended"),
            ("1-3:1.0/bInterfaceClass", "0e"),
            ("1-3:1.0/driver/name", "uvcvideo"),
            ("1-3:1.0/video4linux/video0/name", "HD Pro Webcam C920"),
            ("1-3:1.0/video4linux/video0/index", "0"),
            ("1-3:1.0/video4linux/video0/dev", "81:0"),
            ("1-3:1.0/video4linux/video1/name", "HD Pro Webcam C920"),
            ("1-3:1.0/video4linux/video1/index", "1"),
            ("1-3:1.0/video4linux/video1/dev", "81:1"),
        ] {
            tree.file(&format!("{USB}/{file}"), text);
        }
        let below = tree.root().join(USB);
        let link = |at: &str, to: PathBuf| tree.link(at, to.to_str().unwrap());
        link("sys/bus/usb/devices/1-3", below.clone());
        link("sys/bus/usb/devices/1-3:1.0", below.join("1-3:1.0"));
        for node in ["video0", "video1"] {
            let path = below.join("1-3:1.0/video4linux").join(node);
            link(&format!("{USB}/1-3:1.0/video4linux/{node}/device"), below.join("1-3:1.0"));
            link(&format!("sys/class/video4linux/{node}"), path);
        }
        tree.file("proc/1/comm", "init");
        tree.link("proc/1/fd/0", "/dev/null");
        tree
    }

    fn one(tree: &Tree) -> Device {
        let found = cameras(tree.root());
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn a_camera_with_two_nodes_is_one_camera() {
        let camera = one(&c920());
        assert_eq!(camera.name, "HD Pro Webcam C920");
        assert!(camera.aliases.contains("046d:082d") && camera.aliases.contains("/dev/video0"));
        assert_eq!((camera.troubles, camera.in_use), (vec![], Some(false)));
    }

    #[test]
    fn udev_knows_better_than_the_order_of_nodes() {
        let tree = c920();
        tree.file("run/udev/data/c81:0", "I:1\nE:ID_V4L_CAPABILITIES=:");
        tree.file("run/udev/data/c81:1", "I:1\nE:ID_V4L_CAPABILITIES=:capture:");
        assert!(one(&tree).aliases.contains("/dev/video1"));
    }

    #[test]
    fn the_program_that_uses_it_is_named() {
        let tree = c920();
        tree.file(&format!("{USB}/power/runtime_status"), "active");
        assert_eq!(one(&tree).in_use, Some(false));
        tree.file("proc/20/comm", "zoom");
        tree.link("proc/20/fd/9", "/dev/video0");
        let camera = one(&tree);
        assert_eq!((camera.in_use, camera.user.as_deref()), (Some(true), Some("zoom")));
    }

    #[test]
    fn a_camera_that_gives_no_picture_says_why() {
        for (file, text, cause) in [
            ("authorized", "0", Cause::Disabled),
            ("bConfigurationValue", "", Cause::Failed),
            ("1-3:1.0/bInterfaceClass", "0e", Cause::NoDriver),
        ] {
            let tree = c920();
            tree.remove("sys/class/video4linux");
            tree.remove(&format!("{USB}/1-3:1.0/driver"));
            tree.file(&format!("{USB}/{file}"), text);
            let camera = one(&tree);
            assert_eq!(camera.troubles[0].0, cause, "{file}");
            assert!(camera.troubles[0].1.starts_with("usb 1-3: "));
        }
        let tree = c920();
        tree.remove("sys/class/video4linux");
        assert_eq!(one(&tree).troubles[0].0, Cause::Failed);
    }

    #[test]
    fn a_slow_socket_is_told() {
        let tree = c920();
        tree.file(&format!("{USB}/speed"), "12");
        assert_eq!(one(&tree).troubles, [(Cause::Slow, "12 Mbit/s".to_owned())]);
    }

    #[test]
    fn a_shutter_closes_the_camera_that_is_built_in_and_no_other() {
        let tree = c920();
        tree.file("sys/bus/platform/devices/VPC2004:00/camera_power", "0");
        assert_eq!(one(&tree).troubles, []);
        tree.file(&format!("{USB}/removable"), "fixed");
        assert_eq!(one(&tree).troubles[0].0, Cause::PrivacySwitch);
    }

    #[test]
    fn a_camera_made_by_software_is_one_too_and_a_keyboard_is_none() {
        let tree = c920();
        tree.remove("sys/class/video4linux");
        tree.file(&format!("{USB}/1-3:1.0/bInterfaceClass"), "03");
        assert_eq!(cameras(tree.root()), []);
        tree.file("sys/class/video4linux/video9/name", "OBS Virtual Camera");
        assert_eq!(one(&tree).name, "OBS Virtual Camera");
    }

    #[test]
    fn a_pc_without_cameras_has_none() {
        assert_eq!(cameras(Tree::default().root()), []);
    }
}
