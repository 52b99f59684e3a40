//! Memory and disks. Of temperatures Windows tells those of disks; its thermal zones are those of the
//! firmware, which mostly never change.

use std::ptr;

use windows_sys::Win32::Storage::FileSystem::{
    GetDiskFreeSpaceExW, GetDriveTypeW, GetLogicalDrives, GetVolumeInformationW,
};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};

use super::text::{narrow, wide};
use super::{disks, size};
use crate::platform::{Memory, Mount};

/// `DRIVE_REMOVABLE` of winbase.h: sticks and card readers.
const REMOVABLE: u32 = 2;

/// `DRIVE_FIXED` of winbase.h.
const FIXED: u32 = 3;

/// `FILE_READ_ONLY_VOLUME` of winnt.h.
const READ_ONLY: u32 = 0x0008_0000;

/// Longer than the name of any file system (`NTFS`, `FAT32`).
const FILE_SYSTEM: u32 = 32;

/// See [`crate::platform`].
#[must_use]
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn memory() -> Option<Memory> {
    let mut status =
        MEMORYSTATUSEX { dwLength: size::<MEMORYSTATUSEX>(), ..MEMORYSTATUSEX::default() };
    // SAFETY: a live structure of the size that it names.
    let answered = unsafe { GlobalMemoryStatusEx(&raw mut status) };
    (answered != 0).then(|| weighed(&status))
}

/// What Windows calls page file is the limit of all that programs were promised, memory included.
fn weighed(status: &MEMORYSTATUSEX) -> Memory {
    let promised = status.ullTotalPageFile.saturating_sub(status.ullAvailPageFile);
    let in_memory = status.ullTotalPhys.saturating_sub(status.ullAvailPhys);
    Memory {
        size: status.ullTotalPhys,
        available: status.ullAvailPhys,
        swap_used: promised.saturating_sub(in_memory),
    }
}

/// The disks of this PC, and sticks plugged into it. Shares of other PCs are left out: a dead
/// server would hold the question up.
#[must_use]
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn mounts() -> Vec<Mount> {
    // SAFETY: it takes nothing; 0 says that it failed, or that there are none.
    let drives = unsafe { GetLogicalDrives() };
    (b'A'..=b'Z')
        .enumerate()
        .filter(|(bit, _)| drives >> bit & 1 == 1)
        .filter_map(|(_, letter)| mount(&format!("{}:\\", char::from(letter))))
        .collect()
}

/// A drive; `None` for one that is no disk, and for a reader with nothing in it.
#[expect(unsafe_code, reason = "calls to Windows")]
fn mount(root: &str) -> Option<Mount> {
    let path = wide(root);
    // SAFETY: the path ends at a zero and outlives the call.
    let kind = unsafe { GetDriveTypeW(path.as_ptr()) };
    if kind != FIXED && kind != REMOVABLE {
        return None;
    }
    let (mut available, mut size, mut serial, mut flags) = (0u64, 0u64, 0u32, 0u32);
    let mut file_system = [0u16; FILE_SYSTEM as usize];
    // SAFETY: the path as above; pointers to live integers, and a buffer with the room that is
    // told. What is null is not asked for.
    let answered = unsafe {
        GetDiskFreeSpaceExW(path.as_ptr(), &raw mut available, &raw mut size, ptr::null_mut()) != 0
            && GetVolumeInformationW(
                path.as_ptr(),
                ptr::null_mut(),
                0,
                &raw mut serial,
                ptr::null_mut(),
                &raw mut flags,
                file_system.as_mut_ptr(),
                FILE_SYSTEM,
            ) != 0
    };
    answered.then(|| Mount {
        device: root.to_owned(),
        file_system: narrow(&file_system).to_lowercase(),
        read_only: flags & READ_ONLY != 0,
        mount_point: root.to_owned(),
        size,
        available,
    })
}

/// See [`crate::platform`].
#[must_use]
pub fn temperatures() -> Vec<(String, f64)> {
    disks::temperatures()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_promised_beyond_memory_is_swapped_out() {
        let status = MEMORYSTATUSEX {
            ullTotalPhys: 8,
            ullAvailPhys: 2,
            ullTotalPageFile: 16,
            ullAvailPageFile: 7,
            ..MEMORYSTATUSEX::default()
        };
        let memory = weighed(&status);
        assert_eq!((memory.size, memory.available, memory.swap_used), (8, 2, 3));
    }

    #[test]
    fn this_system_has_memory_and_its_first_disk() {
        assert!(memory().unwrap().size > 0);
        let mounts = mounts();
        let first = mounts.iter().find(|mount| mount.mount_point == r"C:\").unwrap();
        assert!(first.size > 0 && first.available <= first.size, "{first:?}");
    }
}
