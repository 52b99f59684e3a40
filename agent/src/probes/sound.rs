//! What the probes `microphone` and `speaker` share: mute, volume and the default device.

use wire::Cause;

use super::room::{self, Expected, Word};
use crate::platform::{Device, SoundDevice};
use crate::tally::Run;

/// Below this no word is heard.
const SILENT_BELOW: f64 = 0.01;

/// Below this a room does not understand; a fifth is what technicians are told to check for.
const QUIET_BELOW: f64 = 0.2;

/// Tells of every expected device, judged by its controls.
pub(super) fn record(run: &mut Run<'_>, word: Word, expected: Expected<'_>, there: &[SoundDevice]) {
    // Another device is the default one's fault only if it is none of ours.
    let ours_is_default = there.iter().any(|sound| {
        expected.includes(&sound.device) && sound.controls.is_some_and(|controls| controls.default)
    });
    let instead = there.iter().find(|sound| sound.controls.is_some_and(|c| c.default));
    let instead = instead.map_or("nothing", |sound| &sound.device.name);
    let judged: Vec<Device> = there
        .iter()
        // Without a name every device is one; only those that programs get are worth judging.
        .filter(|sound| {
            expected.name.is_some() || expected.count.is_some() || used(sound, ours_is_default)
        })
        .map(|sound| judged(sound, expected, ours_is_default, instead))
        .collect();
    for sound in there.iter().filter(|sound| expected.includes(&sound.device)) {
        if let Some(controls) = sound.controls {
            let (name, percent) = (&sound.device.name, controls.volume * 100.0);
            run.step(
                || format!("{name}: âm lượng {percent:.0}%."),
                || format!("{name}: volume {percent:.0} %."),
            );
        }
    }
    room::record(run, word, expected, &judged);
}

/// Whether a device is the one that programs get, or there is no such thing to be seen.
fn used(sound: &SoundDevice, there_is_a_default: bool) -> bool {
    !there_is_a_default || sound.controls.is_some_and(|controls| controls.default)
}

fn judged(
    sound: &SoundDevice,
    expected: Expected<'_>,
    ours_is_default: bool,
    instead: &str,
) -> Device {
    let mut device = sound.device.clone();
    let Some(controls) = sound.controls else { return device };
    let percent = format!("{:.0} %", controls.volume * 100.0);
    if controls.muted {
        device.troubles.push((Cause::Muted, String::new()));
    } else if controls.volume < SILENT_BELOW {
        device.troubles.push((Cause::Silent, percent));
    } else if controls.volume < QUIET_BELOW {
        device.troubles.push((Cause::Quiet, percent));
    }
    if !ours_is_default && expected.name.is_some() {
        device.troubles.push((Cause::NotDefault, format!("programs get {instead}")));
    }
    device
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use super::*;
    use crate::platform::SoundControls;
    use crate::probes::bench::{Bench, Found};

    fn sound(name: &str, controls: Option<(bool, bool, f64)>) -> SoundDevice {
        let device = Device { name: name.to_owned(), ..Device::default() };
        let controls =
            controls.map(|(default, muted, volume)| SoundControls { default, muted, volume });
        SoundDevice { device, controls }
    }

    fn look(name: Option<&str>, count: u8, there: &[SoundDevice]) -> Found {
        let expected = Expected { name, count: NonZeroU8::new(count) };
        let word = Word { vi: "micrô", en: "microphone" };
        Bench::default().record(|run| record(run, word, expected, there))
    }

    #[test]
    fn controls_are_judged() {
        for (controls, devices, troubles) in [
            ((true, false, 0.8), "Jabra ok", ""),
            ((true, true, 0.8), "Jabra blocked", "Jabra muted"),
            ((true, true, 0.0), "Jabra blocked", "Jabra muted"),
            ((true, false, 0.0), "Jabra blocked", "Jabra silent"),
            ((true, false, 0.19), "Jabra degraded", "Jabra quiet"),
            ((false, false, 0.8), "Jabra degraded", "Jabra not_default"),
            ((false, true, 0.8), "Jabra blocked", "Jabra muted, Jabra not_default"),
        ] {
            let there =
                [sound("Jabra", Some(controls)), sound("HDMI", Some((!controls.0, false, 1.0)))];
            let found = look(Some("jabra"), 0, &there);
            assert_eq!((found.devices().as_str(), found.troubles().as_str()), (devices, troubles));
        }
        let there =
            [sound("Jabra", Some((false, false, 1.0))), sound("HDMI TV", Some((true, false, 1.0)))];
        assert_eq!(&*look(Some("Jabra"), 0, &there).troubles[0].detail, "programs get HDMI TV");
    }

    #[test]
    fn without_a_name_the_one_that_programs_get_counts() {
        let there =
            [sound("Jack", Some((false, true, 0.0))), sound("Jabra", Some((true, false, 1.0)))];
        assert_eq!(look(None, 0, &there).devices(), "Jabra ok");
        assert_eq!(look(None, 2, &there).devices(), "Jabra ok, Jack blocked");
        assert_eq!(look(None, 0, &[]).devices(), "#1 missing");
    }

    #[test]
    fn one_of_two_of_ours_being_the_default_is_enough() {
        let there =
            [sound("Jabra", Some((false, false, 1.0))), sound("Jabra", Some((true, false, 1.0)))];
        assert_eq!(look(Some("Jabra"), 2, &there).troubles(), "");
    }

    #[test]
    fn what_nobody_could_see_is_not_judged() {
        let mut unseen = sound("Jabra", None);
        unseen.device.troubles.push((Cause::NobodySignedIn, String::new()));
        let found = look(Some("Jabra"), 0, &[unseen]);
        assert_eq!(
            (found.devices().as_str(), found.troubles().as_str()),
            ("Jabra unknown", "Jabra nobody_signed_in")
        );
    }
}
