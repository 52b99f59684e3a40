//! The collector.
//!
//! ```text
//!  agents ══TLS══▶ listener ─▶ routes ─▶ auth ─▶ ingest ─▶ store (SQLite: counted once)
//!                                                   │
//!  sites.yaml ─▶ inventory ───────────────────▶   fleet ─▶ exposition ─▶ /metrics ◀── Prometheus
//!                                                   └────▶ api        ─▶ /api/v1
//! ```
//!
//! `inventory`, `ingest` (decoding), `fleet`, `exposition` and `api` are pure: they take values
//! and `now`. Sockets, disk and clock live in `listener`, `store`, `watch` and `main`.

// What is configured and expected.
pub mod config;
pub mod inventory;
pub mod watch;

// A report's way.
pub mod ingest;
pub mod listener;

pub mod routes;

pub mod auth;

pub mod enrol;

pub mod fleet;

// Its readers.
pub mod exposition;

pub mod api;

// The collector about itself.
pub mod telemetry;

mod answers;
mod seldom;

// What outlives the process.
pub mod authority;
pub mod store;
