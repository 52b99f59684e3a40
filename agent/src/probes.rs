//! The probes: one file a kind, and the struct in it *is* its configuration.
//!
//! To add a kind: its file in `probes/`, one line in the list at the end of this file, its rows
//! in `wire/src/metrics/table.rs`. The runner gives every kind its deadline, timing, counting
//! and failure labels; a probe only measures.

pub mod clock;
pub mod dns;
pub mod host;
pub mod http;
pub mod icmp;
pub mod link;
pub mod tcp;

// What several kinds share.
pub(crate) mod aside;
pub(crate) mod failure;
pub mod resolve;

#[cfg(test)]
pub(crate) mod bench;

use std::time::Duration;

use serde::Deserialize;
use wire::duration::Span;
use wire::reading::{Capability, Failure};

use crate::tally::Run;

/// A probe of one kind.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each kind is described in its file")]
pub enum Probe {
    Icmp(icmp::Icmp),
    Tcp(tcp::Tcp),
    Http(http::Http),
    Dns(dns::Dns),
    Host(host::Host),
    Link(link::Link),
    Clock(clock::Clock),
}

impl Probe {
    /// The kind's name in configurations and in the label `kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Icmp(_) => "icmp",
            Self::Tcp(_) => "tcp",
            Self::Http(_) => "http",
            Self::Dns(_) => "dns",
            Self::Host(_) => "host",
            Self::Link(_) => "link",
            Self::Clock(_) => "clock",
        }
    }

    /// The kind's own interval.
    #[must_use]
    pub fn default_every(&self) -> Duration {
        match self {
            Self::Icmp(_) => icmp::Icmp::EVERY,
            Self::Tcp(_) => tcp::Tcp::EVERY,
            Self::Http(_) => http::Http::EVERY,
            Self::Dns(_) => dns::Dns::EVERY,
            Self::Host(_) => host::Host::EVERY,
            Self::Link(_) => link::Link::EVERY,
            Self::Clock(_) => clock::Clock::EVERY,
        }
    }

    /// The kind's own time-out at an interval.
    #[must_use]
    pub fn default_timeout(&self, every: Duration) -> Duration {
        match self {
            Self::Icmp(probe) => probe.timeout(every),
            Self::Tcp(probe) => probe.timeout(every),
            Self::Http(probe) => probe.timeout(every),
            Self::Dns(probe) => probe.timeout(every),
            Self::Host(probe) => probe.timeout(every),
            Self::Link(probe) => probe.timeout(every),
            Self::Clock(probe) => probe.timeout(every),
        }
    }

    /// What the kind is evidence of.
    #[must_use]
    pub fn default_capability(&self) -> Option<Capability> {
        match self {
            Self::Icmp(_) => icmp::Icmp::CAPABILITY,
            Self::Tcp(_) => tcp::Tcp::CAPABILITY,
            Self::Http(_) => http::Http::CAPABILITY,
            Self::Dns(_) => dns::Dns::CAPABILITY,
            Self::Host(_) => host::Host::CAPABILITY,
            Self::Link(_) => link::Link::CAPABILITY,
            Self::Clock(_) => clock::Clock::CAPABILITY,
        }
    }

    /// One run. Ends early where it can; the runner cuts it off at its deadline.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        match self {
            Self::Icmp(probe) => probe.run(run).await,
            Self::Tcp(probe) => probe.run(run).await,
            Self::Http(probe) => probe.run(run).await,
            Self::Dns(probe) => probe.run(run).await,
            Self::Host(probe) => probe.run(run).await,
            Self::Link(probe) => probe.run(run).await,
            Self::Clock(probe) => probe.run(run).await,
        }
    }
}

/// What an agent's configuration says of one probe: `{ every, timeout, capability, <kind>: {…} }`.
///
/// A struct with one optional field a kind: unlike a tagged enum it keeps the place of every
/// fault in the file.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each kind is described in its file")]
pub struct ProbeConfig {
    /// From one run's start to the next; default: the kind's own.
    pub every: Option<Span>,
    /// How long one run may take; default: the kind's own.
    pub timeout: Option<Span>,
    /// What a meeting needs that this probe is evidence of; default: the kind's own.
    pub capability: Option<Capability>,
    pub icmp: Option<icmp::Icmp>,
    pub tcp: Option<tcp::Tcp>,
    pub http: Option<http::Http>,
    pub dns: Option<dns::Dns>,
    pub host: Option<host::Host>,
    pub link: Option<link::Link>,
    pub clock: Option<clock::Clock>,
}

impl ProbeConfig {
    /// All kinds by name.
    pub const KINDS: [&'static str; 7] = ["icmp", "tcp", "http", "dns", "host", "link", "clock"];

    /// The kinds that are set; exactly one in a good configuration.
    #[must_use]
    pub fn into_kinds(self) -> Vec<Probe> {
        let kinds = [
            self.icmp.map(Probe::Icmp),
            self.tcp.map(Probe::Tcp),
            self.http.map(Probe::Http),
            self.dns.map(Probe::Dns),
            self.host.map(Probe::Host),
            self.link.map(Probe::Link),
            self.clock.map(Probe::Clock),
        ];
        kinds.into_iter().flatten().collect()
    }
}
