//! Which program Windows starts for everybody who signs in.

use std::io;

use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, REG_SZ, RegDeleteKeyValueW, RegSetKeyValueW,
};

use super::super::registry::{Key, MACHINE};
use super::super::service::NAME;
use super::super::size;
use super::super::text::wide;

/// What Windows starts at each sign-in (Microsoft: "Run and `RunOnce` Registry Keys").
const RUN: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Run";

/// From the next sign-in on everybody has a helper.
#[expect(unsafe_code, reason = "a call to Windows")]
pub(in super::super) fn start_helpers_at_sign_in() -> io::Result<()> {
    // Quoted, or a program named `C:\Program.exe` would be started in its place.
    let command = wide(format!("\"{}\" session", std::env::current_exe()?.display()));
    let (key, name) = (wide(RUN), wide(NAME));
    let bytes = u32::try_from(command.len()).map_err(io::Error::other)? * size::<u16>();
    // SAFETY: the texts end at a zero, and the value has as many bytes as is said.
    let status = unsafe {
        RegSetKeyValueW(
            HKEY_LOCAL_MACHINE,
            key.as_ptr(),
            name.as_ptr(),
            REG_SZ,
            command.as_ptr().cast(),
            bytes,
        )
    };
    if status == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(status.cast_signed()))
    }
}

/// Nobody gets one any more, and those that run end: each looks for this when the service goes.
#[expect(unsafe_code, reason = "a call to Windows")]
pub(in super::super) fn forget_helper() {
    let (key, name) = (wide(RUN), wide(NAME));
    // SAFETY: the names end at a zero and outlive the call.
    unsafe { RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, key.as_ptr(), name.as_ptr()) };
}

/// Whether helpers are wanted.
pub(super) fn wanted() -> bool {
    Key::open(MACHINE, RUN).is_some_and(|key| key.text(NAME).is_some())
}
