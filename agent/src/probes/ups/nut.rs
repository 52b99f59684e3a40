//! Network UPS Tools: the text protocol of `upsd` (NUT developer guide, "Network protocol
//! information"). Reading needs no login.

use wire::Cause;
use wire::reading::{Failure, Reason};

use super::super::conversation::Conversation;
use super::super::path::Reader;
use super::Said;

/// Of IANA.
pub(super) const PORT: u16 = 3493;

/// UPSes of one server that are looked at: a room has one, a machine room a few.
const UPSES: usize = 8;

/// The server's answer to one question.
#[derive(Debug, PartialEq)]
enum Answer {
    /// The lines of a list, without its frame.
    List(String),
    /// `DATA-STALE`, `UNKNOWN-UPS`, …
    Error(String),
}

/// Awaits the answer to `LIST <what>`.
struct Listed<'a> {
    what: &'a str,
}

impl Reader for Listed<'_> {
    type Answer = Answer;

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let Some(first) = line_end(bytes) else { return Ok(None) };
        if bytes.starts_with(b"ERR ") {
            return Ok(Some(first));
        }
        let begin = format!("BEGIN LIST {}", self.what);
        if text(bytes.get(..first).unwrap_or_default()).trim_end() != begin {
            return Err("this is no NUT server".to_owned());
        }
        let end = format!("\nEND LIST {}\n", self.what);
        let found = bytes.windows(end.len()).position(|window| window == end.as_bytes());
        Ok(found.map(|at| at + end.len()))
    }

    fn read(&self, message: &[u8]) -> Option<Answer> {
        let text = text(message);
        if let Some(error) = text.strip_prefix("ERR ") {
            let word = error.split_whitespace().next().unwrap_or_default();
            return Some(Answer::Error(word.to_owned()));
        }
        let inner =
            text.lines().filter(|line| !line.starts_with("BEGIN ") && !line.starts_with("END "));
        Some(Answer::List(inner.collect::<Vec<_>>().join("\n")))
    }
}

fn line_end(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asks for `name`, or for every UPS the server has.
pub(super) async fn ask(
    conversation: &mut Conversation,
    name: Option<&str>,
) -> Result<Vec<Said>, Failure> {
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => match list(conversation, "UPS").await? {
            Answer::List(lines) => names(&lines),
            Answer::Error(error) => return Err(refused(conversation, &error)),
        },
    };
    let mut all = Vec::new();
    for name in names {
        let said = match list(conversation, &format!("VAR {name}")).await? {
            Answer::List(lines) => of_variables(&name, &lines),
            Answer::Error(error) if is_out_of_touch(&error) => out_of_touch(&name, &error),
            Answer::Error(error) => return Err(refused(conversation, &format!("{error} {name}"))),
        };
        all.push(said);
    }
    Ok(all)
}

async fn list(conversation: &mut Conversation, what: &str) -> Result<Answer, Failure> {
    conversation.ask(format!("LIST {what}\n").as_bytes(), &Listed { what }).await
}

/// The server lives and says nothing of the UPS: that is no loss of power.
fn is_out_of_touch(error: &str) -> bool {
    matches!(error, "DATA-STALE" | "DRIVER-NOT-CONNECTED")
}

fn out_of_touch(name: &str, error: &str) -> Said {
    let troubles = vec![(Cause::OutOfTouch, error.to_owned())];
    Said { name: name.to_owned(), status: error.to_owned(), troubles, ..Said::default() }
}

fn refused(conversation: &Conversation, error: &str) -> Failure {
    let reason = match error.split(' ').next() {
        Some("UNKNOWN-UPS") => Reason::Absent,
        Some("ACCESS-DENIED") => Reason::Denied,
        _ => Reason::Unexpected,
    };
    Failure::new(reason, format_args!("upsd at {}: {error}", conversation.server))
}

/// `UPS room "Room UPS"`, a line each.
fn names(lines: &str) -> Vec<String> {
    let named = lines.lines().filter_map(|line| line.strip_prefix("UPS ")?.split(' ').next());
    let good = named.filter(|name| super::Name::try_from((*name).to_owned()).is_ok());
    good.take(UPSES).map(str::to_owned).collect()
}

/// `VAR room battery.charge "97"`, a line each.
fn of_variables(name: &str, lines: &str) -> Said {
    let prefix = format!("VAR {name} ");
    let find = |variable: &str| {
        let mut values = lines.lines().filter_map(|line| {
            line.strip_prefix(&prefix)?.strip_prefix(variable)?.strip_prefix(' ')
        });
        values.next().map(unquoted)
    };
    let number = |variable: &str| find(variable)?.trim().parse::<f64>().ok();
    let ratio = |variable: &str| number(variable).map(|percent| percent / 100.0);
    let status = find("ups.status").unwrap_or_default();
    let alarm = find("ups.alarm").unwrap_or_default();
    Said {
        name: name.to_owned(),
        mains: mains(&status),
        charge: ratio("battery.charge"),
        load: ratio("ups.load"),
        runtime_seconds: number("battery.runtime"),
        troubles: troubles(&status, &alarm),
        status,
    }
}

fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

fn mains(status: &str) -> Option<bool> {
    status.split_whitespace().find_map(|token| match token {
        "OL" => Some(true),
        "OB" => Some(false),
        _ => None,
    })
}

/// The tokens of `ups.status`; those that are not here mean no harm.
fn troubles(status: &str, alarm: &str) -> Vec<(Cause, String)> {
    let mut found = Vec::new();
    for token in status.split_whitespace() {
        let cause = match token {
            // Low while it charges again is no worry; the charge itself is judged besides.
            "LB" if mains(status) != Some(true) => Cause::BatteryEmpty,
            "FSD" => Cause::BatteryEmpty,
            "OFF" => Cause::SwitchedOff,
            "RB" => Cause::BatteryWorn,
            "OVER" => Cause::UpsOverloaded,
            "BYPASS" => Cause::OnBypass,
            "ALARM" => Cause::WarningReported,
            _ => continue,
        };
        let detail = if token == "ALARM" && !alarm.is_empty() { alarm } else { token };
        found.push((cause, detail.to_owned()));
    }
    if status.is_empty() {
        found.push((Cause::OutOfTouch, "no ups.status".to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_what_the_manual_says() {
        use Cause::{
            BatteryEmpty, BatteryWorn, OnBypass, OutOfTouch, SwitchedOff, UpsOverloaded,
            WarningReported,
        };
        let cases: &[(&str, Option<bool>, &[Cause])] = &[
            ("OL", Some(true), &[]),
            ("OL CHRG LB", Some(true), &[]),
            ("OB DISCHRG", Some(false), &[]),
            ("OB LB", Some(false), &[BatteryEmpty]),
            ("FSD OB LB", Some(false), &[BatteryEmpty, BatteryEmpty]),
            ("OL RB OVER", Some(true), &[BatteryWorn, UpsOverloaded]),
            ("OL BYPASS", Some(true), &[OnBypass]),
            ("ALARM OL", Some(true), &[WarningReported]),
            ("OFF", None, &[SwitchedOff]),
            ("", None, &[OutOfTouch]),
        ];
        for (status, online, causes) in cases {
            assert_eq!(mains(status), *online, "{status}");
            let found: Vec<_> = troubles(status, "").into_iter().map(|(cause, _)| cause).collect();
            assert_eq!(found, *causes, "{status}");
        }
    }

    #[test]
    fn variables_are_found_whatever_stands_between_their_quotes() {
        let lines = "VAR room battery.charge \"97\"\nVAR room battery.charge.low \"30\"\n\
                     VAR room ups.load \"23\"\nVAR room ups.alarm \"Replace \\\"A\\\" battery\"\n\
                     VAR room battery.runtime \"much\"\nVAR other ups.status \"OB\"\n\
                     VAR room ups.status \"ALARM OL\"";
        let said = of_variables("room", lines);
        assert_eq!(said.charge, Some(0.97));
        assert_eq!(said.load, Some(0.23));
        assert_eq!(said.runtime_seconds, None);
        assert_eq!(said.mains, Some(true));
        let alarm = "Replace \"A\" battery".to_owned();
        assert_eq!(said.troubles, [(Cause::WarningReported, alarm)]);
    }

    #[test]
    fn a_list_ends_with_its_own_end() {
        let listed = Listed { what: "UPS" };
        let whole = b"BEGIN LIST UPS\nUPS room \"END LIST UPS\"\nEND LIST UPS\n";
        for cut in 0..whole.len() {
            assert_eq!(listed.length(&whole[..cut]), Ok(None), "{cut}");
        }
        assert_eq!(listed.length(whole), Ok(Some(whole.len())));
        let Some(Answer::List(lines)) = listed.read(whole) else { panic!("no list") };
        assert_eq!(names(&lines), ["room"]);
        assert_eq!(listed.length(b"ERR UNKNOWN-UPS\n"), Ok(Some(16)));
        assert_eq!(listed.read(b"ERR UNKNOWN-UPS\n"), Some(Answer::Error("UNKNOWN-UPS".into())));
        for strange in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"BEGIN LIST VAR room\n", b"\n"] {
            assert!(listed.length(strange).is_err(), "{strange:?}");
        }
    }

    #[test]
    fn a_name_that_would_break_a_question_is_left_out() {
        assert_eq!(names("UPS room \"a\"\nUPS a\"b \"x\"\nFOO bar\nUPS \n"), ["room"]);
        assert_eq!(names(&"UPS u \"\"\n".repeat(100)).len(), UPSES);
    }

    #[test]
    fn nothing_like_an_answer_is_too_strange() {
        let shapes = [
            "BEGIN LIST UPS\nUPS room \"Room UPS\"\nEND LIST UPS\n",
            "BEGIN LIST VAR room\nVAR room battery.charge \"97\"\nVAR room ups.alarm \"a \\\"b\\\"\"\n\
             VAR room battery.runtime \"1800\"\nVAR room ups.status \"ALARM OL LB\"\nEND LIST VAR room\n",
            "ERR DATA-STALE\n",
        ];
        crate::mutations::survives(&shapes, |bytes| {
            ["UPS", "VAR room"].map(|what| {
                let listed = Listed { what };
                let length = listed.length(bytes);
                assert!(!matches!(length, Ok(Some(length)) if length > bytes.len()));
                let read = match listed.read(bytes) {
                    Some(Answer::List(lines)) => Ok((names(&lines), of_variables("room", &lines))),
                    other => Err(other),
                };
                (length, read)
            })
        });
    }
}
