//! `icmp`: echo requests spread over the cycle; sent, received, doubled, late, round trip times.
//!
//! A burst takes its whole cycle, so that a fault of three seconds is seen wherever in the cycle
//! it falls. The first reading of an agent therefore comes one cycle after its start.

mod burst;
mod channel;
mod course;
mod flight;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::{self, Deserializer};
use wire::duration::Span;
use wire::reading::{Capability, Failure};

use super::resolve::Host;
use crate::platform::Ping;
use crate::platform::echo::Way;
use crate::tally::Run;
use burst::Burst;
use channel::Shared;
use course::{Course, Pace};
use flight::{Before, Flight, unopened};

/// Left of a cycle after the burst, at most: the runner wants the reading before the next run is
/// due, also from a PC that wakes up late.
const MARGIN: Duration = Duration::from_millis(250);

/// What a name server may take, at most; a resolver's first time-out is 5 s (resolv.conf(5)), and
/// whoever needs longer is not answering.
const RESOLVE: Duration = Duration::from_secs(5);

/// Echoes in a burst: a hundred a second for half a minute is more than any path needs, and far
/// below the 65,536 at which sequence numbers come round.
const COUNT: std::ops::RangeInclusive<u16> = 1..=3000;

/// Payload bytes: from the token that tells our replies from others, to the largest that an
/// Ethernet frame carries over IPv4 without being cut in pieces.
const SIZE: std::ops::RangeInclusive<u16> = 8..=1472;

/// Measures the way to a host.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Icmp {
    /// Name or address.
    host: Host,
    /// Echo requests in a run.
    #[serde(default = "default_count", deserialize_with = "count_of")]
    count: u16,
    /// Payload of each, in bytes.
    #[serde(default = "default_size", deserialize_with = "size")]
    size: u16,
    /// A reply after this is late; at most half the cycle counts.
    #[serde(default = "default_timeout", deserialize_with = "echo_timeout")]
    timeout: Span,
    /// The address that the name led to last.
    #[serde(skip)]
    address: Option<SocketAddr>,
    /// The burst before.
    #[serde(skip)]
    before: Before,
}

impl Icmp {
    /// Its interval where the configuration names none.
    pub const EVERY: Duration = Duration::from_secs(15);
    /// What it is evidence of where the configuration names nothing.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Network);

    /// How long a run may take where the configuration does not say: the whole cycle.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every
    }

    /// One run.
    ///
    /// While a name cannot be resolved, the address it led to last is measured and the run fails
    /// all the same: a dead name server must neither hide nor be taken for a dead path.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let cycle = run.every.min(run.timeout);
        let margin = MARGIN.min(cycle / 10);
        let ends = Instant::now() + cycle.saturating_sub(margin);
        let resolved = self.resolve(run, RESOLVE.min(cycle / 4)).await;
        let Some(target) = self.address else { return resolved };

        let begins = Instant::now();
        let left = ends.saturating_duration_since(begins);
        let pace = Pace::new(left, self.count, self.timeout.0);
        let ping = Ping::open(target, self.count, self.size, pace.timeout)
            .map_err(|error| unopened(target.ip(), &error))?;
        tell_way(run, ping.way());
        // Half of the margin is for timers that fire late.
        let course = Course::new(pace, self.count, begins, ends + margin / 2);
        let channel = Shared::begin(ping, course, Burst::new(self.count, pace.timeout))
            .map_err(|error| unopened(target.ip(), &error.into()))?;
        let mut flight = Flight::new(run, channel.clone());
        flight.fly().await;
        let outcome = flight.land(target.ip());
        self.before.make_room(channel, run);
        outcome.and(resolved)
    }

    /// Looks the name up and keeps an address of it, the same as before where it is still one.
    async fn resolve(&mut self, run: &mut Run<'_>, limit: Duration) -> Result<(), Failure> {
        let host = &self.host;
        let found = host.addresses(0, limit).await?;
        let same = self.address.filter(|address| found.contains(address));
        let Some(address) = same.or(found.first().copied()) else { return Ok(()) };
        self.address = Some(address);
        run.step(
            || format!("{host} có địa chỉ {}", address.ip()),
            || format!("{host} is at {}", address.ip()),
        );
        Ok(())
    }
}

fn tell_way(run: &mut Run<'_>, way: Way) {
    let (vi, en) = match way {
        Way::PingSocket => (
            "đo qua ping socket, không cần quyền đặc biệt, dấu thời gian do nhân hệ điều hành ghi",
            "through a ping socket, no privilege needed, stamped by the kernel",
        ),
        Way::RawSocket => (
            "đo qua raw socket (CAP_NET_RAW), dấu thời gian do nhân hệ điều hành ghi; để chạy \
             không cần đặc quyền: sysctl net.ipv4.ping_group_range",
            "through a raw socket (CAP_NET_RAW), stamped by the kernel; to do without the \
             privilege: sysctl net.ipv4.ping_group_range",
        ),
        Way::Library => (
            "đo qua thư viện surge-ping: hệ thống không có dấu thời gian của nhân; không đếm được \
             gói trùng và gói đến muộn",
            "through the surge-ping library, as this system gives no kernel stamps; doubled and \
             late replies are not counted",
        ),
        Way::System => (
            "đo qua dịch vụ echo của hệ điều hành, không cần quyền đặc biệt; không đếm được gói \
             trùng và gói đến muộn",
            "through the system's own echo service, no privilege needed; doubled and late replies \
             are not counted",
        ),
    };
    run.step(|| vi.to_owned(), || en.to_owned());
}

/// FNV-1a with 32 bits, which every f64 holds exactly.
fn hash(address: IpAddr) -> u32 {
    let fold = |bytes: &[u8]| {
        bytes.iter().fold(0x811c_9dc5, |hash: u32, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        })
    };
    match address {
        IpAddr::V4(address) => fold(&address.octets()),
        IpAddr::V6(address) => fold(&address.octets()),
    }
}

fn default_count() -> u16 {
    10
}

/// As much as `ping` sends.
fn default_size() -> u16 {
    56
}

fn default_timeout() -> Span {
    Span::seconds(2)
}

fn ranged<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: &std::ops::RangeInclusive<u16>,
) -> Result<u16, D::Error> {
    let number = u16::deserialize(deserializer)?;
    if range.contains(&number) {
        return Ok(number);
    }
    let (least, most) = (range.start(), range.end());
    Err(de::Error::custom(format_args!("{number} is not between {least} and {most}")))
}

fn count_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    ranged(deserializer, &COUNT)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    ranged(deserializer, &SIZE)
}

fn echo_timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    let span = Span::deserialize(deserializer)?;
    // Nobody in a conversation waits longer than a minute; zero would call every reply late.
    if (Duration::from_millis(1)..=Duration::from_mins(1)).contains(&span.0) {
        return Ok(span);
    }
    Err(de::Error::custom(format_args!("{span} is not between 1ms and 1m")))
}

#[cfg(test)]
mod tests;
