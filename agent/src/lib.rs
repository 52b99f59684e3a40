//! The agent of one conference bridge.
//!
//! ```text
//!  agent.yaml ─▶ config
//!                  │ tasks
//!                  ▼
//!   schedule ─▶ runner ─▶ probes/{icmp,sip,h323,turn,…,camera,microphone,speaker,display,…,host}
//!                  │ readings          └─ platform/{linux,windows}: what only the system knows
//!                  ▼
//!               report ─▶ spool (SQLite) ─▶ uplink ══TLS, trust══▶ collector
//!                            ▲                │
//!                            └── settled ◀────┘
//!   latest readings ─▶ doctor ─▶ page ─▶ a browser in the room
//! ```
//!
//! `schedule`, `cadence`, `report` and `tally` are pure. One thread runs everything but the spool, whose
//! disk may take its time, the requests of `icmp`, which leave at their moments, and what waits for a
//! device.

// What is to be done.
pub mod cadence;
pub mod config;
pub mod profile;
pub mod schedule;

// Which version does it.
pub mod update;
pub mod version;

// A reading's way, in order.
pub mod own;
pub mod probes;
pub mod report;
pub mod runner;
pub mod spool;
pub mod tally;
pub mod uplink;

// What is told of that way, in both languages.
mod way;
mod words;

// Who this PC is to its collector, and whom it trusts.
pub mod contact;
pub mod enrol;
pub mod identity;
pub mod machine;
pub mod trust;

// What only the operating system knows.
pub mod platform;

// What speaks to a person.
pub mod check;
pub mod doctor;
pub mod learn;
pub mod once;
pub mod page;
pub mod service;
pub mod style;

mod run;
pub mod runtime;

#[cfg(test)]
#[path = "../../tests/fuzz/mutations.rs"]
mod mutations;
pub use run::{Ended, RunError, run};
