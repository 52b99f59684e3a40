//! The agent of one conference bridge.
//!
//! ```text
//!  agent.yaml ─▶ config
//!                  │ probes
//!                  ▼
//!   schedule ─▶ runner ─▶ probes/{icmp,tcp,http,dns,host,link,clock}
//!                  │ readings          └─ platform/{linux,windows}: what only the system knows
//!                  ▼
//!               report ─▶ spool (SQLite) ─▶ uplink ══TLS══▶ collector
//!                            ▲                │
//!                            └── settled ◀────┘
//! ```

// A reading's way, in order.
pub mod probes;
pub mod spool;
pub mod tally;
pub mod uplink;

// Who this PC is to its collector, and whom it trusts.
pub mod enrol;
pub mod identity;
pub mod trust;

// What only the operating system knows.
pub mod platform;
