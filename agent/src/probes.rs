//! The probes: one file a kind, and the struct in it *is* its configuration.
//!
//! To add a kind: its file in `probes/`, its name here (a `mod` and a line in the list at the end
//! of this file), its rows in `wire/src/metrics/table.rs`. The runner gives every kind its deadline, timing, counting
//! and failure labels; a probe only measures.

pub mod camera;
pub mod cisco;
pub mod clock;
pub mod display;
pub mod dns;
pub mod h323;
pub mod host;
pub mod http;
pub mod icmp;
pub mod link;
pub mod microphone;
pub mod pjlink;
pub mod poly;
pub mod ports;
pub mod power;
pub mod sip;
pub mod snmp;
pub mod software;
pub mod speaker;
pub mod stun;
pub mod tcp;
pub mod turn;
pub mod ups;
pub mod usb;

// What several kinds share.
pub(crate) mod aside;
mod certificates;
mod codec;
mod conversation;
mod datagram;
pub(crate) mod failure;
pub mod path;
pub mod resolve;
mod room;
pub mod secret;
mod sound;
pub mod web;

#[cfg(test)]
pub(crate) mod bench;

use std::time::Duration;

use serde::Deserialize;
use wire::duration::Span;
use wire::reading::{Capability, Failure};

use crate::tally::Run;

/// From the list of kinds: the probe of any kind, and how a configuration names it.
macro_rules! kinds {
    ($($name:ident: $kind:ident),* $(,)?) => {
        /// A probe of one kind.
        #[derive(Debug, Clone)]
        #[expect(missing_docs, reason = "each kind is described in its file")]
        pub enum Probe {
            $($kind($name::$kind),)*
        }

        impl Probe {
            /// The kind's name in configurations and in the label `kind`.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => stringify!($name),)* }
            }

            /// The kind's own interval.
            #[must_use]
            pub fn default_every(&self) -> Duration {
                match self { $(Self::$kind(_) => $name::$kind::EVERY,)* }
            }

            /// The kind's own time-out at an interval.
            #[must_use]
            pub fn default_timeout(&self, every: Duration) -> Duration {
                match self { $(Self::$kind(probe) => probe.timeout(every),)* }
            }

            /// What the kind is evidence of.
            #[must_use]
            pub fn default_capability(&self) -> Option<Capability> {
                match self { $(Self::$kind(_) => $name::$kind::CAPABILITY,)* }
            }

            /// One run. Ends early where it can; the runner cuts it off at its deadline.
            pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
                // In a box, so that a waiting task is as large as its own kind and not as the
                // largest.
                match self { $(Self::$kind(probe) => Box::pin(probe.run(run)).await,)* }
            }
        }

        /// What an agent's configuration says of one probe:
        /// `{ every, timeout, capability, <kind>: {…} }`.
        ///
        /// A struct with one optional field a kind: unlike a tagged enum it keeps the place of
        /// every fault in the file.
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
            $(pub $name: Option<$name::$kind>,)*
        }

        impl ProbeConfig {
            /// All kinds by name.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The kinds that are set; exactly one in a good configuration.
            #[must_use]
            pub fn into_kinds(self) -> Vec<Probe> {
                [$(self.$name.map(Probe::$kind)),*].into_iter().flatten().collect()
            }
        }
    };
}

kinds! {
    // The way to the conference service.
    icmp: Icmp,
    tcp: Tcp,
    http: Http,
    dns: Dns,
    sip: Sip,
    h323: H323,
    stun: Stun,
    turn: Turn,
    ports: Ports,
    // The room.
    camera: Camera,
    microphone: Microphone,
    speaker: Speaker,
    display: Display,
    usb: Usb,
    software: Software,
    // The PC.
    host: Host,
    power: Power,
    link: Link,
    clock: Clock,
    // Appliances.
    ups: Ups,
    pjlink: Pjlink,
    snmp: Snmp,
    cisco: Cisco,
    poly: Poly,
}
