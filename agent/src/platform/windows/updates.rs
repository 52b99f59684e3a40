//! Whether an update waits for a restart, by the marks that its parts leave in the registry; and when
//! Windows may take it by itself.

use std::time::{SystemTime, UNIX_EPOCH};

use windows_sys::Win32::Foundation::SYSTEMTIME;
use windows_sys::Win32::System::SystemInformation::GetLocalTime;

use super::registry::{Key, MACHINE};
use crate::platform::active_hours::{self, Hours, Settings};

/// What somebody at the PC has set, and what Windows has learnt (its page "Active hours").
const SETTINGS: &str = r"SOFTWARE\Microsoft\WindowsUpdate\UX\Settings";

/// What an administrator has (Microsoft: "Policy CSP - Update").
const POLICY: &str = r"SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate";

/// Keys that are there only while a restart is waited for: of the servicing of Windows' own files,
/// and of Windows Update.
const MARKS: &[&str] = &[
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
];

/// See [`crate::platform`]. Files that some program only wants renamed at the next start
/// (`PendingFileRenameOperations`) do not count: most PCs always have some.
#[must_use]
pub fn restart_pending() -> Option<bool> {
    // Where not even this can be read, an absent mark would say nothing.
    Key::open(MACHINE, r"SOFTWARE\Microsoft\Windows\CurrentVersion")?;
    Some(MARKS.iter().any(|mark| Key::open(MACHINE, mark).is_some()))
}

/// From and to which hour Windows does not restart by itself.
pub(super) fn hours() -> Hours {
    let pair = |key: &Key, names: [&str; 2]| {
        let [from, to] = names.map(|name| key.number(name));
        from.zip(to)
    };
    let set = |key: &Key, name: &str| key.number(name) == Some(1);
    let own = ["ActiveHoursStart", "ActiveHoursEnd"];
    let policy = Key::open(MACHINE, POLICY).filter(|key| set(key, "SetActiveHours"));
    let settings = Key::open(MACHINE, SETTINGS);
    let learnt = settings.as_ref().filter(|key| set(key, "SmartActiveHoursState"));
    active_hours::in_force(Settings {
        policy: policy.and_then(|key| pair(&key, own)),
        learnt: learnt.and_then(|key| pair(key, ["SmartActiveHoursStart", "SmartActiveHoursEnd"])),
        chosen: settings.and_then(|key| pair(&key, own)),
    })
}

/// From when on it may, in Unix seconds by the PC's clock; `None` while no update waits, and where
/// an administrator has forbidden it while somebody is signed in, as in a meeting somebody is.
pub(super) fn restart_unix_seconds(hours: Hours) -> Option<f64> {
    let held = Key::open(MACHINE, POLICY)
        .and_then(|key| key.below("AU")?.number("NoAutoRebootWithLoggedOnUsers"));
    if restart_pending() != Some(true) || held == Some(1) {
        return None;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let left = active_hours::holds_back_for(hours, second_of_day());
    Some(now.as_secs_f64() + f64::from(left))
}

#[expect(unsafe_code, reason = "a call to Windows")]
fn second_of_day() -> u32 {
    let mut now = SYSTEMTIME::default();
    // SAFETY: a pointer to a live structure, which the call writes.
    unsafe { GetLocalTime(&raw mut now) };
    u32::from(now.wHour) * 3600 + u32::from(now.wMinute) * 60 + u32::from(now.wSecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_system_answers() {
        assert!(restart_pending().is_some());
        assert!(second_of_day() < 24 * 3600);
        let (from, to) = hours();
        assert!(from < 24 && to < 24);
    }
}
