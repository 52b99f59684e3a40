//! Microphones and speakers as programs get them (`mmdeviceapi.h`, `endpointvolume.h`): their names,
//! mute, volume, and which of them conference programs take by default.

use std::ffi::c_void;
use std::ptr;

use windows_sys::Win32::Devices::Properties::DEVPKEY_Device_FriendlyName;
use windows_sys::Win32::Foundation::DEVPROPKEY;
use windows_sys::Win32::System::Com::StructuredStorage::{PROPVARIANT, PropVariantClear};
use windows_sys::Win32::System::Com::{CLSCTX_ALL, CoTaskMemFree, STGM_READ};
use windows_sys::Win32::System::Variant::VT_LPWSTR;
use windows_sys::core::{GUID, HRESULT};
use wire::Cause;

use super::com::{Apartment, Made, Object};
use crate::platform::{Device, Sound, SoundControls, SoundDevice};

const ENUMERATOR_CLASS: GUID = GUID::from_u128(0xbcde0395_e52f_467c_8e3d_c4579291692e);
const ENUMERATOR: GUID = GUID::from_u128(0xa95664d2_9614_4f35_a746_de8db63617e6);
const VOLUME: GUID = GUID::from_u128(0x5cdf2c82_841e_4546_9722_0cf74078229a);

/// `eCommunications`: what conference programs ask for. Others ask for `eConsole`.
const COMMUNICATIONS: i32 = 2;

/// `DEVICE_STATE_ACTIVE`, `_DISABLED` and `_UNPLUGGED`: all but those that are gone.
const ACTIVE: u32 = 1;
const DISABLED: u32 = 2;
const UNPLUGGED: u32 = 8;

/// Far above what a PC with several sound cards has, HDMI sockets counted.
const ENDS: u32 = 64;

/// The longest text that is read, in UTF-16 units.
const TEXT: usize = 1024;

/// What Windows tells; `None` where it tells nothing, as before anybody has signed in.
pub(super) fn ends(sound: Sound) -> Option<Vec<SoundDevice>> {
    let _apartment = Apartment::enter()?;
    let enumerator = Object::create(&ENUMERATOR_CLASS, &ENUMERATOR)?;
    let flow = match sound {
        Sound::Out => 0,
        Sound::In => 1,
    };
    let default = default(&enumerator, flow).and_then(|end| id(&end));
    let all = all(&enumerator, flow)?;
    let found: Vec<SoundDevice> =
        all.iter().filter_map(|end| sound_device(end, default.as_deref())).collect();
    (!found.is_empty()).then_some(found)
}

#[expect(unsafe_code, reason = "a method of COM")]
fn default(enumerator: &Object, flow: i32) -> Option<Object> {
    type Default = unsafe extern "system" fn(*mut c_void, i32, i32, Made) -> HRESULT;
    // SAFETY: `IMMDeviceEnumerator::GetDefaultAudioEndpoint` is number 4.
    Object::made(|made| unsafe {
        enumerator.method::<Default>(4)(enumerator.this(), flow, COMMUNICATIONS, made)
    })
}

#[expect(unsafe_code, reason = "methods of COM")]
fn all(enumerator: &Object, flow: i32) -> Option<Vec<Object>> {
    type All = unsafe extern "system" fn(*mut c_void, i32, u32, Made) -> HRESULT;
    type Item = unsafe extern "system" fn(*mut c_void, u32, Made) -> HRESULT;
    let states = ACTIVE | DISABLED | UNPLUGGED;
    // SAFETY: `IMMDeviceEnumerator::EnumAudioEndpoints` is number 3.
    let list = Object::made(|made| unsafe {
        enumerator.method::<All>(3)(enumerator.this(), flow, states, made)
    })?;
    // SAFETY: `IMMDeviceCollection::GetCount` is number 3 and writes a `UINT`.
    let count = unsafe { list.value(3, 0_u32) }?;
    let item = |index| {
        // SAFETY: `IMMDeviceCollection::Item` is number 4.
        Object::made(|made| unsafe { list.method::<Item>(4)(list.this(), index, made) })
    };
    Some((0..count.min(ENDS)).filter_map(item).collect())
}

#[expect(unsafe_code, reason = "a method of COM")]
fn sound_device(end: &Object, default: Option<&str>) -> Option<SoundDevice> {
    let id = id(end)?;
    // SAFETY: `IMMDevice::GetState` is number 6 and writes a `DWORD`.
    let state = unsafe { end.value(6, 0_u32) }?;
    let trouble = match state {
        ACTIVE => None,
        DISABLED => Some((Cause::Disabled, "disabled in the sound settings".to_owned())),
        _ => Some((Cause::Unplugged, String::new())),
    };
    let device = Device {
        name: name(end).unwrap_or_else(|| id.clone()),
        aliases: id.clone(),
        troubles: trouble.into_iter().collect(),
        ..Device::default()
    };
    let controls = volume(end).map(|(muted, volume)| SoundControls {
        default: default == Some(id.as_str()),
        muted,
        volume,
    });
    Some(SoundDevice { device, controls })
}

#[expect(unsafe_code, reason = "a method of COM")]
fn id(end: &Object) -> Option<String> {
    // SAFETY: `IMMDevice::GetId` is number 5 and writes a text that the caller frees.
    unsafe {
        let text = end.value(5, ptr::null_mut::<u16>())?;
        let id = read(text);
        CoTaskMemFree(text.cast());
        id
    }
}

/// Whether it is mute, and its volume of 0 to 1.
#[expect(unsafe_code, reason = "methods of COM")]
fn volume(end: &Object) -> Option<(bool, f64)> {
    type Activate = unsafe extern "system" fn(
        *mut c_void,
        *const GUID,
        u32,
        *const PROPVARIANT,
        Made,
    ) -> HRESULT;
    // SAFETY: `IMMDevice::Activate` is number 3; its parameters may be none.
    let volume = Object::made(|made| unsafe {
        end.method::<Activate>(3)(end.this(), &VOLUME, CLSCTX_ALL, ptr::null(), made)
    })?;
    // SAFETY: of `IAudioEndpointVolume`, `GetMute` is number 15 and writes a `BOOL`,
    // `GetMasterVolumeLevelScalar` is number 9 and writes a `float`.
    let (muted, scalar) = unsafe { (volume.value(15, 0_i32)?, volume.value(9, 0_f32)?) };
    Some((muted != 0, f64::from(scalar)))
}

/// `Microphone (Jabra SPEAK 510 USB)`
#[expect(unsafe_code, reason = "methods of COM")]
fn name(end: &Object) -> Option<String> {
    type Open = unsafe extern "system" fn(*mut c_void, u32, Made) -> HRESULT;
    type Get =
        unsafe extern "system" fn(*mut c_void, *const DEVPROPKEY, *mut PROPVARIANT) -> HRESULT;
    // SAFETY: `IMMDevice::OpenPropertyStore` is number 4, `IPropertyStore::GetValue` number 5. A
    // property's key is laid out as a device property's. What was written is a text where its type
    // says so, and is cleared once.
    unsafe {
        let store = Object::made(|made| end.method::<Open>(4)(end.this(), STGM_READ, made))?;
        let mut value = PROPVARIANT::default();
        let get = store.method::<Get>(5);
        if get(store.this(), &DEVPKEY_Device_FriendlyName, &raw mut value) < 0 {
            return None;
        }
        let inner = &value.Anonymous.Anonymous;
        let name = if inner.vt == VT_LPWSTR { read(inner.Anonymous.pwszVal) } else { None };
        PropVariantClear(&raw mut value);
        name.filter(|name| !name.is_empty())
    }
}

/// The text at a pointer, up to its end.
///
/// # Safety
/// It is null, or points to a text that ends at a zero.
#[expect(unsafe_code, reason = "Windows' texts are pointers")]
unsafe fn read(text: *const u16) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: each unit before the end, and the end itself, may be read.
    let units: Vec<u16> =
        (0..TEXT).map(|at| unsafe { *text.add(at) }).take_while(|unit| *unit != 0).collect();
    Some(String::from_utf16_lossy(&units))
}
