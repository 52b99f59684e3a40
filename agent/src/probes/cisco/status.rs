//! `status.xml` of Cisco's codecs, from TC7 to `RoomOS` 26: nodes come and go between versions, so
//! what is absent is not known, and never a fault. Values from the schemas of `RoomOS`' own
//! documentation (`roomos.cisco.com`), fields of TC's attributes included. Pure.

use std::time::Duration;

use roxmltree::{Document, Node, ParsingOptions};
use wire::Cause;

use super::super::codec::{Channel, Finding, Ladder, Media, Status};
use super::Expected;

/// A codec in a call of many has some 6,000; a bomb has millions.
const NODES: u32 = 50_000;

/// A codec tells of what it minds; more than these few nobody reads.
const MESSAGES: usize = 8;

/// Advice on how to set a codec up, which keeps nobody from meeting.
const HYGIENE: &[&str] = &[
    "HTTPSModeSecurity",
    "ValidPasswords",
    "FirstTimeWizardNotCompleted",
    "ContactInfoMismatch",
    "SIPListenPortAndRegistration",
];

/// Reads a whole document. The error says what it is instead.
pub(super) fn read(xml: &str, expected: &Expected) -> Result<Status, String> {
    // No document type: a codec has none, and entities are how bombs are made.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..Default::default() };
    let document = Document::parse_with_options(xml, options).map_err(|error| error.to_string())?;
    let root = document.root_element();
    if root.tag_name().name() != "Status" {
        return Err(format!("a document of {:?} and not of \"Status\"", root.tag_name().name()));
    }
    let mut findings = vec![Finding::good("codec")];
    let registered = registered(root, &mut findings);
    let in_call = in_call(root);
    let awake = awake(root);
    if awake == Some(false) && in_call != Some(true) {
        let state = text(root, "Standby/State").unwrap_or_default();
        findings.push(Finding::wrong("codec", Cause::Standby, state));
    }
    cameras(root, expected, &mut findings);
    microphones(root, expected, &mut findings);
    if awake != Some(false) {
        displays(root, expected, &mut findings);
    }
    speaker(root, &mut findings);
    health(root, &mut findings);
    Ok(Status {
        product: text(root, "SystemUnit/ProductId")
            .or_else(|| text(root, "SystemUnit/ProductPlatform"))
            .or_else(|| root.attribute("product").map(fit)),
        version: text(root, "SystemUnit/Software/Version")
            .or_else(|| root.attribute("version").map(fit)),
        uptime: number(root, "SystemUnit/Uptime").and_then(|s| Duration::try_from_secs_f64(s).ok()),
        ladder: Ladder { registered, awake, in_call, ..Ladder::answered() },
        findings,
        media: media(root),
    })
}

/// The children of that name.
fn children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

/// The first node at `A/B/C` below `node`.
fn at<'a, 'i: 'a>(node: Node<'a, 'i>, path: &str) -> Option<Node<'a, 'i>> {
    path.split('/')
        .try_fold(node, |node, name| node.children().find(|child| child.tag_name().name() == name))
}

fn text(node: Node<'_, '_>, path: &str) -> Option<String> {
    let text = fit(at(node, path)?.text()?);
    (!text.is_empty()).then_some(text)
}

fn number(node: Node<'_, '_>, path: &str) -> Option<f64> {
    text(node, path)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A text as it may be shown.
fn fit(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(wire::limits::TEXT_CHARS).collect()
}

/// Every node at `path`, whose last name may come more than once.
fn all<'a, 'i: 'a>(
    root: Node<'a, 'i>,
    parent: &str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    at(root, parent).into_iter().flat_map(move |node| children(node, name))
}

/// Whether SIP or H.323 is registered; `None` where neither is set up, as in rooms of Teams.
fn registered(root: Node<'_, '_>, findings: &mut Vec<Finding>) -> Option<bool> {
    let mut tried = Vec::new();
    for registration in all(root, "SIP", "Registration") {
        let status = text(registration, "Status").unwrap_or_default();
        let reason = text(registration, "Reason").map(|reason| format!(" ({reason})"));
        match status.as_str() {
            "Registered" => return Some(true),
            "" | "Inactive" | "Deregister" => {}
            _ => tried.push(format!("SIP {status}{}", reason.unwrap_or_default())),
        }
    }
    let gatekeeper = text(root, "H323/Gatekeeper/Status").unwrap_or_default();
    let disabled = text(root, "H323/Mode/Status").is_some_and(|mode| mode == "Disabled");
    let idle = disabled || matches!(gatekeeper.as_str(), "" | "Inactive");
    if matches!(gatekeeper.as_str(), "Registered" | "Authenticated") {
        return Some(true);
    }
    if !idle {
        let reason = text(root, "H323/Gatekeeper/Reason").map(|reason| format!(" ({reason})"));
        tried.push(format!("H.323 {gatekeeper}{}", reason.unwrap_or_default()));
    }
    if tried.is_empty() {
        return None;
    }
    findings.push(Finding::wrong("codec", Cause::NotRegistered, tried.join(", ")));
    Some(false)
}

fn in_call(root: Node<'_, '_>) -> Option<bool> {
    if let Some(active) = number(root, "SystemUnit/State/NumberOfActiveCalls") {
        return Some(active > 0.0);
    }
    at(root, "SystemUnit")?;
    let talks = |call: Node<'_, '_>| {
        let status = text(call, "Status").or_else(|| call.attribute("status").map(fit));
        status.is_some_and(|status| matches!(status.as_str(), "Connected" | "Synced" | "OnHold"))
    };
    Some(children(root, "Call").any(talks))
}

fn awake(root: Node<'_, '_>) -> Option<bool> {
    Some(match text(root, "Standby/State")?.as_str() {
        "Off" => true,
        "Standby" | "EnteringStandby" | "Halfwake" => false,
        _ => return None,
    })
}

fn is_true(node: Node<'_, '_>, path: &str) -> Option<bool> {
    Some(match text(node, path)?.as_str() {
        "True" | "On" | "Connected" => true,
        "False" | "Off" | "NotConnected" => false,
        _ => return None,
    })
}

/// Holds the parts that are connected against how many there should be.
fn count(
    part: &str,
    connected: impl Iterator<Item = Option<bool>>,
    (expected, cause): (usize, Cause),
    findings: &mut Vec<Finding>,
) {
    let all: Vec<Option<bool>> = connected.collect();
    // An older version that does not tell, or a node that comes with its first use.
    if expected == 0 || all.iter().all(Option::is_none) {
        return;
    }
    let there = all.iter().filter(|connected| **connected == Some(true)).count();
    if there >= expected {
        findings.push(Finding::good(part));
    } else {
        findings.push(Finding::wrong(part, cause, format!("{there} of {expected}")));
    }
}

fn cameras(root: Node<'_, '_>, expected: &Expected, findings: &mut Vec<Finding>) {
    let connected = all(root, "Cameras", "Camera").map(|camera| is_true(camera, "Connected"));
    count("camera", connected, (expected.cameras, Cause::Unplugged), findings);
}

fn microphones(root: Node<'_, '_>, expected: &Expected, findings: &mut Vec<Finding>) {
    let jacks = all(root, "Audio/Input/Connectors", "Microphone");
    let connected = jacks.map(|jack| is_true(jack, "ConnectionStatus"));
    count("microphone", connected, (expected.microphones, Cause::Unplugged), findings);
}

/// A TV in standby often looks as if it were not there.
fn displays(root: Node<'_, '_>, expected: &Expected, findings: &mut Vec<Finding>) {
    let outputs = || all(root, "Video/Output", "Connector");
    let asleep = |output: Node<'_, '_>| {
        at(output, "ConnectedDevice").is_some_and(|device| {
            children(device, "CEC")
                .any(|cec| text(cec, "PowerStatus").is_some_and(|power| power == "Standby"))
        })
    };
    if outputs().any(asleep) {
        findings.push(Finding::wrong("display", Cause::SwitchedOff, "by its own word (CEC)"));
        return;
    }
    let connected = outputs().map(|output| is_true(output, "Connected"));
    count("display", connected, (expected.displays, Cause::DisplayUnseen), findings);
}

fn speaker(root: Node<'_, '_>, findings: &mut Vec<Finding>) {
    if text(root, "Audio/VolumeMute").is_some_and(|mute| mute == "On") {
        findings.push(Finding::wrong("speaker", Cause::Muted, ""));
    } else if let Some(volume) = number(root, "Audio/Volume") {
        findings.push(match volume {
            ..=0.0 => Finding::wrong("speaker", Cause::Silent, ""),
            _ => Finding::good("speaker"),
        });
    }
}

/// Heat, a half-duplex line, and what the codec's own diagnosis says.
fn health(root: Node<'_, '_>, findings: &mut Vec<Finding>) {
    let heat = text(root, "SystemUnit/Hardware/Monitoring/Temperature/Status");
    match heat.as_deref() {
        Some("Critical") => {
            findings.push(Finding::wrong("codec", Cause::FaultReported, "temperature critical"));
        }
        Some("High") => {
            findings.push(Finding::wrong("codec", Cause::WarningReported, "temperature high"));
        }
        _ => {}
    }
    for network in children(root, "Network") {
        if let Some(speed) = text(network, "Ethernet/Speed").filter(|speed| speed.ends_with("half"))
        {
            findings.push(Finding::wrong("codec", Cause::HalfDuplex, speed));
        }
    }
    let messages = all(root, "Diagnostics", "Message").filter_map(message);
    findings.extend(messages.take(MESSAGES));
}

fn message(message: Node<'_, '_>) -> Option<Finding> {
    let field = |name: &str| text(message, name).or_else(|| message.attribute(name).map(fit));
    let kind = field("Type").unwrap_or_default();
    let cause = match field("Level")?.as_str() {
        _ if HYGIENE.contains(&kind.as_str()) => return None,
        "Critical" => Cause::FaultReported,
        "Error" => Cause::WarningReported,
        _ => return None,
    };
    let detail = format!("{kind}: {}", field("Description").unwrap_or_default());
    Some(Finding::wrong("codec", cause, detail))
}

/// The channels of all calls. Outgoing ones show what the far end says it got.
fn media(root: Node<'_, '_>) -> Media {
    let mut media = Media::default();
    let channels = all(root, "MediaChannels", "Call").flat_map(|call| children(call, "Channel"));
    for channel in channels {
        let direction = match text(channel, "Direction").as_deref() {
            Some("Incoming") => "receive",
            Some("Outgoing") => "transmit",
            _ => continue,
        };
        let video = at(channel, "Video");
        let is_off = |node| text(node, "Protocol").is_some_and(|protocol| protocol == "Off");
        let kind = match text(channel, "Type").as_deref() {
            Some("Audio") => "audio",
            Some("Video") => match video.and_then(|video| text(video, "ChannelRole")).as_deref() {
                Some("Presentation") => "content",
                _ => "video",
            },
            _ => continue,
        };
        // A channel that is kept ready and carries nothing.
        if video.or_else(|| at(channel, "Audio")).is_some_and(is_off) {
            continue;
        }
        let lost = number(channel, "Netstat/LastIntervalLost");
        let received = number(channel, "Netstat/LastIntervalReceived");
        let loss = lost.zip(received).filter(|(lost, received)| lost + received > 0.0);
        media.add(
            kind,
            direction,
            Channel {
                loss_ratio: loss.map(|(lost, received)| lost / (lost + received)),
                jitter_seconds: number(channel, "Netstat/Jitter").map(|millis| millis / 1e3),
                bytes_per_second: number(channel, "Netstat/ChannelRate").map(|bits| bits / 8.0),
            },
        );
    }
    media
}
