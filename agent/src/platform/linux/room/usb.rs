//! USB devices from `/sys/bus/usb/devices` (Documentation/ABI/testing/sysfs-bus-usb of the
//! kernel).

use std::fs;
use std::path::{Path, PathBuf};

use wire::Cause;

use super::super::{number, read_at};
use crate::platform::Device;

/// Far above what hangs on a PC with three hubs.
const DEVICES: usize = 128;

/// The class of hubs, which are the sockets and not what is plugged in (USB 2.0 § 11.23.1).
const HUB: &str = "09";

/// A device, hubs left out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct UsbDevice {
    /// Its directory below `/sys`, links followed.
    pub(super) path: PathBuf,
    /// The socket, by hub and port: `1-3.2`.
    pub(super) place: String,
    pub(super) maker: String,
    pub(super) product: String,
    /// `046d:082d`
    pub(super) id: String,
    /// The class it says of itself as a whole; most leave that to their interfaces.
    pub(super) class: String,
    /// In Mbit/s.
    pub(super) speed: Option<f64>,
    pub(super) authorised: bool,
    pub(super) configured: bool,
    /// Whether it is part of the PC, where the firmware says so.
    pub(super) built_in: bool,
    pub(super) interfaces: Vec<Interface>,
}

/// A function of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    /// In hexadecimal: `0e` is video, `01` is sound (usb.org, Defined Class Codes).
    pub(super) class: String,
    pub(super) has_driver: bool,
}

/// All devices but hubs, in the order of their sockets.
pub(in super::super) fn devices(root: &Path) -> Vec<Device> {
    list(root).iter().map(UsbDevice::device).collect()
}

pub(super) fn list(root: &Path) -> Vec<UsbDevice> {
    let Ok(entries) = fs::read_dir(root.join("sys/bus/usb/devices")) else { return Vec::new() };
    let mut devices: Vec<UsbDevice> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            UsbDevice::read(root, &entry.path(), entry.file_name().to_str()?)
        })
        .take(DEVICES)
        .collect();
    devices.sort_by(|a, b| a.place.cmp(&b.place));
    devices
}

impl UsbDevice {
    fn read(root: &Path, entry: &Path, place: &str) -> Option<Self> {
        let text = |name: &str| read_at(&entry.join(name)).unwrap_or_default();
        // Interfaces stand in the same directory and have no vendor.
        let vendor = read_at(&entry.join("idVendor")).ok()?;
        let class = text("bDeviceClass");
        if class == HUB {
            return None;
        }
        Some(Self {
            path: fs::canonicalize(entry).unwrap_or_else(|_| entry.to_owned()),
            place: place.to_owned(),
            maker: maker(root, entry),
            product: text("product"),
            id: format!("{vendor}:{}", text("idProduct")),
            class,
            speed: number(&entry.join("speed")),
            authorised: text("authorized") != "0",
            configured: !text("bConfigurationValue").is_empty(),
            // Documentation/ABI/testing/sysfs-bus-usb of the kernel.
            built_in: text("removable") == "fixed",
            interfaces: interfaces(entry, place),
        })
    }

    /// What people call it.
    pub(super) fn name(&self) -> String {
        [&self.product, &self.maker]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or(&self.id)
            .clone()
    }

    pub(super) fn aliases(&self) -> String {
        format!("{} {} usb {}", self.maker, self.id, self.place)
    }

    pub(super) fn device(&self) -> Device {
        let (name, aliases) = (self.name(), self.aliases());
        Device { name, aliases, troubles: self.troubles(), ..Device::default() }
    }

    /// What USB itself holds against it.
    pub(super) fn troubles(&self) -> Vec<(Cause, String)> {
        if !self.authorised {
            vec![(Cause::Disabled, format!("usb {}: authorized is 0", self.place))]
        } else if !self.configured {
            // Above all a hub without the power the device asks for.
            vec![(Cause::Failed, format!("usb {}: no configuration is active", self.place))]
        } else {
            Vec::new()
        }
    }

    pub(super) fn has(&self, class: &str) -> bool {
        self.interfaces.iter().any(|interface| interface.class == class)
    }
}

/// Many devices do not name their maker; udev knows it by their id (hwdb(7)).
fn maker(root: &Path, device: &Path) -> String {
    let own = read_at(&device.join("manufacturer")).unwrap_or_default();
    let known = read_at(&device.join("dev"))
        .and_then(|node| read_at(&root.join(format!("run/udev/data/c{node}"))))
        .unwrap_or_default();
    let known = known.lines().find_map(|line| line.strip_prefix("E:ID_VENDOR_FROM_DATABASE="));
    match known {
        Some(known) if known != own => format!("{own} {known}").trim().to_owned(),
        _ => own,
    }
}

fn interfaces(device: &Path, place: &str) -> Vec<Interface> {
    let Ok(entries) = fs::read_dir(device) else { return Vec::new() };
    let of_device = |entry: &fs::DirEntry| {
        entry.file_name().to_str().is_some_and(|name| name.starts_with(&format!("{place}:")))
    };
    entries
        .flatten()
        .filter(of_device)
        .map(|entry| Interface {
            class: read_at(&entry.path().join("bInterfaceClass")).unwrap_or_default(),
            has_driver: entry.path().join("driver").exists(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::tree::Tree;

    /// A Jabra Speak 510 beside its hub, as Linux 6.1 lists them.
    fn speak() -> Tree {
        let tree = Tree::default();
        let at = "sys/bus/usb/devices";
        for (file, text) in [
            ("usb1/idVendor", "1d6b"),
            ("usb1/bDeviceClass", "09"),
            ("1-3/idVendor", "0b0e"),
            ("1-3/idProduct", "0420"),
            ("1-3/bDeviceClass", "00"),
            ("1-3/product", "Jabra SPEAK 510 USB"),
            ("1-3/speed", "12"),
            ("1-3/authorized", "1"),
            ("1-3/bConfigurationValue", "1"),
            ("1-3/1-3:1.0/bInterfaceClass", "01"),
            ("1-3:1.0/bInterfaceClass", "01"),
        ] {
            tree.file(&format!("{at}/{file}"), text);
        }
        tree
    }

    #[test]
    fn what_is_plugged_in_is_listed_and_the_sockets_are_not() {
        let found = devices(speak().root());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].name, "Jabra SPEAK 510 USB");
        assert!(found[0].aliases.contains("0b0e:0420 usb 1-3"));
        assert_eq!(found[0].troubles, []);
    }

    #[test]
    fn a_maker_that_the_device_does_not_name_is_known_to_udev() {
        let tree = speak();
        tree.file("sys/bus/usb/devices/1-3/dev", "189:3");
        tree.file("run/udev/data/c189:3", "I:7\nE:ID_VENDOR_FROM_DATABASE=GN Netcom\nG:seat");
        assert!(devices(tree.root())[0].aliases.starts_with("GN Netcom 0b0e:0420"));
    }

    #[test]
    fn a_device_that_may_not_or_cannot_start_says_so() {
        for (file, text, cause) in
            [("authorized", "0", Cause::Disabled), ("bConfigurationValue", "", Cause::Failed)]
        {
            let tree = speak();
            tree.file(&format!("sys/bus/usb/devices/1-3/{file}"), text);
            let found = devices(tree.root());
            assert_eq!(found[0].troubles[0].0, cause, "{file}");
        }
    }

    #[test]
    fn a_pc_without_usb_has_none() {
        assert_eq!(devices(Tree::default().root()), []);
    }
}
