//! A room's equipment, as the probes of the room tell of it.

use ::tests::dice::Dice;
use agent::tally::Run;
use wire::reading::Failure;
use wire::{Cause, DeviceState};

use super::Circumstances;
use crate::fault::Fault;

/// What is bought: the maker, by whom the probe looks for it, and the system's name of it.
type Model = (&'static str, &'static str);

const CAMERAS: [Model; 4] = [
    ("Logitech", "Logitech BCC950 ConferenceCam"),
    ("Logitech", "Logitech MeetUp"),
    ("Aver", "AVer CAM520 Pro"),
    ("Poly", "Poly Studio P15"),
];
const SOUND: [Model; 4] = [
    ("Jabra", "Jabra Speak 510"),
    ("Jabra", "Jabra Speak 710"),
    ("Logitech", "Logitech BCC950"),
    ("Poly", "Poly Sync 40"),
];
const DISPLAYS: [Model; 4] =
    [("Samsung", "Samsung QB55"), ("LG", "LG 55UH5"), ("Sony", "SONY TV"), ("TCL", "TCL 65P")];

/// What stands in the room.
#[derive(Debug)]
pub(super) struct Room {
    camera: Model,
    sound: Model,
    display: Model,
}

impl Room {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let mut pick =
            |models: [Model; 4]| models[usize::try_from(dice.between(0, 3)).unwrap_or(0)];
        Self { camera: pick(CAMERAS), sound: pick(SOUND), display: pick(DISPLAYS) }
    }

    /// What a probe of the room sees. None of them fails: a missing device is a measurement.
    #[expect(clippy::unnecessary_wraps, reason = "as every probe answers")]
    pub(super) fn look(
        &self,
        run: &mut Run<'_>,
        kind: &str,
        circumstances: Circumstances<'_>,
    ) -> Result<(), Failure> {
        let ((maker, name), fault, cause, detail) = match kind {
            "camera" => (self.camera, Fault::CameraUnplugged, Cause::Absent, ""),
            "microphone" => (self.sound, Fault::MicrophoneMuted, Cause::Muted, ""),
            "speaker" => (self.sound, Fault::SpeakerQuiet, Cause::Quiet, "12 %"),
            _ => (self.display, Fault::DisplayAsleep, Cause::Asleep, "DPMS off"),
        };
        let felt = circumstances.felt.has(fault);
        // What is missing has no name but the one it is looked for by.
        let gone = felt && cause.state() == DeviceState::Missing;
        let label = if gone { maker } else { name };
        run.device(label, if felt { cause.state() } else { DeviceState::Ok });
        if felt {
            run.trouble(label, cause, detail);
        }
        if kind == "camera" && !gone {
            let in_use = f64::from(u8::from(circumstances.in_meeting));
            run.gauge_of("bridge_device_in_use", label, in_use);
        }
        Ok(())
    }
}
