//! Memory, file systems and temperatures, which the `sysinfo` library reads.

use sysinfo::{Components, DiskRefreshKind, Disks, MemoryRefreshKind, System};

use crate::platform::{Memory, Mount};

/// See [`crate::platform`].
#[must_use]
pub fn memory() -> Option<Memory> {
    let mut system = System::new().ok()?;
    system.refresh_memory_specifics(MemoryRefreshKind::everything());
    let size = system.total_memory();
    (size > 0).then(|| Memory {
        size,
        available: system.available_memory(),
        swap_used: system.used_swap(),
    })
}

/// See [`crate::platform`].
#[must_use]
pub fn mounts() -> Vec<Mount> {
    let listed =
        Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage());
    let mounts = listed.iter().flatten().map(|disk| Mount {
        device: disk.name().to_string_lossy().into_owned(),
        file_system: disk.file_system().to_string_lossy().into_owned(),
        read_only: disk.is_read_only(),
        mount_point: disk.mount_point().to_string_lossy().into_owned(),
        size: disk.total_space(),
        available: disk.available_space(),
    });
    mounts.collect()
}

/// See [`crate::platform`].
#[must_use]
pub fn temperatures() -> Vec<(String, f64)> {
    let listed = Components::new_with_refreshed_list();
    let told = listed.iter().flatten().filter_map(|component| {
        Some((component.label().to_owned(), f64::from(component.temperature()?)))
    });
    told.collect()
}
