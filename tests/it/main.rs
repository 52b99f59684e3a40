//! The whole way with real parts: from a probe on a PC to Prometheus, and everything that goes
//! wrong on it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

// The main job.
mod fleet;
mod quickstart;
mod way;

// What must not lose or double a report.
mod answers;
mod disk;
mod kills;
mod line;
mod numbering;
mod versions;

// What must not mislead.
mod clocks;
mod copies;
mod exposition;
mod reload;
mod silence;
mod stopping;

// What must not be believed.
mod enrolment;
mod later;
mod reports;
mod strangers;
#[cfg(target_os = "linux")]
mod technician;
mod waiting;

// What a probe says, held against the truth.
#[cfg(target_os = "linux")]
mod appliances;
#[cfg(target_os = "linux")]
mod bytes;
#[cfg(target_os = "linux")]
mod conference;
#[cfg(target_os = "linux")]
mod network_truth;
#[cfg(target_os = "linux")]
mod power;
#[cfg(target_os = "linux")]
mod projector;
#[cfg(target_os = "linux")]
mod room;
#[cfg(target_os = "linux")]
mod snmp;

// The same on the other system.
#[cfg(target_os = "linux")]
mod windows;
#[cfg(target_os = "linux")]
mod windows_room;
mod windows_upgrade;

// What arrives and what is shown.
mod scenarios;

// What is to take place, and what is remembered of it.
mod calendar;
mod roll_call;

// What people read and write.
mod acts;
mod alarms;
mod alerts;
mod bad_config;
mod board;
mod bundle;
mod containers;
mod dashboards;
mod doctor;
mod duty_hours;
mod metrics_page;
mod page;
mod people;
mod profiles;
mod shipped;
mod updates;
