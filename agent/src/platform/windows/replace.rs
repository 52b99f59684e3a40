//! Renaming that survives a power cut.

use std::io;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH, MoveFileExW,
};

use super::text::wide;

/// Puts the file `new` in the place of `old`, and returns when it is there for good.
#[expect(unsafe_code, reason = "std does not wait for the disk")]
pub fn replace(new: &Path, old: &Path) -> io::Result<()> {
    let (new, old) = (wide(new), wide(old));
    let how = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
    // SAFETY: both paths end at a zero and outlive the call.
    let moved = unsafe { MoveFileExW(new.as_ptr(), old.as_ptr(), how) };
    if moved == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
