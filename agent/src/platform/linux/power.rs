//! Batteries and mains from `/sys/class/power_supply`
//! (Documentation/ABI/testing/sysfs-class-power of the kernel).

use std::fs;
use std::path::Path;

use super::{number, read_at};
use crate::platform::{PowerState, PowerSupply};

/// Far above any PC; a fault of a driver must not become a flood.
const SUPPLIES: usize = 16;

/// All supplies of the PC itself, by name. Empty where there are none, as in most desktops.
pub(super) fn supplies(root: &Path) -> Vec<PowerSupply> {
    let Ok(entries) = fs::read_dir(root.join("sys/class/power_supply")) else {
        return Vec::new();
    };
    let mut supplies: Vec<PowerSupply> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Some(PowerSupply { name, state: state(&entry.path())? })
        })
        .take(SUPPLIES)
        .collect();
    supplies.sort_by(|a, b| a.name.cmp(&b.name));
    supplies
}

fn state(supply: &Path) -> Option<PowerState> {
    // A wireless mouse's battery says nothing about the PC.
    if read_at(&supply.join("scope")).is_ok_and(|scope| scope == "Device") {
        return None;
    }
    let online = number::<u8>(&supply.join("online")).map(|online| online != 0);
    match read_at(&supply.join("type")).ok()?.as_str() {
        "Battery" | "UPS" => {
            // An empty bay keeps its entry and says that nothing is in it.
            let present = number::<u8>(&supply.join("present")).is_none_or(|present| present != 0);
            let status = read_at(&supply.join("status")).unwrap_or_default();
            let discharging = status == "Discharging";
            present.then(|| PowerState::Battery { charge: charge(supply), discharging })
        }
        "Mains" => Some(PowerState::Mains { online: online? }),
        // Every USB-C socket has an entry, on desktops too; an unused one says nothing of mains.
        "USB" => online?.then_some(PowerState::Mains { online: true }),
        _ => None,
    }
}

/// Some batteries tell only a percentage, others only energy (µWh) or charge (µAh).
fn charge(battery: &Path) -> Option<f64> {
    let value = |name: &str| number::<f64>(&battery.join(name));
    let share = |now: &str, full: &str| Some(value(now)? / value(full).filter(|f| *f > 0.0)?);
    value("capacity")
        .map(|percent| percent / 100.0)
        .or_else(|| share("energy_now", "energy_full"))
        .or_else(|| share("charge_now", "charge_full"))
        // Worn batteries claim a little more than full.
        .map(|charge| charge.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = root.path().join("sys/class/power_supply").join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("{text}\n")).unwrap();
        }
        root
    }

    fn battery(name: &str, charge: Option<f64>) -> PowerSupply {
        let state = PowerState::Battery { charge, discharging: name == "BAT1" };
        PowerSupply { name: name.to_owned(), state }
    }

    #[test]
    fn a_laptop_tells_its_batteries_and_its_mains() {
        let root = tree(&[
            ("AC/type", "Mains"),
            ("AC/online", "1"),
            ("BAT0/type", "Battery"),
            ("BAT0/present", "1"),
            ("BAT0/capacity", "87"),
            ("BAT1/type", "Battery"),
            ("BAT1/status", "Discharging"),
            ("BAT1/energy_now", "12000000"),
            ("BAT1/energy_full", "48000000"),
        ]);
        assert_eq!(
            supplies(root.path()),
            [
                PowerSupply { name: "AC".to_owned(), state: PowerState::Mains { online: true } },
                battery("BAT0", Some(0.87)),
                battery("BAT1", Some(0.25)),
            ]
        );
    }

    #[test]
    fn what_does_not_feed_the_pc_or_is_not_there_is_left_out() {
        let root = tree(&[
            ("hid-mouse/type", "Battery"),
            ("hid-mouse/scope", "Device"),
            ("hid-mouse/capacity", "3"),
            ("BAT1/type", "Battery"),
            ("BAT1/present", "0"),
            ("ucsi/type", "USB"),
            ("ucsi/online", "0"),
            ("odd/type", "Wireless"),
            ("broken/online", "1"),
            ("AC/type", "Mains"),
            ("AC/online", "maybe"),
        ]);
        assert_eq!(supplies(root.path()), []);
    }

    #[test]
    fn a_battery_that_talks_nonsense_is_a_battery_without_a_charge() {
        let root = tree(&[
            ("BAT0/type", "Battery"),
            ("BAT0/energy_now", "5"),
            ("BAT0/energy_full", "0"),
            ("BAT2/type", "Battery"),
            ("BAT2/charge_now", "103"),
            ("BAT2/charge_full", "100"),
        ]);
        assert_eq!(supplies(root.path()), [battery("BAT0", None), battery("BAT2", Some(1.0))]);
    }

    #[test]
    fn a_desktop_has_none() {
        assert_eq!(supplies(tempfile::tempdir().unwrap().path()), []);
    }
}
