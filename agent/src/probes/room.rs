//! What the probes of the room's devices share: what is expected, held against what is there.

use std::num::NonZeroU8;

use wire::{Cause, DeviceState, limits};

use crate::platform::Device;
use crate::tally::Run;

/// Devices of one kind that are told; a room has a handful.
const DEVICES: usize = 16;

/// What a room is expected to have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    /// A part of the name, of the maker or the USB id; any device without it.
    pub(super) name: Option<&'a str>,
    /// How many; default one.
    pub(super) count: Option<NonZeroU8>,
}

/// What a kind of device is called, to stand within a sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) vi: &'static str,
    pub(super) en: &'static str,
}

impl Expected<'_> {
    /// Whether this is a device that is expected.
    pub(super) fn includes(&self, device: &Device) -> bool {
        self.name.is_none_or(|name| {
            let name = name.to_lowercase();
            [&device.name, &device.aliases].iter().any(|own| own.to_lowercase().contains(&name))
        })
    }

    fn count(&self) -> usize {
        self.count.map_or(1, |count| usize::from(count.get()))
    }
}

/// Tells of every expected device its state and its troubles, and of every missing one that it is
/// missing.
pub(super) fn record(run: &mut Run<'_>, word: Word, expected: Expected<'_>, there: &[Device]) {
    let (ours, others): (Vec<_>, Vec<_>) = there.iter().partition(|d| expected.includes(d));
    let mut labels: Vec<String> = Vec::new();
    for device in ours.iter().take(DEVICES) {
        let label = label(&device.name, &labels);
        tell(run, word, &label, device);
        labels.push(label);
    }
    for number in ours.len()..expected.count().min(DEVICES) {
        let label = match expected.name {
            Some(name) if expected.count() == 1 => name.to_owned(),
            Some(name) => format!("{name} #{}", number + 1),
            None => format!("#{}", number + 1),
        };
        missing(run, word, &label, &others);
    }
    if !others.is_empty() && ours.len() >= expected.count() {
        let names = names(&others);
        run.step(|| format!("Ngoài ra còn có: {names}."), || format!("Also there: {names}."));
    }
}

fn tell(run: &mut Run<'_>, word: Word, label: &str, device: &Device) {
    let states = device.troubles.iter().map(|(cause, _)| cause.state());
    let state = states.max().unwrap_or(DeviceState::Ok);
    run.device(label, state);
    for (cause, detail) in &device.troubles {
        run.trouble(label, *cause, detail);
    }
    let aliases = device.aliases.trim();
    run.step(
        || format!("Có {} {label} ({aliases}): {}.", word.vi, state.word(wire::Language::Vi)),
        || {
            format!(
                "There is the {} {label} ({aliases}): {}.",
                word.en,
                state.word(wire::Language::En)
            )
        },
    );
    if let Some(in_use) = device.in_use {
        run.gauge_of("bridge_device_in_use", label, f64::from(u8::from(in_use)));
        let user = device.user.as_deref().unwrap_or("-");
        run.step(
            || {
                if in_use {
                    format!("{label} đang được dùng ({user}).")
                } else {
                    format!("{label} đang rảnh.")
                }
            },
            || {
                if in_use {
                    format!("{label} is in use ({user}).")
                } else {
                    format!("{label} is not in use.")
                }
            },
        );
    }
}

/// Tells of expected devices that the system has no word of them.
pub(super) fn untold(run: &mut Run<'_>, word: Word, expected: Expected<'_>, why: &str) {
    let label = expected.name.unwrap_or("#1");
    run.device(label, DeviceState::Unknown);
    run.trouble(label, Cause::Untold, why);
    run.step(
        || format!("Không rõ {} {label}: {why}.", word.vi),
        || format!("Of the {} {label} nothing is known: {why}.", word.en),
    );
}

fn missing(run: &mut Run<'_>, word: Word, label: &str, others: &[&Device]) {
    run.device(label, DeviceState::Missing);
    let names = names(others);
    let detail = if names.is_empty() { String::new() } else { format!("there is only {names}") };
    run.trouble(label, Cause::Absent, &detail);
    run.step(
        || format!("Thiếu {} {label}; đang có: {}.", word.vi, or_none(&names)),
        || format!("The {} {label} is missing; there is: {}.", word.en, or_none(&names)),
    );
}

fn or_none(names: &str) -> &str {
    if names.is_empty() { "-" } else { names }
}

fn names(devices: &[&Device]) -> String {
    let names = devices.iter().take(DEVICES).map(|device| device.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

/// A name of its own for each: two equal cameras are told apart by their order.
fn label(name: &str, taken: &[String]) -> String {
    // Room for the number.
    let name: String = name.trim().chars().take(limits::TEXT_CHARS - 4).collect();
    let name = if name.is_empty() { "?".to_owned() } else { name };
    if !taken.contains(&name) {
        return name;
    }
    let numbered = (2..).map(|number| format!("{name} #{number}"));
    numbered.into_iter().find(|label| !taken.contains(label)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::bench::{Bench, Found};

    const CAMERA: Word = Word { vi: "camera", en: "camera" };

    fn device(name: &str, aliases: &str, troubles: &[Cause]) -> Device {
        let troubles = troubles.iter().map(|cause| (*cause, "why".to_owned())).collect();
        Device { name: name.to_owned(), aliases: aliases.to_owned(), troubles, ..Device::default() }
    }

    fn look(name: Option<&str>, count: u8, there: &[Device]) -> Found {
        let expected = Expected { name, count: NonZeroU8::new(count) };
        Bench::default().record(|run| record(run, CAMERA, expected, there))
    }

    #[test]
    fn what_is_expected_is_held_against_what_is_there() {
        let c920 = || device("C920", "Logitech 046d:082d", &[]);
        let aver = || device("AVer CAM520", "AVer 2574:0910", &[]);
        for (name, count, there, devices, troubles) in [
            (None, 0, vec![c920()], "C920 ok", ""),
            (None, 0, vec![], "#1 missing", "#1 absent"),
            (None, 2, vec![c920()], "#2 missing, C920 ok", "#2 absent"),
            (None, 2, vec![c920(), c920()], "C920 ok, C920 #2 ok", ""),
            (Some("logitech"), 0, vec![aver(), c920()], "C920 ok", ""),
            (Some("046d:082d"), 0, vec![c920()], "C920 ok", ""),
            (Some("Logitech"), 0, vec![aver()], "Logitech missing", "Logitech absent"),
            (Some("C920"), 2, vec![c920()], "C920 ok, C920 #2 missing", "C920 #2 absent"),
        ] {
            let found = look(name, count, &there);
            assert_eq!(found.devices(), devices, "{name:?} {count}");
            assert_eq!(found.troubles(), troubles, "{name:?} {count}");
        }
    }

    #[test]
    fn the_gravest_trouble_is_the_state_and_all_are_named() {
        let there = [device("Mic", "", &[Cause::NotDefault, Cause::Muted])];
        let found = look(None, 1, &there);
        assert_eq!(found.devices(), "Mic blocked");
        assert_eq!(found.troubles(), "Mic not_default, Mic muted");
    }

    #[test]
    fn the_one_that_is_there_instead_is_named() {
        let found = look(Some("C920"), 1, &[device("Laptop Camera", "", &[])]);
        assert_eq!(&*found.troubles[0].detail, "there is only Laptop Camera");
        assert!(found.steps().contains("The camera C920 is missing; there is: Laptop Camera."));
    }

    #[test]
    fn a_system_that_does_not_tell_leaves_it_unknown() {
        let expected = Expected { name: Some("LG"), count: None };
        let found = Bench::default().record(|run| untold(run, CAMERA, expected, "no driver"));
        assert_eq!(
            (found.devices().as_str(), found.troubles().as_str()),
            ("LG unknown", "LG untold")
        );
    }

    #[test]
    fn use_is_told_where_the_system_tells_it() {
        let used =
            Device { in_use: Some(true), user: Some("zoom".to_owned()), ..device("C920", "", &[]) };
        let found = look(None, 1, &[used]);
        assert_eq!(found.number_of("bridge_device_in_use", "C920"), Some(1.0));
        assert!(found.steps().contains("C920 is in use (zoom)."));
        assert_eq!(
            look(None, 1, &[device("C920", "", &[])]).number_of("bridge_device_in_use", "C920"),
            None
        );
    }

    #[test]
    fn a_flood_of_devices_and_a_name_without_end_are_bounded() {
        let there: Vec<_> = (0..100).map(|_| device(&"x".repeat(1000), "", &[])).collect();
        let found = look(None, 1, &there);
        let labels = found.labels("bridge_device_state");
        assert_eq!(labels.len(), DEVICES);
        assert!(labels.iter().all(|label| label.chars().count() <= limits::TEXT_CHARS));
    }
}
