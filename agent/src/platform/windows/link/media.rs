//! What only the driver of an interface knows: duplex of a cable, signal of a Wi-Fi.

use std::ffi::c_void;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, HANDLE};
use windows_sys::Win32::NetworkManagement::Ndis::OID_GEN_LINK_STATE;
use windows_sys::core::GUID;

use super::super::control::Driver;
use super::super::library;
use crate::platform::ndis;

/// `IOCTL_NDIS_QUERY_GLOBAL_STATS` of ntddndis.h.
const QUERY: u32 = 0x0017_0002;

/// `wlan_intf_opcode_rssi` of wlanapi.h.
const SIGNAL: i32 = 0x1000_0102;

/// The version of the Wi-Fi functions since Windows Vista.
const WIFI_VERSION: u32 = 2;

/// Weaker or stronger than any receiver tells: a driver that does not know says 0 or its lowest.
const PLAUSIBLE_DBM: std::ops::Range<i32> = -120..0;

/// Whether both ends of the cable talk at once; `None` where the driver does not say.
pub(super) fn full_duplex(interface: &GUID) -> Option<bool> {
    let driver = Driver::of(&format!(r"\\.\{}", written(interface)))?;
    let question = OID_GEN_LINK_STATE.to_le_bytes();
    ndis::full_duplex(&driver.ask(QUERY, &question, ndis::LINK_STATE_BYTES)?)
}

/// `{01234567-89AB-CDEF-0123-456789ABCDEF}`
fn written(id: &GUID) -> String {
    let tail = u64::from_be_bytes(id.data4);
    let (fourth, fifth) = (tail >> 48, tail & 0xFFFF_FFFF_FFFF);
    format!("{{{:08X}-{:04X}-{:04X}-{fourth:04X}-{fifth:012X}}}", id.data1, id.data2, id.data3)
}

type Open = unsafe extern "system" fn(u32, *const c_void, *mut u32, *mut HANDLE) -> u32;
type Close = unsafe extern "system" fn(HANDLE, *const c_void) -> u32;
type Free = unsafe extern "system" fn(*const c_void);
type Query = unsafe extern "system" fn(
    HANDLE,
    *const GUID,
    i32,
    *const c_void,
    *mut u32,
    *mut *mut c_void,
    *mut i32,
) -> u32;

/// The signal level of a Wi-Fi in dBm; `None` where Windows has no Wi-Fi (as its servers have none
/// until it is added), or does not tell.
#[expect(unsafe_code, reason = "functions of Windows")]
pub(super) fn wifi_signal(interface: &GUID) -> Option<f64> {
    // SAFETY: all as wlanapi.h declares them.
    let (open, close, query, free) = unsafe {
        (
            library::function::<Open>("wlanapi.dll", c"WlanOpenHandle")?,
            library::function::<Close>("wlanapi.dll", c"WlanCloseHandle")?,
            library::function::<Query>("wlanapi.dll", c"WlanQueryInterface")?,
            library::function::<Free>("wlanapi.dll", c"WlanFreeMemory")?,
        )
    };
    let (mut version, mut handle) = (0, ptr::null_mut());
    // SAFETY: pointers to live values; what is opened is closed below.
    if unsafe { open(WIFI_VERSION, ptr::null(), &raw mut version, &raw mut handle) }
        != ERROR_SUCCESS
    {
        return None;
    }
    let (mut bytes, mut data, mut kind) = (0, ptr::null_mut(), 0);
    // SAFETY: the handle is open and all pointers are to live values. On success the data have as
    // many bytes as is told, and are ours to free, once.
    let level = unsafe {
        let status = query(
            handle,
            interface,
            SIGNAL,
            ptr::null(),
            &raw mut bytes,
            &raw mut data,
            &raw mut kind,
        );
        let told = status == ERROR_SUCCESS && !data.is_null() && bytes as usize >= size_of::<i32>();
        let level = told.then(|| data.cast::<i32>().read_unaligned());
        if !data.is_null() {
            free(data);
        }
        close(handle, ptr::null());
        level
    };
    level.filter(|level| PLAUSIBLE_DBM.contains(level)).map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: GUID = GUID::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);

    #[test]
    fn an_interface_is_named_as_windows_writes_it() {
        assert_eq!(written(&ID), "{01234567-89AB-CDEF-0123-456789ABCDEF}");
    }

    #[test]
    fn an_interface_that_is_not_there_tells_nothing() {
        assert_eq!(full_duplex(&ID), None);
        assert_eq!(wifi_signal(&ID), None);
    }
}
