//! A burst under way: waits for its end, says what it came to.
//!
//! The runtime is woken when the last request has left, and no more often.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;
use wire::reading::{Failure, Reason};

use super::channel::{Channel, Shared};
use super::hash;
use crate::platform::echo::{Notice, OpenError};
use crate::probes::failure;
use crate::tally::Run;

/// After the last request: the first look for its reply, as long as most lines take.
const LOOK_FIRST: Duration = Duration::from_millis(20);

/// Later looks, ever further apart up to this: what is still awaited is probably lost.
const LOOK_LAST: Duration = Duration::from_millis(160);

/// A burst under way. It ends with this, also where the run is cut off at its deadline.
pub(super) struct Flight<'a, 'r> {
    run: &'a mut Run<'r>,
    channel: Shared,
}

impl<'a, 'r> Flight<'a, 'r> {
    pub(super) fn new(run: &'a mut Run<'r>, channel: Shared) -> Self {
        Self { run, channel }
    }

    /// Waits until all requests have left and nothing more is awaited. Replies wait, with their
    /// stamps, so that looking seldom makes nothing inexact.
    pub(super) async fn fly(&mut self) {
        let mut pause = LOOK_FIRST;
        let mut look = self.channel.lock().course.last() + pause;
        loop {
            sleep_until(look.into()).await;
            let now = Instant::now();
            let mut channel = self.channel.lock();
            channel.hear();
            if channel.is_settled(now) {
                return;
            }
            pause = LOOK_LAST.min(pause * 2);
            look = channel.course.heard_until().min(now + pause);
        }
    }

    /// Says what became of the burst.
    pub(super) fn land(self, address: IpAddr) -> Result<(), Failure> {
        let mut channel = self.channel.lock();
        channel.close(self.run);
        report(&channel, address, self.run);
        outcome(&channel, address)
    }
}

impl Drop for Flight<'_, '_> {
    /// Also where the burst is cut off: what was sent was sent.
    fn drop(&mut self) {
        self.channel.lock().close(self.run);
    }
}

fn report(channel: &Channel, address: IpAddr, run: &mut Run<'_>) {
    let burst = &channel.burst;
    run.gauge("bridge_probe_address_hash", f64::from(hash(address)));
    if let Some(loss) = burst.loss() {
        run.gauge("bridge_probe_loss_ratio", loss);
    }
    if let Some(jitter) = burst.jitter() {
        run.gauge("bridge_probe_jitter_seconds", jitter);
    }
    let (requests, answers) = (burst.requests(), burst.answers());
    run.step(
        || format!("gửi {requests} gói, nhận {answers} trả lời đúng hạn"),
        || format!("sent {requests}, {answers} answered in time"),
    );
}

/// A burst fails only when nothing at all came back: loss is a measurement, not a failure.
fn outcome(channel: &Channel, address: IpAddr) -> Result<(), Failure> {
    let burst = &channel.burst;
    let requests = burst.requests();
    if burst.heard() {
        return Ok(());
    }
    Err(match (&channel.notice, &channel.refusal) {
        (_, Some(error)) if requests == 0 => failure::of(error, format_args!("echo {address}")),
        (Some(Notice { what, from }), _) => {
            let from = from.map_or_else(|| "this system".to_owned(), |from| from.to_string());
            let lost = burst.undelivered();
            Failure::new(
                Reason::Unreachable,
                format_args!("echo {address}: {what}, says {from} of {lost} of {requests}"),
            )
        }
        _ => Failure::new(
            Reason::Timeout,
            format_args!("echo {address}: none of {requests} requests was answered"),
        ),
    })
}

/// The channel of the burst before, kept for one more cycle: what came too late for its own run
/// waits there, with the kernel's stamp, to be counted.
#[derive(Debug, Default)]
pub(super) struct Before(Option<Shared>);

impl Clone for Before {
    /// A copy of a probe has sent nothing yet.
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl Before {
    /// Counts what came after the end of its run, and keeps the `next` one.
    pub(super) fn make_room(&mut self, next: Shared, run: &mut Run<'_>) {
        if let Some(before) = self.0.replace(next) {
            before.lock().close(run);
        }
    }
}

pub(super) fn unopened(address: IpAddr, error: &OpenError) -> Failure {
    match error {
        OpenError::Denied => Failure::new(Reason::Denied, format_args!("echo {address}: {error}")),
        OpenError::Io(error) => failure::of(error, format_args!("echo {address}")),
    }
}
