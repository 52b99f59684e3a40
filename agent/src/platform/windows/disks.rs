//! What the disks of this PC say of themselves, of whatever kind they are: Windows puts the question
//! into the words of SATA, `NVMe` or USB.

use windows_sys::Win32::System::Ioctl::{
    IOCTL_STORAGE_PREDICT_FAILURE, IOCTL_STORAGE_QUERY_PROPERTY, PropertyStandardQuery,
    StorageDeviceTemperatureProperty,
};

use super::control::Driver;
use crate::platform::storage;

/// Disks that are looked for; their numbers need not follow each other.
const DISKS: u32 = 16;

/// A descriptor with sixteen sensors.
const TEMPERATURES_BYTES: usize = 24 + 16 * 16;

/// `STORAGE_PREDICT_FAILURE`: a number, and what only the disk's maker understands.
const PREDICTION_BYTES: usize = 4 + 512;

/// The temperature of each disk that tells it, in degrees Celsius.
pub(super) fn temperatures() -> Vec<(String, f64)> {
    // `STORAGE_PROPERTY_QUERY`, its last field and what fills it up.
    let question =
        [StorageDeviceTemperatureProperty, PropertyStandardQuery, 0].map(i32::to_le_bytes).concat();
    of_each(|disk| {
        let answer = disk.ask(IOCTL_STORAGE_QUERY_PROPERTY, &question, TEMPERATURES_BYTES)?;
        storage::temperature(&answer)
    })
}

/// Whether each disk that watches itself (SMART) foretells its end.
pub(super) fn failing() -> Vec<(String, bool)> {
    of_each(|disk| {
        let answer = disk.ask(IOCTL_STORAGE_PREDICT_FAILURE, &[], PREDICTION_BYTES)?;
        storage::foretells_its_end(&answer)
    })
}

/// By the names of devices: `PhysicalDrive0` is what disk management shows as disk 0.
fn of_each<T>(look: impl Fn(&Driver) -> Option<T>) -> Vec<(String, T)> {
    let one = |number: u32| {
        let found = look(&Driver::of(&format!(r"\\.\PhysicalDrive{number}"))?)?;
        Some((format!("PhysicalDrive{number}"), found))
    };
    (0..DISKS).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_whose_disks_say_nothing_is_no_fault() {
        assert!(temperatures().len() <= DISKS as usize);
        assert!(failing().len() <= DISKS as usize);
    }
}
