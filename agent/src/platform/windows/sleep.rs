//! When the system would go to sleep, by the power plan that is in force; and when it may restart.

use std::ffi::CStr;
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::System::Power::{
    GetSystemPowerStatus, SYSTEM_POWER_CAPABILITIES, SYSTEM_POWER_STATUS,
};
use windows_sys::Win32::System::Registry::HKEY;
use windows_sys::core::GUID;

use super::{library, updates};
use crate::platform::SleepPlan;

/// `GUID_SLEEP_SUBGROUP` of winnt.h.
const SLEEP: GUID = GUID::from_u128(0x238c_9fa8_0aad_41ed_83f4_97be_242c_8f20);

/// `GUID_STANDBY_TIMEOUT` of winnt.h.
const STANDBY: GUID = GUID::from_u128(0x29f6_c1db_86da_48c5_9fdb_f2b6_7b1f_44da);

/// `GUID_HIBERNATE_TIMEOUT` of winnt.h.
const HIBERNATE: GUID = GUID::from_u128(0x9d78_15a6_7ee4_497e_8888_515a_05f0_2364);

type ActiveScheme = unsafe extern "system" fn(HKEY, *mut *mut GUID) -> u32;
type ValueIndex =
    unsafe extern "system" fn(HKEY, *const GUID, *const GUID, *const GUID, *mut u32) -> u32;

type Capabilities = unsafe extern "system" fn(*mut SYSTEM_POWER_CAPABILITIES) -> bool;

/// Of a shutdown that somebody has scheduled (`shutdown /t`, or a task that does it) Windows tells
/// nobody but administrators, or not even them.
#[must_use]
pub fn sleep_plan() -> SleepPlan {
    let hours = updates::hours();
    let abilities = capabilities().map_or(Abilities::ALL, |told| Abilities::of(&told));
    let value = if on_battery() { c"PowerReadDCValueIndex" } else { c"PowerReadACValueIndex" };
    SleepPlan {
        after: soonest(abilities.settings().filter_map(|setting| seconds(setting, value))),
        restart_unix_seconds: updates::restart_unix_seconds(hours),
        active_hours: Some(hours),
        ..SleepPlan::default()
    }
}

/// Zero says "never".
fn soonest(seconds: impl Iterator<Item = u32>) -> Option<Duration> {
    seconds.filter(|seconds| *seconds > 0).min().map(|seconds| Duration::from_secs(seconds.into()))
}

/// What this PC can do: a plan has times for what it cannot, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Abilities {
    sleep: bool,
    hibernate: bool,
}

impl Abilities {
    /// Where Windows does not tell.
    const ALL: Self = Self { sleep: true, hibernate: true };

    fn of(told: &SYSTEM_POWER_CAPABILITIES) -> Self {
        Self {
            // `AoAc`: it sleeps with its network on, as today's laptops do.
            sleep: told.SystemS1 || told.SystemS2 || told.SystemS3 || told.AoAc,
            hibernate: told.SystemS4 && told.HiberFilePresent,
        }
    }

    fn settings(self) -> impl Iterator<Item = &'static GUID> {
        [(self.sleep, &STANDBY), (self.hibernate, &HIBERNATE)]
            .into_iter()
            .filter_map(|(able, setting)| able.then_some(setting))
    }
}

#[expect(unsafe_code, reason = "calls to Windows")]
fn capabilities() -> Option<SYSTEM_POWER_CAPABILITIES> {
    let mut told = SYSTEM_POWER_CAPABILITIES::default();
    // SAFETY: as powrprof.h declares it; it writes a live structure.
    let answered = unsafe {
        library::function::<Capabilities>("powrprof.dll", c"GetPwrCapabilities")?(&raw mut told)
    };
    answered.then_some(told)
}

/// Whether it is without mains power now, for which a plan has other times.
#[expect(unsafe_code, reason = "a call to Windows")]
fn on_battery() -> bool {
    let mut status = SYSTEM_POWER_STATUS::default();
    // SAFETY: a pointer to a live structure, which the call writes.
    let answered = unsafe { GetSystemPowerStatus(&raw mut status) };
    answered != 0 && status.ACLineStatus == 0
}

/// The seconds of one setting; `None` where the plan does not tell.
#[expect(unsafe_code, reason = "calls to Windows")]
fn seconds(setting: &GUID, value: &CStr) -> Option<u32> {
    // SAFETY: both as powersetting.h declares them.
    let (scheme_of, value_of) = unsafe {
        (
            library::function::<ActiveScheme>("powrprof.dll", c"PowerGetActiveScheme")?,
            library::function::<ValueIndex>("powrprof.dll", value)?,
        )
    };
    let mut scheme = ptr::null_mut();
    // SAFETY: a pointer to a live pointer; on success it owns one identifier, freed below.
    let status = unsafe { scheme_of(ptr::null_mut(), &raw mut scheme) };
    if status != ERROR_SUCCESS || scheme.is_null() {
        return None;
    }
    let mut seconds = 0;
    // SAFETY: all pointers are to live values; `seconds` is written on success only.
    let status = unsafe { value_of(ptr::null_mut(), scheme, &SLEEP, setting, &raw mut seconds) };
    // SAFETY: `PowerGetActiveScheme` allocated it for its caller to free with this function.
    unsafe { LocalFree(scheme.cast()) };
    (status == ERROR_SUCCESS).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sooner_of_two_kinds_of_sleep_counts_and_never_is_never() {
        for (set, after) in [
            (vec![], None),
            (vec![0, 0], None),
            (vec![0, 3600], Some(3600)),
            (vec![1800, 3600], Some(1800)),
        ] {
            assert_eq!(soonest(set.into_iter()), after.map(Duration::from_secs));
        }
    }

    #[test]
    fn what_a_pc_cannot_do_has_no_time() {
        let none = SYSTEM_POWER_CAPABILITIES::default;
        let able = |told: &SYSTEM_POWER_CAPABILITIES| {
            let able = Abilities::of(told);
            (able.sleep, able.hibernate)
        };
        assert_eq!(able(&none()), (false, false));
        let old = SYSTEM_POWER_CAPABILITIES { SystemS3: true, SystemS4: true, ..none() };
        assert_eq!(able(&old), (true, false), "hibernation is switched off");
        let laptop = SYSTEM_POWER_CAPABILITIES {
            AoAc: true,
            SystemS4: true,
            HiberFilePresent: true,
            ..none()
        };
        assert_eq!(able(&laptop), (true, true));
        assert_eq!(Abilities::of(&old).settings().count(), 1);
    }

    #[test]
    fn a_system_without_the_functions_has_no_plan_and_is_no_fault() {
        let plan = sleep_plan();
        assert_eq!((plan.after, plan.shutdown_unix_seconds), (None, None));
    }
}
