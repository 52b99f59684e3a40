//! Processor time of the PC and of this program.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::ProcessStatus::{
    K32EmptyWorkingSet, K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS,
};
use windows_sys::Win32::System::Threading::{
    GetActiveProcessorCount, GetCurrentProcess, GetProcessTimes, GetSystemTimes,
};

use super::clock::monotonic_ms;
use super::size;
use crate::platform::{OwnUsage, SystemTimes};

/// All groups of processors, of which Windows makes several from 65 on (winnt.h).
const ALL_PROCESSOR_GROUPS: u16 = 0xFFFF;

/// See [`crate::platform`]. Windows does not keep the moment of switch-on: it is now less the time since.
#[expect(unsafe_code, reason = "calls to Windows")]
pub fn system_times() -> io::Result<SystemTimes> {
    let (mut idle, mut kernel, mut user) =
        (FILETIME::default(), FILETIME::default(), FILETIME::default());
    // SAFETY: three pointers to live structures, each of which the call writes.
    if unsafe { GetSystemTimes(&raw mut idle, &raw mut kernel, &raw mut user) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it takes a number and cannot fail.
    let processors = unsafe { GetActiveProcessorCount(ALL_PROCESSOR_GROUPS) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(times(idle, kernel, user, processors.max(1), now))
}

/// Time of the kernel has idle time within it.
fn times(
    idle: FILETIME,
    kernel: FILETIME,
    user: FILETIME,
    processors: u32,
    now: Duration,
) -> SystemTimes {
    let total = duration(kernel) + duration(user);
    let since = Duration::from_millis(monotonic_ms());
    SystemTimes {
        boot_unix_seconds: now.saturating_sub(since).as_secs_f64(),
        processors,
        busy: total.saturating_sub(duration(idle)),
        total,
    }
}

/// Windows counts in tenths of a microsecond.
fn duration(time: FILETIME) -> Duration {
    let tenths = u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    Duration::from_micros(tenths / 10) + Duration::from_nanos(tenths % 10 * 100)
}

/// See [`crate::platform`].
#[expect(unsafe_code, reason = "calls to Windows")]
pub fn own_usage() -> io::Result<OwnUsage> {
    let mut memory = PROCESS_MEMORY_COUNTERS::default();
    let size = size::<PROCESS_MEMORY_COUNTERS>();
    memory.cb = size;
    let (mut made, mut ended, mut kernel, mut user) =
        (FILETIME::default(), FILETIME::default(), FILETIME::default(), FILETIME::default());
    // SAFETY: the handle is that of this process, which needs no closing; every pointer is to a
    // live structure, of the size that is told.
    let answered = unsafe {
        let own = GetCurrentProcess();
        K32GetProcessMemoryInfo(own, &raw mut memory, size) != 0
            && GetProcessTimes(own, &raw mut made, &raw mut ended, &raw mut kernel, &raw mut user)
                != 0
    };
    if !answered {
        return Err(io::Error::last_os_error());
    }
    let resident_bytes = memory.WorkingSetSize as u64;
    Ok(OwnUsage { resident_bytes, cpu: duration(kernel) + duration(user) })
}

/// See [`crate::platform`].
#[expect(unsafe_code, reason = "calls to Windows")]
pub fn trim_working_set() {
    // SAFETY: the handle is that of this process, which needs no closing. What is emptied comes
    // back at the next touch; a refusal leaves all as it was.
    let _ = unsafe { K32EmptyWorkingSet(GetCurrentProcess()) };
}

/// See [`crate::platform`]. Threads wake together at the ticks here, 15.6 ms apart.
pub fn wake_late(_by: Duration) {}

/// See [`crate::platform`]. A process has one heap here.
pub fn share_heap() {}

#[cfg(test)]
mod tests {
    use super::*;

    fn filetime(seconds: u64) -> FILETIME {
        let tenths = seconds * 10_000_000;
        let low = u32::try_from(tenths & u64::from(u32::MAX)).unwrap();
        FILETIME { dwLowDateTime: low, dwHighDateTime: u32::try_from(tenths >> 32).unwrap() }
    }

    #[test]
    fn idle_time_is_a_part_of_the_kernels() {
        let times = times(filetime(900), filetime(950), filetime(50), 4, Duration::ZERO);
        assert_eq!(times.busy, Duration::from_secs(100));
        assert_eq!(times.total, Duration::from_secs(1000));
        assert_eq!(times.processors, 4);
    }

    #[test]
    fn this_system_answers() {
        let times = system_times().unwrap();
        assert!(times.processors > 0 && times.boot_unix_seconds > 0.0, "{times:?}");
        assert!(times.busy <= times.total, "{times:?}");
    }

    #[test]
    fn this_program_uses_memory_and_time() {
        let usage = own_usage().unwrap();
        assert!(usage.resident_bytes > 100_000, "{usage:?}");
    }
}
