//! The agent as a service: installed, started, stopped, taken away; and run by Windows.
//!
//! It runs as `NT SERVICE\NhipCauAgent`, an account that Windows makes for this service alone: no
//! password, no sign-in, no rights beyond those of any user, and a name of its own in the rights of
//! files. `LocalSystem` could do anything on the PC, and `LocalService` is shared with others.

mod manager;
mod run;

use std::io;
use std::time::Duration;

pub use run::run_as_service;
pub(super) use run::stop_of_service;

use manager::{Manager, Settings};

use super::event_log;
use super::private::close_tree;
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

/// A day without failures, and the next one counts as the first.
const FAILURES_FORGOTTEN: Duration = Duration::from_hours(24);

/// Does as told, and says what the service is doing afterwards.
pub fn service(order: ServiceOrder) -> io::Result<ServiceState> {
    match order {
        ServiceOrder::Install => install(),
        ServiceOrder::Start => Manager::open()?.service(NAME)?.start(),
        ServiceOrder::Stop => Manager::open()?.service(NAME)?.stop(),
        ServiceOrder::Uninstall => uninstall(),
        ServiceOrder::Status => state(),
    }
}

fn install() -> io::Result<ServiceState> {
    let exe = std::env::current_exe()?;
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
    ] {
        if let Err(error) = done {
            tracing::warn!(%error, "this system does not take {what}; going on without");
        }
    }
    close_tree(&super::place::home())?;
    service.state()
}

fn uninstall() -> io::Result<ServiceState> {
    let service = match Manager::open()?.service(NAME) {
        // Twice is as good as once.
        Err(error) if manager::is_absent(&error) => return Ok(ServiceState::NotInstalled),
        found => found?,
    };
    service.stop()?;
    service.delete()?;
    event_log::forget(NAME);
    Ok(ServiceState::NotInstalled)
}

fn state() -> io::Result<ServiceState> {
    match Manager::open_to_look()?.service_to_look(NAME) {
        Err(error) if manager::is_absent(&error) => Ok(ServiceState::NotInstalled),
        found => found?.state(),
    }
}
