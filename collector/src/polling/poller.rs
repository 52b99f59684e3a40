//! Fetches one calendar from time to time.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::info;
use wire::yaml::Faults;

use super::client::{Client, Fetched};
use super::{Inbox, fault, url_sha256};
use crate::config::MeetingUrl;
use crate::meetings::files;
use crate::store::calendars::Copy;

/// After the first failure; each further one doubles it, up to the calendar's own interval. A
/// server that restarts is back by then.
const RETRY: Duration = Duration::from_secs(30);

/// Polls until stopped.
pub(super) async fn run(calendar: MeetingUrl, inbox: Arc<Inbox>, stop: CancellationToken) {
    let mut failures = 0;
    loop {
        let asked = inbox.asked.notified();
        match look(&calendar, &inbox).await {
            Ok(()) => failures = 0,
            Err(faults) => {
                failures += 1;
                inbox.settle(&calendar, None, faults.0);
            }
        }
        let pause = pause(calendar.every.0, failures, random());
        tokio::select! {
            () = stop.cancelled() => return,
            () = asked => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Looks once. The copy is read and written on a thread that may wait for the disk.
async fn look(calendar: &MeetingUrl, inbox: &Arc<Inbox>) -> Result<(), Faults> {
    let failed = |message: String| Faults(fault(calendar, message));
    // Made anew each time: the system's authorities change without a restart.
    let client = Client::new(calendar).map_err(failed)?;
    let copy = blocking(calendar, inbox, |calendar, inbox| inbox.copy(calendar)).await.flatten();
    match client.get(copy.as_ref()).await.map_err(failed)? {
        Fetched::Unchanged => {
            inbox.settle(calendar, None, Vec::new());
            Ok(())
        }
        Fetched::New { body, .. } if copy.as_ref().is_some_and(|copy| copy.body == body) => {
            inbox.settle(calendar, None, Vec::new());
            Ok(())
        }
        Fetched::New { etag, last_modified, body } => {
            let content = files::parse_icalendar(&super::place(calendar), &body)?;
            info!(calendar = %calendar.name, bytes = body.len(), "calendar fetched");
            let (url_sha256, fetched_at) = (url_sha256(calendar), crate::now());
            let copy = Copy { url_sha256, etag, last_modified, fetched_at, body };
            let taken = move |calendar: &MeetingUrl, inbox: &Inbox| {
                inbox.take(calendar, &copy, content);
            };
            blocking(calendar, inbox, taken).await;
            Ok(())
        }
    }
}

async fn blocking<T: Send + 'static>(
    calendar: &MeetingUrl,
    inbox: &Arc<Inbox>,
    work: impl FnOnce(&MeetingUrl, &Inbox) -> T + Send + 'static,
) -> Option<T> {
    let (calendar, inbox) = (calendar.clone(), Arc::clone(inbox));
    tokio::task::spawn_blocking(move || work(&calendar, &inbox)).await.ok()
}

/// Until the next look, a tenth earlier or later: after a restart, and with several collectors,
/// calendars of one server are not asked for at one moment. `random` is 0 to 255.
fn pause(every: Duration, failures: u32, random: u8) -> Duration {
    let doubled = failures.checked_sub(1).map(|times| RETRY.saturating_mul(1 << times.min(16)));
    let pause = doubled.map_or(every, |retry| retry.min(every));
    pause.mul_f64(0.9 + 0.2 * f64::from(random) / 255.0)
}

fn random() -> u8 {
    let mut byte = [128];
    // Without it everything works, if less evenly.
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_tried_again_soon_and_then_less_often() {
        let every = Duration::from_mins(15);
        let seconds = |failures, random| pause(every, failures, random).as_millis() / 1000;
        for (failures, expected) in [(0, 810), (1, 27), (2, 54), (6, 810), (u32::MAX, 810)] {
            assert_eq!(seconds(failures, 0), expected, "{failures}");
        }
        assert_eq!(seconds(0, 255), 990);
    }
}
