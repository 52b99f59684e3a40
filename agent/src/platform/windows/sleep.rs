//! When the system would go to sleep, by the power plan that is in force.

use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::System::Registry::HKEY;
use windows_sys::core::GUID;

use super::library;
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

/// What is set for mains power: on battery a meeting has other troubles. Of a shutdown that
/// somebody has scheduled Windows does not tell.
#[must_use]
pub fn sleep_plan() -> SleepPlan {
    let set = [STANDBY, HIBERNATE];
    SleepPlan { after: soonest(set.iter().filter_map(seconds)), shutdown_unix_seconds: None }
}

/// Zero says "never".
fn soonest(seconds: impl Iterator<Item = u32>) -> Option<Duration> {
    seconds.filter(|seconds| *seconds > 0).min().map(|seconds| Duration::from_secs(seconds.into()))
}

/// The seconds of one setting; `None` where the plan does not tell.
#[expect(unsafe_code, reason = "calls to Windows")]
fn seconds(setting: &GUID) -> Option<u32> {
    // SAFETY: both as powersetting.h declares them.
    let (scheme_of, value_of) = unsafe {
        (
            library::function::<ActiveScheme>("powrprof.dll", c"PowerGetActiveScheme")?,
            library::function::<ValueIndex>("powrprof.dll", c"PowerReadACValueIndex")?,
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
    fn a_system_without_the_functions_has_no_plan_and_is_no_fault() {
        assert_eq!(sleep_plan().shutdown_unix_seconds, None);
    }
}
