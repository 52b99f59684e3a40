//! What an uninterruptible power supply says of itself and of the mains, through the program that
//! watches it (NUT, apcupsd) or a network card of its own (SNMP).
//!
//! Only questions are asked; a probe never logs in where it could switch anything.

mod apcupsd;
mod mib;
mod nut;
#[cfg(test)]
mod tests;

use std::num::NonZeroU16;
use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure, Reason};
use wire::{Cause, DeviceState};

use super::conversation::Conversation;
use super::path;
use super::resolve::Host;
use super::snmp::{self, Account, Keys, Session};
use crate::tally::Run;

/// `ups: { host: 10.0.0.5, protocol: nut, name: room }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ups {
    /// Where the watching program runs, or the network card: a name or an address. Default: this
    /// PC.
    #[serde(default = "this_pc")]
    pub host: Host,
    /// Default: 3493 of NUT, 3551 of apcupsd, 161 of SNMP.
    #[serde(default)]
    pub port: Option<NonZeroU16>,
    /// `nut`, `apcupsd` or `snmp`. Default: `nut`.
    #[serde(default)]
    pub protocol: Protocol,
    /// The UPS as the watching program names it. Default: every one it has.
    #[serde(default)]
    pub name: Option<Name>,
    /// How to prove to a network card who asks. Default: v2c with the community `public`.
    #[serde(default)]
    pub account: Account,
    #[serde(skip)]
    keys: Keys,
}

/// What the watching program speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Network UPS Tools, `upsd`.
    #[default]
    Nut,
    /// apcupsd's Network Information Server.
    Apcupsd,
    /// The UPS-MIB of RFC 1628.
    Snmp,
}

/// See [`Ups::name`]: one that cannot end a line or an argument of NUT's protocol.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(Box<str>);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !text.is_empty() && text.len() <= wire::limits::ID_CHARS && text.chars().all(good) {
            return Ok(Self(text.into()));
        }
        Err(format!("{text:?} is not a UPS as NUT names it, like room or ups-1"))
    }
}

fn this_pc() -> Host {
    Host::loopback()
}

/// What one UPS says.
#[derive(Debug, Default, PartialEq)]
struct Said {
    name: String,
    /// Its own words for its state: `OB DISCHRG`.
    status: String,
    mains: Option<bool>,
    /// Ratios of 1.
    charge: Option<f64>,
    load: Option<f64>,
    runtime_seconds: Option<f64>,
    /// Each with its detail.
    troubles: Vec<(Cause, String)>,
}

impl Ups {
    /// A UPS that takes over shows within half a minute; its battery lasts for minutes.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Power);

    /// A program that only reads out its memory.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(5))
    }

    /// Asks for all that the program knows of its UPS.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let default = match self.protocol {
            Protocol::Nut => nut::PORT,
            Protocol::Apcupsd => apcupsd::PORT,
            Protocol::Snmp => snmp::PORT,
        };
        let port = self.port.map_or(default, NonZeroU16::get);
        if self.protocol == Protocol::Snmp {
            return self.ask_card(run, port).await;
        }
        let this = &*self;
        let asking = path::first_answer(run, &this.host, port, async |server, patience| {
            let conversation = &mut Conversation::open(server, &this.host, patience).await?;
            let name = this.name.as_ref().map(|name| &*name.0);
            match this.protocol {
                Protocol::Nut => nut::ask(conversation, name).await,
                _ => apcupsd::ask(conversation).await.map(|said| vec![said]),
            }
        });
        let all = asking.await?;
        if all.is_empty() {
            let detail = format_args!("{} watches no UPS", this.host);
            return Err(Failure::new(Reason::Absent, detail));
        }
        for said in &all {
            said.record(run);
        }
        Ok(())
    }
}

impl Ups {
    async fn ask_card(&mut self, run: &mut Run<'_>, port: u16) -> Result<(), Failure> {
        let host = self.host.to_string();
        let auth = match self.keys.prepare(&self.account)? {
            Ok(auth) => auth,
            Err(refused) => {
                refused.record(run, &host);
                return Ok(());
            }
        };
        let asking = path::first_answer(run, &self.host, port, async |server, patience| {
            mib::ask(&Session::open(server, auth.clone(), patience).await?).await
        });
        match asking.await? {
            Ok(Some(said)) => said.record(run),
            Ok(None) => {
                let detail = format_args!("{host} answers SNMP and knows no UPS-MIB");
                return Err(Failure::new(Reason::Absent, detail));
            }
            Err(refused) => self.keys.refuse(refused).record(run, &host),
        }
        Ok(())
    }
}

impl Said {
    fn record(&self, run: &mut Run<'_>) {
        let Self { name, status, mains, charge, load, runtime_seconds, troubles } = self;
        let gauges = [
            ("bridge_ups_mains_online", mains.map(|online| f64::from(u8::from(online)))),
            ("bridge_ups_charge_ratio", *charge),
            ("bridge_ups_load_ratio", *load),
            ("bridge_ups_runtime_seconds", *runtime_seconds),
        ];
        for (metric, value) in gauges {
            if let Some(value) = value {
                run.gauge_of(metric, name, value);
            }
        }
        let gravest = troubles.iter().map(|(cause, _)| cause.state()).max();
        run.device(name, gravest.unwrap_or(DeviceState::Ok));
        for (cause, detail) in troubles {
            run.trouble(name, *cause, detail);
        }
        run.step(
            || format!("Bộ lưu điện {name} báo: {status}. {}", supply_vi(*mains)),
            || format!("UPS {name} says: {status}. {}", supply_en(*mains)),
        );
        if let Some(minutes) = runtime_seconds.map(|seconds| seconds / 60.0) {
            run.step(
                || format!("Nếu mất điện, ắc quy nuôi tải hiện nay được khoảng {minutes:.0} phút."),
                || format!("Without mains its battery carries the present load for about {minutes:.0} min."),
            );
        }
    }
}

fn supply_vi(mains: Option<bool>) -> &'static str {
    match mains {
        Some(true) => "Đang có điện lưới.",
        Some(false) => "Mất điện lưới, đang chạy bằng ắc quy.",
        None => "Không rõ có điện lưới hay không.",
    }
}

fn supply_en(mains: Option<bool>) -> &'static str {
    match mains {
        Some(true) => "There is mains power.",
        Some(false) => "No mains power: it runs on its battery.",
        None => "It does not say whether there is mains power.",
    }
}
