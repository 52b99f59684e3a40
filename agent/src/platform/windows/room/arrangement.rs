//! Which displays the desktop of this program's user is on (`QueryDisplayConfig`, which answers
//! nothing to a service).

use std::ptr;

use windows_sys::Win32::Devices::Display::{
    DISPLAYCONFIG_DEVICE_INFO_GET_TARGET_NAME, DISPLAYCONFIG_DEVICE_INFO_HEADER,
    DISPLAYCONFIG_MODE_INFO, DISPLAYCONFIG_PATH_INFO, DISPLAYCONFIG_TARGET_DEVICE_NAME,
    DisplayConfigGetDeviceInfo, GetDisplayConfigBufferSizes, QDC_ALL_PATHS, QueryDisplayConfig,
};
use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, ERROR_SUCCESS, LUID};

use super::super::size;
use super::super::text::narrow;
use crate::platform::arrangement::{Target, Way, sockets};

/// `DISPLAYCONFIG_PATH_ACTIVE` of wingdi.h.
const TAKEN: u32 = 1;

/// Every picture with every socket of three cards with many; what goes on for ever must not.
const WAYS: usize = 4096;

/// Displays may come between the question for how many there are and the one for them.
const ATTEMPTS: usize = 3;

/// The displays that are connected, each with its picture; `None` where Windows does not tell, as
/// behind the screen of sign-in.
pub(super) fn targets() -> Option<Vec<Target>> {
    let paths = (0..ATTEMPTS).find_map(|_| paths().transpose())?.ok()?;
    let ways: Vec<Way> = paths.iter().map(way).collect();
    let target = |((card, socket), picture)| {
        let (name, path) = names(card, socket)?;
        Some(Target { path, name, picture })
    };
    Some(sockets(&ways).into_iter().filter_map(target).collect())
}

fn way(path: &DISPLAYCONFIG_PATH_INFO) -> Way {
    let (source, target) = (&path.sourceInfo, &path.targetInfo);
    Way {
        picture: (number(source.adapterId), source.id),
        socket: (number(target.adapterId), target.id),
        taken: path.flags & TAKEN != 0,
        plugged: target.targetAvailable != 0,
    }
}

fn number(card: LUID) -> u64 {
    u64::from(card.HighPart.cast_unsigned()) << 32 | u64::from(card.LowPart)
}

/// All ways; `Ok(None)` where there have become more meanwhile.
#[expect(unsafe_code, reason = "functions of Windows")]
fn paths() -> Result<Option<Vec<DISPLAYCONFIG_PATH_INFO>>, u32> {
    let (mut count, mut modes) = (0, 0);
    // SAFETY: both numbers are live.
    let status =
        unsafe { GetDisplayConfigBufferSizes(QDC_ALL_PATHS, &raw mut count, &raw mut modes) };
    if status != ERROR_SUCCESS || count as usize > WAYS || modes as usize > WAYS {
        return Err(status);
    }
    let mut paths = vec![DISPLAYCONFIG_PATH_INFO::default(); count as usize];
    let mut sizes = vec![DISPLAYCONFIG_MODE_INFO::default(); modes as usize];
    // SAFETY: both lists have the room that is told; which arrangement has a name is not asked.
    let status = unsafe {
        QueryDisplayConfig(
            QDC_ALL_PATHS,
            &raw mut count,
            paths.as_mut_ptr(),
            &raw mut modes,
            sizes.as_mut_ptr(),
            ptr::null_mut(),
        )
    };
    paths.truncate(count as usize);
    match status {
        ERROR_SUCCESS => Ok(Some(paths)),
        ERROR_INSUFFICIENT_BUFFER => Ok(None),
        error => Err(error),
    }
}

/// What the display on a socket calls itself, and its path.
#[expect(unsafe_code, reason = "a function of Windows")]
fn names(card: u64, socket: u32) -> Option<(String, String)> {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of a number")]
    let card = LUID { LowPart: card as u32, HighPart: ((card >> 32) as u32).cast_signed() };
    let mut name = DISPLAYCONFIG_TARGET_DEVICE_NAME {
        header: DISPLAYCONFIG_DEVICE_INFO_HEADER {
            r#type: DISPLAYCONFIG_DEVICE_INFO_GET_TARGET_NAME,
            size: size::<DISPLAYCONFIG_TARGET_DEVICE_NAME>(),
            adapterId: card,
            id: socket,
        },
        ..DISPLAYCONFIG_TARGET_DEVICE_NAME::default()
    };
    // SAFETY: a live structure of the kind and the size that its header names.
    let status = unsafe { DisplayConfigGetDeviceInfo((&raw mut name).cast()) };
    let found = || (narrow(&name.monitorFriendlyDeviceName), narrow(&name.monitorDevicePath));
    (status == ERROR_SUCCESS.cast_signed()).then(found)
}

#[cfg(test)]
mod tests {
    use windows_sys::Win32::Devices::Display::{
        DISPLAYCONFIG_PATH_SOURCE_INFO, DISPLAYCONFIG_PATH_TARGET_INFO,
    };

    use super::*;

    #[test]
    fn a_path_of_windows_is_a_way_from_a_picture_to_a_socket() {
        let card = LUID { LowPart: 0xAABB_CCDD, HighPart: 1 };
        let path = DISPLAYCONFIG_PATH_INFO {
            sourceInfo: DISPLAYCONFIG_PATH_SOURCE_INFO {
                adapterId: card,
                id: 1,
                ..DISPLAYCONFIG_PATH_SOURCE_INFO::default()
            },
            targetInfo: DISPLAYCONFIG_PATH_TARGET_INFO {
                adapterId: card,
                id: 4353,
                targetAvailable: 1,
                ..DISPLAYCONFIG_PATH_TARGET_INFO::default()
            },
            flags: TAKEN,
        };
        let card = 0x1_AABB_CCDD;
        let expected = Way { picture: (card, 1), socket: (card, 4353), taken: true, plugged: true };
        assert_eq!(way(&path), expected);
        let dark = DISPLAYCONFIG_PATH_INFO { flags: 0, ..path };
        assert_eq!(way(&dark), Way { taken: false, ..expected });
    }

    /// Wine tells of one display or of none; that neither it nor its absence is a fault is all that
    /// can be seen here.
    #[test]
    fn this_system_answers() {
        assert!(targets().is_none_or(|targets| targets.len() <= WAYS));
    }
}
