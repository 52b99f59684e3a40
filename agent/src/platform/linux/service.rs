//! Where a service lives on Linux, and how it is told to stop (systemd.service(5), hier(7)).

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

/// The configuration where the command line names none.
#[must_use]
pub fn config_file() -> PathBuf {
    "/etc/nhipcau/agent.yaml".into()
}

/// Identity and spool where the configuration says nothing.
#[must_use]
pub fn state_dir() -> PathBuf {
    "/var/lib/nhipcau-agent".into()
}

/// Returns when the system asks this program to end: SIGTERM from a service manager, SIGINT
/// from a keyboard.
pub async fn stop_requested() {
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; this program can only be killed");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => tracing::info!("SIGTERM: stopping"),
        _ = int.recv() => tracing::info!("SIGINT: stopping"),
    }
}
