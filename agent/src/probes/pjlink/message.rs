//! Lines of `PJLink` (JBMIA, "`PJLink` Specifications", class 1 § 4 and class 2): questions end with
//! a carriage return, answers too.

use std::fmt;

use data_encoding::HEXLOWER;
use md5::{Digest, Md5};
use wire::Cause;

use super::super::path::Reader;

/// § 4.1: 128 characters of a parameter, and what stands around them.
const LINE_BYTES: usize = 256;

/// Lamps of one device; the largest projectors have four.
const LAMPS: usize = 8;

pub(super) const OFF: u8 = 0;
pub(super) const ON: u8 = 1;
const COOLING: u8 = 2;

/// What a device says when somebody connects.
#[derive(Debug, PartialEq)]
pub(super) enum Greeting {
    /// Everybody may ask.
    Open,
    /// Whoever asks proves that he knows the password, with this random number.
    Closed(String),
}

/// The answer to one question.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Value(String),
    /// `ERR1` of what the device does not know, `ERR3` of what it does not tell now.
    Error(String),
}

impl Answer {
    pub(super) fn value(&self) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Error(_) => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Value(text) | Self::Error(text)) = self;
        write!(f, "{text:?}")
    }
}

/// Awaits the greeting.
pub(super) struct Greets;

/// Awaits the answer to the first question, which is none where the password was refused.
pub(super) struct Trial;

/// Awaits the answer to any further question.
pub(super) struct Replies {
    pub(super) name: &'static str,
}

impl Reader for Greets {
    type Answer = Greeting;

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let begins = b"PJLINK ".iter().zip(bytes).all(|(wanted, byte)| wanted == byte);
        if begins { length(bytes) } else { Err("this is no PJLink device".to_owned()) }
    }

    fn read(&self, message: &[u8]) -> Option<Greeting> {
        match line(message).strip_prefix("PJLINK ")?.split(' ').collect::<Vec<_>>()[..] {
            ["0"] => Some(Greeting::Open),
            ["1", random] => Some(Greeting::Closed(random.to_owned())),
            _ => None,
        }
    }
}

impl Reader for Trial {
    type Answer = Option<Answer>;

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        length(bytes)
    }

    fn read(&self, message: &[u8]) -> Option<Option<Answer>> {
        if line(message).eq_ignore_ascii_case("PJLINK ERRA") {
            return Some(None);
        }
        Replies { name: "POWR" }.read(message).map(Some)
    }
}

impl Reader for Replies {
    type Answer = Answer;

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        length(bytes)
    }

    /// `%1POWR=1`; a class 2 device may answer a question of class 1 with either.
    fn read(&self, message: &[u8]) -> Option<Answer> {
        let line = line(message);
        let (name, value) = line.strip_prefix('%')?.split_once('=')?;
        let same = name.get(1..).is_some_and(|name| name.eq_ignore_ascii_case(self.name));
        same.then(|| match value {
            "ERR1" | "ERR2" | "ERR3" | "ERR4" => Answer::Error(value.to_owned()),
            value => Answer::Value(value.to_owned()),
        })
    }
}

fn length(bytes: &[u8]) -> Result<Option<usize>, String> {
    match bytes.iter().position(|byte| *byte == b'\r') {
        Some(at) => Ok(Some(at + 1)),
        None if bytes.len() > LINE_BYTES => Err("a line without end".to_owned()),
        None => Ok(None),
    }
}

fn line(message: &[u8]) -> String {
    String::from_utf8_lossy(message).trim().to_owned()
}

/// § 5: what stands before the first question of a connection.
pub(super) fn proof(random: &str, password: &str) -> String {
    HEXLOWER.encode(&Md5::new().chain_update(random).chain_update(password).finalize())
}

pub(super) fn power(value: &str) -> Option<u8> {
    value.parse().ok().filter(|power| *power <= 3)
}

pub(super) fn power_vi(power: u8) -> &'static str {
    match power {
        OFF => "đang tắt (chờ)",
        ON => "đang bật",
        COOLING => "đang làm nguội để tắt",
        _ => "đang khởi động",
    }
}

pub(super) fn power_en(power: u8) -> &'static str {
    match power {
        OFF => "off (standby)",
        ON => "on",
        COOLING => "cools down to switch off",
        _ => "warms up",
    }
}

/// `ERST`: one digit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health(Vec<(&'static str, Severity)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    Warning,
    Error,
}

impl Severity {
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Warning => Cause::WarningReported,
            Self::Error => Cause::FaultReported,
        }
    }
}

pub(super) fn health(value: &str) -> Option<Health> {
    const PARTS: [&str; 6] = ["fan", "lamp", "temperature", "cover open", "filter", "other"];
    if value.len() != PARTS.len() {
        return None;
    }
    let found = PARTS.into_iter().zip(value.bytes()).filter_map(|(part, digit)| match digit {
        b'1' => Some((part, Severity::Warning)),
        b'2' => Some((part, Severity::Error)),
        _ => None,
    });
    Some(Health(found.collect()))
}

impl Health {
    /// `lamp, filter`
    pub(super) fn parts(&self, severity: Severity) -> String {
        let parts = self.0.iter().filter(|(_, of)| *of == severity).map(|(part, _)| *part);
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// `AVMT`: the first digit says of what (1 picture, 2 sound, 3 both), the second whether.
pub(super) fn picture_muted(value: &str) -> Option<bool> {
    match value {
        "11" | "31" => Some(true),
        "10" | "20" | "21" | "30" => Some(false),
        _ => None,
    }
}

/// `LAMP`: hours and whether it burns, for each.
pub(super) fn lamp_hours(value: &str) -> Vec<u32> {
    let hours = value.split(' ').step_by(2).map_while(|hours| hours.parse().ok());
    hours.take(LAMPS).collect()
}

/// `EPSON EB-L200F`
pub(super) fn identity(maker: Option<&str>, model: Option<&str>) -> Option<String> {
    let (maker, model) = (maker.unwrap_or_default().trim(), model.unwrap_or_default().trim());
    // Many makers say their own name in both.
    let both = if model.starts_with(maker) { model.to_owned() } else { format!("{maker} {model}") };
    let fit: String = both.trim().chars().filter(|c| !c.is_control()).collect();
    (!fit.is_empty()).then_some(fit)
}

pub(super) fn input_word(input: &str) -> &'static str {
    match input.as_bytes().first() {
        Some(b'1') => "RGB",
        Some(b'2') => "video",
        Some(b'3') => "HDMI/DVI",
        Some(b'4') => "USB",
        Some(b'5') => "LAN",
        _ => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_the_standards() {
        assert_eq!(proof("498e4a67", "JBMIAProjectorLink"), "5d8409bc1c3fa39749434aa3a5c38682");
    }

    #[test]
    fn a_greeting_is_open_or_closed_or_none() {
        assert_eq!(Greets.read(b"PJLINK 0\r"), Some(Greeting::Open));
        assert_eq!(Greets.read(b"PJLINK 1 498e4a67\r"), Some(Greeting::Closed("498e4a67".into())));
        for strange in ["PJLINK\r", "PJLINK 1\r", "PJLINK 2\r", "PJLINK ERRA\r", "\r"] {
            assert_eq!(Greets.read(strange.as_bytes()), None, "{strange}");
        }
        assert_eq!(Greets.length(b"PJL"), Ok(None));
        assert_eq!(Greets.length(b"PJLINK 0\r"), Ok(Some(9)));
        assert!(Greets.length(b"SSH-2.0").is_err());
        assert!(Greets.length(&[b"PJLINK ".to_vec(), vec![b'x'; 1000]].concat()).is_err());
    }

    #[test]
    fn only_the_answer_to_its_own_question_counts() {
        let power = Replies { name: "POWR" };
        assert_eq!(power.read(b"%1POWR=1\r"), Some(Answer::Value("1".into())));
        assert_eq!(power.read(b"%2powr=ERR3\r"), Some(Answer::Error("ERR3".into())));
        for other in ["%1LAMP=1\r", "POWR=1\r", "%1POWR 1\r", "%POWR=1\r", "\r", "%\u{111}=1\r"] {
            assert_eq!(power.read(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Trial.read(b"PJLINK ERRA\r"), Some(None));
    }

    #[test]
    fn values_mean_what_the_standard_says() {
        let found = health("012010").unwrap();
        assert_eq!(found.parts(Severity::Error), "temperature");
        assert_eq!(found.parts(Severity::Warning), "lamp, filter");
        for strange in ["", "00000", "0000000"] {
            assert_eq!(health(strange), None, "{strange}");
        }
        assert_eq!(lamp_hours("12345 1 200 0"), [12345, 200]);
        assert_eq!(lamp_hours("many"), Vec::<u32>::new());
        assert_eq!(lamp_hours(&"1 0 ".repeat(50)).len(), LAMPS);
        assert_eq!(picture_muted("31"), Some(true));
        assert_eq!(picture_muted("21"), Some(false));
        assert_eq!(picture_muted("?"), None);
        assert_eq!(power("4"), None);
        for (maker, model, whole) in [
            (Some("EPSON"), Some("EB-L200F"), Some("EPSON EB-L200F")),
            (Some("EPSON"), Some("EPSON EB-L200F"), Some("EPSON EB-L200F")),
            (None, Some("PT-VMZ51"), Some("PT-VMZ51")),
            (Some(" "), Some(""), None),
        ] {
            assert_eq!(identity(maker, model).as_deref(), whole);
        }
    }

    #[test]
    fn nothing_like_an_answer_is_too_strange() {
        let shapes = [
            "PJLINK 0\r",
            "PJLINK 1 498e4a67\r",
            "PJLINK ERRA\r",
            "%1POWR=1\r",
            "%1ERST=012010\r",
            "%1LAMP=12345 1 200 0\r",
            "%1AVMT=31\r",
            "%2POWR=ERR3\r",
            "%1INF2=EPSON EB-L200F\r",
        ];
        crate::mutations::survives(&shapes, |bytes| {
            let greeting = (Greets.length(bytes), Greets.read(bytes));
            let answers = ["POWR", "ERST", "LAMP", "AVMT", "INF2"].map(|name| {
                let answer = Replies { name }.read(bytes)?;
                let value = answer.value()?;
                let numbers = (power(value), lamp_hours(value), picture_muted(value));
                let health = health(value).map(|health| health.parts(Severity::Error));
                Some((numbers, health, identity(Some("EPSON"), Some(value)), input_word(value)))
            });
            (greeting, Trial.length(bytes), Trial.read(bytes), answers)
        });
    }
}
