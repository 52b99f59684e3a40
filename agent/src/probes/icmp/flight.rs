//! A burst under way: sends at its pace, counts what comes back, says what it came to.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;
use wire::reading::{Failure, Reason};

use super::burst::{Burst, Counted};
use super::{Pace, hash};
use crate::platform::echo::{Arrival, Notice, OpenError};
use crate::platform::{Alarm, Ping};
use crate::probes::failure;
use crate::tally::Run;

/// After the last request: the first look for its reply, as long as most lines take.
const LOOK_FIRST: Duration = Duration::from_millis(20);

/// Later looks, ever further apart up to this: what is still awaited is probably lost.
const LOOK_LAST: Duration = Duration::from_millis(160);

/// Requests between two looks. Replies wait with their stamps, and each look costs a call even
/// where nothing waits. A socket of Linux holds 208 KiB, which a reply fills with up to 4: so many
/// fit three times over.
const LOOK_EACH: u16 = 16;

/// What a burst goes through, and its books.
#[derive(Debug)]
pub(super) struct Channel {
    ping: Ping,
    burst: Burst,
}

impl Channel {
    pub(super) fn new(ping: Ping, burst: Burst) -> Self {
        Self { ping, burst }
    }
}

/// A burst under way.
pub(super) struct Flight<'a, 'r> {
    run: &'a mut Run<'r>,
    channel: &'a mut Channel,
    alarm: Alarm,
    /// Requests that left and stand in no total yet: looking a total up for each, after a tenth
    /// of a second of sleep, takes longer than making the request.
    uncounted: u16,
    /// The last ICMP error.
    notice: Option<Notice>,
    /// Why the system refused the last request it refused.
    refusal: Option<io::Error>,
}

impl<'a, 'r> Flight<'a, 'r> {
    pub(super) fn new(run: &'a mut Run<'r>, channel: &'a mut Channel) -> Self {
        let alarm = Alarm::open();
        Self { run, channel, alarm, uncounted: 0, notice: None, refusal: None }
    }

    /// Sends up to `count` requests and hears of them until `end` at the latest.
    pub(super) async fn fly(&mut self, count: u16, pace: Pace, end: Instant) {
        let begins = Instant::now();
        for index in 0..count {
            self.alarm.sleep_until(begins + pace.gap * u32::from(index)).await;
            if index % LOOK_EACH == LOOK_EACH - 1 {
                self.hear();
            }
            // A PC that hung for a while sends no more than it can still hear of: what it missed
            // is not the path's loss. Half the time-out is enough to send; a reply that takes
            // longer than what is left is counted one run later.
            if Instant::now() + pace.timeout / 2 > end {
                break;
            }
            match self.channel.ping.send(index) {
                Ok(()) => {
                    self.channel.burst.sent(index);
                    self.uncounted += 1;
                }
                Err(error) => {
                    self.run.count("bridge_probe_send_errors_total", 1.0);
                    self.refusal = Some(error);
                }
            }
        }
        self.settle(end.min(Instant::now() + pace.timeout)).await;
    }

    /// Hears until nothing more is awaited, or a moment. Replies wait, with their stamps, so
    /// that looking seldom makes nothing inexact.
    async fn settle(&mut self, end: Instant) {
        let mut pause = LOOK_FIRST;
        loop {
            let now = Instant::now();
            self.hear();
            if self.channel.burst.settled() || now >= end {
                break;
            }
            self.alarm.sleep_until(end.min(now + pause)).await;
            pause = LOOK_LAST.min(pause * 2);
        }
    }

    /// Takes what has come back.
    fn hear(&mut self) {
        for arrival in self.channel.ping.waiting() {
            self.take(arrival);
        }
    }

    fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Reply { index, rtt } => count(self.run, &mut self.channel.burst, index, rtt),
            Arrival::Undeliverable { index, notice } => {
                self.channel.burst.undeliverable(index);
                self.notice = Some(notice);
            }
        }
    }

    /// Says what became of the burst.
    pub(super) fn land(mut self, address: IpAddr) -> Result<(), Failure> {
        self.report(address);
        self.outcome(address)
    }

    fn report(&mut self, address: IpAddr) {
        let Self { run, channel: Channel { burst, .. }, .. } = self;
        // A total that is there from the first run on can be seen to rise from 0.
        for total in [
            "bridge_probe_packets_received_total",
            "bridge_probe_packets_duplicate_total",
            "bridge_probe_packets_late_total",
            "bridge_probe_send_errors_total",
        ] {
            run.count(total, 0.0);
        }
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
    fn outcome(&self, address: IpAddr) -> Result<(), Failure> {
        let Channel { burst, .. } = &self.channel;
        let requests = burst.requests();
        if burst.heard() {
            return Ok(());
        }
        Err(match (&self.notice, &self.refusal) {
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
}

impl Drop for Flight<'_, '_> {
    /// Also where the burst is cut off at its deadline: what was sent was sent.
    fn drop(&mut self) {
        self.run.count("bridge_probe_packets_sent_total", f64::from(self.uncounted));
    }
}

/// The channel of the burst before, kept for one more cycle: what came too late for its own run
/// waits there, with the kernel's stamp, to be counted.
#[derive(Debug, Default)]
pub(super) struct Before(Option<Channel>);

impl Clone for Before {
    /// A copy of a probe has sent nothing yet.
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl Before {
    /// Counts what came after the end of its run, and keeps the `next` one.
    pub(super) fn make_room(&mut self, next: Channel, run: &mut Run<'_>) {
        let Some(Channel { mut ping, mut burst }) = self.0.replace(next) else { return };
        for arrival in ping.waiting() {
            if let Arrival::Reply { index, rtt } = arrival {
                count(run, &mut burst, index, rtt);
            }
        }
    }
}

fn count(run: &mut Run<'_>, burst: &mut Burst, index: u16, rtt: Duration) {
    match burst.reply(index, rtt) {
        Counted::Received => {
            run.count("bridge_probe_packets_received_total", 1.0);
            run.observe("bridge_probe_rtt_seconds", rtt.as_secs_f64());
        }
        Counted::Duplicate => run.count("bridge_probe_packets_duplicate_total", 1.0),
        Counted::Late => run.count("bridge_probe_packets_late_total", 1.0),
        Counted::Foreign => {}
    }
}

pub(super) fn unopened(address: IpAddr, error: &OpenError) -> Failure {
    match error {
        OpenError::Denied => Failure::new(Reason::Denied, format_args!("echo {address}: {error}")),
        OpenError::Io(error) => failure::of(error, format_args!("echo {address}")),
    }
}
