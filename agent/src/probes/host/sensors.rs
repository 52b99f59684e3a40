//! What may wait for a device: file systems, hardware sensors; and memory with them.

use std::collections::{BTreeMap, BTreeSet};

use wire::limits;

use crate::platform::{self, Memory, Mount, Strain};

/// More file systems than a conference PC has; the shortest mount points come first, because a
/// flood comes from containers and images mounted deep below.
const DISKS: usize = 16;

/// More sensors than tell something about a PC; a server has hundreds.
const TEMPERATURES: usize = 32;

/// Sensors without a probe behind them show the ends of their scale, such as -128 or 255 °C.
const PLAUSIBLE_CELSIUS: std::ops::RangeInclusive<f64> = -40.0..=150.0;

/// File systems made of a fixed image: always full, and of no use to know.
const IMAGES: &[&str] = &["iso9660", "udf", "squashfs", "erofs", "cramfs", "romfs"];

/// What was seen at one moment.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// `None` where the system does not tell.
    pub(super) memory: Option<Memory>,
    pub(super) disks: Vec<Disk>,
    /// By sensor, in degrees Celsius.
    pub(super) temperatures: Vec<(String, f64)>,
    pub(super) strain: Strain,
    /// `None` where the system does not tell.
    pub(super) restart_pending: Option<bool>,
}

/// A file system, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Disk {
    pub(super) mount_point: String,
    pub(super) size: u64,
    /// What programs without special rights can use.
    pub(super) available: u64,
}

pub(super) fn look() -> Snapshot {
    Snapshot {
        memory: platform::memory(),
        disks: choose_disks(platform::mounts()),
        temperatures: choose_temperatures(platform::temperatures()),
        strain: platform::strain(),
        restart_pending: platform::restart_pending(),
    }
}

/// Leaves out what has no space to run out of, and all but the shortest mount point of a device.
fn choose_disks(mut mounts: Vec<Mount>) -> Vec<Disk> {
    let image = |mount: &Mount| mount.read_only && IMAGES.contains(&mount.file_system.as_str());
    mounts.retain(|mount| mount.size > 0 && !image(mount));
    mounts.sort_by(|a, b| {
        let key = |mount: &Mount| (mount.mount_point.len(), mount.mount_point.clone());
        key(a).cmp(&key(b))
    });
    let mut seen = BTreeSet::new();
    mounts.retain(|mount| seen.insert(mount.device.clone()));
    let disk = |mount: Mount| Disk {
        mount_point: label(&mount.mount_point),
        size: mount.size,
        available: mount.available,
    };
    mounts.into_iter().map(disk).take(DISKS).collect()
}

/// The hottest of equally named sensors: two disks of one model must not hide each other's fever.
fn choose_temperatures(mut sensors: Vec<(String, f64)>) -> Vec<(String, f64)> {
    sensors.retain(|(_, celsius)| PLAUSIBLE_CELSIUS.contains(celsius));
    let mut hottest = BTreeMap::new();
    for (sensor, celsius) in sensors {
        let known = hottest.entry(label(&sensor)).or_insert(celsius);
        *known = celsius.max(*known);
    }
    hottest.into_iter().take(TEMPERATURES).collect()
}

/// A name that fits into a label.
fn label(name: &str) -> String {
    name.trim().chars().take(limits::TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(device: &str, file_system: &str, read_only: bool, at: &str, size: u64) -> Mount {
        Mount {
            device: device.to_owned(),
            file_system: file_system.to_owned(),
            read_only,
            mount_point: at.to_owned(),
            size,
            available: size / 2,
        }
    }

    fn chosen(mounts: Vec<Mount>) -> Vec<String> {
        choose_disks(mounts).into_iter().map(|disk| disk.mount_point).collect()
    }

    #[test]
    fn images_pseudo_file_systems_and_second_mounts_are_left_out() {
        let mounts = vec![
            mount("/dev/sda2", "ext4", false, "/var/lib/containers/overlay", 100),
            mount("/dev/sda2", "ext4", false, "/", 100),
            mount("/dev/sda1", "vfat", false, "/boot/efi", 10),
            mount("/dev/loop1", "squashfs", true, "/snap/core", 1),
            mount("/dev/sr0", "iso9660", true, "/media/cd", 1),
            mount("/dev/sdb1", "udf", false, "/media/stick", 32),
            mount("/dev/sdc1", "ext4", true, "/readonly", 32),
            mount("portal", "fuse.portal", false, "/run/user/1000/doc", 0),
        ];
        assert_eq!(chosen(mounts), ["/", "/boot/efi", "/readonly", "/media/stick"]);
    }

    #[test]
    fn a_flood_of_mounts_is_bounded_and_the_root_stays() {
        let mut mounts: Vec<_> = (0..1000)
            .map(|n| mount(&format!("/dev/{n}"), "ext4", false, &format!("/mnt/{n}"), 1))
            .collect();
        mounts.push(mount("/dev/root", "ext4", false, "/", 1));
        let chosen = chosen(mounts);
        assert_eq!(chosen.len(), DISKS);
        assert_eq!(chosen.first().map(String::as_str), Some("/"));
    }

    #[test]
    fn the_hottest_of_equal_names_counts_and_unwired_sensors_do_not() {
        let sensors =
            [("nvme", 40.0), ("nvme", 71.0), ("nvme", 39.0), ("aux", -128.0), ("far", 255.0)];
        let chosen = choose_temperatures(sensors.map(|(name, c)| (name.to_owned(), c)).to_vec());
        assert_eq!(chosen, [("nvme".to_owned(), 71.0)]);
    }
}
