//! The agent as Windows runs it.

use std::os::raw::c_void;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::{io, time::Duration};

use tokio::sync::Notify;
use windows_sys::Win32::Foundation::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_SERVICE_SPECIFIC_ERROR, NO_ERROR,
};
use windows_sys::Win32::System::Services::{
    RegisterServiceCtrlHandlerExW, SERVICE_ACCEPT_SHUTDOWN, SERVICE_ACCEPT_STOP,
    SERVICE_CONTROL_INTERROGATE, SERVICE_CONTROL_SHUTDOWN, SERVICE_CONTROL_STOP, SERVICE_RUNNING,
    SERVICE_STATUS, SERVICE_STATUS_HANDLE, SERVICE_STOP_PENDING, SERVICE_STOPPED,
    SERVICE_TABLE_ENTRYW, SERVICE_WIN32_OWN_PROCESS, SetServiceStatus, StartServiceCtrlDispatcherW,
};
use windows_sys::core::PWSTR;

use super::super::text::wide;
use super::NAME;

/// What the agent is given to end, and twice that for a slow PC.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Windows calls back without saying for whom; there is one service in a program.
static PROGRAM: OnceLock<fn() -> bool> = OnceLock::new();
/// Whether the service that Windows runs has started this program in its place.
static BELOW: AtomicBool = AtomicBool::new(false);
static STOP: Notify = Notify::const_new();
static STATUS: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Hands this program over to Windows, which starts `program` on a thread of its own and returns
/// when it has ended. `program` says whether all was well. An error says mostly that nobody but
/// Windows may start a service.
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn run_as_service(program: fn() -> bool) -> io::Result<()> {
    let _ = PROGRAM.set(program);
    let mut name = wide(NAME);
    let table = [
        SERVICE_TABLE_ENTRYW { lpServiceName: name.as_mut_ptr(), lpServiceProc: Some(main) },
        SERVICE_TABLE_ENTRYW::default(),
    ];
    // SAFETY: a table that ends with an empty entry; it and the name outlive the call.
    let ran = unsafe { StartServiceCtrlDispatcherW(table.as_ptr()) };
    if ran == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether Windows runs this program as the service.
pub(in super::super) fn is_service() -> bool {
    PROGRAM.get().is_some() || BELOW.load(Ordering::Acquire)
}

/// This program does the service's work below it: what a service cannot see, it cannot see either.
pub fn work_below_service() {
    BELOW.store(true, Ordering::Release);
}

/// Returns when Windows asks the service to end; never in a program that is none.
pub(in super::super) async fn stop_of_service() {
    STOP.notified().await;
}

#[expect(unsafe_code, reason = "Windows calls it")]
unsafe extern "system" fn main(_: u32, _: *mut PWSTR) {
    let name = wide(NAME);
    // SAFETY: the name ends at a zero; the function lives as long as the program.
    let handle = unsafe { RegisterServiceCtrlHandlerExW(name.as_ptr(), Some(told), ptr::null()) };
    if handle.is_null() {
        return;
    }
    STATUS.store(handle, Ordering::Release);
    say(SERVICE_RUNNING, NO_ERROR);
    let good = PROGRAM.get().is_some_and(|program| program());
    say(SERVICE_STOPPED, if good { NO_ERROR } else { ERROR_SERVICE_SPECIFIC_ERROR });
}

#[expect(unsafe_code, reason = "Windows calls it")]
unsafe extern "system" fn told(control: u32, _: u32, _: *mut c_void, _: *mut c_void) -> u32 {
    match control {
        SERVICE_CONTROL_STOP | SERVICE_CONTROL_SHUTDOWN => {
            say(SERVICE_STOP_PENDING, NO_ERROR);
            STOP.notify_one();
            NO_ERROR
        }
        SERVICE_CONTROL_INTERROGATE => NO_ERROR,
        _ => ERROR_CALL_NOT_IMPLEMENTED,
    }
}

/// Says where the service is. It runs as soon as it is started, enrolled or not: an installation
/// that waits for a collector would fail without one.
#[expect(unsafe_code, reason = "a call to Windows")]
fn say(state: u32, error: u32) {
    let accepted =
        if state == SERVICE_RUNNING { SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN } else { 0 };
    let status = SERVICE_STATUS {
        dwServiceType: SERVICE_WIN32_OWN_PROCESS,
        dwCurrentState: state,
        dwControlsAccepted: accepted,
        dwWin32ExitCode: error,
        dwServiceSpecificExitCode: u32::from(error != NO_ERROR),
        dwCheckPoint: 0,
        dwWaitHint: u32::try_from(ENDS_WITHIN.as_millis()).unwrap_or(u32::MAX),
    };
    let handle: SERVICE_STATUS_HANDLE = STATUS.load(Ordering::Acquire);
    // SAFETY: the handle is that of this service, which is never closed; the status is alive.
    unsafe { SetServiceStatus(handle, &raw const status) };
}
