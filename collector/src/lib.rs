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

// What is expected.
pub mod inventory;

// What outlives the process.
pub mod store;
