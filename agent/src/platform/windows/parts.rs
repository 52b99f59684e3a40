//! What stays with a machine for years: the number of its main board, which its maker has written
//! into the firmware (SMBIOS 7.2), and the permanent addresses of its network interfaces.

use std::ptr;

use windows_sys::Win32::System::SystemInformation::{GetSystemFirmwareTable, RSMB};

use super::link;
use crate::platform::Part;

/// Of a table that is no table: real ones have some kilobytes.
const TABLE_BYTES: u32 = 1 << 20;

/// Before the structures (`RawSMBIOSData`).
const HEADER: usize = 8;

/// "System Information", and where its UUID lies.
const SYSTEM: u8 = 1;
const UUID: std::ops::Range<usize> = 8..24;

/// Numbers that makers of cheap boards have left in, the same on each.
const LEFT_IN: [[u8; 16]; 3] = [
    [0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15],
];

/// See [`crate::platform`].
#[must_use]
pub fn parts() -> Vec<Part> {
    let board = board(&firmware()).map(|value| Part { kind: "board", value });
    let addresses = link::permanent_addresses().into_iter();
    board.into_iter().chain(addresses.map(|value| Part { kind: "interface", value })).collect()
}

/// The table as the firmware has it; empty where Windows does not give it.
#[expect(unsafe_code, reason = "a call to Windows")]
fn firmware() -> Vec<u8> {
    // SAFETY: without a buffer only its size is told.
    let size = unsafe { GetSystemFirmwareTable(RSMB, 0, ptr::null_mut(), 0) };
    let mut table = vec![0; size.min(TABLE_BYTES) as usize];
    let room = u32::try_from(table.len()).unwrap_or_default();
    // SAFETY: the buffer is alive and as long as is said.
    let written = unsafe { GetSystemFirmwareTable(RSMB, 0, table.as_mut_ptr(), room) };
    table.truncate(written as usize);
    table
}

/// The board's number; none where its maker gave it none of its own.
fn board(table: &[u8]) -> Option<String> {
    let mut rest = table.get(HEADER..)?;
    loop {
        let (kind, length) = (*rest.first()?, usize::from(*rest.get(1)?));
        if kind == SYSTEM {
            let uuid = rest.get(..length)?.get(UUID)?;
            let own = uuid.iter().any(|byte| *byte != 0)
                && uuid.iter().any(|byte| *byte != 0xFF)
                && !LEFT_IN.iter().any(|left| left == uuid);
            return own.then(|| data_encoding::HEXLOWER.encode(uuid));
        }
        // Texts follow, and two zeros end them.
        let texts = rest.get(length.max(4)..)?;
        let end = texts.windows(2).position(|pair| pair == [0, 0])?;
        rest = texts.get(end + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with firmware information, its texts, and a system with this number.
    fn table(uuid: [u8; 16]) -> Vec<u8> {
        let mut table = vec![0; HEADER];
        table.extend([0, 6, 0, 0, 1, 2]);
        table.extend(b"Maker\0 1.0\0\0");
        table.extend([SYSTEM, 27, 1, 0, 0, 0, 0, 0]);
        table.extend(uuid);
        table.extend([6, 0, 0, 0, 0]);
        table
    }

    #[test]
    fn a_board_is_known_by_its_own_number_alone() {
        let own: [u8; 16] = std::array::from_fn(|at| 200 - u8::try_from(at).unwrap());
        assert_eq!(board(&table(own)).as_deref(), Some("c8c7c6c5c4c3c2c1c0bfbebdbcbbbab9"));
        for none in [[0; 16], [0xFF; 16], LEFT_IN[0], LEFT_IN[1]] {
            assert_eq!(board(&table(none)), None);
        }
    }

    #[test]
    fn no_table_panics_wherever_it_ends() {
        let whole = table([7; 16]);
        for length in 0..whole.len() {
            let _ = board(&whole[..length]);
        }
        assert_eq!(board(&vec![0; 4096]), None, "a length of zero leads on all the same");
    }
}
