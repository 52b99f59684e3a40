//! The whole way with real parts: from a probe on a PC to Prometheus, and everything that goes
//! wrong on it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

// What a probe says, held against the truth.
#[cfg(target_os = "linux")]
mod network_truth;

// What arrives and what is shown.
mod scenarios;

// What people read and write.
mod bad_config;
mod metrics_page;
mod shipped;
