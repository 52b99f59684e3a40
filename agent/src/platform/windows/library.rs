//! Functions that not every Windows has. One that is linked and missing would keep the whole
//! program from starting.

use std::ffi::CStr;
use std::mem;

use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};

use super::text::wide;

/// The function of that name in a DLL of the system's own folder; `None` where there is none. The
/// DLL stays loaded for as long as the program runs.
///
/// # Safety
/// `F` is the type of a pointer to that function.
#[expect(unsafe_code, reason = "a DLL does not tell what its functions take")]
pub(in crate::platform) unsafe fn function<F: Copy>(library: &str, name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<usize>(), "F is a pointer to a function") }
    let library = wide(library);
    // SAFETY: the names end at a zero and outlive the calls.
    let found = unsafe {
        let handle =
            LoadLibraryExW(library.as_ptr(), std::ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32);
        if handle.is_null() {
            return None;
        }
        GetProcAddress(handle, name.as_ptr().cast())?
    };
    // SAFETY: both are pointers to functions, and `F` is that of this one by the contract.
    Some(unsafe { mem::transmute_copy(&found) })
}
