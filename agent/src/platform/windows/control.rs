//! Questions to drivers that everybody may ask.

use std::fs::{File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::ptr;

use windows_sys::Win32::Storage::FileSystem::{FILE_SHARE_READ, FILE_SHARE_WRITE};
use windows_sys::Win32::System::IO::DeviceIoControl;

/// A device that is asked and neither read nor written, for which no rights are needed.
#[derive(Debug)]
pub(super) struct Driver(File);

impl Driver {
    /// Of a device's name: `\\.\PhysicalDrive0`. `None` where there is none.
    pub(super) fn of(device: &str) -> Option<Self> {
        let mut options = OpenOptions::new();
        options.access_mode(0).share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE);
        options.open(device).ok().map(Self)
    }

    /// The answer to the question of that number, `most` bytes at most; `None` where the driver does
    /// not know it.
    #[expect(unsafe_code, reason = "a call to Windows")]
    pub(super) fn ask(&self, number: u32, question: &[u8], most: usize) -> Option<Vec<u8>> {
        let mut answer = vec![0; most];
        let mut length = 0;
        let sizes = (u32::try_from(question.len()).ok()?, u32::try_from(most).ok()?);
        // SAFETY: the handle is open and both buffers have the length that is told; without an
        // `OVERLAPPED` the call returns when all is done.
        let answered = unsafe {
            DeviceIoControl(
                self.0.as_raw_handle(),
                number,
                question.as_ptr().cast(),
                sizes.0,
                answer.as_mut_ptr().cast(),
                sizes.1,
                &raw mut length,
                ptr::null_mut(),
            )
        };
        answer.truncate(length as usize);
        (answered != 0).then_some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_has_no_driver() {
        assert!(Driver::of(r"\\.\NoSuchDevice").is_none());
    }
}
