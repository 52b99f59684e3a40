//! Where a service lives on Windows.

use std::path::PathBuf;
use std::ptr;

use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::UI::Shell::{FOLDERID_ProgramData, KF_FLAG_DEFAULT, SHGetKnownFolderPath};

use super::text::narrow;

/// Where every Windows keeps it unless its maker thought otherwise.
const PROGRAM_DATA: &str = r"C:\ProgramData";

/// Far longer than any path of a folder that Windows knows.
const PATH_UNITS: usize = 32 * 1024;

/// The configuration where the command line names none.
#[must_use]
pub fn config_file() -> PathBuf {
    home().join("agent.yaml")
}

/// Identity and spool where the configuration says nothing.
#[must_use]
pub fn state_dir() -> PathBuf {
    home().join("agent")
}

/// The product's own folder. Not by the variable `ProgramData`: anybody can set that.
pub(super) fn home() -> PathBuf {
    program_data().unwrap_or_else(|| PROGRAM_DATA.into()).join("NhipCau")
}

#[expect(unsafe_code, reason = "calls to Windows")]
fn program_data() -> Option<PathBuf> {
    let mut path = ptr::null_mut();
    // SAFETY: pointers to a live identifier and a live pointer; null is the user of this program.
    let status = unsafe {
        SHGetKnownFolderPath(
            &FOLDERID_ProgramData,
            KF_FLAG_DEFAULT as u32,
            ptr::null_mut(),
            &raw mut path,
        )
    };
    let found = (status == 0 && !path.is_null()).then(|| {
        let mut length = 0;
        // SAFETY: on success it is a text that ends at a zero, and is read only up to there.
        unsafe {
            while length < PATH_UNITS && *path.add(length) != 0 {
                length += 1;
            }
            PathBuf::from(narrow(std::slice::from_raw_parts(path, length)))
        }
    });
    // SAFETY: its caller frees it, also after a failure; null is allowed.
    unsafe { CoTaskMemFree(path.cast()) };
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lives_below_the_folder_for_programs_data() {
        assert!(home().is_absolute());
        assert!(home().ends_with("NhipCau"));
        assert!(config_file().starts_with(home()) && state_dir().starts_with(home()));
    }
}
