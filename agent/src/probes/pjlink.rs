//! What a projector or a large display says of itself over `PJLink` (JBMIA, class 1 and 2): power,
//! errors, input, picture, lamps.

mod message;
#[cfg(test)]
mod tests;

use std::num::NonZeroU16;
use std::time::Duration;

use serde::Deserialize;
use wire::reading::{Capability, Failure, Reason};
use wire::{Cause, DeviceState};

use self::message::{Answer, Greeting, Greets, Health, Replies, Severity, Trial};
use super::conversation::Conversation;
use super::path;
use super::resolve::Host;
use super::secret::{PasswordFile, Refusal, Secret};
use crate::tally::Run;

/// Registered for `PJLink`.
const PORT: u16 = 4352;

/// `pjlink: { host: 10.0.0.30, input: "32", lamp_hours: 4000 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pjlink {
    /// A name, resolved anew at each run, or an address.
    pub host: Host,
    /// Default: 4352.
    #[serde(default)]
    pub port: Option<NonZeroU16>,
    /// A file whose first line is the device's `PJLink` password. Default: none.
    #[serde(default)]
    pub password_file: Option<PasswordFile>,
    /// The input a meeting needs, as `PJLink` numbers them: `32` is the second digital one.
    /// Default: any.
    #[serde(default)]
    pub input: Option<Input>,
    /// How many hours a lamp should be used for at most. Default: no limit.
    #[serde(default)]
    pub lamp_hours: Option<u32>,
    #[serde(skip)]
    refusal: Refusal,
    /// Maker and model, which some devices tell only while they are on.
    #[serde(skip)]
    identity: Option<String>,
}

/// See [`Pjlink::input`]: a kind (1 RGB, 2 video, 3 digital, 4 storage, 5 network, 6 internal)
/// and its number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Input(Box<str>);

impl TryFrom<String> for Input {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_bytes() {
            [b'1'..=b'6', b'1'..=b'9' | b'A'..=b'Z'] => Ok(Self(text.into())),
            _ => Err(format!("{text:?} is not an input of PJLink, like \"31\" (first HDMI)")),
        }
    }
}

/// What a device told. What it did not tell is absent.
#[derive(Debug, Default, PartialEq)]
struct Told {
    identity: Option<String>,
    power: Option<u8>,
    health: Option<Health>,
    input: Option<String>,
    picture_muted: Option<bool>,
    signal: Option<bool>,
    lamp_hours: Vec<u32>,
}

/// How a run ended that could talk to the device.
enum End {
    Told(Told),
    /// It asks for a password, or for another one.
    Refused(Option<Secret>),
}

impl Pjlink {
    /// A projector takes a minute to be on; more often nothing new is to be seen.
    pub const EVERY: Duration = Duration::from_secs(30);
    /// What it is evidence of.
    pub const CAPABILITY: Option<Capability> = Some(Capability::Display);

    /// The standard gives a device two seconds for each of some ten answers; in truth they take
    /// tens of milliseconds.
    #[must_use]
    pub fn timeout(&self, every: Duration) -> Duration {
        every.min(Duration::from_secs(10))
    }

    /// Asks for all that a meeting depends on.
    pub async fn run(&mut self, run: &mut Run<'_>) -> Result<(), Failure> {
        let port = self.port.map_or(PORT, NonZeroU16::get);
        let secret = self.password_file.as_ref().map(PasswordFile::read).transpose()?;
        let this = &*self;
        let asking = path::first_answer(run, &this.host, port, async |server, patience| {
            let conversation = Conversation::open(server, &this.host, patience).await?;
            this.ask(conversation, secret.clone()).await
        });
        match asking.await? {
            End::Told(mut told) => {
                self.identity = told.identity.take().or_else(|| self.identity.take());
                self.record(run, &told);
            }
            End::Refused(secret) => self.refused(run, secret),
        }
        Ok(())
    }

    async fn ask(
        &self,
        mut conversation: Conversation,
        secret: Option<Secret>,
    ) -> Result<End, Failure> {
        let greeting = conversation.ask(b"", &Greets).await?;
        let (proof, secret) = match (greeting, secret) {
            (Greeting::Open, _) => (String::new(), None),
            (Greeting::Closed(_), None) => return Ok(End::Refused(None)),
            (Greeting::Closed(_), Some(secret)) if self.refusal.forbids(&secret) => {
                return Ok(End::Refused(Some(secret)));
            }
            (Greeting::Closed(random), Some(secret)) => {
                (message::proof(&random, secret.reveal()), Some(secret))
            }
        };
        let question = format!("{proof}%1POWR ?\r");
        match conversation.ask(question.as_bytes(), &Trial).await? {
            Some(power) => tell(conversation, &power).await.map(End::Told),
            None => Ok(End::Refused(secret)),
        }
    }

    /// As the device calls itself, or how it is reached.
    fn device(&self) -> String {
        self.identity.clone().unwrap_or_else(|| self.host.to_string())
    }

    fn refused(&mut self, run: &mut Run<'_>, secret: Option<Secret>) {
        let device = self.device();
        let detail = match secret {
            Some(secret) => {
                if !self.refusal.forbids(&secret) {
                    self.refusal.note(secret);
                }
                format!("its password was refused; {}", Refusal::advice())
            }
            None => "it asks for a password, and there is no password_file".to_owned(),
        };
        run.device(&device, Cause::LoginRefused.state());
        run.trouble(&device, Cause::LoginRefused, &detail);
    }

    fn record(&self, run: &mut Run<'_>, told: &Told) {
        let device = self.device();
        let troubles = self.troubles(told);
        let gravest = troubles.iter().map(|(cause, _)| cause.state()).max();
        run.device(&device, gravest.unwrap_or(DeviceState::Ok));
        for (cause, detail) in &troubles {
            run.trouble(&device, *cause, detail);
        }
        for (lamp, hours) in told.lamp_hours.iter().enumerate() {
            let seconds = f64::from(*hours) * 3600.0;
            run.gauge_of("bridge_display_lamp_seconds", &format!("lamp {}", lamp + 1), seconds);
        }
        if let Some(power) = told.power {
            run.step(
                || format!("{device}: {}.", message::power_vi(power)),
                || format!("{device}: {}.", message::power_en(power)),
            );
        }
        if let Some(input) = &told.input {
            run.step(
                || format!("Đang chọn đầu vào {input} ({}).", message::input_word(input)),
                || format!("It shows input {input} ({}).", message::input_word(input)),
            );
        }
    }

    fn troubles(&self, told: &Told) -> Vec<(Cause, String)> {
        let mut found = Vec::new();
        match told.power {
            Some(message::OFF) => found.push((Cause::SwitchedOff, String::new())),
            Some(power) if power != message::ON => {
                found.push((Cause::WarmingUp, message::power_en(power).to_owned()));
            }
            _ => {}
        }
        for severity in [Severity::Error, Severity::Warning] {
            let parts =
                told.health.as_ref().map(|health| health.parts(severity)).unwrap_or_default();
            if !parts.is_empty() {
                found.push((severity.cause(), parts));
            }
        }
        if told.picture_muted == Some(true) {
            found.push((Cause::PictureMuted, String::new()));
        }
        if let (Some(wanted), Some(found_input)) = (&self.input, &told.input)
            && *wanted.0 != **found_input
        {
            found.push((Cause::WrongInput, format!("input {found_input} instead of {}", wanted.0)));
        }
        if told.signal == Some(false) {
            found.push((Cause::NoSignal, String::new()));
        }
        let limit = self.lamp_hours.unwrap_or(u32::MAX);
        if let Some(hours) = told.lamp_hours.iter().max().filter(|hours| **hours > limit) {
            found.push((Cause::LampWorn, format!("{hours} h of {limit} h")));
        }
        found
    }
}

/// Everything else, of a device that has told its power.
async fn tell(mut conversation: Conversation, power: &Answer) -> Result<Told, Failure> {
    let power = power.value().and_then(message::power).ok_or_else(|| {
        let detail = format_args!("{}: its power is {power}", conversation.server);
        Failure::new(Reason::Protocol, detail)
    })?;
    let mut told = Told { power: Some(power), ..Told::default() };
    let mut ask = async |class: char, name: &'static str| {
        let question = format!("%{class}{name} ?\r");
        conversation.ask(question.as_bytes(), &Replies { name }).await
    };
    told.health = ask('1', "ERST").await?.value().and_then(message::health);
    let lamps = ask('1', "LAMP").await?;
    told.lamp_hours = lamps.value().map(message::lamp_hours).unwrap_or_default();
    let (maker, model) = (ask('1', "INF1").await?, ask('1', "INF2").await?);
    told.identity = message::identity(maker.value(), model.value());
    let class = ask('1', "CLSS").await?;
    if power == message::ON {
        told.input = ask('1', "INPT").await?.value().map(str::to_owned);
        told.picture_muted = ask('1', "AVMT").await?.value().and_then(message::picture_muted);
        if class.value() == Some("2") {
            told.signal = ask('2', "IRES").await?.value().map(|resolution| resolution != "-");
        }
    }
    Ok(told)
}
