//! Where a service lives on Linux, and how it is told to stop (systemd.service(5), hier(7)).

use std::io;
use std::path::PathBuf;

use crate::platform::{ServiceOrder, ServiceState};
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

/// The agent's package brings its service, and systemd is who starts it.
pub fn service(order: ServiceOrder) -> io::Result<ServiceState> {
    let words = match order {
        ServiceOrder::Install => {
            "the package installs the service: apt install ./nhipcau-agent_*.deb"
        }
        ServiceOrder::Start => "systemd starts it: systemctl start nhipcau-agent",
        ServiceOrder::Stop | ServiceOrder::Release => {
            "systemd stops it: systemctl stop nhipcau-agent"
        }
        ServiceOrder::Uninstall => "it goes with its package: apt remove nhipcau-agent",
        ServiceOrder::Status => "systemd knows of it: systemctl status nhipcau-agent",
    };
    Err(io::Error::new(io::ErrorKind::Unsupported, words))
}

/// On Linux a service is a program like any other: `nhipcau-agent run`.
pub fn run_as_service(_: fn() -> bool) -> io::Result<()> {
    let words = "on Linux a service is run by: nhipcau-agent run";
    Err(io::Error::new(io::ErrorKind::Unsupported, words))
}

/// On Linux a program below a service is like any other.
pub fn work_below_service() {}

/// On Linux a service sees what whoever sits at the PC does.
pub async fn hear_sessions() {}

/// See [`hear_sessions`].
pub fn run_in_session() -> io::Result<()> {
    let words = "only Windows needs a helper in the session of whoever signs in";
    Err(io::Error::new(io::ErrorKind::Unsupported, words))
}

/// systemd keeps what a service says on its standard error.
#[must_use]
pub fn event_log() -> fn() -> io::Stderr {
    io::stderr
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
