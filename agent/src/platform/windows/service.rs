//! The agent as a service: installed, started, stopped, taken away; and run by Windows.
//!
//! It runs as `NT SERVICE\NhipCauAgent`, an account that Windows makes for this service alone: no
//! password, no sign-in, no rights beyond those of any user, and a name of its own in the rights of
//! files. `LocalSystem` could do anything on the PC, and `LocalService` is shared with others.

mod manager;
mod run;

use std::time::{Duration, Instant};
use std::{env, io, thread};

pub(super) use run::{is_service, stop_of_service};
pub use run::{run_as_service, work_below_service};

use manager::{Manager, Settings};

use super::private::close_tree;
use super::{event_log, session, software};
use crate::platform::{ServiceOrder, ServiceState};

/// Its name for Windows, of which its account's is made too.
pub(super) const NAME: &str = "NhipCauAgent";

/// Its name for people.
const DISPLAY_NAME: &str = "Nhịp Cầu Agent";

const DESCRIPTION: &str = "Đo đường truyền và thiết bị của điểm cầu, gửi kết quả về trung tâm. \
                           Measures this conference bridge and reports to the collector.";

/// Its own account.
const ACCOUNT: &str = r"NT SERVICE\NhipCauAgent";

/// Restarts after a failure: at once, then with time for what it failed of to pass.
const RESTART_AFTER: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_mins(1), Duration::from_mins(5)];

/// A helper that waits for the service looks every five seconds whether it is still wanted.
const HELPERS_END_WITHIN: Duration = Duration::from_secs(8);

/// Between two looks whether they have ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A day without failures, and the next one counts as the first.
const FAILURES_FORGOTTEN: Duration = Duration::from_hours(24);

/// Does as told, and says what the service is doing afterwards.
pub fn service(order: ServiceOrder) -> io::Result<ServiceState> {
    match order {
        ServiceOrder::Install => install(),
        ServiceOrder::Start => Manager::open()?.service(NAME)?.start(),
        ServiceOrder::Stop => Manager::open()?.service(NAME)?.stop(),
        ServiceOrder::Release => release(),
        ServiceOrder::Uninstall => uninstall(),
        ServiceOrder::Status => state(),
    }
}

fn install() -> io::Result<ServiceState> {
    let exe = env::current_exe()?;
    // Quoted, or a program named `C:\Program.exe` would be started in its place.
    let command = format!("\"{}\" service run", exe.display());
    let settings = Settings { name: NAME, display_name: DISPLAY_NAME, command, account: ACCOUNT };
    let service = Manager::open()?.install(&settings)?;
    // What an older Windows does not know it does without.
    for (what, done) in [
        ("the description", service.describe(DESCRIPTION)),
        ("the late start", service.start_late()),
        ("an account of its own", service.own_account()),
        ("restarts after a failure", service.restart_after(&RESTART_AFTER, FAILURES_FORGOTTEN)),
        ("restarts after an error", service.restart_after_errors()),
        ("the source in the event log", event_log::register(NAME)),
        ("a helper for whoever signs in", session::start_helpers_at_sign_in()),
    ] {
        if let Err(error) = done {
            tracing::warn!(%error, "this system does not take {what}; going on without");
        }
    }
    close_tree(&super::place::home())?;
    service.state()
}

fn uninstall() -> io::Result<ServiceState> {
    // Before the service goes: that is when helpers look for it.
    session::forget_helper();
    let service = match Manager::open()?.service(NAME) {
        // Twice is as good as once.
        Err(error) if manager::is_absent(&error) => return Ok(ServiceState::NotInstalled),
        found => found?,
    };
    service.stop()?;
    service.delete()?;
    event_log::forget(NAME);
    wait_for_helpers();
    Ok(ServiceState::NotInstalled)
}

/// Stops all that keeps this program's file, and no more: a power cut before the new one lies in
/// its place leaves a service that starts.
fn release() -> io::Result<ServiceState> {
    session::forget_helper();
    let service = match Manager::open()?.service(NAME) {
        Err(error) if manager::is_absent(&error) => return Ok(ServiceState::NotInstalled),
        found => found?,
    };
    service.stop()?;
    wait_for_helpers();
    service.state()
}

/// Until the helpers have ended: their file can only then be removed or replaced.
fn wait_for_helpers() {
    let own = env::current_exe().ok();
    let Some(own) = own.as_deref().and_then(|path| path.file_name()?.to_str()) else { return };
    let others = || software::processes().iter().filter(|name| *name == own).count() > 1;
    let end = Instant::now() + HELPERS_END_WITHIN;
    while others() {
        if Instant::now() >= end {
            tracing::warn!(
                "{own} still runs: its file can be replaced when everybody has signed out"
            );
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The process in which the service runs.
pub(super) fn process_of_service() -> Option<u32> {
    Manager::open_to_look().ok()?.service_to_look(NAME).ok()?.process().ok()?
}

fn state() -> io::Result<ServiceState> {
    match Manager::open_to_look()?.service_to_look(NAME) {
        Err(error) if manager::is_absent(&error) => Ok(ServiceState::NotInstalled),
        found => found?.state(),
    }
}
