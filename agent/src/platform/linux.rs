//! Linux: `/proc`, `/sys` and system calls.
//!
//! Whatever reads files takes the root of the file tree, so that tests can hand it a tree of
//! their own; the functions here hand it `/`.

mod clock;
mod link;
mod names;
mod parts;
mod ping;
mod power;
mod private;
mod room;
mod sensors;
mod service;
mod sleep;
mod software;
mod strain;
mod times;
#[cfg(test)]
mod tree;
mod updates;

use std::ffi::c_ulong;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use nix::sys::prctl::set_timerslack;

pub use clock::{clock_state, monotonic_ms};
pub use ping::Ping;
pub use private::{
    config_directory, is_open_to_all, make_program, private_directory, private_file, replace,
};
pub use sensors::{memory, mounts, temperatures};
pub use service::{
    config_file, event_log, hear_sessions, run_as_service, run_in_session, service, state_dir,
    stop_requested, work_below_service,
};
pub use wire::working_set::trim as trim_working_set;

use wire::Language;

use super::{
    Device, Link, OwnUsage, Part, PowerSupply, SleepPlan, Software, Sound, SoundDevice, Strain,
    SystemTimes,
};

const ROOT: &str = "/";

/// Threads that send, write or ask a device allocate little, and never at once for long.
const HEAPS: i32 = 1;

/// See [`super`]. It is the thread's timer slack (`PR_SET_TIMERSLACK(2const)`).
pub fn wake_late(by: Duration) {
    // Where it is refused the thread wakes at its moment, which costs more and is as right.
    let _ = set_timerslack(by.as_nanos().try_into().unwrap_or(c_ulong::MAX));
}

/// See [`super`].
pub fn share_heap() {
    wire::working_set::share_heaps(HEAPS);
}

/// See [`super`].
pub const AS_ADMINISTRATOR: &str = "sudo";

/// See [`super`].
pub const ENROL_WITH_RIGHTS: (&str, &str) = (
    "Hãy chạy bằng quyền quản trị: sudo nhipcau-agent enroll MÃ",
    "Run it with administrator rights: sudo nhipcau-agent enroll CODE",
);

/// See [`super`].
pub const START_SERVICE: &str = "systemctl enable --now nhipcau-agent";

/// See [`super`].
pub const TIME_SERVICE: &str = "systemd-timesyncd, chrony";

/// See [`super`].
pub const ALLOW_ECHO: &str = "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"";

/// See [`super`].
#[must_use]
pub fn close_to_all(file: &Path) -> String {
    format!("chmod o= {}", file.display())
}

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

/// See [`super`]. A POSIX system says it in the environment.
#[must_use]
pub fn language() -> Option<Language> {
    Language::from_environment(|name| std::env::var(name).ok())
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

/// See [`super`]. The kernel always tells.
pub fn cameras() -> io::Result<Vec<Device>> {
    Ok(room::cameras::cameras(Path::new(ROOT)))
}

/// See [`super`].
pub fn displays() -> io::Result<Vec<Device>> {
    room::displays::displays(Path::new(ROOT))
}

/// See [`super`]. The kernel always tells.
pub fn sound_devices(sound: Sound) -> io::Result<Vec<SoundDevice>> {
    Ok(room::sound::devices(Path::new(ROOT), sound))
}

/// See [`super`]. The kernel always tells.
pub fn usb_devices() -> io::Result<Vec<Device>> {
    Ok(room::usb::devices(Path::new(ROOT)))
}

/// See [`super`]. The rights of the file are all that Linux gives a service without a TPM.
pub fn sealed(secret: &[u8]) -> io::Result<Vec<u8>> {
    Ok(secret.to_vec())
}

/// See [`super`].
pub fn unsealed(file: Vec<u8>) -> io::Result<Vec<u8>> {
    Ok(file)
}

/// See [`super`].
#[must_use]
pub fn parts() -> Vec<Part> {
    parts::parts(Path::new(ROOT))
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
