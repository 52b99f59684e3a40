//! Linux: `/proc`, `/sys` and system calls.
//!
//! Whatever reads files takes the root of the file tree, so that tests can hand it a tree of
//! their own; the functions here hand it `/`.

mod alarm;
mod clock;
mod link;
mod names;
mod ping;
mod power;
mod private;
mod room;
mod service;
mod sleep;
mod software;
mod strain;
mod times;
#[cfg(test)]
mod tree;
mod updates;

use std::net::SocketAddr;
use std::path::Path;
use std::{fs, io};

pub use alarm::Alarm;
pub use clock::{clock_state, monotonic_ms};
pub use ping::Ping;
pub use private::{is_open_to_all, private_directory, private_file};
pub use service::{CONFIG_FILE, STATE_DIR, stop_requested};

use super::{
    Device, Link, OwnUsage, PowerSupply, SleepPlan, Software, Sound, SoundDevice, Strain,
    SystemTimes,
};

const ROOT: &str = "/";

/// See [`super`].
#[must_use]
pub fn os_name() -> String {
    names::os_name(Path::new(ROOT))
}

/// See [`super`].
#[must_use]
pub fn hostname() -> String {
    read(Path::new(ROOT), "proc/sys/kernel/hostname").unwrap_or_default()
}

/// See [`super`].
#[must_use]
pub fn dns_servers() -> Vec<SocketAddr> {
    names::dns_servers(Path::new(ROOT))
}

/// See [`super`].
pub fn system_times() -> io::Result<SystemTimes> {
    times::system_times(Path::new(ROOT))
}

/// See [`super`].
pub fn own_usage() -> io::Result<OwnUsage> {
    times::own_usage(Path::new(ROOT))
}

/// See [`super`].
#[must_use]
pub fn power_supplies() -> Vec<PowerSupply> {
    power::supplies(Path::new(ROOT))
}

/// See [`super`].
#[must_use]
pub fn restart_pending() -> Option<bool> {
    updates::restart_pending(Path::new(ROOT))
}

/// See [`super`].
#[must_use]
pub fn sleep_plan() -> SleepPlan {
    sleep::plan(Path::new(ROOT))
}

/// See [`super`].
#[must_use]
pub fn software(program: &str, package: &str) -> Software {
    software::software(Path::new(ROOT), program, package)
}

/// See [`super`].
#[must_use]
pub fn strain() -> Strain {
    strain::strain(Path::new(ROOT))
}

/// See [`super`].
#[must_use]
pub fn cameras() -> Vec<Device> {
    room::cameras::cameras(Path::new(ROOT))
}

/// See [`super`].
pub fn displays() -> io::Result<Vec<Device>> {
    room::displays::displays(Path::new(ROOT))
}

/// See [`super`].
#[must_use]
pub fn sound_devices(sound: Sound) -> Vec<SoundDevice> {
    room::sound::devices(Path::new(ROOT), sound)
}

/// See [`super`].
#[must_use]
pub fn usb_devices() -> Vec<Device> {
    room::usb::devices(Path::new(ROOT))
}

/// See [`super`].
pub fn links() -> io::Result<Vec<Link>> {
    link::links(Path::new(ROOT))
}

/// The trimmed content of a small file below `root`.
fn read(root: &Path, path: &str) -> io::Result<String> {
    read_at(&root.join(path))
}

/// The trimmed content of a small file; names from devices need not be UTF-8.
fn read_at(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// The number in a file of one number; `None` where the file or the number is missing, as
/// drivers answer questions they do not know with `EINVAL`.
fn number<T: std::str::FromStr>(path: &Path) -> Option<T> {
    read_at(path).ok()?.parse().ok()
}
