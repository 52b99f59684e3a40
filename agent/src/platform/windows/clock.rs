//! The system's clocks.

use std::io;

use windows_sys::Win32::System::SystemInformation::{GetSystemTimeAdjustment, GetTickCount64};

use crate::platform::ClockState;

/// Milliseconds since switch-on, "including time the system spends in sleep or hibernation" as its
/// documentation says: an interval over a night must be as long as the night.
#[must_use]
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn monotonic_ms() -> u64 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { GetTickCount64() }
}

/// Whether a time service steers the clock. Windows Time and others do it by the adjustment of
/// each tick; where that is switched off the clock follows its own crystal and is at best set
/// anew now and then. Nobody tells how far off it is.
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn clock_state() -> io::Result<ClockState> {
    let (mut adjustment, mut increment, mut disabled) = (0, 0, 1);
    // SAFETY: three pointers to live integers, each of which the call writes.
    let answered = unsafe {
        GetSystemTimeAdjustment(&raw mut adjustment, &raw mut increment, &raw mut disabled)
    };
    if answered == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(ClockState { synchronised: disabled == 0, estimated_error: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_since_switch_on_runs_forward() {
        let before = monotonic_ms();
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(monotonic_ms() > before);
    }

    #[test]
    fn the_system_answers_without_rights() {
        assert_eq!(clock_state().unwrap().estimated_error, None);
    }
}
