//! How this program is told to stop: from a keyboard, by a console that closes, at shutdown; and by the
//! manager of services.

use super::service::stop_of_service;
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

/// Returns when the system asks this program to end.
pub async fn stop_requested() {
    let (Ok(mut interrupt), Ok(mut stop), Ok(mut close), Ok(mut shutdown)) =
        (ctrl_c(), ctrl_break(), ctrl_close(), ctrl_shutdown())
    else {
        tracing::error!("console events cannot be received; this program can only be killed");
        return std::future::pending().await;
    };
    tokio::select! {
        () = stop_of_service() => tracing::info!("the service is stopped"),
        _ = interrupt.recv() => tracing::info!("Ctrl-C: stopping"),
        _ = stop.recv() => tracing::info!("Ctrl-Break: stopping"),
        _ = close.recv() => tracing::info!("the console closes: stopping"),
        _ = shutdown.recv() => tracing::info!("the system shuts down: stopping"),
    }
}
