//! What the end-to-end tests and the benchmarks stand on: the real programs, a real Prometheus,
//! and everything that goes wrong between them.
//!
//! ```text
//!   Agent ──▶ Link (cut, stall, swallow, slow) ──▶ Collector ◀── Prometheus
//!   Client (speaks the protocol, well or badly) ──▶ Collector
//!   Agent ──▶ Scripted (a collector that answers what the test says)
//!   Ping, ping, … ──▶ Wan (delay, jitter, loss, doubles, rate) ──▶ a far end that answers echo
//! ```
//!
//! Nothing here returns an error: a test stops at the first surprise and says what it was, with
//! what the programs wrote.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test stops at the first surprise"
)]

// The programs.
pub mod agent;
pub mod alarm;
pub mod alertmanager;
pub mod browser;
pub mod collector;
pub mod enrolled;
pub mod operator;
pub mod program;
pub mod prometheus;
#[cfg(target_os = "linux")]
pub mod wine;

// What stands between them, or in the place of one.
pub mod appliance;
pub mod client;
pub mod flapping;
pub mod http;
pub mod link;
pub mod mail;
pub mod receiver;
pub mod scripted;
pub mod tinyproxy;
pub mod tls;
#[cfg(target_os = "linux")]
pub mod wan;

// What a test needs to see and wait for.
pub mod dice;
pub mod ledger;
pub mod ports;
pub mod scrape;
pub mod wait;
