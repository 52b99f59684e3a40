//! The list of Plug and Play, by `SetupAPI`: it answers a service as well as a user.

use std::{io, ptr};

use windows_sys::Win32::Devices::DeviceAndDriverInstallation::{
    DICS_FLAG_GLOBAL, DIGCF_ALLCLASSES, DIGCF_PRESENT, DIREG_DEV, HDEVINFO,
    SETUP_DI_REGISTRY_PROPERTY, SP_DEVINFO_DATA, SPDRP_CLASS, SPDRP_COMPATIBLEIDS,
    SPDRP_DEVICEDESC, SPDRP_FRIENDLYNAME, SPDRP_MFG, SetupDiDestroyDeviceInfoList,
    SetupDiEnumDeviceInfo, SetupDiGetClassDevsW, SetupDiGetDeviceInstanceIdW,
    SetupDiGetDevicePropertyW, SetupDiGetDeviceRegistryPropertyW, SetupDiOpenDevRegKey,
};
use windows_sys::Win32::Devices::Properties::{
    DEVPKEY_Device_BusReportedDeviceDesc, DEVPKEY_Device_DevNodeStatus, DEVPKEY_Device_ProblemCode,
    DEVPROP_TYPE_INT32, DEVPROP_TYPE_STRING, DEVPROP_TYPE_UINT32,
};
use windows_sys::Win32::Foundation::{DEVPROPKEY, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Registry::KEY_READ;

use super::super::registry::Key;
use super::super::text::narrow;
use crate::platform::pnp::Node;

/// Several times what a PC with much in it has; what goes on for ever must not.
const NODES: u32 = 4096;

/// Longer than the longest path (`MAX_DEVICE_ID_LEN` is 200) and any name, in UTF-16 units.
const TEXT: u32 = 1024;

/// The same in bytes.
const TEXT_BYTES: u32 = TEXT * 2;

/// What `SP_DEVINFO_DATA` says of its own size, on 64-bit Windows.
const DATA_BYTES: u32 = {
    assert!(size_of::<SP_DEVINFO_DATA>() == 32);
    32
};

/// A display tells of itself in blocks of 128 bytes, of which one to four are common.
const EDID_BYTES: usize = 1024;

/// What is there now.
struct List(HDEVINFO);

/// Every device that is there and that `wanted` takes for one of its own. It is asked before all
/// is read: a PC has hundreds, and a room few.
pub(super) fn nodes(wanted: impl Fn(&Node) -> bool) -> io::Result<Vec<Node>> {
    let list = List::open()?;
    let mut found = Vec::new();
    for index in 0..NODES {
        let Some(data) = list.entry(index) else { break };
        let known = list.sketch(&data);
        if wanted(&known) {
            found.push(list.whole(&data, known));
        }
    }
    Ok(found)
}

#[expect(unsafe_code, reason = "functions of Windows")]
impl List {
    fn open() -> io::Result<Self> {
        let flags = DIGCF_ALLCLASSES | DIGCF_PRESENT;
        // SAFETY: no class, no enumerator and no window are allowed; the list is closed in `drop`.
        let list =
            unsafe { SetupDiGetClassDevsW(ptr::null(), ptr::null(), ptr::null_mut(), flags) };
        if list == INVALID_HANDLE_VALUE as HDEVINFO {
            return Err(io::Error::last_os_error());
        }
        Ok(Self(list))
    }

    fn entry(&self, index: u32) -> Option<SP_DEVINFO_DATA> {
        let mut data = SP_DEVINFO_DATA { cbSize: DATA_BYTES, ..SP_DEVINFO_DATA::default() };
        // SAFETY: the list is open, and the structure of the size that it names.
        let found = unsafe { SetupDiEnumDeviceInfo(self.0, index, &raw mut data) };
        (found != 0).then_some(data)
    }

    /// Enough to tell what it is.
    fn sketch(&self, data: &SP_DEVINFO_DATA) -> Node {
        let text = |property| first(&self.texts(data, property));
        Node {
            id: self.id(data),
            class: text(SPDRP_CLASS),
            compatible: self.texts(data, SPDRP_COMPATIBLEIDS),
            ..Node::default()
        }
    }

    fn whole(&self, data: &SP_DEVINFO_DATA, known: Node) -> Node {
        let text = |property| first(&self.texts(data, property));
        Node {
            friendly: text(SPDRP_FRIENDLYNAME),
            description: text(SPDRP_DEVICEDESC),
            maker: text(SPDRP_MFG),
            product: self.product(data),
            status: self.number(data, &DEVPKEY_Device_DevNodeStatus),
            problem: self.number(data, &DEVPKEY_Device_ProblemCode),
            edid: if known.is_of("Monitor") { self.edid(data) } else { Vec::new() },
            ..known
        }
    }

    fn id(&self, data: &SP_DEVINFO_DATA) -> String {
        let mut units = [0u16; TEXT as usize];
        // SAFETY: the buffer has the room that is told; the length that would be needed is not asked.
        let found = unsafe {
            SetupDiGetDeviceInstanceIdW(self.0, data, units.as_mut_ptr(), TEXT, ptr::null_mut())
        };
        if found == 0 { String::new() } else { narrow(&units) }
    }

    /// A text, or a list of them.
    fn texts(&self, data: &SP_DEVINFO_DATA, property: SETUP_DI_REGISTRY_PROPERTY) -> Vec<String> {
        let mut units = vec![0u16; TEXT as usize];
        // SAFETY: the buffer has the room that is told, in bytes; neither the type nor the length
        // that would be needed is asked for.
        let found = unsafe {
            SetupDiGetDeviceRegistryPropertyW(
                self.0,
                data,
                property,
                ptr::null_mut(),
                units.as_mut_ptr().cast(),
                TEXT_BYTES,
                ptr::null_mut(),
            )
        };
        if found == 0 {
            return Vec::new();
        }
        let texts = units.split(|unit| *unit == 0).take_while(|text| !text.is_empty());
        texts.map(narrow).collect()
    }

    fn product(&self, data: &SP_DEVINFO_DATA) -> String {
        match self.property(data, &DEVPKEY_Device_BusReportedDeviceDesc) {
            Some((DEVPROP_TYPE_STRING, units)) => narrow(&units),
            _ => String::new(),
        }
    }

    /// `None` where there is none: 0 would look like a device that works.
    fn number(&self, data: &SP_DEVINFO_DATA, key: &DEVPROPKEY) -> Option<u32> {
        let (kind, units) = self.property(data, key)?;
        let number = [*units.first()?, *units.get(1)?];
        let known = matches!(kind, DEVPROP_TYPE_UINT32 | DEVPROP_TYPE_INT32);
        known.then(|| u32::from(number[0]) | u32::from(number[1]) << 16)
    }

    /// The kind and the content of a property.
    fn property(&self, data: &SP_DEVINFO_DATA, key: &DEVPROPKEY) -> Option<(u32, Vec<u16>)> {
        let (mut kind, mut units) = (0, vec![0u16; TEXT as usize]);
        // SAFETY: the buffer has the room that is told, in bytes; the key is one of Windows' own.
        let found = unsafe {
            SetupDiGetDevicePropertyW(
                self.0,
                data,
                key,
                &raw mut kind,
                units.as_mut_ptr().cast(),
                TEXT_BYTES,
                ptr::null_mut(),
                0,
            )
        };
        (found != 0).then_some((kind, units))
    }

    fn edid(&self, data: &SP_DEVINFO_DATA) -> Vec<u8> {
        // SAFETY: the list is open and the device in it; the key is closed by `Key`.
        let key =
            unsafe { SetupDiOpenDevRegKey(self.0, data, DICS_FLAG_GLOBAL, 0, DIREG_DEV, KEY_READ) };
        if key == INVALID_HANDLE_VALUE {
            return Vec::new();
        }
        Key::of(key).bytes("EDID", EDID_BYTES).unwrap_or_default()
    }
}

impl Drop for List {
    #[expect(unsafe_code, reason = "a function of Windows")]
    fn drop(&mut self) {
        // SAFETY: opened in `open`, closed once.
        unsafe { SetupDiDestroyDeviceInfoList(self.0) };
    }
}

fn first(texts: &[String]) -> String {
    texts.first().cloned().unwrap_or_default()
}
