//! From what is there to what is expected. Pure.

use std::fmt;

use wire::Cause;

use crate::platform::{Device, SoundDevice};
use crate::runner::Task;

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) cameras: Vec<Device>,
    pub(super) microphones: Vec<SoundDevice>,
    pub(super) speakers: Vec<SoundDevice>,
    pub(super) displays: Vec<Device>,
}

/// A probe of the configuration: its name, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) probe: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.probe)
    }
}

/// A probe for each device, of the kinds that the configuration does not have yet: what a person
/// wrote of a kind is that person's word.
pub(super) fn lines(found: &Found, configured: &[Task]) -> Vec<Line> {
    let kinds = [
        ("camera", names(&found.cameras)),
        ("microphone", used(&found.microphones)),
        ("speaker", used(&found.speakers)),
        ("display", names(&found.displays)),
    ];
    let mut taken: Vec<String> = configured.iter().map(|task| task.name.to_string()).collect();
    let mut lines = Vec::new();
    for (kind, names) in kinds {
        if configured.iter().any(|task| task.probe.kind() == kind) {
            continue;
        }
        for (device, count) in names {
            let name = free(kind, &taken);
            taken.push(name.clone());
            let repeats = kind == "display" && repeats(&found.displays, &device);
            // A text of JSON is one of YAML, whatever is in it.
            let device = serde_json::Value::from(device).to_string();
            let count = if count > 1 { format!(", count: {count}") } else { String::new() };
            let more = if repeats { ", duplicated: true" } else { "" };
            lines.push(Line {
                name,
                probe: format!("{{ {kind}: {{ name: {device}{count}{more} }} }}"),
            });
        }
    }
    lines
}

/// Each name once, with how often it is there.
fn names(devices: &[Device]) -> Vec<(String, usize)> {
    let mut names: Vec<(String, usize)> = Vec::new();
    for device in devices {
        match names.iter_mut().find(|(name, _)| *name == device.name) {
            Some((_, count)) => *count += 1,
            None => names.push((device.name.clone(), 1)),
        }
    }
    names
}

/// Whether a display repeats another one, which then is how this room is meant to be.
fn repeats(displays: &[Device], name: &str) -> bool {
    let is_told =
        |device: &Device| device.troubles.iter().any(|(cause, _)| *cause == Cause::Duplicated);
    displays.iter().any(|display| display.name == name && is_told(display))
}

/// Of sound devices the one that programs get: a PC has more sockets than a room has speakers.
fn used(devices: &[SoundDevice]) -> Vec<(String, usize)> {
    let is_default = |sound: &&SoundDevice| sound.controls.is_some_and(|controls| controls.default);
    let default = devices.iter().find(is_default);
    default.map(|sound| (sound.device.name.clone(), 1)).into_iter().collect()
}

fn free(kind: &str, taken: &[String]) -> String {
    let mut name = kind.to_owned();
    let mut number = 2;
    while taken.contains(&name) {
        name = format!("{kind}-{number}");
        number += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;
    use crate::platform::SoundControls;

    fn device(name: &str) -> Device {
        Device { name: name.to_owned(), ..Device::default() }
    }

    fn sound(name: &str, default: bool) -> SoundDevice {
        let controls = Some(SoundControls { default, muted: false, volume: 1.0 });
        SoundDevice { device: device(name), controls }
    }

    fn told(found: &Found, configured: &str) -> Vec<String> {
        let config = config::parse(Path::new("agent.yaml"), configured).unwrap();
        lines(found, &config.tasks).iter().map(Line::to_string).collect()
    }

    #[test]
    fn a_room_becomes_a_list_of_probes() {
        let found = Found {
            cameras: vec![device("C920"), device("AVer \"520\""), device("C920")],
            microphones: vec![sound("Jack", false), sound("Jabra", true)],
            speakers: vec![sound("HDMI", false)],
            displays: vec![device("LG TV SSCR2")],
        };
        let expected = [
            r#"camera: { camera: { name: "C920", count: 2 } }"#,
            r#"camera-2: { camera: { name: "AVer \"520\"" } }"#,
            r#"microphone: { microphone: { name: "Jabra" } }"#,
            r#"display: { display: { name: "LG TV SSCR2" } }"#,
        ];
        assert_eq!(told(&found, ""), expected);
        let text = expected.map(|line| format!("  {line}\n")).concat();
        let config = config::parse(Path::new("agent.yaml"), &format!("probes:\n{text}")).unwrap();
        assert_eq!(config.tasks.len(), expected.len());
    }

    #[test]
    fn displays_that_repeat_each_other_are_meant_to_where_they_do_at_installation() {
        let why = "the same picture as DELL".to_owned();
        let repeats = Device { troubles: vec![(Cause::Duplicated, why)], ..device("LG TV") };
        let found = Found { displays: vec![repeats, device("Sony")], ..Found::default() };
        let expected = [
            r#"display: { display: { name: "LG TV", duplicated: true } }"#,
            r#"display-2: { display: { name: "Sony" } }"#,
        ];
        assert_eq!(told(&found, ""), expected);
        let text = expected.map(|line| format!("  {line}\n")).concat();
        config::parse(Path::new("agent.yaml"), &format!("probes:\n{text}")).unwrap();
    }

    #[test]
    fn what_a_person_wrote_stays_that_persons_word() {
        let found = Found {
            cameras: vec![device("C920")],
            displays: vec![device("LG")],
            ..Found::default()
        };
        let configured = "probes: { front: { camera: {} }, display: { host: {} } }";
        assert_eq!(told(&found, configured), [r#"display-2: { display: { name: "LG" } }"#]);
    }
}
