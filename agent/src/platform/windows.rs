//! Windows 10 and later: its own functions and the registry.
//!
//! What every Windows brings is linked; what some lack is looked for when it is needed (`library`).

mod clock;
mod control;
mod disks;
mod event_log;
mod library;
mod link;
mod names;
mod parts;
mod ping;
mod place;
mod power;
mod private;
mod registry;
mod replace;
mod room;
mod seal;
mod sensors;
mod service;
mod session;
mod sleep;
mod software;
mod stop;
mod strain;
mod text;
mod times;
mod updates;

pub use clock::{clock_state, monotonic_ms};
pub use event_log::event_log;
pub use link::links;
pub use names::{dns_servers, hostname, language, os_name};
pub use parts::parts;
pub use ping::Ping;
pub use place::{config_file, state_dir};
pub use power::power_supplies;
pub use private::{close_to_all, is_open_to_all, make_program, private_directory, private_file};
pub use replace::replace;
pub use room::{cameras, displays, sound_devices, usb_devices};
pub use seal::{sealed, unsealed};
pub use sensors::{memory, mounts, temperatures};
pub use service::{run_as_service, service, work_below_service};
pub use session::{hear_sessions, run_in_session};
pub use sleep::sleep_plan;
pub use software::software;
pub use stop::stop_requested;
pub use strain::strain;
pub use times::{own_usage, share_heap, system_times, trim_working_set, wake_late};
pub use updates::restart_pending;

use std::io;
use std::path::Path;

/// The size of a structure, as Windows wants to be told it.
#[expect(clippy::cast_possible_truncation, reason = "structures have tens of bytes")]
const fn size<T>() -> u32 {
    size_of::<T>() as u32
}

/// The folder of the configuration, which may name the room's devices and their password files:
/// as private as the rest, because it lies where everybody could otherwise put files.
pub fn config_directory(path: &Path) -> io::Result<()> {
    private_directory(path)
}

/// See [`super`].
pub const AS_ADMINISTRATOR: &str = "Run as administrator";

/// See [`super`].
pub const ENROL_WITH_RIGHTS: (&str, &str) = (
    "Hãy mở Command Prompt bằng \"Run as administrator\" rồi chạy: nhipcau-agent enroll MÃ",
    "Open a Command Prompt by \"Run as administrator\", then run: nhipcau-agent enroll CODE",
);

/// See [`super`].
pub const START_SERVICE: &str = "nhipcau-agent service start";

/// See [`super`].
pub const TIME_SERVICE: &str = "Windows Time";

/// See [`super`].
pub const ALLOW_ECHO: &str = "netsh advfirewall show allprofiles";
