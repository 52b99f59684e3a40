//! The registry, read only.

use std::ptr;

use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_READ, RRF_NOEXPAND, RRF_RT_REG_BINARY, RRF_RT_REG_DWORD,
    RRF_RT_REG_EXPAND_SZ, RRF_RT_REG_QWORD, RRF_RT_REG_SZ, RegCloseKey, RegEnumKeyExW,
    RegGetValueW, RegOpenKeyExW,
};

use super::size;
use super::text::{narrow, wide};

/// The settings of the PC.
pub(in crate::platform) const MACHINE: HKEY = HKEY_LOCAL_MACHINE;

/// The longest name of a key (Microsoft: "Registry Element Size Limits"), and its end.
const NAME: u32 = 256;

/// The longest text that is read, in UTF-16 units: names and versions are short.
const TEXT: u32 = 1024;

/// More keys side by side than a PC has programs or users; what goes on for ever must not.
const KEYS: u32 = 4096;

/// An open key.
#[derive(Debug)]
pub(in crate::platform) struct Key(HKEY);

impl Key {
    /// The key of that path; `None` where there is none, or none that this user may read.
    #[expect(unsafe_code, reason = "no maintained crate wraps the registry so thinly")]
    pub(in crate::platform) fn open(root: HKEY, path: &str) -> Option<Self> {
        let path = wide(path);
        let mut key = ptr::null_mut();
        // SAFETY: `path` ends at a zero and outlives the call; the key is written only on success.
        let status = unsafe { RegOpenKeyExW(root, path.as_ptr(), 0, KEY_READ, &raw mut key) };
        (status == ERROR_SUCCESS).then_some(Self(key))
    }

    /// One that somebody else has opened, to be closed by this.
    pub(in crate::platform) fn of(key: HKEY) -> Self {
        Self(key)
    }

    /// A key below this one.
    pub(in crate::platform) fn below(&self, path: &str) -> Option<Self> {
        Self::open(self.0, path)
    }

    /// A value that is a text. Variables in it (`%SystemRoot%`) stay as they are written.
    #[expect(unsafe_code, reason = "no maintained crate wraps the registry so thinly")]
    pub(in crate::platform) fn text(&self, name: &str) -> Option<String> {
        let name = wide(name);
        let mut units = vec![0u16; TEXT as usize];
        let mut bytes = TEXT * size::<u16>();
        // SAFETY: the name ends at a zero, `units` has the room that is told; both outlive the call.
        let status = unsafe {
            RegGetValueW(
                self.0,
                ptr::null(),
                name.as_ptr(),
                RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND,
                ptr::null_mut(),
                units.as_mut_ptr().cast(),
                &raw mut bytes,
            )
        };
        (status == ERROR_SUCCESS).then(|| narrow(&units))
    }

    /// A value that is a number of 32 or 64 bits.
    pub(in crate::platform) fn number(&self, name: &str) -> Option<u64> {
        let bytes = self.raw(name, RRF_RT_REG_DWORD | RRF_RT_REG_QWORD, size_of::<u64>())?;
        let mut number = [0; size_of::<u64>()];
        number.get_mut(..bytes.len())?.copy_from_slice(&bytes);
        Some(u64::from_le_bytes(number))
    }

    /// A value that is bytes, `most` at most; `None` of a longer one.
    pub(in crate::platform) fn bytes(&self, name: &str, most: usize) -> Option<Vec<u8>> {
        self.raw(name, RRF_RT_REG_BINARY, most)
    }

    #[expect(unsafe_code, reason = "no maintained crate wraps the registry so thinly")]
    fn raw(&self, name: &str, kinds: u32, most: usize) -> Option<Vec<u8>> {
        let name = wide(name);
        let mut bytes = vec![0u8; most];
        let mut length = u32::try_from(most).ok()?;
        // SAFETY: the name ends at a zero, `bytes` has the room that is told; both outlive the call.
        let status = unsafe {
            RegGetValueW(
                self.0,
                ptr::null(),
                name.as_ptr(),
                kinds,
                ptr::null_mut(),
                bytes.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        bytes.truncate(length as usize);
        (status == ERROR_SUCCESS).then_some(bytes)
    }

    /// The names of the keys directly below.
    #[expect(unsafe_code, reason = "no maintained crate wraps the registry so thinly")]
    pub(in crate::platform) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for index in 0..KEYS {
            let mut name = [0u16; NAME as usize];
            let mut length = NAME;
            // SAFETY: the name has room for `length` units; nothing else is asked for.
            let status = unsafe {
                RegEnumKeyExW(
                    self.0,
                    index,
                    name.as_mut_ptr(),
                    &raw mut length,
                    ptr::null(),
                    ptr::null_mut(),
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            };
            if status != ERROR_SUCCESS {
                break;
            }
            names.push(narrow(&name));
        }
        names
    }
}

impl Drop for Key {
    #[expect(unsafe_code, reason = "no maintained crate wraps the registry so thinly")]
    fn drop(&mut self) {
        // SAFETY: the key was opened by `open`, is closed nowhere else and used no more.
        unsafe { RegCloseKey(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_windows_has_is_read() {
        let version = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        let key = Key::open(MACHINE, version).unwrap();
        assert!(key.text("ProductName").is_some_and(|name| name.contains("Windows")));
        assert_eq!(key.text("no such value"), None);
        assert!(Key::open(MACHINE, r"SOFTWARE\no such key").is_none());
        assert_eq!(key.number("ProductName"), None);
        assert!(key.number("CurrentMajorVersionNumber").is_none_or(|version| version >= 6));
        let above = Key::open(MACHINE, r"SOFTWARE\Microsoft").unwrap();
        assert!(above.names().iter().any(|name| name == "Windows NT"), "{:?}", above.names());
        assert!(above.below(r"Windows NT\CurrentVersion").is_some());
    }
}
