//! What stays with a machine for years, of what everybody may read in `/sys`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::platform::Part;

/// `addr_assign_type` of an address that is the card's own (Documentation/ABI/testing/sysfs-class-net).
const PERMANENT: &str = "0";

/// Words in the names of disks that a hypervisor makes up: those of two machines may be the same.
const MADE_UP: [&str; 5] = ["qemu", "vbox", "vmware", "virtual", "msft"];

/// Network interfaces and disks. The number of the main board is for root alone.
pub(super) fn parts(root: &Path) -> Vec<Part> {
    let mut parts = Vec::new();
    for interface in children(&root.join("sys/class/net")) {
        let own = text(&interface.join("addr_assign_type")).is_some_and(|kind| kind == PERMANENT);
        if own
            && interface.join("device").exists()
            && let Some(address) = text(&interface.join("address"))
            && address.bytes().any(|byte| !matches!(byte, b'0' | b':'))
        {
            parts.push(Part { kind: "interface", value: address });
        }
    }
    for disk in children(&root.join("sys/block")) {
        let pulled_out = text(&disk.join("removable")).is_none_or(|removable| removable != "0")
            || disk.canonicalize().is_ok_and(|path| path.to_string_lossy().contains("/usb"));
        let places = ["wwid", "device/wwid", "serial", "device/serial"];
        let number = places.iter().find_map(|place| text(&disk.join(place)));
        if !pulled_out && let Some(value) = number.filter(|number| is_real(number)) {
            parts.push(Part { kind: "disk", value });
        }
    }
    parts
}

fn is_real(number: &str) -> bool {
    let number = number.to_lowercase();
    !MADE_UP.iter().any(|word| number.contains(word))
}

fn children(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// A line of `/sys`; none where there is nothing to read.
fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::linux::tree::Tree;

    #[test]
    fn what_stays_with_a_machine_is_found_and_what_comes_and_goes_is_not() {
        let tree = Tree::default();
        for (path, text) in [
            ("sys/class/net/eno1/address", "00:1b:21:0a:0b:0c"),
            ("sys/class/net/eno1/addr_assign_type", "0"),
            ("sys/class/net/eno1/device/vendor", "0x8086"),
            // A random address of Wi-Fi, a bridge, and the loopback.
            ("sys/class/net/wlan0/address", "5a:b7:7b:25:ce:3f"),
            ("sys/class/net/wlan0/addr_assign_type", "3"),
            ("sys/class/net/wlan0/device/vendor", "0x8086"),
            ("sys/class/net/br0/address", "ea:dc:d2:4d:89:7e"),
            ("sys/class/net/br0/addr_assign_type", "0"),
            ("sys/class/net/lo/address", "00:00:00:00:00:00"),
            ("sys/class/net/lo/addr_assign_type", "0"),
            ("sys/block/nvme0n1/wwid", "eui.0025385b71b0a1c2"),
            ("sys/block/nvme0n1/removable", "0"),
            ("sys/block/sda/device/wwid", "t10.ATA     QEMU HARDDISK      QM00001"),
            ("sys/block/sda/removable", "0"),
            ("sys/block/sdb/device/wwid", "naa.5000c500a1b2c3d4"),
            ("sys/block/sdb/removable", "1"),
            ("sys/block/loop0/removable", "0"),
        ] {
            tree.file(path, text);
        }
        let mut found: Vec<_> =
            parts(tree.root()).into_iter().map(|part| (part.kind, part.value)).collect();
        found.sort();
        let disk = ("disk", "eui.0025385b71b0a1c2".to_owned());
        assert_eq!(found, [disk, ("interface", "00:1b:21:0a:0b:0c".to_owned())]);
        assert!(parts(Path::new("/absent")).is_empty());
    }
}
