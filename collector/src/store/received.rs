//! Which reports were received: intervals of numbers per boot of an agent, so that each counts
//! once however often it is sent.

use std::sync::Arc;

use rusqlite::Connection;

use crate::telemetry::Telemetry;

/// The tables of this module.
pub const SCHEMA: &str = "";

/// The way to the thread that makes receptions durable.
#[derive(Debug, Clone)]
pub struct Handle;

/// What the store knew when it was opened; goes into [`crate::fleet::Fleet::restore`].
#[derive(Debug, Default)]
pub struct History;

/// Loads what was received and starts the thread.
///
/// # Errors
/// When the store cannot be read.
pub fn start(
    connection: Connection,
    telemetry: Arc<Telemetry>,
) -> Result<(Handle, History), rusqlite::Error> {
    let _ = (connection, telemetry);
    Ok((Handle, History))
}

impl Handle {
    /// Lets the thread finish what it was given and ends it.
    pub fn close(&self) {}
}
