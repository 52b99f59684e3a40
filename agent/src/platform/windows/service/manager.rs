//! The manager of services.

use std::time::{Duration, Instant};
use std::{io, ptr, thread};

use windows_sys::Win32::Foundation::{
    ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_DOES_NOT_EXIST, ERROR_SERVICE_EXISTS,
    ERROR_SERVICE_NOT_ACTIVE,
};
use windows_sys::Win32::System::Services::{
    ChangeServiceConfig2W, ChangeServiceConfigW, CloseServiceHandle, ControlService,
    CreateServiceW, DeleteService, OpenSCManagerW, OpenServiceW, QueryServiceStatus,
    QueryServiceStatusEx, SC_ACTION, SC_ACTION_RESTART, SC_HANDLE, SC_MANAGER_CONNECT,
    SC_MANAGER_CREATE_SERVICE, SC_STATUS_PROCESS_INFO, SERVICE_ALL_ACCESS, SERVICE_AUTO_START,
    SERVICE_CONFIG_DELAYED_AUTO_START_INFO, SERVICE_CONFIG_DESCRIPTION,
    SERVICE_CONFIG_FAILURE_ACTIONS, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG,
    SERVICE_CONFIG_SERVICE_SID_INFO, SERVICE_CONTROL_STOP, SERVICE_DELAYED_AUTO_START_INFO,
    SERVICE_DESCRIPTIONW, SERVICE_ERROR_NORMAL, SERVICE_FAILURE_ACTIONS_FLAG,
    SERVICE_FAILURE_ACTIONSW, SERVICE_QUERY_STATUS, SERVICE_RUNNING, SERVICE_SID_INFO,
    SERVICE_SID_TYPE_UNRESTRICTED, SERVICE_START_PENDING, SERVICE_STATUS, SERVICE_STATUS_PROCESS,
    SERVICE_STOP_PENDING, SERVICE_STOPPED, SERVICE_WIN32_OWN_PROCESS, StartServiceW,
};

use super::super::{size, text::wide};
use crate::platform::ServiceState;

/// The agent ends within five seconds; a slow PC gets several times as long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a service that starts or stops.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Whether an error says that there is no such service.
pub(super) fn is_absent(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_SERVICE_DOES_NOT_EXIST.cast_signed())
}

/// What a service is made of.
pub(super) struct Settings<'a> {
    pub(super) name: &'a str,
    pub(super) display_name: &'a str,
    pub(super) command: String,
    pub(super) account: &'a str,
}

/// A handle that is closed with its owner.
struct Handle(SC_HANDLE);

impl Handle {
    /// Of what a call has just returned.
    fn of(handle: SC_HANDLE) -> io::Result<Self> {
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }
}

impl Drop for Handle {
    #[expect(unsafe_code, reason = "a call to Windows")]
    fn drop(&mut self) {
        // SAFETY: open, and closed only here.
        unsafe { CloseServiceHandle(self.0) };
    }
}

/// The manager.
pub(super) struct Manager(Handle);

impl Manager {
    /// To install: for administrators.
    pub(super) fn open() -> io::Result<Self> {
        Self::with(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE)
    }

    /// To look: for everybody.
    pub(super) fn open_to_look() -> io::Result<Self> {
        Self::with(SC_MANAGER_CONNECT)
    }

    #[expect(unsafe_code, reason = "a call to Windows")]
    fn with(rights: u32) -> io::Result<Self> {
        // SAFETY: null is this PC and its only database.
        Handle::of(unsafe { OpenSCManagerW(ptr::null(), ptr::null(), rights) }).map(Self)
    }

    pub(super) fn service(&self, name: &str) -> io::Result<Service> {
        self.service_with(name, SERVICE_ALL_ACCESS)
    }

    pub(super) fn service_to_look(&self, name: &str) -> io::Result<Service> {
        self.service_with(name, SERVICE_QUERY_STATUS)
    }

    #[expect(unsafe_code, reason = "a call to Windows")]
    fn service_with(&self, name: &str, rights: u32) -> io::Result<Service> {
        let name = wide(name);
        // SAFETY: the manager is open; the name ends at a zero and outlives the call.
        Handle::of(unsafe { OpenServiceW(self.0.0, name.as_ptr(), rights) }).map(Service)
    }

    /// Installs a service, or gives the one of that name these settings.
    #[expect(unsafe_code, reason = "calls to Windows")]
    pub(super) fn install(&self, settings: &Settings<'_>) -> io::Result<Service> {
        let [name, shown, command, account] =
            [settings.name, settings.display_name, &settings.command, settings.account].map(wide);
        // SAFETY: the manager is open; the texts end at a zero and outlive the call. An account of
        // a service has no password.
        let made = Handle::of(unsafe {
            CreateServiceW(
                self.0.0,
                name.as_ptr(),
                shown.as_ptr(),
                SERVICE_ALL_ACCESS,
                SERVICE_WIN32_OWN_PROCESS,
                SERVICE_AUTO_START,
                SERVICE_ERROR_NORMAL,
                command.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                ptr::null(),
                account.as_ptr(),
                ptr::null(),
            )
        });
        match made {
            Ok(handle) => return Ok(Service(handle)),
            Err(error) if error.raw_os_error() == Some(ERROR_SERVICE_EXISTS.cast_signed()) => {}
            Err(error) => return Err(error),
        }
        let service = self.service(settings.name)?;
        // SAFETY: as above.
        done(unsafe {
            ChangeServiceConfigW(
                service.0.0,
                SERVICE_WIN32_OWN_PROCESS,
                SERVICE_AUTO_START,
                SERVICE_ERROR_NORMAL,
                command.as_ptr(),
                ptr::null(),
                ptr::null_mut(),
                ptr::null(),
                account.as_ptr(),
                ptr::null(),
                shown.as_ptr(),
            )
        })?;
        Ok(service)
    }
}

/// A service.
pub(super) struct Service(Handle);

impl Service {
    pub(super) fn describe(&self, text: &str) -> io::Result<()> {
        let mut text = wide(text);
        let description = SERVICE_DESCRIPTIONW { lpDescription: text.as_mut_ptr() };
        self.set(SERVICE_CONFIG_DESCRIPTION, &description)
    }

    /// Two minutes after all that people wait for at switch-on.
    pub(super) fn start_late(&self) -> io::Result<()> {
        let late = SERVICE_DELAYED_AUTO_START_INFO { fDelayedAutostart: 1 };
        self.set(SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &late)
    }

    /// The service's account becomes one that rights can be given to.
    pub(super) fn own_account(&self) -> io::Result<()> {
        let kind = SERVICE_SID_INFO { dwServiceSidType: SERVICE_SID_TYPE_UNRESTRICTED };
        self.set(SERVICE_CONFIG_SERVICE_SID_INFO, &kind)
    }

    /// Restarted after each pause in turn, the last one for good; `forgotten` after the last
    /// failure it begins anew.
    pub(super) fn restart_after(&self, pauses: &[Duration], forgotten: Duration) -> io::Result<()> {
        let delay = |pause: &Duration| u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        let mut actions: Vec<SC_ACTION> = pauses
            .iter()
            .map(|pause| SC_ACTION { Type: SC_ACTION_RESTART, Delay: delay(pause) })
            .collect();
        let settings = SERVICE_FAILURE_ACTIONSW {
            dwResetPeriod: u32::try_from(forgotten.as_secs()).unwrap_or(u32::MAX),
            cActions: u32::try_from(actions.len()).unwrap_or(0),
            lpsaActions: actions.as_mut_ptr(),
            ..SERVICE_FAILURE_ACTIONSW::default()
        };
        self.set(SERVICE_CONFIG_FAILURE_ACTIONS, &settings)
    }

    /// Also after an end in order that says that something failed.
    pub(super) fn restart_after_errors(&self) -> io::Result<()> {
        let flag = SERVICE_FAILURE_ACTIONS_FLAG { fFailureActionsOnNonCrashFailures: 1 };
        self.set(SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &flag)
    }

    #[expect(unsafe_code, reason = "a call to Windows")]
    fn set<T>(&self, what: u32, settings: &T) -> io::Result<()> {
        // SAFETY: every caller hands over the structure of that kind of setting; it and what it
        // points to outlive the call.
        done(unsafe { ChangeServiceConfig2W(self.0.0, what, (&raw const *settings).cast()) })
    }

    /// Starts it, and waits until it runs or has failed to.
    #[expect(unsafe_code, reason = "a call to Windows")]
    pub(super) fn start(&self) -> io::Result<ServiceState> {
        // SAFETY: the service is open; it gets no arguments.
        match done(unsafe { StartServiceW(self.0.0, 0, ptr::null()) }) {
            Err(error)
                if error.raw_os_error() != Some(ERROR_SERVICE_ALREADY_RUNNING.cast_signed()) =>
            {
                Err(error)
            }
            _ => self.settled(),
        }
    }

    /// Stops it, and waits until it has ended: only then can its file be replaced.
    #[expect(unsafe_code, reason = "a call to Windows")]
    pub(super) fn stop(&self) -> io::Result<ServiceState> {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the service is open, and the status a live structure.
        match done(unsafe { ControlService(self.0.0, SERVICE_CONTROL_STOP, &raw mut status) }) {
            Err(error) if error.raw_os_error() != Some(ERROR_SERVICE_NOT_ACTIVE.cast_signed()) => {
                Err(error)
            }
            _ => self.settled(),
        }
    }

    /// Takes it away, as soon as nobody has it open any more.
    #[expect(unsafe_code, reason = "a call to Windows")]
    pub(super) fn delete(&self) -> io::Result<()> {
        // SAFETY: the service is open.
        done(unsafe { DeleteService(self.0.0) })
    }

    pub(super) fn state(&self) -> io::Result<ServiceState> {
        Ok(told(self.status()?))
    }

    /// The process that it runs in; `None` while it does not run.
    #[expect(unsafe_code, reason = "a call to Windows")]
    pub(super) fn process(&self) -> io::Result<Option<u32>> {
        let mut status = SERVICE_STATUS_PROCESS::default();
        let mut needed = 0;
        // SAFETY: the service is open; the structure has the size that is told.
        done(unsafe {
            QueryServiceStatusEx(
                self.0.0,
                SC_STATUS_PROCESS_INFO,
                (&raw mut status).cast(),
                size::<SERVICE_STATUS_PROCESS>(),
                &raw mut needed,
            )
        })?;
        Ok(Some(status.dwProcessId).filter(|process| *process != 0))
    }

    fn settled(&self) -> io::Result<ServiceState> {
        let end = Instant::now() + PATIENCE;
        loop {
            let status = self.status()?;
            let moving = [SERVICE_START_PENDING, SERVICE_STOP_PENDING].contains(&status);
            if !moving || Instant::now() >= end {
                return Ok(told(status));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    #[expect(unsafe_code, reason = "a call to Windows")]
    fn status(&self) -> io::Result<u32> {
        let mut status = SERVICE_STATUS::default();
        // SAFETY: the service is open, and the status a live structure.
        done(unsafe { QueryServiceStatus(self.0.0, &raw mut status) })?;
        Ok(status.dwCurrentState)
    }
}

fn told(status: u32) -> ServiceState {
    match status {
        SERVICE_RUNNING => ServiceState::Running,
        SERVICE_STOPPED => ServiceState::Stopped,
        _ => ServiceState::Changing,
    }
}

fn done(answer: i32) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
