//! What only the operating system knows, behind one set of functions.
//!
//! Nothing outside this module asks which system it runs on. Each system has one file with
//! these functions, returning the types below:
//!
//! | function | answers |
//! |---|---|
//! | `monotonic_ms() -> u64` | milliseconds since switch-on, sleep included, never set back |
//! | `os_name() -> String` | the system as its maker calls it: `Debian GNU/Linux 12 (bookworm)` |
//! | `hostname() -> String` | the name of this PC; empty where it has none |
//! | `language() -> Option<Language>` | in which language it speaks to people, where it says so |
//! | `dns_servers() -> Vec<SocketAddr>` | the name servers the system asks, in its order |
//! | `clock_state() -> io::Result<ClockState>` | whether the system holds its clock for right |
//! | `system_times() -> io::Result<SystemTimes>` | switch-on, and what the processors did since |
//! | `own_usage() -> io::Result<OwnUsage>` | what this program costs |
//! | `trim_working_set()` | gives back the memory of what ran once |
//! | `wake_late(by)` | lets the system wake the calling thread so much later, together with another |
//! | `share_heap()` | makes threads begun later use one heap, where each would have its own |
//! | `memory() -> Option<Memory>`, `mounts() -> Vec<Mount>` | memory and file systems |
//! | `temperatures() -> Vec<(String, f64)>` | sensors in degrees Celsius, as the system lists them |
//! | `power_supplies() -> Vec<PowerSupply>` | batteries and mains |
//! | `restart_pending() -> Option<bool>` | whether an update waits for a restart; `None` where it cannot tell |
//! | `sleep_plan() -> SleepPlan` | when it would sleep or end by itself |
//! | `software(program, package) -> Software` | whether it is installed and runs |
//! | `strain() -> Strain` | heat, want of memory, dying disks |
//! | `parts() -> Vec<Part>` | what stays with this machine for years and no other has |
//! | `links() -> io::Result<Vec<Link>>` | network interfaces, loopback left out |
//! | `cameras()`, `usb_devices()`, `displays() -> io::Result<Vec<Device>>` | what is there, and what keeps it from working; an error where nobody tells |
//! | `sound_devices(Sound) -> io::Result<Vec<SoundDevice>>` | microphones or speakers, with mute and volume |
//! | `config_file()`, `state_dir() -> PathBuf` | where a service lives on this system |
//! | `config_directory(path)` | made for a configuration, which people may have to read |
//! | `private_directory(path)`, `private_file(path)` | made for this user alone |
//! | `make_program(path)` | a private file that this user may start |
//! | `is_open_to_all(file) -> io::Result<bool>` | whether everybody on this PC may read it |
//! | `close_to_all(file) -> String` | the command that makes it less open |
//! | `AS_ADMINISTRATOR`, `START_SERVICE`, `ALLOW_ECHO` | what a person types to be let, to start the agent, to be let send echoes |
//! | `ENROL_WITH_RIGHTS` | the same for enrolment, as a sentence in Vietnamese and English |
//! | `TIME_SERVICE` | what keeps the clock right |
//! | `replace(new, old)` | a file takes another's place, also through a power cut |
//! | `sealed(secret)`, `unsealed(file) -> io::Result<Vec<u8>>` | what is written in a secret's place, and back |
//! | `service(ServiceOrder) -> io::Result<ServiceState>` | installs, starts, stops the agent's service, or takes it away |
//! | `run_as_service(program) -> io::Result<()>` | `program`, run by the system's manager of services |
//! | `hear_sessions()` | hears, in a service, what the sessions of people tell; for as long as it runs |
//! | `run_in_session() -> io::Result<()>` | the helper in such a session, where services cannot see into one |
//! | `work_below_service()` | said by a program that the service has started in its place |
//! | `event_log()` | where a service's log lines go |
//! | `stop_requested()` | returns when the system asks this program to end |
//! | `Ping` | the channel of [`echo`] requests and what comes back |
//!
//! Power supplies, links, disks, sensors and devices may wait for a device and so are asked from a thread of their own;
//! the others answer at once.

#[cfg(any(windows, test))]
mod active_hours;
#[cfg(any(windows, test))]
mod arrangement;
#[cfg(any(windows, test))]
mod consent;
mod devices;
pub mod echo;
mod edid;
#[cfg(any(windows, test))]
mod ndis;
#[cfg(any(windows, test))]
mod pnp;
#[cfg(any(windows, test))]
mod session;
#[cfg(any(windows, test))]
mod storage;

pub use devices::{Device, Sound, SoundControls, SoundDevice};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

#[cfg(any(target_os = "linux", windows))]
pub use system::{
    ALLOW_ECHO, AS_ADMINISTRATOR, ENROL_WITH_RIGHTS, Ping, START_SERVICE, TIME_SERVICE, cameras,
    clock_state, close_to_all, config_directory, config_file, displays, dns_servers, event_log,
    hear_sessions, hostname, is_open_to_all, language, links, make_program, memory, monotonic_ms,
    mounts, os_name, own_usage, parts, power_supplies, private_directory, private_file, replace,
    restart_pending, run_as_service, run_in_session, sealed, service, share_heap, sleep_plan,
    software, sound_devices, state_dir, stop_requested, strain, system_times, temperatures,
    trim_working_set, unsealed, usb_devices, wake_late, work_below_service,
};

#[cfg(not(any(target_os = "linux", windows)))]
compile_error!(
    "this system is not supported yet: write agent/src/platform/<system>.rs with the functions \
     listed at the top of agent/src/platform.rs, and name it beside `mod linux`"
);

use std::time::Duration;

/// Something of a machine that no other has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `board`, `interface` or `disk`.
    pub kind: &'static str,
    /// The number its maker gave it.
    pub value: String,
}

/// What to do with the agent's service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceOrder {
    /// Make it known to the system, or give one that is known its settings anew.
    Install,
    /// Start it, and wait until it runs.
    Start,
    /// Stop it, and wait until it has ended.
    Stop,
    /// Stop it, and end the helpers of whoever is signed in, so that the program can be replaced.
    /// The system still knows it, and starts what it finds in its place.
    Release,
    /// Stop it and make the system forget it. Configuration, identity and spool stay.
    Uninstall,
    /// Only look.
    Status,
}

/// What the agent's service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// The system knows of none.
    NotInstalled,
    /// It does not run.
    Stopped,
    /// It starts or stops.
    Changing,
    /// It runs.
    Running,
}

/// What the system says of its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockState {
    /// Whether something (NTP, PTP, a GPS receiver) keeps it right.
    pub synchronised: bool,
    /// The system's estimate of the error; `None` where nobody estimates it.
    pub estimated_error: Option<Duration>,
}

/// What the processors did since switch-on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SystemTimes {
    /// Switch-on in Unix seconds by the PC's own clock, so only as right as that clock.
    pub boot_unix_seconds: f64,
    /// Logical processors that are running.
    pub processors: u32,
    /// Time not spent idle, summed over the processors.
    pub busy: Duration,
    /// All time, summed over the processors.
    pub total: Duration,
}

/// What this program costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnUsage {
    /// Memory it holds in RAM.
    pub resident_bytes: u64,
    /// Processor time it used since its start, kernel work on its behalf included.
    pub cpu: Duration,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What is built in.
    pub size: u64,
    /// What programs could still get without swapping.
    pub available: u64,
    /// What was moved to disk for want of memory.
    pub swap_used: u64,
}

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What it lies on, the same for all mounts of one: `/dev/sda2`, `C:\`.
    pub device: String,
    /// Its kind: `ext4`, `ntfs`.
    pub file_system: String,
    /// Whether nothing can be written to it.
    pub read_only: bool,
    /// Where it is seen: `/`, `C:\`.
    pub mount_point: String,
    /// Bytes it has.
    pub size: u64,
    /// Bytes that programs without special rights can still use.
    pub available: u64,
}

/// A battery (of the PC or of a UPS it manages) or a mains adapter.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerSupply {
    /// The system's name of it: `BAT0`, `AC`.
    pub name: String,
    /// What it is and says.
    pub state: PowerState,
}

/// What a power supply says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PowerState {
    /// The PC can run on it.
    Battery {
        /// Share in 0..=1 of what it can hold now; `None` where it does not tell.
        charge: Option<f64>,
        /// Whether the PC runs on it now.
        discharging: bool,
    },
    /// It feeds the PC from outside.
    Mains {
        /// Whether it has power.
        online: bool,
    },
}

/// A program as it is installed and runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Software {
    /// Whether it is there.
    pub installed: bool,
    /// Why it could not start; `None` where nothing is known against it.
    pub broken: Option<String>,
    /// Of its package, in the package's own writing; `None` where no package tells.
    pub version: Option<String>,
    /// Whether it runs.
    pub running: bool,
}

/// When the system would sleep or end by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SleepPlan {
    /// After so long without a touch of mouse or keys; `None` where it never does.
    pub after: Option<Duration>,
    /// The moment of a shutdown that is scheduled, by the PC's own clock.
    pub shutdown_unix_seconds: Option<f64>,
    /// From when on it may restart by itself to finish an update that waits, by the PC's own clock;
    /// `None` where none waits, or it does not tell.
    pub restart_unix_seconds: Option<f64>,
    /// From and to which hour of the day it does not do so.
    pub active_hours: Option<(u32, u32)>,
}

/// What wears a PC down; everything is absent where the system does not tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Strain {
    /// For how long heat has slowed the worst processor down since switch-on.
    pub throttled: Option<Duration>,
    /// Share of the last minute in which everything waited for memory.
    pub memory_stalled: Option<f64>,
    /// Programs ended for want of memory since switch-on.
    pub out_of_memory_kills: Option<u64>,
    /// Whether a disk that watches itself foretells its end, by disk.
    pub disks_failing: Vec<(String, bool)>,
    /// Errors that file systems have written down, by disk.
    pub disk_errors: Vec<(String, u64)>,
    /// Commands that a disk answered with an error, or not in time, since switch-on, by disk. Some
    /// refuse what they do not know at their start: only new ones tell.
    pub disk_failures: Vec<(String, u64)>,
    /// Bytes fetched back from disk since switch-on that had been moved there for want of memory.
    pub swapped_in_bytes: Option<u64>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The system's name of it: `eth0`.
    pub name: String,
    /// Whether it is a piece of hardware, not a bridge, tunnel or container's end.
    pub physical: bool,
    /// Whether a default route of IPv4 or IPv6 leads over it.
    pub default_route: bool,
    /// How far it is from carrying anything.
    pub state: LinkState,
    /// Negotiated speed; `None` where the driver does not say (most Wi-Fi, some virtual ones).
    pub bits_per_second: Option<u64>,
    /// Whether both ends talk at once; `None` where the driver does not say.
    pub full_duplex: Option<bool>,
    /// Totals since the system made the interface; they start again when it makes it anew.
    pub totals: LinkTotals,
    /// Wi-Fi signal level in dBm.
    pub wifi_signal_dbm: Option<f64>,
}

/// How far an interface is from carrying anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Switched off by the system or its user.
    Off,
    /// Switched on, but no cable with something behind it, no joined Wi-Fi.
    NoCarrier,
    /// Switched on and connected.
    Up,
}

/// What an interface counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkTotals {
    /// Bytes received.
    pub receive_bytes: u64,
    /// Bytes sent.
    pub transmit_bytes: u64,
    /// Frames received broken or dropped.
    pub receive_errors: u64,
    /// Frames that could not be sent.
    pub transmit_errors: u64,
}
