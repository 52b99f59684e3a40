//! What Poly's REST interface tells (`VideoOS` REST API 3.x), and what it means.

use std::time::Duration;

use serde_json::Value;
use wire::Cause;
use wire::reading::Failure;

use super::super::codec::{Channel, Finding, Ladder, Media, Status};
use super::session::Session;

/// Calls that are looked into; a bridge of more is no room.
const CONFERENCES: usize = 4;

/// Asks for everything. Only what every version has must answer.
pub(super) async fn ask(session: &Session) -> Result<Status, Failure> {
    let system = session.get("/rest/system").await?;
    let board = session.get("/rest/system/status").await?;
    let audio = session.get("/rest/audio").await.unwrap_or(Value::Null);
    let conferences = session.get("/rest/conferences").await.unwrap_or(Value::Null);
    let mut statistics = Vec::new();
    for id in conferences.as_array().into_iter().flatten().filter_map(id).take(CONFERENCES) {
        let path = format!("/rest/conferences/{id}/mediastats");
        statistics.extend(session.get(&path).await.ok());
    }
    Ok(judge(&system, &board, &audio, (&conferences, &statistics)))
}

/// A number, or a text that leads nowhere else.
fn id(conference: &Value) -> Option<String> {
    match conference.get("id")? {
        Value::Number(id) => Some(id.to_string()),
        Value::String(id) if id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
            Some(id.clone())
        }
        _ => None,
    }
}

/// Pure.
pub(super) fn judge(
    system: &Value,
    board: &Value,
    audio: &Value,
    (conferences, statistics): (&Value, &[Value]),
) -> Status {
    let mut findings = vec![Finding::good("codec")];
    let in_call = conferences.as_array().map(|all| !all.is_empty());
    let awake = match system.get("state").and_then(Value::as_str) {
        Some("ASLEEP") => Some(false),
        Some(_) => Some(true),
        None => None,
    };
    if awake == Some(false) && in_call != Some(true) {
        findings.push(Finding::wrong("codec", Cause::Standby, "ASLEEP"));
    }
    of_system(system, &mut findings);
    let registered = of_board(board, &mut findings);
    of_audio(audio, &mut findings);
    let mut media = Media::default();
    let channels = statistics.iter().filter_map(Value::as_array).flatten();
    channels.for_each(|channel| add(&mut media, channel));
    Status {
        product: text(system, "model"),
        version: text(system, "softwareVersion"),
        uptime: number(system, "uptime").and_then(|s| Duration::try_from_secs_f64(s).ok()),
        ladder: Ladder { registered, awake, in_call, ..Ladder::answered() },
        findings,
        media,
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    let text = value.get(name)?.as_str()?.trim();
    let fit: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    (!fit.is_empty()).then_some(fit)
}

/// A number, or a text of one, as some versions have it.
fn number(value: &Value, name: &str) -> Option<f64> {
    let value = value.get(name)?;
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite())
}

fn of_system(system: &Value, findings: &mut Vec<Finding>) {
    let lan = system.get("lanStatus").unwrap_or(&Value::Null);
    if text(lan, "duplex").is_some_and(|duplex| duplex == "HALF") {
        findings.push(Finding::wrong("codec", Cause::HalfDuplex, "duplex HALF"));
    }
    if system.get("rebootNeeded") == Some(&Value::Bool(true)) {
        findings.push(Finding::wrong("codec", Cause::WarningReported, "it needs a reboot"));
    }
}

/// The codec's own board. Returns whether a server knows it.
fn of_board(board: &Value, findings: &mut Vec<Finding>) -> Option<bool> {
    let (mut registered, mut failed) = (None, Vec::new());
    for line in board.as_array().into_iter().flatten() {
        let Some(name) = text(line, "name") else { continue };
        let name = name.strip_prefix("system.status.").unwrap_or(&name);
        let states = line.get("stateList").and_then(Value::as_array);
        let states: Vec<&str> = states.into_iter().flatten().filter_map(Value::as_str).collect();
        let up = states.iter().any(|state| matches!(*state, "up" | "all_up"));
        // `off` is what nobody set up.
        let down =
            states.iter().any(|state| !matches!(*state, "up" | "all_up" | "off" | "unknown"));
        match name {
            "sipserver" | "gatekeeper" if up => registered = Some(true),
            "sipserver" | "gatekeeper" if down => failed.push(name.to_owned()),
            "mr.camera" | "trackablecamera" => part("camera", name, (up, down), findings),
            "mr.audio" => part("microphone", name, (up, down), findings),
            _ if down => {
                let detail = format!("{name}: {}", states.join(", "));
                findings.push(Finding::wrong("codec", Cause::WarningReported, detail));
            }
            _ => {}
        }
    }
    if registered.is_none() && !failed.is_empty() {
        findings.push(Finding::wrong("codec", Cause::NotRegistered, failed.join(", ")));
        return Some(false);
    }
    registered
}

fn part(part: &str, name: &str, (up, down): (bool, bool), findings: &mut Vec<Finding>) {
    if down {
        findings.push(Finding::wrong(part, Cause::FaultReported, name));
    } else if up {
        findings.push(Finding::good(part));
    }
}

fn of_audio(audio: &Value, findings: &mut Vec<Finding>) {
    if let Some(microphones) = number(audio, "numOfMicsConnected") {
        findings.push(match microphones {
            ..=0.0 => Finding::wrong("microphone", Cause::Unplugged, ""),
            _ => Finding::good("microphone"),
        });
    }
    if let Some(volume) = number(audio, "volume") {
        findings.push(match volume {
            ..=0.0 => Finding::wrong("speaker", Cause::Silent, ""),
            _ => Finding::good("speaker"),
        });
    }
}

fn add(media: &mut Media, channel: &Value) {
    let direction = match channel.get("mediaDirection").and_then(Value::as_str) {
        Some("RX") => "receive",
        Some("TX") => "transmit",
        _ => return,
    };
    let kind = match channel.get("mediaType").and_then(Value::as_str) {
        Some("AUDIO") => "audio",
        Some("VIDEO") => "video",
        Some("CONTENT") => "content",
        _ => return,
    };
    let channel = Channel {
        loss_ratio: number(channel, "percentPacketLoss").map(|percent| percent / 100.0),
        jitter_seconds: number(channel, "jitter").map(|millis| millis / 1e3),
        bytes_per_second: number(channel, "actualBitRate").map(|kilobits| kilobits * 125.0),
    };
    media.add(kind, direction, channel);
}
