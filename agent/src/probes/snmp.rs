//! What a device says of itself over SNMP (v1, v2c, v3): who it is, since when it runs, and any of
//! its values against limits. For codecs that speak nothing else an agent could ask.
//!
//! Only GET and GETNEXT are sent.

mod account;
mod session;
#[cfg(test)]
pub(super) mod tests;
mod watch;

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use async_snmp::{Oid, Value};
use serde::Deserialize;
use wire::reading::{Capability, Failure};
use wire::{Cause, DeviceState};

pub use self::account::Account;
pub(super) use self::account::Keys;
pub(super) use self::session::{Refused, Session, oid};
use self::watch::Watches;
use super::resolve::Host;
use super::{codec, path};
use crate::tally::Run;

/// RFC 3417 § 3.1.
pub(super) const PORT: u16 = 161;

/// A name or a description on a screen; the standard allows 255 of each.
const NAME_CHARS: usize = 64;

/// The system group of RFC 3418 § 2: sysDescr, sysObjectID, sysUpTime, sysName.
const SYSTEM: [&[u32]; 4] = [
    &[1, 3, 6, 1, 2, 1, 1, 1, 0],
    &[1, 3, 6, 1, 2, 1, 1, 2, 0],
    &[1, 3, 6, 1, 2, 1, 1, 3, 0],
    &[1, 3, 6, 1, 2, 1, 1, 5, 0],
];

/// `snmp: { host: 10.0.0.40, watch: { temperature: { oid: 1.3.6.1.4.1.2011.…, warn_above: 60 } } }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snmp {
    /// A name, resolved anew at each run, or an address.
    pub host: Host,
    /// Default: 161.
    #[serde(default)]
    pub port: Option<NonZeroU16>,
    /// How to prove who asks. Default: v2c with the community `public`.
    #[serde(default)]
    pub account: Account,
    /// Values to look at, each under a name of your own. Default: none.
    #[serde(default)]
    pub watch: Watches,
    #[serde(skip)]
    keys: Keys,
}

/// Who the device says it is.
#[derive(Debug, Default, PartialEq)]
struct Identity {
    description: Option<String>,
    maker: Option<&'static str>,
    name: Option<String>,
    uptime: Option<Duration>,
}

impl Snmp {
    /// Two datagrams each way; a device that is gone shows within a minute.
    pub const EVERY: Duration = Duration::from_mins(1);
    /// What it is evidence of, unless the configuration says otherwise.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Codec);

    /// Three attempts, as every request over UDP; small devices answer within a second.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(8))
    }

    /// Asks who the device is and for the watched values.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let port = self.port.map_or(PORT, NonZeroU16::get);
        let auth = match self.keys.prepare(&self.account)? {
            Ok(auth) => auth,
            Err(refused) => {
                refused.record(run, &self.host.to_string());
                return Ok(());
            }
        };
        let this = &*self;
        let asking = path::first_answer(run, &this.host, port, async |server, patience| {
            this.ask(&Session::open(server, auth.clone(), patience).await?).await
        });
        match asking.await? {
            Ok((server, values)) => self.record(run, server, &values),
            Err(refused) => self.keys.refuse(refused).record(run, &self.host.to_string()),
        }
        Ok(())
    }

    /// The system group's values, and those that are watched after them.
    async fn ask(
        &self,
        session: &Session,
    ) -> Result<Result<(SocketAddr, Vec<Option<Value>>), Refused>, Failure> {
        let system = SYSTEM.iter().map(|arcs| oid(arcs));
        let oids: Vec<Oid> = system.chain(self.watch.oids()).collect();
        Ok(session.get(&oids).await?.map(|values| (session.server, values)))
    }

    fn record(&self, run: &mut Run<'_>, server: SocketAddr, values: &[Option<Value>]) {
        let (system, watched) = values.split_at(SYSTEM.len().min(values.len()));
        let identity = Identity::of(system);
        let device = identity.name.clone().unwrap_or_else(|| self.host.to_string());
        identity.record(run, server, &device);
        run.device(&device, DeviceState::Ok);
        self.watch.record(run, watched);
    }
}

impl Identity {
    fn of(system: &[Option<Value>]) -> Self {
        let [description, object, uptime, name] = [0, 1, 2, 3].map(|at| system.get(at)?.as_ref());
        Self {
            description: description.and_then(text),
            maker: object.and_then(Value::as_oid).and_then(maker),
            name: name.and_then(text),
            uptime: uptime.and_then(Value::as_duration),
        }
    }

    fn record(&self, run: &mut Run<'_>, server: SocketAddr, device: &str) {
        let description = self.description.as_deref().unwrap_or("-");
        let maker = self.maker.map(|maker| format!(" ({maker})")).unwrap_or_default();
        run.step(
            || format!("{server} trả lời: {device}{maker}, {description}."),
            || format!("{server} answered: {device}{maker}, {description}."),
        );
        if let Some(uptime) = self.uptime {
            codec::started(run, uptime);
        }
    }
}

/// The first line of a text, without what a terminal would obey.
fn text(value: &Value) -> Option<String> {
    let text = String::from_utf8_lossy(value.as_bytes()?).into_owned();
    let line = text.trim().lines().next()?.trim();
    let fit: String = line.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect();
    (!fit.is_empty()).then_some(fit)
}

/// The maker by its number at IANA (`enterprise-numbers`), of whom rooms have devices.
fn maker(object: &Oid) -> Option<&'static str> {
    const ENTERPRISES: [u32; 6] = [1, 3, 6, 1, 4, 1];
    let (number, _) = object.arcs().strip_prefix(&ENTERPRISES)?.split_first()?;
    Some(match number {
        9 | 5596 => "Cisco",
        122 => "Sony",
        318 => "APC",
        2011 => "Huawei",
        2684 | 13885 => "Poly",
        8072 => "Net-SNMP",
        37403 => "Yealink",
        _ => return None,
    })
}

impl Refused {
    /// Tells that the device was there and did not let the probe in.
    pub(super) fn record(&self, run: &mut Run<'_>, device: &str) {
        run.device(device, Cause::LoginRefused.state());
        run.trouble(device, Cause::LoginRefused, &self.0);
    }
}
